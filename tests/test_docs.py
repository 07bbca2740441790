"""The documents: what they must name is named, and what they point to is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from integrator.cli import COMMANDS, orderline, workshop
from integrator.domain.orderlines.fields import ALIASES
from integrator.domain.orderlines.reasons import REASONS
from integrator.domain.orders.words import SENTENCES
from integrator.jobs.booking import _WORDS as NOT_BOOKABLE
from integrator.store.personal import REGISTER

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)\)")
SECRET = re.compile(r'\{ env = "(\w+)" \}')


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def first_cells(text: str) -> Iterator[str]:
    """What stands in backticks in the first cell of every row of a table."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield from re.findall("`([^`]+)`", line.split("|")[1])


def part(text: str, heading: str) -> str:
    """A chapter, from its heading to the next one of the same rank or a higher one."""
    ranks = "|".join("#" * rank for rank in range(1, heading.count("#") + 1))
    return re.split(rf"\n(?:{ranks}) ", text.partition(f"\n{heading}\n")[2])[0]


def test_the_register_in_the_document_is_the_one_in_the_code() -> None:
    told = list(first_cells(part(text_of("docs/personal-data.md"), "## The register")))
    assert sorted(told) == sorted(place.where for place in REGISTER)


def test_every_word_that_refuses_a_booking_is_told() -> None:
    told = set(first_cells(part(text_of("docs/orders.md"), "### Refusals")))
    assert told == {"full", "expired", "complete", "registered", "on_hold", "undecided", *NOT_BOOKABLE}


def test_every_code_of_a_problem_in_a_form_is_told() -> None:
    form = part(text_of("docs/orders.md"), "### The form").partition("\n| code ")[2]
    assert set(first_cells(form)) == {key.partition(".")[0] for key in SENTENCES}


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of a table whose first one begins with a backtick."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def test_every_reason_of_an_orderline_is_told_with_its_text_and_what_follows() -> None:
    table = part(text_of("docs/orderlines.md"), "### Reasons")
    told = {code.strip("`"): (text, then.split()[0].strip(",:;")) for code, text, then, _ in rows(table)}
    assert told == {code: (reason.text or "–", reason.then) for code, reason in REASONS.items()}


def test_every_field_of_an_orderline_is_told_with_its_other_spellings() -> None:
    order = list(rows(part(text_of("docs/orderlines.md"), "## The order")))
    told = {field.strip("`"): tuple(re.findall("`([^`]+)`", others)) for field, others, _ in order[:-1]}
    assert told == ALIASES


def test_every_state_of_an_orderline_is_told() -> None:
    told = set(first_cells(part(text_of("docs/orderlines.md"), "### States")))
    assert told == {"received", "processing", "completed", "bad request", "failed"}


def test_every_command_around_orderlines_that_a_document_names_is_there() -> None:
    groups = {"orderline": orderline.app, "workshop": workshop.app}
    known = {(name, command) for name, app in groups.items() for command in _names_of(app)}
    named = {
        pair
        for path in DOCUMENTS
        for pair in re.findall(r"integrator (orderline|workshop) ([a-z-]+)", path.read_text(encoding="utf-8"))
    }
    assert named == known


def _names_of(app: Any) -> list[str]:
    return list(typer.main.get_group(app).commands)


def test_the_readme_names_every_command_and_every_job() -> None:
    readme = text_of("README.md")
    assert [name for name in COMMANDS if not re.search(rf"\b{name}\b", readme)] == []
    jobs = {path.stem.replace("store-backup", "store backup") for path in (REPOSITORY / "jobs").glob("*.toml")}
    assert jobs == set(first_cells(part(readme, "## The jobs")))


def test_every_secret_of_the_configuration_has_its_line_in_the_example_of_env() -> None:
    wanted = {name for path in ("integrator", "workshops") for name in SECRET.findall(text_of(f"config/{path}.toml"))}
    wanted -= {"NAME"}
    assert wanted == set(re.findall(r"^#(\w+)=", text_of("config/env.example"), re.MULTILINE))


def test_what_a_document_links_to_is_there() -> None:
    links = [(path, target) for path in DOCUMENTS for target in LINK.findall(path.read_text(encoding="utf-8"))]
    assert links
    assert [f"{path.name}: {target}" for path, target in links if not (path.parent / target).exists()] == []
