"""AdManager from the first key typed into the entry row to the page's answer to the save."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from admanager_at_work import Work, at_work, begun, told, trouble

LINE = "OL-0530 Motorolie 5W-30 Longlife -- OilMat:0001 5.50"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    with at_work(tmp_path_factory.mktemp("browser")) as work:
        yield work


@pytest.fixture
def work(browser: Work) -> Work:
    return begun(browser)


# What is typed


def test_a_line_is_saved_once_and_only_by_the_touch_that_saves(work: Work) -> None:
    case = work.ready("5.5")
    assert work.posts(case) == 0
    work.erp.save()
    assert (work.posts(case), work.saved(case)) == (1, [LINE])
    line = work.erp.lines()[0]
    assert f"{line.product} {line.name} {line.amount}" == LINE


@pytest.mark.parametrize(("number", "name"), [("0007", "Gearolie 75W-90"), ("00071", "Gearolie 75W-90 LS")])
def test_only_the_option_with_exactly_our_number_is_taken(work: Work, number: str, name: str) -> None:
    work.stage("highlight_wrong_option", times=None)
    work.stage("slow_options", ms=700, times=None)
    case = work.ready("1234.5", number)
    work.erp.save()
    assert work.saved(case) == [f"{number} {name} -- OilMat:0001 1234.50"]


@pytest.mark.parametrize("number", ["ukendt", "OL-05", "ol-0530", "Gearolie"])
def test_a_number_without_an_equal_option_is_unknown(work: Work, number: str) -> None:
    work.at_case()
    assert trouble(work.erp.prepare, work.entry(product=number)) == ("product-unknown", False)


@pytest.mark.parametrize("number", ["OL-1540", "AT-III"])
def test_a_discontinued_or_blocked_product_is_not_chosen(work: Work, number: str) -> None:
    work.at_case()
    assert trouble(work.erp.prepare, work.entry(product=number)) == ("product-blocked", False)


def test_an_amount_that_the_field_does_not_take_is_refused(work: Work) -> None:
    work.at_case()
    assert trouble(work.erp.prepare, work.entry("0")) == ("amount-refused", False)


def test_an_amount_that_reads_back_as_another_one_is_noticed(work: Work) -> None:
    work.at_case()
    work.script(
        "document.querySelector('[formcontrolname=amount]')"
        ".addEventListener('blur', (event) => { event.target.value = '55,00'; })"
    )
    assert trouble(work.erp.prepare, work.entry("5.5")) == ("field-mismatch", False)


def test_a_name_that_cannot_be_edited_cannot_carry_the_marker(work: Work) -> None:
    work.stage("no_marker_field")
    work.at_case()
    assert trouble(work.erp.prepare, work.entry()) == ("field-mismatch", False)


def test_without_a_marker_the_name_stays_the_registers(work: Work) -> None:
    work.stage("no_marker_field")
    case = work.at_case()
    work.erp.prepare(replace(work.entry(), text=None))
    work.erp.save()
    assert work.saved(case) == ["OL-0530 Motorolie 5W-30 Longlife 5.50"]


def test_a_long_name_is_shortened_and_never_the_marker(work: Work) -> None:
    case = work.ready(product="OL-2050")
    work.erp.save()
    assert work.saved(case) == ["OL-2050 Motorolie 20W-50 til veteranbiler og ældre be -- OilMat:0001 5.50"]


def test_a_field_that_takes_less_gets_a_shorter_name(work: Work) -> None:
    work.stage("name_limit", characters=29)
    case = work.ready()
    work.erp.save()
    assert work.saved(case) == ["OL-0530 Motorolie 5W-3 -- OilMat:0001 5.50"]


def test_a_field_that_cuts_without_having_said_so_is_typed_into_again(work: Work) -> None:
    case = work.at_case()
    work.script(
        "document.querySelector('[formcontrolname=name]')"
        ".addEventListener('input', (event) => { event.target.value = event.target.value.slice(0, 25); })"
    )
    work.erp.prepare(work.entry())
    work.erp.save()
    assert work.saved(case) == ["OL-0530 Motorolie -- OilMat:0001 5.50"]


def test_a_marker_that_is_longer_than_the_field_does_not_fit(work: Work) -> None:
    work.stage("name_limit", characters=10)
    work.at_case()
    assert trouble(work.erp.prepare, work.entry()) == ("marker-too-long", False)


def test_a_product_out_of_stock_is_noted_and_saved(work: Work) -> None:
    case = work.ready(product="BR-DOT4")
    work.erp.save()
    assert "noted: out of stock" in work.done()
    assert len(work.saved(case)) == 1


def test_options_that_do_not_come_are_slow(work: Work) -> None:
    work.at_case()
    work.tab.timeout_s = 0.5
    work.stage("slow_options", ms=2000)
    assert trouble(work.erp.prepare, work.entry()) == ("slow", False)


def test_a_session_that_ends_while_typing_is_lost(work: Work) -> None:
    case = work.at_case()
    work.stage("expire_after_requests")
    assert trouble(work.erp.prepare, work.entry()) == ("session-lost", False)
    assert work.saved(case) == []


# What the page answers to a save


@pytest.mark.parametrize(
    ("kind", "fault", "code"),
    [
        ("lock_case", {}, "case-locked"),
        ("close_case_before_save", {}, "case-closed"),
        ("close_case_before_save", {"status": "faktureret"}, "case-invoiced"),
        ("refuse_after_optimistic", {}, "erp-unavailable"),
        ("refuse_after_optimistic", {"text": "Varen er spærret"}, "product-blocked"),
        ("duplicate_question", {}, "duplicate-asked"),
    ],
)
def test_a_refusal_in_known_words_says_for_certain_that_nothing_was_written(
    work: Work, kind: str, fault: dict[str, Any], code: str
) -> None:
    case = work.ready()
    work.standin.shop.new_line(case, "OL-0530", "mette")
    work.stage(kind, **fault)
    assert trouble(work.erp.save) == (code, True)
    assert (work.saved(case), len(work.erp.lines())) == ([], 1)


def test_a_toast_of_success_that_is_not_ours_does_not_cover_a_refusal(work: Work) -> None:
    work.stage("stale_toast")
    case = work.at_case()
    work.erp.prepare(work.entry())
    work.stage("refuse_after_optimistic")
    work.stage("delay_save_ms", ms=300)
    assert trouble(work.erp.save) == ("erp-unavailable", True)
    assert work.saved(case) == []


def test_a_case_open_at_a_colleagues_is_seen_by_the_save_only(work: Work) -> None:
    case = work.ready(locked_by="mette")
    assert trouble(work.erp.save) == ("case-locked", True)
    assert work.saved(case) == []


def test_an_amount_that_the_server_refuses_was_not_written(work: Work) -> None:
    case = work.ready("10000")
    assert trouble(work.erp.save) == ("amount-refused", True)
    assert work.saved(case) == []


@pytest.mark.parametrize(
    ("kind", "fault", "code", "written"),
    [
        ("save_then_500", {}, "erp-unavailable", 1),
        ("save_then_drop", {}, "erp-unavailable", 1),
        ("save_then_cut", {}, "erp-unavailable", 1),
        ("maintenance", {}, "erp-unavailable", 0),
        ("refuse_after_optimistic", {"text": "Kontakt din forhandler"}, "doubt", 0),
        ("unknown_modal", {"at": "save"}, "unexpected-dialog", 0),
        ("js_confirm", {"at": "save"}, "unexpected-dialog", 0),
        ("expire_after_requests", {}, "session-lost", 0),
    ],
)
def test_what_is_no_refusal_leaves_it_open_whether_the_line_was_written(
    work: Work, kind: str, fault: dict[str, Any], code: str, written: int
) -> None:
    case = work.ready()
    work.stage(kind, **fault)
    assert trouble(work.erp.save) == (code, False)
    if code == "session-lost":
        work.log_in()
    assert (work.posts(case), len(work.saved(case)), len(work.erp.lines())) == (1, written, written)


def test_a_row_that_stays_grey_is_slow_and_no_line(work: Work) -> None:
    case = work.ready()
    work.tab.timeout_s = 0.5
    work.stage("hang_save")
    assert trouble(work.erp.save) == ("slow", False)
    assert work.saved(case) == []
    work.running.faults.gate.release()
    work.tab.timeout_s = 12
    work.tab.wait("the late line", lambda: work.saved(case))
    assert len(work.erp.lines()) == 1


def test_a_toast_that_is_lost_is_not_missed(work: Work) -> None:
    case = work.ready()
    work.stage("lost_toast")
    work.erp.save()
    assert work.saved(case) == [LINE]


def test_a_red_text_that_was_there_before_is_not_the_answer_to_the_save(work: Work) -> None:
    case = work.ready()
    work.script(
        "const old = document.createElement('div'); old.setAttribute('role', 'alert');"
        "old.textContent = 'Arbejdskortet er lukket'; document.querySelector('.cdk-overlay-container').append(old);"
        "setTimeout(() => old.remove(), 400);"
    )
    work.erp.save()
    assert work.saved(case) == [LINE]


def test_nothing_is_touched_when_the_page_has_become_another_one(work: Work) -> None:
    case = work.ready()
    work.log_out()
    work.tab.open(f"{work.running.url}/worksheet/{case}")
    code, definite, message = told(work.erp.save)
    assert (code, definite, message.startswith("nothing was touched")) == ("session-lost", True, True)
    assert work.posts(case) == 0


def test_a_save_without_anything_typed_touches_nothing(work: Work) -> None:
    case = work.at_case()
    assert trouble(work.erp.save) == ("field-mismatch", True)
    assert work.posts(case) == 0


def test_a_colleagues_equal_line_is_read_as_one_of_its_own(work: Work) -> None:
    case = work.ready()
    work.stage("extra_line_by_colleague")
    work.erp.save()
    lines = work.erp.lines()
    assert [(line.created_by, "OilMat:0001" in line.name) for line in lines] == [
        ("oilmat@example.org", True),
        ("mette", False),
    ]
    assert len(work.saved(case)) == 2


def test_a_second_line_can_be_typed_without_loading_the_page_again(work: Work) -> None:
    case = work.ready()
    work.erp.save()
    work.erp.prepare(work.entry("2", "FI-100", "0002"))
    work.erp.save()
    assert work.saved(case) == [LINE, "FI-100 Oliefilter -- OilMat:0002 2.00"]
