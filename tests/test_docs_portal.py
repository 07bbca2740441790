"""The documents on Trainingportal and the gateway: what there is in the code is told, each by its name."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import typer

from integrator.cli import booking_status
from integrator.domain.booking_tasks import TASKS, UNASKED
from integrator.domain.portal import CURRENCIES, STATUSES
from integrator.gateway import oilmat, portal, website
from integrator.gateway.guard import LEAST_LENGTH, WINDOW_S
from integrator.settings import GatewaySettings
from integrator.settings.model import Table, TrainingportalSettings

REPOSITORY = Path(__file__).resolve().parents[1]
PORTAL = (REPOSITORY / "docs" / "trainingportal.md").read_text(encoding="utf-8")
GATEWAY = (REPOSITORY / "docs" / "gateway.md").read_text(encoding="utf-8")
REASONS = ("src/integrator/domain/portal_classes.py", "src/integrator/jobs/publish_classes.py")


def unsaid(names: Iterator[str] | list[str], text: str) -> list[str]:
    return [name for name in names if f"`{name}`" not in text]


def switches(kind: type[Table]) -> Iterator[str]:
    """Every key of a table, those of a table in it with a dot."""
    for field in msgspec.structs.fields(kind):
        if isinstance(field.type, type) and issubclass(field.type, Table):
            yield from (f"{field.encode_name}.{name}" for name in switches(field.type))
        else:
            yield field.encode_name


def test_every_switch_over_what_is_assumed_is_told() -> None:
    given = {"base_url", "username", "password"}  # stand in the example
    assert unsaid([name for name in switches(TrainingportalSettings) if name not in given], PORTAL) == []


def test_every_reason_why_a_class_is_not_sold_is_told() -> None:
    found = {
        code
        for path in REASONS
        for code in re.findall(r'Refusal\(\s*"(\w+)"', (REPOSITORY / path).read_text(encoding="utf-8"))
    }
    assert found
    assert unsaid(sorted(found), PORTAL) == []


def test_every_task_status_and_currency_is_told() -> None:
    assert unsaid([*TASKS, *STATUSES], PORTAL) == []
    assert all(currency in PORTAL for currency in CURRENCIES)


def test_what_became_of_a_booking_that_waits_and_what_to_do_is_told_in_the_same_words() -> None:
    rows = [line for line in PORTAL.splitlines() if line.startswith("|")]
    for task in (*TASKS.values(), UNASKED):
        told = [row for row in rows if task.why in row and task.what.format(student="them") in row]
        assert len(told) == 1, task
        assert ("again`" in told[0] or "again REF`" in told[0]) == task.again
        assert "settle`" in told[0] or "settle REF`" in told[0]


def test_every_command_on_statuses_is_told_and_no_other() -> None:
    known = set(typer.main.get_group(booking_status.app).commands)
    everywhere = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "docs").glob("*.md"))
    assert set(re.findall(r"(?<!-)booking-status ([a-z]+)", everywhere)) == known


def test_every_key_of_the_gateway_is_told() -> None:
    assert unsaid(list(switches(GatewaySettings)), GATEWAY) == []
    assert f"fewer than {LEAST_LENGTH} characters" in GATEWAY
    assert f"{WINDOW_S // 60} minutes off at most" in GATEWAY


def test_every_address_of_the_gateway_is_told() -> None:
    orders = [f"{route.method} {route.path.format(order=10001)}" for route in website.ROUTES]
    assert unsaid(orders, GATEWAY) == []
    assert unsaid([route.path.rpartition("/")[2] for route in oilmat.ROUTES], GATEWAY) == []
    assert all(f"/trainingportal/TOKEN/{name}" in GATEWAY for name in ("reserve", "cancel"))
    assert f"within {portal.REPEAT_S // 60} minutes is the same booking" in PORTAL
