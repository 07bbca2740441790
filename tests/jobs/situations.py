"""The situations that a workshop's ERP can be in: how each is staged, and what must come of an order then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workshop_world import KINDS, WorkshopWorld

MARKERS = {"au2office": " -- OilMat: ", "admanager": " -- OilMat:"}


@dataclass(frozen=True)
class Situation:
    """What is staged, what is ordered, and how the first run must leave it.

    saves   lines that we wrote, ever, after the first run; later  how it stands after quieter runs: (code, saves)
    """

    name: str
    stage: Callable[[WorkshopWorld], Any]
    status: str
    code: str | None
    reason: str
    saves: int = 0
    order: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    kinds: tuple[str, ...] = KINDS
    later: tuple[str, int] | None = None


def nothing(shop: WorkshopWorld) -> None:
    """All is well there; it is the order that is wrong, or the settings."""


def staged(kind: str, **more: Any) -> Callable[[WorkshopWorld], None]:
    return lambda shop: shop.stage(kind, **more)


def seeded(**settings: Any) -> Callable[[WorkshopWorld], Any]:
    return lambda shop: shop.running.standin.seed(settings)


def a_line(case: str, *, product: str = "OL-0530", amount: str = "5.50", marker: str = "0007") -> Any:
    """Case 9 with one line on it, which somebody wrote before."""

    def stage(shop: WorkshopWorld) -> None:
        text = f"Motorolie{MARKERS[shop.kind]}{marker}" if marker else "Motorolie"
        line = {"product": product, "name": text, "amount": amount, "created_by": "oilmat@example.org"}
        shop.running.standin.seed({"add_cases": [{"number": case, "lines": [line]}]})

    return stage


def confirming(shop: WorkshopWorld) -> None:
    """A confirm() that nobody knows, asked when a line is saved."""
    shop.stage("js_confirm", times=None, **({"at": "save"} if shop.kind == "admanager" else {}))


def both(*stages: Callable[[WorkshopWorld], Any]) -> Callable[[WorkshopWorld], None]:
    def stage(shop: WorkshopWorld) -> None:
        for one in stages:
            one(shop)

    return stage


def another_with_our_id(shop: WorkshopWorld) -> None:
    name = f"Motorolie{MARKERS[shop.kind]}0007"
    shop.stage("extra_line_by_colleague", when="after", name=name, amount="5,50")


# A product that au2office finds at once: with another one, what is saved first is only a search.
DIRECT = {"product": "OL-1040"}
BRIEF = "timeout_s = 8"  # where something never comes, and the whole of it is waited out
WAITS, FAILED, DONE, DOUBT = "received", "failed", "completed", "processing"
SITUATIONS = [
    Situation("all is well", nothing, DONE, None, "", 1),
    Situation("two-factor login", staged("two_factor"), WAITS, "login-attention", "login kræver handling"),
    Situation(
        "password expired",
        staged("password_expired"),
        WAITS,
        "login-attention",
        "login kræver handling",
        kinds=("au2office",),
    ),
    Situation("case not found", nothing, WAITS, "case-not-found", "sag ikke fundet", order={"case": "99999"}),
    Situation(
        "case not found, only longer numbers", nothing, WAITS, "case-not-found", "sag ikke fundet", order={"case": "5"}
    ),
    Situation("case twice", seeded(add_cases=[{"number": "56"}]), FAILED, "case-ambiguous", "sag ikke entydig"),
    Situation("case closed", nothing, FAILED, "case-closed", "sag lukket", order={"case": "561"}),
    Situation("case invoiced", nothing, FAILED, "case-invoiced", "sag faktureret", order={"case": "562"}),
    Situation("case locked", nothing, WAITS, "case-locked", "sag låst af anden bruger", order={"case": "563"}),
    Situation(
        "case closed just before the save", staged("close_case_before_save"), FAILED, "case-closed", "sag lukket"
    ),
    Situation(
        "case locked just before the save", staged("lock_case"), WAITS, "case-locked", "sag låst af anden bruger"
    ),
    Situation("product unknown", nothing, FAILED, "product-unknown", "handle varenummer", order={"product": "XX-1"}),
    Situation(
        "no exact product among several",
        nothing,
        FAILED,
        "product-unknown",
        "handle varenummer",
        order={"product": "OL-"},
    ),
    Situation("an exact product among several", nothing, DONE, None, "", 1, order={"product": "0007"}),
    Situation("product discontinued", nothing, FAILED, "product-blocked", "vare spærret", order={"product": "OL-1540"}),
    Situation("product blocked", nothing, FAILED, "product-blocked", "vare spærret", order={"product": "AT-III"}),
    Situation("amount refused", nothing, FAILED, "amount-refused", "antal afvist", order={"amount": "5,125"}),
    Situation(
        "the amount field reads back other than typed",
        staged("eats_comma", times=None),
        WAITS,
        "field-mismatch",
        "felt læst forkert tilbage",
        kinds=("admanager",),
        later=("completed", 1),
    ),
    Situation(  # its line is there by then, half done, until the field can be believed
        "the amount field of the second step reads back other than typed",
        staged("eats_comma", times=None),
        DOUBT,
        "field-mismatch",
        "afklares",
        1,
        kinds=("au2office",),
        later=("completed", 1),
    ),
    Situation("a text that must be shortened", nothing, DONE, None, "", 1, order={"product": "OL-2050"}),
    Situation("a field that cuts", seeded(name_limit=30), DONE, None, "", 1),
    Situation(
        "marker too long",
        nothing,
        FAILED,
        "marker-too-long",
        "id for langt til linjetekst",
        settings="name_limit = 12",
    ),
    Situation("already there", a_line("9"), DONE, "already-present", "allerede på sagen", order={"case": "9"}),
    Situation(
        "there with another amount",
        a_line("9", amount="7.00"),
        FAILED,
        "line-conflict",
        "linje afviger",
        order={"case": "9"},
    ),
    Situation(
        "there with another product",
        a_line("9", product="OL-1040"),
        FAILED,
        "line-conflict",
        "linje afviger",
        order={"case": "9"},
    ),
    Situation("the product without our marker", a_line("9", marker=""), DONE, None, "", 1, order={"case": "9"}),
    Situation(
        "the product without our marker, where that fails",
        a_line("9", marker=""),
        FAILED,
        "existing-line",
        "varen er allerede på sagen",
        order={"case": "9"},
        settings='existing_line = "fail"',
    ),
    Situation("a longer id beside it", a_line("9", marker="00071"), DONE, None, "", 1, order={"case": "9"}),
    Situation(
        "a slow page",
        staged("delay_ms", ms=20_000, times=2, skip=2),
        WAITS,
        "slow",
        "ERP svarer langsomt",
        settings=BRIEF,
    ),
    Situation("news", staged("news_dialog"), DONE, None, "", 1),
    Situation("out of stock", nothing, DONE, None, "", 1, order={"product": "BR-DOT4"}),
    Situation("maintenance", staged("maintenance", times=None), WAITS, "erp-unavailable", "ERP utilgængelig"),
    Situation(
        "another layout",
        staged("rename_ids", times=None, words=True),
        WAITS,
        "layout-changed",
        "skærmbillede ændret",
        settings=BRIEF,
    ),
    # after the touch: the answer is lost, and reading settles it
    Situation("the answer is cut", staged("save_then_cut"), DONE, None, "", 1, order=DIRECT, settings=BRIEF),
    Situation("the answer is lost with its connection", staged("save_then_drop"), DONE, None, "", 1, order=DIRECT),
    Situation("the answer is an error", staged("save_then_500"), DONE, None, "", 1, order=DIRECT),
    Situation("the save is slow", staged("delay_save_ms", ms=1500), DONE, None, "", 1, order=DIRECT),
    Situation(
        "the save hangs, after the effect",
        staged("hang_save", when="after"),
        DONE,
        None,
        "",
        1,
        order=DIRECT,
        settings=BRIEF,
    ),
    Situation(
        "the save hangs, before the effect",
        staged("hang_save"),
        DOUBT,
        "slow",
        "afklares",
        0,
        later=("completed", 1),
        settings=BRIEF,
    ),
    Situation("no toast", staged("lost_toast"), DONE, None, "", 1, kinds=("admanager",)),
    Situation("somebody else's toast", staged("stale_toast"), DONE, None, "", 1, kinds=("admanager",)),
    Situation("a colleague writes too", staged("extra_line_by_colleague"), DONE, None, "", 1),
    Situation(
        "a colleague writes the same product just after",
        staged("extra_line_by_colleague", when="after", product="OL-0530"),
        DONE,
        None,
        "",
        1,
    ),
    Situation(
        "another line with our id comes meanwhile",
        another_with_our_id,
        FAILED,
        "manual-check",
        "kræver manuel kontrol",
        1,
        order=DIRECT,
    ),
    Situation(
        "connections that are used again, and break without an answer",
        both(seeded(keep_alive=True), staged("save_then_drop")),
        DONE,
        None,
        "",
        1,
        order=DIRECT,
    ),
    Situation(
        "asked whether to add it again",
        both(a_line("9", product="OL-1040", marker=""), staged("duplicate_question", times=None)),
        WAITS,
        "duplicate-asked",
        "varen er allerede på sagen",
        order={"case": "9", "product": "OL-1040"},
    ),
    Situation("a confirm() on saving", confirming, DOUBT, "unexpected-dialog", "afklares", later=("completed", 1)),
    Situation(
        "the second step fails once", staged("cut_second_step", field="navn"), DONE, None, "", 1, kinds=("au2office",)
    ),
    Situation(
        "the amount of the second step fails once",
        staged("cut_second_step", field="antal"),
        DONE,
        None,
        "",
        1,
        kinds=("au2office",),
    ),
    Situation(
        "the best option is not the exact one",
        staged("highlight_wrong_option"),
        DONE,
        None,
        "",
        1,
        kinds=("admanager",),
    ),
    Situation("slow options", staged("slow_options", ms=1000), DONE, None, "", 1, kinds=("admanager",)),
    Situation(
        "refused when it is on the screen already",
        staged("refuse_after_optimistic"),
        WAITS,
        "erp-unavailable",
        "ERP utilgængelig",
        settings=BRIEF,
        kinds=("admanager",),
        later=("completed", 1),
    ),
]
CASES = [(kind, one) for one in SITUATIONS for kind in one.kinds]


def ends_as_it_must(shop: WorkshopWorld, situation: Situation) -> None:
    """Stage it, order, run: the order's status, code and reason, and how often we wrote; then the quieter runs."""
    shop.configure(more=situation.settings)
    situation.stage(shop)
    shop.order(**situation.order)
    shop.run()
    assert shop.said() == (situation.status, situation.code, situation.reason)
    assert len(shop.saves()) == situation.saves
    if situation.later is not None:
        shop.running.faults.clear()
        shop.calmly()
        assert (shop.said()[0], len(shop.saves())) == situation.later
    if shop.said()[0] == "completed":
        marked = [line for line in shop.ours(situation.order.get("case", "56")) if line[1].endswith("0007")]
        assert [(line[0], line[2]) for line in marked] == [(situation.order.get("product", "OL-0530"), "5.50")]
