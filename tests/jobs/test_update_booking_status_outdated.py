"""Documents that lie at Trainingportal and do not fit any more: said until a person has settled it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from booking_outcomes import E9, LAST_DAY, TP, Office, office, reference
from integrator.jobs import booking_status_desk

B = reference("B")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "home") as made:
        yield made


def asides(here: Office) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = here.rows("SELECT key, code, reason FROM set_aside WHERE kind = 'document'")
    return found


def outdated(now: str, was: str = LAST_DAY) -> list[tuple[str, str, str]]:
    reason = (
        f"Trainingportal has, or may have, a document of a completion on {was}, and the booking is {now}: have it"
        " replaced or taken away there, then: integrator booking-status settle REF --document"
    )
    return [(TP, "outdated", reason)]


def test_a_certificate_with_another_date_is_told_until_it_is_settled(here: Office) -> None:
    here.certificates = True
    here.complete()
    here.run()
    assert asides(here) == []
    here.set("COMPLETED", "2027-03-02")
    for code in (3, 0):  # said once
        assert asides(here) == outdated("COMPLETED on 2027-03-02")
        assert here.run().exit_code == code
    here.set("COMPLETED", "2027-03-01")
    assert asides(here) == outdated("COMPLETED on 2027-03-01"), "the date of the certificate is not forgotten"
    with here.store() as db:
        booking_status_desk.settle_document(db, TP)
    here.run()
    assert (asides(here), len(here.uploaded())) == ([], 1)


def test_it_is_told_no_more_when_the_date_is_as_it_was(here: Office) -> None:
    here.certificates = True
    here.complete()
    here.run()
    here.set("COMPLETED", "2027-03-02")
    here.complete()
    assert asides(here) == []


@pytest.mark.parametrize("status", ["FAILED", "NO_SHOW", "NEW"])
@pytest.mark.parametrize("kind", ["file", "certificate"])
def test_a_document_of_somebody_who_did_not_pass_is_told(here: Office, status: str, kind: str) -> None:
    here.certificates = kind == "certificate"
    if kind == "file":
        here.put(f"{TP}.pdf")
    here.complete()
    here.run()
    here.set(status)
    here.run()
    assert asides(here) == outdated(status)
    here.complete()
    here.run()
    assert asides(here) == []


def test_a_file_with_a_corrected_date_and_a_certificate_that_never_left_are_no_trouble(here: Office) -> None:
    here.certificates = True
    here.book(B)
    here.put(f"{TP}.pdf")
    here.complete()
    here.run()
    here.set("COMPLETED", "2027-03-02")
    here.complete(B)
    here.fault(E9, {"kind": "status", "status": 429})
    here.run()
    here.set("FAILED", booking=B)
    assert asides(here) == []
