"""What `check` finds out about Trainingportal: the login, which courses of ours it sells, answers as assumed or not."""

from types import SimpleNamespace

import msgspec
import pytest

from integrator.checks.configuration import Configuration
from integrator.checks.finding import Finding
from integrator.checks.systems import CHECKS, check_system, is_on
from integrator.checks.trainingportal import check_trainingportal
from integrator.domain.courses import MainCourse
from integrator.domain.fetched import Fetched
from integrator.errors import BadAnswer, ConfigError, Refused, Unavailable
from integrator.home import Home, init_home
from integrator.secret import Secret
from integrator.settings import TrainingportalSettings, load_settings
from integrator.standins.base import serve
from integrator.standins.trainingportal import BASE, PASSWORD, USERNAME
from integrator.standins.trainingportal import Trainingportal as StandIn
from integrator.store import open_store
from integrator.store.courses import Catalogue
from integrator.systems.http import Http
from integrator.systems.trainingportal import Trainingportal
from portal_options import assumed

FACTS = {
    "location": "Bergen",
    "availableSeats": "7",
    "enrollmentDeadline": "2027-03-01",
    "cancellationDeadline": "2027-02-22",
    "startDate": "2027-03-12",
    "endDate": "2027-03-15",
    "address.addressLine1": "Øvingsveien 4",
    "address.addressLine2": "",
    "address.city": "Bergen",
    "address.zipCode": "5161",
    "address.country": "Norway",
    "price.currency": "NOK",
    "price.amount": "14900.00",
}


class Here:
    """One stand-in, and what the check gets to see of a home's settings, store and clients."""

    def __init__(self, server, root):
        self.server = server
        self.store = root / "integrator.db"
        self.root = root
        self.made = []
        self.seed(courses={"GSK-4D": "Sikkerhet", "25180": "Varme arbeider"})

    def seed(self, **settings):
        self.server.standin.seed(settings)

    def keep(self, *main_ids):
        """Make these our main courses."""
        opened = open_store(self.store, backups=self.root / "backups")
        records = {key: (msgspec.msgpack.encode(main_course(key)), key.encode().ljust(16)) for key in main_ids}
        fetched = Fetched(total=len(records), records=records)
        with opened.db.tx():
            catalogue = Catalogue(opened.db, "main_course")
            catalogue.keep(fetched, catalogue.known(), (), missing_limit=3, at=1, run_id=1)
        opened.db.close()

    def check(self, *, password=PASSWORD, on=True, templates=(), **switches):
        self.finding = finding = Finding("trainingportal")
        base_url = f"{self.server.url}{BASE}"
        courses = switches.pop("courses", {})
        table = TrainingportalSettings(base_url=base_url, username=USERNAME, password=Secret(password), courses=courses)
        http = Http(system="trainingportal", base_url=base_url, user_agent="t", timeout_s=5.0)
        portal = Trainingportal(http, username=USERNAME, password=Secret(password), options=assumed(**switches))
        self.made.append(portal)
        store = SimpleNamespace(path=self.store)
        jobs = {"update-booking-status": SimpleNamespace(policy={"certificates": bool(templates)})}
        settings = SimpleNamespace(trainingportal=table if on else None, store=store, jobs=jobs)
        made = SimpleNamespace(problems=lambda: list(templates))
        check_trainingportal(finding, SimpleNamespace(need_portal=lambda: portal, certificates=lambda: made), settings)
        return finding

    def asked(self):
        return [(row["method"], row["target"].removeprefix(f"{BASE}/v1/")) for row in self.server.standin.entries()]


def main_course(key):
    return MainCourse(
        id=key, title="Sikkerhet", subtitle=None, description_html=None, language="da", duration_days=None,
        price_minor=None, currency=None, category=None, active=True, updated_at=None,
    )  # fmt: skip


@pytest.fixture
def here(tmp_path):
    with serve(StandIn()) as server:
        made = Here(server, tmp_path)
        yield made
        for portal in made.made:
            portal.close()


def lines(finding):
    return [(line.state, line.what) for line in finding.sorted_lines()]


def test_it_reads_the_courses_the_classes_of_ours_and_a_booking_that_is_none_and_writes_nothing(here):
    here.keep("25172", "25180", "25190")
    here.seed(classes=[{"course": "GSK-4D", "class": "25172-04", **FACTS}])
    finding = here.check(courses={"GSK-4D": "25172"})
    [(state, what)] = lines(finding)
    assert state == "ok"
    assert what.startswith("answers, and takes our login; it sells 2 courses of ours with 1 class; ")
    assert here.asked() == [
        ("POST", "courses/get"),
        ("POST", "courses/get/25180/courseClasses/get"),
        ("POST", "courses/get/GSK-4D/courseClasses/get"),
        ("POST", "booking/get/integrator-check"),
    ]
    assert here.server.standin.effects() == []
    assert finding.facts["registered"] == finding.facts["sold"] == ["25180", "GSK-4D"]
    facts = {name: finding.facts[name] for name in ("not_sold", "classes", "silent_fields")}
    assert facts == {"not_sold": 1, "classes": 1, "silent_fields": []}


def test_a_course_there_that_is_none_of_ours_is_told_with_the_line_to_write(here):
    here.keep("25180")
    finding = here.check()
    [note, ok] = finding.sorted_lines()
    assert (note.state, ok.state) == ("note", "ok")
    assert note.what == "no main course of ours is meant by GSK-4D: no class of it is published"
    assert note.then == '[trainingportal] courses = { "GSK-4D" = "our number" } in config/integrator.toml'
    assert "it sells 1 course of ours" in ok.what


def test_a_name_in_the_settings_that_is_registered_nowhere_is_a_problem(here):
    here.keep("25172", "25180")
    finding = here.check(courses={"GSK-4D": "25172", "GSK-5D": "25180"})
    [problem] = [line for line in finding.lines if line.state == "problem"]
    assert problem.what == "we are not registered there for GSK-5D, which [trainingportal] courses names"
    assert problem.exit_code == 78


def test_without_a_store_it_says_what_to_do_first(here):
    assert ("note", "which of its courses are ours cannot be told yet") in lines(here.check())
    here.store.write_bytes(b"no database at all, but long enough to be read as one " * 10)
    assert ("note", "which of its courses are ours cannot be told yet") in lines(here.check())


def test_being_registered_for_nothing_is_told(here):
    here.keep("25172")
    here.seed(courses={})
    assert lines(here.check())[0] == ("note", "we are registered there for no course: no class is published")


def test_what_no_class_says_is_told_since_it_cannot_be_compared(here):
    here.keep("25172", "25180")
    here.seed(classes=[{"course": "25180", "class": "25180-01", **FACTS}])
    finding = here.check(date="dd.MM.yyyy")
    assert finding.facts["silent_fields"] == []  # what is ISO after all is read
    here.seed(dotted_keys=True, text_values=True, trailing_commas=True, lists="bare")
    assert here.check().facts["silent_fields"] == []
    here.server.faults.add(
        {"match": {"path": ".*/courseClasses/get"}, "times": 2,
         "fault": {"kind": "body", "raw": '[{"externalId": "25180-01", "startDate": "soon", "availableSeats": "7"}]'}},
    )  # fmt: skip
    [note] = [line for line in here.check(courses={"GSK-4D": "25172"}).lines if "no class there" in line.what]
    assert note.state == "note"
    assert note.what.startswith(
        "no class there says location, enrollment_deadline, cancellation_deadline, start_date, "
    )
    assert "format.date" in note.then


def test_classes_that_cannot_be_read_are_a_problem_of_their_course_alone(here):
    here.keep("25180")
    finding = here.check(get_classes="v2/{course}/classes")
    [problem] = [line for line in finding.lines if line.state == "problem"]
    assert problem.what.startswith("the classes of 25180 cannot be read: list the classes of 25180:")
    assert "path.get_classes" in problem.then


@pytest.mark.parametrize("body", ["<html>no</html>", "{}", '{"bookingReference": "x"}'])
def test_a_booking_that_is_none_and_not_understood_is_a_problem(here, body):
    here.keep("25180")
    here.server.faults.add({"match": {"path": ".*/booking/get/.*"}, "fault": {"kind": "body", "raw": body}})
    [problem] = [line.what for line in here.check().lines if line.state == "problem"]
    assert "no such booking is not understood" in problem or "a booking where there is none" in problem


def test_a_wrong_password_is_refused_says_what_to_mend_and_is_not_shown(here):
    with pytest.raises(Refused) as caught:
        here.check(password="another-secret")
    assert caught.value.hint.startswith("mend username and password in [trainingportal]")
    assert "another-secret" not in f"{caught.value!r} {caught.value.hint}"


def test_one_that_is_down_is_unavailable_and_a_page_is_a_bad_answer(here):
    here.server.faults.add({"times": 1, "fault": {"kind": "body", "what": "login"}})
    with pytest.raises(BadAnswer, match="expected JSON, got a page"):
        here.check()
    here.server.stop()
    with pytest.raises(Unavailable, match="no connection"):
        here.check()


def test_a_table_that_is_not_there_is_a_wrong_configuration(here):
    with pytest.raises(ConfigError, match=r"\[trainingportal\] is missing"):
        here.check(on=False)


def test_it_is_one_of_the_checks_and_its_errors_become_lines(here, tmp_path):
    init_home(tmp_path / "home")
    home = Home(tmp_path / "home")
    (home.config / "integrator.toml").write_text(
        f'[trainingportal]\nbase_url = "{here.server.url}{BASE}"\nusername = "{USERNAME}"\n'
        'password = { env = "PORTAL_PASSWORD" }\n',
    )
    settings = load_settings(home, {"PORTAL_PASSWORD": "another-secret"})
    assert CHECKS["trainingportal"] is check_trainingportal
    assert is_on("trainingportal", settings)
    [line] = check_system("trainingportal", Configuration(settings, complete=True)).lines
    assert (line.state, line.exit_code) == ("problem", 1)
    assert "list the courses: the answer is no: it is our login; no class changes there" in line.what
    assert line.then.startswith("mend username and password in [trainingportal]")
    assert "another-secret" not in f"{line}"


def test_a_template_of_certificates_that_is_broken_is_told(here):
    finding = here.check(templates=["config/templates/certificate.typ:12: unknown variable: titel"])
    [problem] = [line for line in finding.lines if "certificate.typ" in line.what]
    assert (problem.state, "certificates wait" in problem.what) == ("problem", True)
