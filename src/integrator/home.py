"""The home folder: where an operator's files and ours lie, and how a new one is made."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from integrator.errors import ConfigError, Problem, UsageError
from integrator.secret import exposure

_VAR_FOLDERS = ("locks", "log", "spool", "evidence", "backups")


class Home(msgspec.Struct, frozen=True):
    """One organisation's folder. Everything an operator edits is in config, jobs and .env; the rest is in var."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def env_file(self) -> Path:
        return self.root / ".env"

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def locks(self) -> Path:
        return self.var / "locks"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def spool(self) -> Path:
        return self.var / "spool"

    @property
    def evidence(self) -> Path:
        return self.var / "evidence"

    @property
    def backups(self) -> Path:
        return self.var / "backups"


def find_home(environ: Mapping[str, str]) -> Home:
    """Find the home folder: INTEGRATOR_HOME, or the current directory.

    Errors  ConfigError: no such folder
    """
    named = environ.get("INTEGRATOR_HOME", "")
    root = Path(named or ".").absolute()
    if not root.is_dir():
        raise ConfigError(
            [Problem("INTEGRATOR_HOME", f"{root} is not a folder")], hint=f"integrator init {root} makes one"
        )
    return Home(root)


def make_var(home: Home, store: Path | None = None) -> None:
    """Make var/ and its folders, for the owner alone, and refuse what others can read.

    Shape   store is the path of the database ([store] path), by default var/integrator.db
    Errors  ConfigError with the chmod to type; or the folder cannot be made
    """
    folders = [home.var, *(home.var / name for name in _VAR_FOLDERS)]
    try:
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError([Problem(str(error.filename), f"cannot be made: {error.strerror}")]) from None
    problems = [
        Problem(str(path), f"is open to group or others: chmod {mode} {path}")
        for path, mode in [*((folder, "700") for folder in folders), (store or home.var / "integrator.db", "600")]
        if path.exists() and path.stat().st_mode & 0o077
    ]
    if problems:
        raise ConfigError(problems)


def private_problem(home: Home) -> Problem | None:
    """Say what is wrong with the permissions of .env; None when it is private or absent."""
    try:
        wrong = exposure(home.env_file, home.env_file.stat(), home.root)
    except FileNotFoundError:
        return None
    return Problem(".env", wrong) if wrong else None


def shipped() -> Path:
    """The folder with the shipped config/ and jobs/: inside the package, or the repository in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "shipped", package.parents[1]):
        if (folder / "config").is_dir() and (folder / "jobs").is_dir():
            return folder
    raise RuntimeError(f"the installation is incomplete: no config/ and jobs/ with {package}")


def init_home(target: Path) -> list[str]:
    """Make a home folder out of the shipped files, or complete one; what is there already stays as it is.

    Shape   gives back one line per file: "made  jobs/import-courses.toml", "kept  .env"
    Errors  UsageError: target is a file; ConfigError: cannot be written, or var/ is open to others
    """
    if target.exists() and not target.is_dir():
        raise UsageError(f"init: {target} is a file; expected a folder, or nothing yet")
    home = Home(target.absolute())
    origin = shipped()
    files = [(path, path.relative_to(origin)) for name in ("config", "jobs") for path in _files(origin / name)]
    files.append((origin / "config" / "env.example", Path(".env")))
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        lines = [_place(source.read_bytes(), home.root, relative) for source, relative in files]
    except OSError as error:
        raise ConfigError([Problem(str(error.filename), f"cannot be written: {error.strerror}")]) from None
    was_there = home.var.exists()
    make_var(home)
    return [*lines, "kept  var/" if was_there else "made  var/  (0700)"]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _place(content: bytes, root: Path, relative: Path) -> str:
    """Write one file that is not there yet. It appears whole or not at all, under its name at once."""
    target = root / relative
    private = relative.name == ".env"
    if target.exists():
        changed = "" if private or target.read_bytes() == content else "  (differs from the shipped one)"
        return f"kept  {relative}{changed}"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        os.link(draft, target)  # unlike a rename, it never takes the place of a file
    finally:
        draft.unlink()
    return f"made  {relative}" + ("  (0600)" if private else "")
