"""[trainingportal]: every switch over what its documentation leaves open is typed; a wrong one is told by its line."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from integrator.errors import ConfigError
from integrator.home import Home
from integrator.settings import TrainingportalSettings, load_settings
from integrator.systems.trainingportal import Options
from portal_options import assumed

HEAD = (
    '[trainingportal]\nbase_url = "https://portal.example.org/rest/"\nusername = "provider"\n'
    'password = { env = "PORTAL_PASSWORD" }\n'
)
SECRET = "portal-secret"


class HomeFolder:
    """A home whose config/integrator.toml is [trainingportal] and the lines of a test, from line 5 on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "config").mkdir()

    def load(self, lines: str = "", environ: dict[str, str] | None = None) -> TrainingportalSettings:
        (self.root / "config" / "integrator.toml").write_text(HEAD + lines, encoding="utf-8")
        found = load_settings(Home(self.root), {"PORTAL_PASSWORD": SECRET} if environ is None else environ)
        assert found.trainingportal is not None
        return found.trainingportal

    def problems(self, lines: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(lines)
        assert SECRET not in str(caught.value)
        return [str(problem).removeprefix("config/integrator.toml:") for problem in caught.value.problems]


@pytest.fixture
def home(tmp_path: Path) -> HomeFolder:
    return HomeFolder(tmp_path)


def test_without_a_switch_everything_is_as_assumed(home: HomeFolder) -> None:
    found = home.load()
    assert (found.base_url, found.username) == ("https://portal.example.org/rest", "provider")
    assert found.password.reveal() == SECRET
    assert found.courses == {}
    assert (found.path.get_courses, found.path.cancel_class) == ("v1/courses/get", None)
    assert found.booking.confirm_retry == (2.0, 5.0, 15.0, 60.0, 300.0)
    assert (found.http.timeout_s, found.http.settle_s) == (30.0, 60.0)
    assert found.reserve.param_class == "courseClassExternalId"


SWITCHES = {
    'cancel_style = "form"\npath.cancel_class = "v2/{course}/stop"': ("cancel_path", "v2/{course}/stop"),
    'cancel_style = "form"': ("cancel_path", "v1/courses/get/{course}/courseClasses/cancel"),
    'path.cancel_class = "v2/{class}/{course}"': ("cancel_path", "v2/{class}/{course}"),
    'path.get_courses = "v2/courses"': ("get_courses", "v2/courses"),
    'path.get_classes = "v2/{course}"': ("get_classes", "v2/{course}"),
    'path.upload = "v2/{booking}"': ("upload", "v2/{booking}"),
    'upload.part = "document"': ("upload_part", "document"),
    'upload.content_type = "image/png"': ("upload_content_type", "image/png"),
    "upload.max_mb = 3": ("upload_max_bytes", 3_000_000),
    "upload.timeout_s = 7": ("upload_timeout_s", 7.0),
    "errors.login = [401]": ("login_statuses", (401,)),
    "errors.item = [400, 500]": ("item_statuses", (400, 500)),
    'errors.login_words = ["passord"]': ("login_words", ("passord",)),
    'format.date = "dd.MM.yyyy"': ("date", "dd.MM.yyyy"),
    'format.time = "HHmm"': ("time", "HHmm"),
    'format.amount = "0"': ("amount", "0"),
    'price.vat = "included"': ("vat", "included"),
    "price.vat_percent = 12.5": ("vat_percent", 12.5),
    'price.currency_policy = "send"': ("currency_policy", "send"),
    'booking.reference_source = "portal"': ("reference_source", "portal"),
    'add.on_duplicate = "fail"': ("on_duplicate", "fail"),
    'update.deadline = "erollmentDeadline"': ("deadline", "erollmentDeadline"),
}


@pytest.mark.parametrize("lines", SWITCHES)
def test_every_switch_reaches_the_adapter(home: HomeFolder, lines: str) -> None:
    name, value = SWITCHES[lines]
    found = Options(**home.load(lines).switches())
    assert getattr(found, name) == value
    assert getattr(assumed(), name) != value


def test_what_is_assumed_stands_in_the_settings_alone() -> None:
    assert [field.name for field in fields(Options) if field.default is not MISSING] == []


def test_switches_may_stand_in_tables_of_their_own_and_in_braces(home: HomeFolder) -> None:
    found = home.load('upload = { part = "doc" }\n[trainingportal.http]\ntimeout_s = 9\nsettle_s = 0\n')
    assert (found.upload.part, found.http.timeout_s, found.http.settle_s) == ("doc", 9.0, 0.0)


def test_courses_are_named_theirs_first(home: HomeFolder) -> None:
    assert home.load('courses = { "GSK-4D" = "25172", "HLR-Ö1" = "25180" }').courses == {
        "GSK-4D": "25172",
        "HLR-Ö1": "25180",
    }


WRONG = {
    'path.upload = "v1/upload"': "5: [trainingportal] path.upload: expected a path that holds {booking}, each once",
    'path.get_courses = "v1/{course}"': "5: [trainingportal] path.get_courses: expected a path that holds no { and }",
    'path.get_classes = "v1/{course}/{course}"': "5: [trainingportal] path.get_classes: expected a path that holds",
    'path.get_classes = "v1/{kurs}"': "5: [trainingportal] path.get_classes: expected a path that holds {course}",
    'path.get_classes = "v1/{course"': "5: [trainingportal] path.get_classes: expected a path that holds {course}",
    'path.cancel_class = "v1/{course}"': "5: [trainingportal] path.cancel_class: expected a path that holds {class}",
    'cancel_style = "form"\npath.cancel_class = "v1/{course}/{class}"': "6: [trainingportal] path.cancel_class: ",
    'path.upload = "/v1/{booking}"': "5: [trainingportal] path.upload: expected a path below base_url, without a first",
    'path.upload = "v1/../{booking}"': "5: [trainingportal] path.upload: expected a path below base_url",
    'path.upload = "https://x.example.org/{booking}"': "5: [trainingportal] path.upload: expected a path below",
    'path.upload = "v1?x={booking}"': "5: [trainingportal] path.upload: expected a path below",
    'path.uplaod = "v1/{booking}"': "5: [trainingportal] path.uplaod: unknown key: did you mean upload?",
    'path = "v1"': "5: [trainingportal] path: expected a table: path.NAME = ..., or [trainingportal.path] and its keys",
    'upload.part = "a b"': "5: [trainingportal] upload.part: expected letters, digits, hyphens, _ and dots",
    'upload.content_type = "pdf"': "5: [trainingportal] upload.content_type: expected a media type such as",
    "upload.max_mb = 0": "5: [trainingportal] upload.max_mb: expected a whole number >= 1",
    "upload.timeout_s = 0": "5: [trainingportal] upload.timeout_s: expected a number > 0",
    "errors.login = [200]": "5: [trainingportal] errors.login: expected a whole number >= 400 (at [0])",
    "errors.item = [401]": "5: [trainingportal] errors.item: 401 is in login, too",
    "errors.item = [429]": "5: [trainingportal] errors.item: 429 says that it is to be tried later, and nothing else",
    'errors.login_words = [""]': "5: [trainingportal] errors.login_words: expected text, not an empty one (at [0])",
    'errors.mode = "object"': "5: [trainingportal] errors.mode: unknown key: known here: login, item, login_words",
    'format.date = "YYYY-MM-DD"': '5: [trainingportal] format.date: expected one of "yyyy-MM-dd", ',
    'format.time = "8:00"': '5: [trainingportal] format.time: expected one of "HH:mm", ',
    'format.amount = "0.0"': '5: [trainingportal] format.amount: expected one of "0.00", "0,00", "0"',
    'price.vat = "yes"': '5: [trainingportal] price.vat: expected one of "excluded", "included"',
    "price.vat_percent = 250": "5: [trainingportal] price.vat_percent: expected a number <= 100",
    'price.currency_policy = "convert"': '5: [trainingportal] price.currency_policy: expected one of "refuse", "send"',
    'reserve.param_class = "a&b"': "5: [trainingportal] reserve.param_class: expected letters, digits,",
    'booking.reference_source = "theirs"': '5: [trainingportal] booking.reference_source: expected one of "own"',
    "booking.confirm_retry = []": "5: [trainingportal] booking.confirm_retry: expected a list, not an empty one",
    "booking.confirm_retry = [2, 0]": "5: [trainingportal] booking.confirm_retry: expected a number > 0",
    'booking.confirm_retry = ["2s"]': "5: [trainingportal] booking.confirm_retry: expected a number, got text (at [0])",
    "http.timeout_s = inf": "5: [trainingportal] http.timeout_s: expected a number <= 86400",
    "http.settle_s = -1": "5: [trainingportal] http.settle_s: expected a number >= 0",
    'add.on_duplicate = "ignore"': '5: [trainingportal] add.on_duplicate: expected one of "update", "fail"',
    'update.deadline = "deadline"': '5: [trainingportal] update.deadline: expected one of "both", ',
    'cancel_style = "body"': '5: [trainingportal] cancel_style: expected one of "path", "form"',
    'courses = { "A" = "25172", "B" = "25172" }': "5: [trainingportal] courses.B: another course of theirs is our",
    'courses = { "A" = 25172 }': "5: [trainingportal] courses.A: expected text, got a whole number",
    'courses = { "A" = "" }': "5: [trainingportal] courses.A: expected text, not an empty one",
    "allow_get = true": "5: [trainingportal] allow_get: unknown key",
    "[trainingportal.uplod]\npart = 'x'": "5: [trainingportal] uplod: unknown key: did you mean upload?",
    "\n[trainingportal.upload]\n\nmax_mb = 'x'": "8: [trainingportal] upload.max_mb: expected a whole number, got text",
}


@pytest.mark.parametrize("lines", WRONG)
def test_a_wrong_key_is_told_with_its_line_and_what_is_expected(home: HomeFolder, lines: str) -> None:
    [problem] = home.problems(lines)
    assert problem.startswith(WRONG[lines])


def test_everything_wrong_is_told_at_once(home: HomeFolder) -> None:
    lines = 'path.upload = 7\nhttp.timeout_s = "x"\n[trainingportal.price]\nvat = 1\nvatt = 2\n'
    assert [problem.partition(":")[0] for problem in home.problems(lines)] == ["5", "6", "8", "9"]


def test_a_password_in_a_wrong_place_is_not_repeated(home: HomeFolder) -> None:
    assert all("hunter2" not in problem for problem in home.problems('upload.part = "hunter 2 hunter2"'))
    assert all("hunter2" not in problem for problem in home.problems('http = { password = "hunter2" }'))
