"""The OilMat stand-in: offers what was pumped at a workshop, page by page, and is told what became of it.

Wholly assumed: no document about OilMat was found. Stricter than it needs to be, so that a mistake is seen: a status
it does not know, a moment without a zone and a field too many are 422. `seed` understands

| setting | default | effect |
|---|---|---|
| dispenses | {} | {workshop: [order record, or anything else]}: offered behind what is there |
| token | demo-oilmat-token | every other one is 401 |
| workshops | null | those that the token may ask for; another one is 403 |
| take_unknown | false | a status of something that was never offered is kept; otherwise 404 |
| page_most | 500 | however many are asked for |
| twice | false | each item stands two times on its page |
| overlap | 0 | so many items of the page before come once more |
| disorder | false | the last of a page comes first |
| endless | false | there is always more, and it is always the same page |
"""

import hmac
import re
from typing import Any

import msgspec

from integrator.standins.base import Answer, Request, StandIn
from integrator.standins.guide import Guide
from integrator.standins.oilmat.book import TOKEN, Book, Refusal, Update

__all__ = ["TOKEN", "OilMat"]

DISPENSES = "/api/v1/dispenses"
STATUS = re.compile(rf"{DISPENSES}/([^/]+)/status")
PER_PAGE = 100
DISPENSE = {
    "workshop": "bennys-auto",
    "unique_id": "0007",
    "case_id": "560",
    "product_nr": "OL-0530",
    "product_amount": "5.5",
}


class OilMat(StandIn):
    """The stand-in. Without a seed it has nothing to offer."""

    name = "oilmat"
    guide = Guide(
        config='[oilmat]\nbase_url = "{url}"\ntoken = {{ env = "OILMAT_TOKEN" }}',
        secrets=f"OILMAT_TOKEN={TOKEN}",
        ask=f"-H 'Authorization: Bearer {TOKEN}' '{{url}}/api/v1/dispenses?workshop=bennys-auto'",
        seeds=({"dispenses": {"bennys-auto": [DISPENSE]}}, {"twice": True}),
    )
    gzip = True

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()

    def reset(self) -> None:
        with self.lock:
            self.book = Book()

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change settings; those not named stay, and dispenses come on top. Errors: ValueError, nothing is changed."""
        with self.lock:
            self.book.seed(settings)
        return settings

    def state(self) -> dict[str, Any]:
        """What is offered, and every status with the updates that led to it; the shape is that of `Book.state`."""
        with self.lock:
            return self.book.state()

    def handle(self, request: Request) -> Answer:
        try:
            with self.lock:
                return self._answer(request)
        except Refusal as refusal:
            return Answer(refusal.status, {"error": refusal.code, "message": refusal.message})

    def _answer(self, request: Request) -> Answer:
        if not request.path.startswith("/api/v1/"):
            return Answer(404, "404 page not found\n", content_type="text/plain; charset=utf-8")
        if not self._may(request):
            told = {"error": "UNAUTHORIZED", "message": "no valid token"}
            return Answer(401, told, {"WWW-Authenticate": 'Bearer realm="OilMat"'})
        of = STATUS.fullmatch(request.path)
        if request.path != DISPENSES and of is None:
            raise Refusal(404, "NO_SUCH_ROUTE", "there is nothing at this address")
        if request.method != ("POST" if of else "GET"):
            raise Refusal(405, "METHOD_NOT_ALLOWED", f"{request.method} is not for this address")
        return self._told(request, of[1]) if of else self._page(request)

    def _may(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        known = self.book.settings.token.encode()
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), known)

    def _page(self, request: Request) -> Answer:
        workshop = request.first("workshop")
        if not workshop:
            raise Refusal(400, "WORKSHOP_MISSING", "say of which workshop")
        limit = request.first("limit", str(PER_PAGE))
        if not re.fullmatch(r"[1-9][0-9]{0,5}", limit):
            raise Refusal(400, "BAD_LIMIT", "limit is a number from 1")
        return Answer(200, self.book.page(workshop, request.first("after"), int(limit)))

    def _told(self, request: Request, unique_id: str) -> Answer:
        try:
            update = msgspec.json.decode(request.body, type=Update)
        except msgspec.ValidationError as error:
            raise Refusal(422, "BAD_STATUS", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refusal(400, "BAD_JSON", "the body is no JSON") from None
        if self.book.take(unique_id, update):
            request.effect(kind="status", workshop=update.workshop, unique_id=unique_id, status=update.status)
        return Answer(204)
