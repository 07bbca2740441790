"""The home folder: where an operator's files and ours lie, and how a new one is made."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from integrator.errors import ConfigError, IntegratorError, Problem, StoreDamaged, UsageError
from integrator.secret import exposure

_VAR_FOLDERS = ("locks", "log", "spool", "evidence", "backups", "status")


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

    @property
    def status(self) -> Path:
        return self.var / "status"


def find_home(environ: Mapping[str, str]) -> Home:
    """Find the folder that is, or could be, the home: INTEGRATOR_HOME, or the current directory.

    Errors  ConfigError: no such folder, or none that this user can reach
    """
    root = absolute(Path(environ.get("INTEGRATOR_HOME") or "."))
    try:
        is_folder = root.is_dir()
    except OSError as error:
        raise ConfigError([Problem("INTEGRATOR_HOME", f"{root} cannot be reached: {error.strerror}")]) from None
    if not is_folder:
        raise ConfigError(
            [Problem("INTEGRATOR_HOME", f"{root} is not a folder")], hint=f"integrator init {root} makes one"
        )
    return Home(root)


def need_home(environ: Mapping[str, str]) -> Home:
    """Find the home folder, for a command that reads or writes in one.

    Errors  ConfigError: there is none, it is closed to this user, or it is a folder of something else
    """
    home = find_home(environ)
    if problems := closed_problems(home, home.var):
        raise ConfigError(problems)
    if not any(os.path.lexists(path) for path in (home.config, home.jobs, home.env_file)):
        raise ConfigError(
            [Problem(str(home.root), "not a home folder: it has no config/, no jobs/ and no .env")],
            hint=f"integrator init {home.root} makes one; or name the one you mean in INTEGRATOR_HOME",
        )
    return home


def absolute(path: Path) -> Path:
    """The path from the root. Errors  ConfigError: it starts at the current directory, and that was deleted"""
    try:
        return path.absolute()
    except FileNotFoundError:
        raise ConfigError(
            [Problem("the current directory", "is not there any more")],
            hint="cd to one that is, and name the home folder in INTEGRATOR_HOME",
        ) from None


def closed_problems(home: Home, *more: Path) -> list[Problem]:
    """What this user cannot read of a home's configuration, and of more folders; one that is not there is none.

    Elsewhere a closed folder is listed as an empty one: the shipped files would silently be used for those in it.
    """
    for folder in (home.root, home.config, home.jobs, *more):
        if (what := _closed(folder)) is not None:
            return [Problem(str(folder), what)]  # what lies in it, and beside it, follows from that
    return []


def _closed(folder: Path) -> str | None:
    try:
        with os.scandir(folder) as found:
            next(found, None)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return "is not a folder"
    except OSError as error:
        return f"cannot be read: {error.strerror}{_way_in(folder)}"
    return None if os.access(folder, os.X_OK) else f"cannot be entered: {_mended(folder)}"


def _way_in(folder: Path) -> str:
    try:
        return f": {_mended(folder)}"
    except OSError:
        return ""


def _mended(path: Path, mode: str = "700") -> str:
    """The command that opens a path to the user who runs us."""
    if path.stat().st_uid == os.geteuid():
        return f"chmod {mode} {path}"
    return f"run as the user who owns it, or: chown -R {os.geteuid()} {path}"


def file_error(error: OSError) -> IntegratorError:
    """What the system refused, in words: disks fill up and rights change, and neither is a bug."""
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    said = f"{' → '.join(names) or 'a file or a stream'}: cannot be read or written"
    hint = way_out(error.errno, names[0] if names else None)
    return IntegratorError(f"{said}: {error.strerror or type(error).__name__}", hint=hint)


def way_out(number: int | None, path: str | Path | None = None) -> str | None:
    """What to do about a disk, by the system's number of the error; path: the file that was refused."""
    if number in (errno.EACCES, errno.EPERM):
        return None if path is None else f"whose is it? ls -ld {path}"
    if number == errno.EROFS:
        return f"mount it read-write: mount -o remount,rw {'FOLDER' if path is None else _mounted_at(Path(path))}"
    return {errno.ENOSPC: "free some space: df -h", errno.EDQUOT: "this user's quota is used up"}.get(number or 0)


def _mounted_at(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if os.path.ismount(folder) or folder == folder.parent)


def read_only_problem(path: Path) -> StoreDamaged | None:
    """The error for a folder or file on a file system that is mounted read-only; None when it is not."""
    if not os.statvfs(path).f_flag & os.ST_RDONLY:
        return None
    return StoreDamaged(
        f"{path}: lies on a file system that is mounted read-only; nothing was done", hint=way_out(errno.EROFS, path)
    )


def make_var(home: Home, store: Path | None = None) -> None:
    """Make var/ and its folders, for the owner alone, and refuse what others can read or this user cannot write.

    Shape   store is the path of the database ([store] path), by default var/integrator.db
    Errors  ConfigError with the chmod or chown to type; or the folder cannot be made
            StoreDamaged: the disk is mounted read-only, or full
    """
    store = store or home.var / "integrator.db"
    folders = [home.var, *(home.var / name for name in _VAR_FOLDERS)]
    try:
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        refused = Path(error.filename)
        if not isinstance(error, PermissionError) and (hint := way_out(error.errno, refused.parent)):
            raise StoreDamaged(f"{refused}: cannot be made: {error.strerror}; nothing was done", hint=hint) from None
        way = _way_in(refused.parent) if isinstance(error, PermissionError) else ""
        raise ConfigError([Problem(str(refused), f"cannot be made: {error.strerror}{way}")]) from None
    written = [home.locks, home.log, home.spool, home.evidence, home.status, store.parent]
    closed = [folder for folder in written if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK)]
    if read_only := next(filter(None, map(read_only_problem, closed)), None):  # one disk, and no rights are wrong
        raise read_only
    problems = [
        *_exposed([*((folder, "700") for folder in folders), (store, "600")]),
        *(Problem(str(folder), f"cannot be written by this user: {_mended(folder)}") for folder in closed),
    ]
    if problems:
        raise ConfigError(problems)


def _exposed(paths: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
    for path, mode in paths:
        try:
            if path.stat().st_mode & 0o077:
                yield Problem(str(path), f"is open to group or others: chmod {mode} {path}")
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Problem(str(path), f"cannot be reached: {error.strerror}{_way_in(path.parent)}")


def private_problem(home: Home) -> Problem | None:
    """Say why .env may not hold secrets; None when it is a private file or absent."""
    try:
        status = home.env_file.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return Problem(".env", "is not a plain file")
    wrong = exposure(home.env_file, status, home.root)
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
    home = Home(absolute(target))
    origin = shipped()
    files = [(path, path.relative_to(origin)) for name in ("config", "jobs") for path in _files(origin / name)]
    files.append((origin / "config" / "env.example", Path(".env")))
    try:
        if target.exists() and not target.is_dir():
            raise UsageError(f"init: {target} is a file; expected a folder, or nothing yet")
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
    mode = 0o600 if private else 0o755 if content.startswith(b"#!") else 0o644
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        os.link(draft, target)  # unlike a rename, it never takes the place of a file
    finally:
        draft.unlink()
    return f"made  {relative}" + ("  (0600)" if private else "")
