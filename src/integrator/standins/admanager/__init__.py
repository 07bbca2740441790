"""The AD Manager stand-in: a workshop's ERP as a single page with a JSON API, and all that goes wrong in a browser.

Nothing of the real one was ever contacted; the behaviour is that of the contract. Pages: `/login`, `/`, `/worksheet`,
`/worksheet/560`. The shop behind them, its seed settings and its rules are `workshop.data`'s. `seed` also understands

| setting | default | effect |
|---|---|---|
| workshop | Bennys Auto | what the front page is headed with |
| cookie_bar | true | a bar lies over the lower edge until it is accepted |
| session_ttl_s | 1200 | a session ends after so long without a call |
| keep_alive | false | connections are used again: Chromium then repeats a save that `save_then_drop` met |
| table_ms, lines_ms | 200, 100 | how long the list and the lines show grey rows |
| options_ms, lookup_ms | 150, 50 | until the options of a product number come, until its name comes |

Serve it with `workshop.standin.serve`: its control port knows faults by name, as `workshop.staging` says. The ones
that this stand-in does itself (a save that is asked about waits for its answer, and is none after "no"):

| kind | settings (= default) | what happens |
|---|---|---|
| session_ttl_s | seconds=1 | a session ends after so long idle |
| expire_after_requests | requests=0 | a session ends after so many calls |
| two_factor | code=123456 | a login asks for a code |
| news_dialog | title=Nyheder, text | a dialog covers the page that follows the login |
| rename_ids | words=false | every name, class and data attribute is another one; with words, labels too |
| unknown_modal | at (open, save), title, text | a dialog nobody expects, on opening a case or on saving |
| js_confirm | at (open, save), text | window.confirm, on opening a case or on saving |
| duplicate_question | text | on saving a product that is there: add it again? |
| name_limit | characters=30 | the name field takes no more |
| no_marker_field | | the name cannot be edited |
| eats_comma | | the amount field drops the comma: 5,5 reads back as 55 |
| slow_options | ms=1500 | options come late |
| highlight_wrong_option | | the exact option is the last one |
| lock_case | | a save is 409, without effect |
| close_case_before_save | status=lukket (faktureret) | the case closes just before the save |
| refuse_after_optimistic | text | a save is refused when its row is already on the screen |
| lost_toast, stale_toast | | no toast after a save; one before it |
| extra_line_by_colleague | product, amount, name, user=mette, when=before (after) | a line too, the same if not said |
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrator.standins.admanager import api, faults, pages
from integrator.standins.admanager.office import Office
from integrator.standins.base import Answer, Request
from integrator.standins.workshop.standin import WorkshopStandIn, guide_of

__all__ = ["AdManager"]

SETTINGS = __doc__


class AdManager(WorkshopStandIn):
    """The stand-in. `clock` is where its times come from; a test gives one that it can move."""

    name = "admanager"
    guide = guide_of(name, {"fault": {"kind": "duplicate_question"}, "case": "560", "times": 1}, SETTINGS)
    kinds = faults.KINDS

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__(clock)
        self.office = Office(clock, self.shop, self.stage)

    def reset(self) -> None:
        with self.lock:
            super().reset()
            self.office = Office(self.clock, self.shop, self.stage)

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change the shop or the settings; those not named stay. Errors: ValueError, and nothing is changed."""
        with self.lock:
            self.office.seed(settings)
        return settings

    def state(self) -> dict[str, Any]:
        """The shop, in the shape of `Shop.state`, and "logins": every one tried, [{"at", "email", "ok"}]."""
        with self.lock:
            return super().state() | {"logins": list(self.office.sessions.attempts)}

    def saves(self, case: str | None) -> str:
        return faults.saves(case)

    def pages(self, case: str) -> str:
        return faults.pages(case)

    def handle(self, request: Request) -> Answer:
        is_api = request.path.startswith("/api/")
        answer = api.answer(self.office, request, self.lock) if is_api else pages.answer(request)
        # Chromium sends a POST again by itself when a connection it has used before breaks without an answer.
        kept = {} if self.office.settings.keep_alive else {"Connection": "close"}
        return replace(answer, headers={**answer.headers, **kept})
