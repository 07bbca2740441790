"""The Trainingportal stand-in: takes classes, tells of bookings, and calls a provider's own addresses when ordered.

From the contract; what nobody has seen is a switch. Clients give its address with `BASE` behind, or without. Stricter
than it needs to be, so that a mistake is seen: an unknown or repeated parameter, a class that ends before it starts and
a completion date without COMPLETED fail. `seed` understands

| setting | default | effect |
|---|---|---|
| username, password | provider-user, demo-trainingportal-password | every other pair fails as `forbidden` says |
| courses | three, see `COURSES` | {id: name}: for which the provider is registered |
| errors, unknown, forbidden | {"status": 200, "body": "object"} | how a failure is said: of what was sent, \
of an unknown course, class or booking, of credentials; body may be "html", "login", "text" or "nothing" |
| allow_get | false | GET with everything in its query is taken as well; otherwise 405 |
| cancel_style | "path" | "form": E4 takes externalId as a form field |
| paths | see `Paths` | {"get_courses", "get_classes", "cancel_class", "upload"} below the base |
| upload | {"part": "file", "most_bytes": 10 MB, "starts": "%PDF-"} | what a document must be |
| restorable_s | 3600 | how long a cancelled class with students can be restored |
| visible_after_s, visible_after_looks | 0 | seconds from a reservation, and looks, until E7 shows it; null: never |
| cancelled_shown | false | a cancelled booking is shown with a status of its own; otherwise it is unknown |
| count_seats | true | a booking takes a free seat of its class, a cancellation gives it back |
| asked_by | "provider" | by whose reference E7 to E9 are asked: "portal" or "both" |
| shows | "portal" | whose reference E7 shows |
| param_class, send_reference | courseClassExternalId, null | P1's names of the class and of its own reference |
| deadline_spelling | "erollmentDeadline" | what E2 listens to; "enrollmentDeadline" or "both" |
| line2_may_be_empty, list_cancelled | true | empty address.addressLine2; E6 shows cancelled classes |
| flag_type | "documented" | "string", "boolean" or "upper" ("TRUE") in every status object |
| flag_name, message_name | sucessful, errorMessage | their spelling |
| lower_names | true | E7's firstname and lastname; otherwise firstName, lastName |
| optional | "missing" | without a value; or "null", "empty", and "omit" leaves out those with a value |
| lists | "wrapped" | "bare": E5 and E6 answer an array |
| dotted_keys, blank_keys, text_values, times_with_seconds, trailing_commas, unknown_keys | false | "address.city"; \
" city"; "12" and "false"; "08:00:00"; `{"a": 1,}`; a field too many |
| now | null | ISO time: the clock stands there |

and these, which do something:

| order | shape |
|---|---|
| classes | [{"course", "class", "cancelled": false, any parameter of E1}]: is there, or changed, past every rule |
| forget_classes | ["NK-2027-0312"]: gone |
| bookings | [{"reference", "class", "comment", "purchase_order", any field of P1}]: is there, without a reservation |
| reserve | {"url", "class", any field of P1, "comment", "purchase_order"}: P1 |
| cancel | {"reference", "url", "param": "bookingReference"}: P2 |

Both calls take "times": 1, "at_once": false, "accept": "json" ("xml", "any"), "params" and "headers" on top,
"timeout_s": 30, and "sign" (a key) with "clock_off_s": 0, which adds timestamp and signature. `seed` answers
{"reserve": {"replies": [{"successful", "bookingReference", "errorMessage", "status", "content_type", "body",
"problem"}], "references": […]}} and {"cancel": {"replies": [{"cancelled", …}]}}.
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from integrator.standins.base import Answer, Request, StandIn
from integrator.standins.guide import Guide
from integrator.standins.mailgun.forms import Form, Refusal, form_of
from integrator.standins.trainingportal import answers
from integrator.standins.trainingportal.awkward import AWKWARD
from integrator.standins.trainingportal.orders import carry_out, orders_in
from integrator.standins.trainingportal.parameters import Refused
from integrator.standins.trainingportal.portal import Call, Portal, Route
from integrator.standins.trainingportal.settings import COURSES, PASSWORD, USERNAME, Way

__all__ = ["AWKWARD", "BASE", "COURSES", "PASSWORD", "USERNAME", "Trainingportal"]

BASE = "/mintra/api/courseprovider/rest"
_OURS = "http://127.0.0.1:8080/trainingportal/TOKEN"  # where `integrator gateway` answers it


class Trainingportal(StandIn):
    """The stand-in. `clock` is where its times come from; a test gives one that stands still."""

    name = "trainingportal"
    guide = Guide(
        config=f'[trainingportal]\nbase_url = "{{url}}{BASE}"\nusername = "{USERNAME}"\n'
        'password = {{ env = "TRAININGPORTAL_PASSWORD" }}',
        secrets=f"TRAININGPORTAL_PASSWORD={PASSWORD}",
        ask=f"-d username={USERNAME} -d password={PASSWORD} {{url}}{BASE}/v1/courses/get",
        seeds=(
            {"courses": {"25172": "Projektledelse i praksis"}},
            {
                "reserve": {
                    "url": f"{_OURS}/reserve",
                    "class": "25172-05",
                    "times": 1,
                    "studentFirstName": "Bjørn",
                    "studentLastName": "Ærlighaug",
                    "studentEmailAddress": "bjorn@example.org",
                    "comment": "Trenger hørselvern",
                }
            },
            {"cancel": {"url": f"{_OURS}/cancel", "reference": "TP-3L3R7LUNHLARZYCX4OVUGL2KRI"}},
        ),
    )
    gzip = True

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self._clock = clock
        self.portal = Portal(clock)

    def reset(self) -> None:
        with self.lock:
            self.portal = Portal(self._clock, self.portal)

    def seed(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Change settings, those not named stay; then carry out the orders. Errors: ValueError, nothing is done."""
        with self.lock:
            orders, rest = orders_in(settings)
            self.portal.settings = self.portal.settings.changed(rest)
        return {**settings, **carry_out(orders, lambda: self.portal, self.lock)}

    def state(self) -> dict[str, Any]:
        """Every class and booking; the shape is that of `Portal.state`."""
        with self.lock:
            self.portal.purge()
            return self.portal.state()

    def handle(self, request: Request) -> Answer:
        with self.lock:
            portal = self.portal
            found = self._routed(portal, request)
            if found is None:
                return answers.failed(portal.settings, Way(404, "html"), "")
            allowed = {"POST", "GET"} if portal.settings.allow_get else {"POST"}
            if request.method not in allowed:
                return answers.failed(portal.settings, Way(405, "html"), "")
            try:
                return self._answer(portal, request, *found)
            except Refused as refused:
                return answers.failed(portal.settings, getattr(portal.settings, refused.kind), refused.message)

    def _routed(self, portal: Portal, request: Request) -> tuple[Route, dict[str, str]] | None:
        # The base is configuration at its clients: an address that ends at the host will do here.
        path = request.target.partition("?")[0].removeprefix(BASE)
        return portal.route(path.removeprefix("/")) if path.startswith("/") else None

    def _answer(self, portal: Portal, request: Request, route: Route, ids: dict[str, str]) -> Answer:
        form = _form(request)
        if not _is_known(portal, form):
            raise Refused("Wrong username or password", "forbidden")
        portal.purge()
        return route(portal, Call(request, form, ids))


def _form(request: Request) -> Form:
    """What was sent. Errors: Refused for a body that is broken on the way, as an upload cut in its middle."""
    if request.method == "GET":
        return Form(parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
    try:
        return form_of(request)
    except Refusal as refusal:
        raise Refused(refusal.message) from refusal


def _is_known(portal: Portal, form: Form) -> bool:
    wanted = {"username": portal.settings.username, "password": portal.settings.password}
    return all(hmac.compare_digest(form.first(name).encode(), value.encode()) for name, value in wanted.items())
