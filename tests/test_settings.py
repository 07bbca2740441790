"""Configuration: read whole, checked whole, every problem told with file and line, no secret ever shown."""

import os
import re
import tomllib
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integrator.errors import ConfigError
from integrator.home import Home, shipped
from integrator.settings import Settings, load_settings
from integrator.settings.model import TABLES, Table

ERP = '[maconomy]\nbase_url = "https://erp.example.org"\nauth_value = { env = "ERP_AUTH" }\n'
JOB = 'schedule = "5 * * * *"\ntimeout = "20m"\n'


class HomeFolder:
    """A home in a temporary folder, written by the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("maconomy", "wordpress"):
            self.write(f"config/{name}.toml", "")

    def write(self, name: str, text: str, mode: int = 0o600) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def config(self, text: str) -> None:
        self.write("config/integrator.toml", text)

    def load(self, environ: Mapping[str, str] | None = None, needs: Sequence[str] | None = None) -> Settings:
        return load_settings(Home(self.root), environ or {}, needs=needs)

    def problems(self, environ: Mapping[str, str] | None = None, needs: Sequence[str] | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(environ, needs)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def home(tmp_path: Path) -> HomeFolder:
    return HomeFolder(tmp_path)


def test_an_empty_home_has_every_system_switched_off(tmp_path: Path) -> None:
    settings = load_settings(Home(tmp_path), {})

    assert settings.store.path == tmp_path / "var" / "integrator.db"
    assert settings.reservations.hold_minutes == 30
    switched_on = [name for name in TABLES if getattr(settings, name) is not None]
    assert switched_on == ["store", "reservations", "retention", "monitor", "gateway"]
    assert settings.jobs["store-backup"].command == ("store", "backup")
    assert settings.jobs["import-courses"].policy == {"missing_runs": 3, "past": "keep"}


def test_a_full_table_is_read_with_its_defaults(home: HomeFolder) -> None:
    home.config(
        ERP.replace(".org", ".org/api/") + "timeout_s = 7\n"
        '[wordpress]\nbase_url = "http://127.0.0.1:8080"\nusername = "sync"\npassword = { file = "wp" }\n'
        '[store]\npath = "/srv/data/x.db"\n'
    )
    home.write("wp", "wp-secret\n")
    settings = home.load({"ERP_AUTH": "Bearer erp-secret"})

    assert settings.maconomy is not None
    assert settings.maconomy.base_url == "https://erp.example.org/api"
    assert settings.maconomy.auth_header == "Authorization"
    assert settings.maconomy.auth_value.reveal() == "Bearer erp-secret"
    assert settings.maconomy.mapping == home.root / "config" / "maconomy.toml"
    assert (settings.maconomy.timeout_s, settings.maconomy.list_timeout_s) == (7.0, 60.0)
    assert settings.wordpress is not None
    assert settings.wordpress.password.reveal() == "wp-secret"
    assert settings.store.path == Path("/srv/data/x.db")


def test_five_mistakes_are_five_problems_and_nothing_else(home: HomeFolder) -> None:
    home.config(
        "# a comment\n"
        "[maconomy]\n"
        'base_url = "http://erp.example.org"\n'
        'auth_value = { env = "ERP_AUTH" }\n'
        'timeout_s = "soon"\n'
        "\n"
        "[wordpres]\n"
        'base_url = "https://www.example.org"\n'
    )
    home.write("jobs/import-courses.toml", 'schedule = "61 * * * *"\ntimeout = "20m"\n')

    assert home.problems() == [
        "config/integrator.toml:3: [maconomy] base_url: expected https: plain http is for this machine only "
        "(localhost, 127.0.0.1, ::1)",
        "config/integrator.toml:4: [maconomy] auth_value: ERP_AUTH is not set: put ERP_AUTH=... into .env, "
        "or into the environment",
        "config/integrator.toml:5: [maconomy] timeout_s: expected a number, got text",
        "config/integrator.toml:7: [wordpres] unknown table: did you mean wordpress?",
        "jobs/import-courses.toml:1: schedule: is not a cron expression (bad minute)",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("timeout = 5", "7: [maconomy] timeout: unknown key: did you mean timeout_s?"),
        ("zzz = 5", "7: [maconomy] zzz: unknown key: known here: base_url, auth_header"),
        ("timeout_s = true", "7: [maconomy] timeout_s: expected a number, got true or false"),
        ("timeout_s = inf", "7: [maconomy] timeout_s: expected a number <= 86400.0"),
        ("timeout_s = nan", "7: [maconomy] timeout_s: expected a number > 0.0"),
        ("max_list_mb = 0", "7: [maconomy] max_list_mb: expected a whole number >= 1"),
        ("max_list_mb = 1.5", "7: [maconomy] max_list_mb: expected a whole number, got a number"),
        ('auth_header = "X: Y"', "7: [maconomy] auth_header: expected letters, digits and hyphens only"),
        ('mapping = "config/none.toml"', "7: [maconomy] mapping: the file config/none.toml is missing in "),
        ("mapping = 3", "7: [maconomy] mapping: expected text, got a whole number"),
        ('[reservations]\nhold_minutes = "30"', "8: [reservations] hold_minutes: expected a whole number, got text"),
        ("[retention]\norders_days = -1", "8: [retention] orders_days: expected a whole number >= 1"),
        ('[monitor]\nalert_to = "operator"', "8: [monitor] alert_to: expected one mail address"),
        ('[monitor]\nping_url = "http://ping.example.org"', "8: [monitor] ping_url: expected https"),
        ("[brp]", "7: [brp] base_url: missing"),
        ("[[kobo]]", "7: [kobo]: expected a table: one line [kobo], its keys below it"),
        (
            '[browser]\nremote_url = "https://me:pw@grid.example.org"',
            "8: [browser] remote_url: an address holds no login",
        ),
        ('[store]\npath = ""', "8: [store] path: expected a path"),
    ],
)
def test_a_wrong_line_is_told_with_its_number_and_what_is_expected(home: HomeFolder, line: str, said: str) -> None:
    home.config(f"# above\n\n\n{ERP}{line}\n")
    assert home.problems({"ERP_AUTH": "x"})[0].startswith(f"config/integrator.toml:{said}")


def test_a_key_outside_every_table_is_told(home: HomeFolder) -> None:
    home.config('base_url = "https://erp.example.org"\n')
    [problem] = home.problems()
    assert problem.startswith("config/integrator.toml:1: [base_url] unknown table: known here: store, maconomy")


@pytest.mark.parametrize(
    "address",
    [
        "erp.example.org",
        "ftp://erp.example.org",
        "https://",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://192.168.1.4",
        "https://me:hunter2@erp.example.org",
        "https://erp.example.org/?key=hunter2",
        "https://erp.example.org/#hunter2",
        "https://erp.example.org/?",
        "https://erp.example.org:port",
        "https://[::1",
        "https://erp.example.org\\\\@evil.example.org",
        "https://erp.example.org/ x",
        "https://erp.example.org\\n",
    ],
)
def test_an_address_that_is_not_plainly_https_is_refused_without_repeating_it(home: HomeFolder, address: str) -> None:
    home.config(ERP.replace("https://erp.example.org", address))
    [problem] = home.problems({"ERP_AUTH": "x"})
    assert problem.startswith("config/integrator.toml:2: [maconomy] base_url: ")
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "address", ["http://localhost:81", "http://127.0.0.1", "http://[::1]:8080", "http://127.9.9.9/x"]
)
def test_plain_http_is_allowed_on_this_machine(home: HomeFolder, address: str) -> None:
    home.config(ERP.replace("https://erp.example.org", address))
    settings = home.load({"ERP_AUTH": "x"})
    assert settings.maconomy is not None
    assert settings.maconomy.base_url == address


def test_missing_keys_are_told_at_their_table(home: HomeFolder) -> None:
    home.config("\n[maconomy]\n")
    assert home.problems() == [
        "config/integrator.toml:2: [maconomy] base_url: missing",
        "config/integrator.toml:2: [maconomy] auth_value: missing",
    ]


def test_a_file_that_is_not_toml_is_one_problem_beside_those_of_the_jobs(home: HomeFolder) -> None:
    home.config("[maconomy]\nbase_url = \n")
    home.write("jobs/store-backup.toml", "schedule = 5\n")
    problems = home.problems()
    assert problems[0].startswith("config/integrator.toml:2: is not TOML")
    assert [problem.split(": ")[:2] for problem in problems[1:]] == [
        ["jobs/store-backup.toml:1", "schedule"],
        ["jobs/store-backup.toml:1", "timeout"],
    ]


# --- secrets


@pytest.mark.parametrize("value", ['"Bearer hunter2"', '{ env = "hunter2" }', '{ value = "hunter2" }', '["hunter2"]'])
@pytest.mark.parametrize("needs", [None, ()])
def test_a_secret_in_plain_text_is_refused_and_not_repeated(
    home: HomeFolder, value: str, needs: Sequence[str] | None
) -> None:
    home.config(ERP.replace('{ env = "ERP_AUTH" }', value))
    with pytest.raises(ConfigError) as caught:
        home.load(needs=needs)
    [problem] = caught.value.problems
    assert problem.where == "config/integrator.toml:3"
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_password_in_a_table_that_takes_any_key_is_refused_too(home: HomeFolder) -> None:
    home.config('[kobo]\nbase_url = "https://kobo.example.org"\napi_token = "hunter2"\nform = "f"\n')
    [problem] = home.problems()
    assert problem.startswith("config/integrator.toml:3: [kobo] api_token: a secret is a reference")
    assert "hunter2" not in problem

    home.config('[kobo]\nbase_url = "https://kobo.example.org"\napi_token = { env = "KOBO" }\nform = "f"\n')
    kobo = home.load({"KOBO": "hunter2"}).kobo
    assert kobo is not None
    assert kobo.extra["form"] == "f"
    assert kobo.extra["api_token"].reveal() == "hunter2"


def test_loaded_settings_never_show_a_secret(home: HomeFolder) -> None:
    home.config(ERP + '[monitor]\nping_url = "https://ping.example.org/hunter2"\n')
    settings = home.load({"ERP_AUTH": "Bearer hunter2"})

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)
    assert settings.monitor.ping_url is not None
    assert settings.monitor.ping_url.reveal() == "https://ping.example.org/hunter2"
    with pytest.raises(TypeError):
        msgspec.json.encode(settings.maconomy)


def test_only_the_systems_a_run_needs_have_their_secrets_read(home: HomeFolder) -> None:
    home.config(
        ERP + '[wordpress]\nbase_url = "https://www.example.org"\nusername = "sync"\n'
        'password = { command = ["touch", "asked"] }\n'
    )
    settings = home.load({"ERP_AUTH": "x"}, needs=["maconomy"])

    assert settings.maconomy is not None
    assert settings.maconomy.auth_value.reveal() == "x"
    assert not (home.root / "asked").exists()
    assert settings.wordpress is not None
    with pytest.raises(RuntimeError):
        settings.wordpress.password.reveal()
    assert home.problems(needs=["wordpress"]) == [
        "config/integrator.toml:7: [wordpress] password: command touch is empty"
    ]


def test_a_misspelt_need_is_a_bug() -> None:
    with pytest.raises(ValueError, match="maconommy"):
        load_settings(Home(Path("/")), {}, needs=["maconommy"])


def test_a_ping_address_behind_a_reference_is_checked_as_well(home: HomeFolder) -> None:
    home.config('[monitor]\nping_url = { env = "PING" }\n')
    [problem] = home.problems({"PING": "http://ping.example.org/hunter2"})
    assert problem.startswith("config/integrator.toml:2: [monitor] ping_url: expected https")
    assert "hunter2" not in problem


def test_the_environment_wins_over_env_file_and_a_dollar_is_a_dollar(home: HomeFolder) -> None:
    home.config(ERP)
    home.write(".env", 'export ERP_AUTH="pa$HOME ${ERP} word" # a comment\n')

    from_file = home.load().maconomy
    from_environment = home.load({"ERP_AUTH": "other"}).maconomy

    assert from_file is not None
    assert from_file.auth_value.reveal() == "pa$HOME ${ERP} word"
    assert from_environment is not None
    assert from_environment.auth_value.reveal() == "other"


def test_files_that_an_editor_began_with_a_byte_order_mark_are_read_as_any(home: HomeFolder) -> None:
    home.config("\ufeff" + ERP)
    home.write(".env", "\ufeffERP_AUTH=word\n")
    found = home.load().maconomy
    assert found is not None
    assert found.auth_value.reveal() == "word"


@pytest.mark.parametrize("needs", [None, ()])
def test_an_env_file_others_can_read_is_refused_with_the_command_to_type(
    home: HomeFolder, needs: Sequence[str] | None
) -> None:
    home.config(ERP)
    home.write(".env", "ERP_AUTH=hunter2\n", 0o644)
    path = home.root / ".env"
    assert home.problems(needs=needs) == [f".env: {path} is open to group or others: chmod 600 {path}"]


def test_a_secret_file_others_can_read_is_refused_with_the_command_to_type(home: HomeFolder) -> None:
    home.config(ERP.replace('env = "ERP_AUTH"', 'file = "erp"'))
    home.write("erp", "hunter2", 0o640)
    path = home.root / "erp"
    assert home.problems() == [
        f"config/integrator.toml:3: [maconomy] auth_value: file {path} is open to group or others: chmod 600 {path}"
    ]


def test_a_broken_line_of_the_env_file_is_told_by_number_and_not_repeated(home: HomeFolder) -> None:
    home.config(ERP + '[monitor]\nping_url = { env = "PING" }\n')
    home.write(".env", 'A=1\n"hunter2\n')
    assert home.problems() == [".env:2: expected NAME=value"]


# --- jobs


def test_a_jobs_own_file_takes_the_shipped_ones_place(home: HomeFolder) -> None:
    home.write(
        "jobs/import-courses.toml",
        'schedule = "*/10  7-18 * * MON-FRI"\ntimeout = "1h30m"\nattempts = 3\nbackoff = ["30s"]\npast = "unpublish"\n',
    )
    job = home.load().jobs["import-courses"]

    assert job.command == ("import-courses",)
    assert job.schedule == "*/10 7-18 * * MON-FRI"
    assert (job.timeout_s, job.alert_after_s, job.attempts, job.backoff_s) == (5_400, None, 3, (30.0,))
    assert job.policy == {"missing_runs": 3, "past": "unpublish"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('alert_after = "soon"', "3: alert_after: expected a duration such as"),
        ("alert_after = 3600", "3: alert_after: expected a duration in quotes"),
        ('alert_after = "0s"', "3: alert_after: expected a duration of at least one second"),
        ("attempts = 0", "3: attempts: expected a whole number >= 1"),
        ("backoff = []", "3: backoff: expected a list of durations"),
        ('backoff = ["1m", "x"]', "3: backoff: expected a duration such as"),
        ('backof = ["1m"]', "3: backof: unknown key: did you mean backoff?"),
        ('past = "delete"', '3: past: expected one of "keep", "unpublish"'),
        ("missing_runs = 0", "3: missing_runs: expected a whole number >= 1"),
        ('command = "store backup"', "3: command: expected a list, got text"),
        ('command = ["-rf"]', '3: command: expected the words after "integrator"'),
        ('command = ["store", "a\\nb"]', '3: command: expected the words after "integrator"'),
    ],
)
def test_a_wrong_line_of_a_job_is_told_with_its_number(home: HomeFolder, line: str, said: str) -> None:
    home.write("jobs/import-courses.toml", f"{JOB}{line}\n")
    [problem] = home.problems()
    assert problem.startswith(f"jobs/import-courses.toml:{said}")


def test_a_policy_key_of_another_job_is_unknown(home: HomeFolder) -> None:
    home.write("jobs/store-backup.toml", f"{JOB}missing_runs = 3\n")
    [problem] = home.problems()
    assert problem.startswith("jobs/store-backup.toml:3: missing_runs: unknown key")


def test_a_job_nobody_knows_is_refused_unless_it_names_its_command(home: HomeFolder) -> None:
    home.write("jobs/import-coruses.toml", JOB)
    [problem] = home.problems()
    assert "did you mean import-courses?" in problem

    home.write("jobs/import-coruses.toml", JOB + 'command = ["import-courses", "--dry-run"]\n')
    assert home.load().jobs["import-coruses"].command == ("import-courses", "--dry-run")


# --- the shipped files


def test_the_shipped_examples_name_every_key_and_load_when_taken_out_of_their_comments(home: HomeFolder) -> None:
    text = (shipped() / "config" / "integrator.toml").read_text(encoding="utf-8")
    bare = re.sub(r"(?m)^#(?=\S)", "", text)
    home.config(bare)
    env = (shipped() / "config" / "env.example").read_text(encoding="utf-8")
    home.write(".env", re.sub(r"(?m)^#(?=\S)(\w+)=.*", r"\1=https://example.org/x", env))

    settings = home.load()

    shown = tomllib.loads(bare)
    for name, kind in TABLES.items():
        assert getattr(settings, name) is not None, name
        for keys in defaults_of(kind):
            found = shown.get(name, {})
            for key in keys:
                assert key in found, (name, *keys)
                found = found[key]


def defaults_of(kind: type[Table]) -> dict[tuple[str, ...], Any]:
    """Every key of a table with its default, also those in a table within it."""
    found: dict[tuple[str, ...], Any] = {}
    for field in msgspec.structs.fields(kind):
        if isinstance(field.default, Table):
            inner = defaults_of(type(field.default))
            found |= {(field.encode_name, *keys): default for keys, default in inner.items()}
        elif field.name != "extra":
            found[(field.encode_name,)] = field.default
    return found


def test_what_the_shipped_examples_call_a_default_is_the_default() -> None:
    text = (shipped() / "config" / "integrator.toml").read_text(encoding="utf-8")
    table, shown = "", 0
    for line in text.splitlines():
        if header := re.fullmatch(r"#\[(\w+)\]", line):
            table = header[1]
        elif "# default" in line:
            keys, value = (), tomllib.loads(line.removeprefix("#"))
            while isinstance(value, dict):
                [(key, value)] = value.items()
                keys = (*keys, key)
            default = defaults_of(TABLES[table])[keys]
            default = str(default) if isinstance(default, Path) else default
            assert value == (list(default) if isinstance(default, tuple) else default), line
            shown += 1
    assert shown >= 15


def test_a_mapping_that_the_home_does_not_have_is_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = tmp_path / "shipped"
    for folder in ("config", "jobs"):
        (origin / folder).mkdir(parents=True)
    (origin / "config" / "maconomy.toml").touch()
    monkeypatch.setattr("integrator.settings.tables.shipped", lambda: origin)
    (tmp_path / "home" / "config").mkdir(parents=True)
    (tmp_path / "home" / "config" / "integrator.toml").write_text(ERP)

    settings = load_settings(Home(tmp_path / "home"), {"ERP_AUTH": "x"})

    assert settings.maconomy is not None
    assert settings.maconomy.mapping == origin / "config" / "maconomy.toml"


def test_loading_reads_nothing_of_the_process_environment(home: HomeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    home.config(ERP)
    monkeypatch.setitem(os.environ, "ERP_AUTH", "from the process")
    assert len(home.problems({})) == 1
