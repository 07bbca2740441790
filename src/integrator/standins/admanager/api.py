"""The JSON API behind the pages."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from integrator.standins.admanager import faults, views
from integrator.standins.admanager.office import Office
from integrator.standins.admanager.sessions import COOKIE, Session
from integrator.standins.base import Answer, Request
from integrator.standins.workshop.data import Case, Refused

Json = dict[str, Any]
Route = Callable[[Office, Request, Session, str], Answer]
TEXTS = {
    "case-not-found": "Arbejdskortet findes ikke",
    "case-closed": "Arbejdskortet er lukket",
    "case-invoiced": "Arbejdskortet er faktureret",
    "case-locked": "Arbejdskortet er ændret af en anden",
}
STATUSES = {"case-not-found": 404, "case-locked": 409}
FIELDS = {"product-unknown": "product", "product-blocked": "product", "amount-refused": "amount"}


def answer(office: Office, request: Request, lock: AbstractContextManager[Any]) -> Answer:
    """One call. What is slow in the real system is waited for here, outside the lock."""
    with lock:
        said, wait_ms = _within(office, request)
    time.sleep(wait_ms / 1000)
    said.headers["Cache-Control"] = "no-store"
    return said


def _within(office: Office, request: Request) -> tuple[Answer, float]:
    path = request.path.removeprefix("/api")
    public = PUBLIC.get((request.method, path))
    if public:
        return public(office, request), 0
    session = office.session(request, path)
    if session is None:
        return _said(401, "Log ind igen"), 0
    for (method, pattern), (route, wait) in ROUTES.items():
        hit = re.fullmatch(pattern, path)
        if hit and method == request.method:
            try:
                return route(office, request, session, "".join(hit.groups())), wait(office)
            except Refused as refused:
                return _refused(refused), wait(office)
            except (ValueError, KeyError, TypeError) as error:
                return _said(400, f"Ugyldig forespørgsel: {error}"), 0
    return _said(404, "Findes ikke"), 0


def _said(status: int, message: str, **more: Any) -> Answer:
    return Answer(status, {"message": message, **more})


def _refused(refused: Refused) -> Answer:
    more = {"field": FIELDS[refused.code]} if refused.code in FIELDS else {}
    return _said(STATUSES.get(refused.code, 422), TEXTS.get(refused.code, refused.text), **more)


# Before the login


def _setup(office: Office, request: Request) -> Answer:
    fault = office.stage.take("rename_ids")
    renamed = "" if fault is None else "all" if fault.get("words") else "attributes"
    return Answer(200, {"renamed": renamed})


def _login(office: Office, request: Request) -> Answer:
    given = _object(request)
    email, password = given.get("email"), given.get("password")
    if not isinstance(email, str) or not isinstance(password, str):
        return _said(400, "E-mail og adgangskode skal udfyldes")
    if office.sessions.is_locked(email):
        return _said(423, "Kontoen er spærret")
    if not office.sessions.tried(email, ok=office.shop.knows(email, password)):
        return _said(401, "Forkert e-mail eller adgangskode")
    fault = office.stage.take("two_factor")
    code = "" if fault is None else str(fault.get("code", "123456"))
    token = office.sessions.begin(email, code)
    return Answer(200, {"code": bool(code)}, {"Set-Cookie": f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"})


def _code(office: Office, request: Request) -> Answer:
    session = office.sessions.of(request)
    if session is None or _object(request).get("code") != session.code:
        return _said(401, "Forkert engangskode")
    session.code = ""
    return Answer(200, {"code": False})


def _logout(office: Office, request: Request) -> Answer:
    office.sessions.end(request)
    return Answer(200, {})


def _object(request: Request) -> Json:
    try:
        given = request.json()
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


PUBLIC: dict[tuple[str, str], Callable[[Office, Request], Answer]] = {
    ("GET", "/setup"): _setup,
    ("POST", "/login"): _login,
    ("POST", "/login/code"): _code,
    ("POST", "/logout"): _logout,
}


# Reading


def _me(office: Office, request: Request, session: Session, _: str) -> Answer:
    fault = office.stage.take("news_dialog")
    words = {"title": "Nyheder", "text": "Der er kommet en ny version af AD Manager."}
    news = None if fault is None else words | {name: fault[name] for name in words if name in fault}
    facts: Json = {"name": session.user, "workshop": office.settings.workshop, "cookies": office.settings.cookie_bar}
    return Answer(200, {**facts, "news": news})


def _worksheets(office: Office, request: Request, session: Session, _: str) -> Answer:
    found = views.found_worksheets(list(office.shop.cases.values()), request.first("search"))
    rows = [views.worksheet_row(case) for case in views.page_of(found, request)]
    return Answer(200, {"total": len(found), "rows": rows})


def _worksheet(office: Office, request: Request, session: Session, key: str) -> Answer:
    case = office.shop.case(key)
    entry = office.entry_of(case)
    eats_comma = office.stage.take("eats_comma", key) is not None
    return Answer(
        200,
        {
            **views.worksheet_row(case),
            "entry": {"open": case.status == "åben", "name_limit": entry.limit, "name_editable": entry.name_editable}
            | ({"eats_comma": True} if eats_comma else {}),
            "notices": faults.notices(office.stage, key, "open"),
            "stale_toast": office.stage.take("stale_toast", key) is not None,
        },
    )


def _lines(office: Office, request: Request, session: Session, key: str) -> Answer:
    lines = office.shop.case(key).lines[::-1]
    return Answer(200, {"total": len(lines), "rows": [views.line_row(line) for line in views.page_of(lines, request)]})


def _products(office: Office, request: Request, session: Session, _: str) -> Answer:
    wrong = office.stage.take("highlight_wrong_option") is not None
    text = request.first("search")
    found = views.found_products(list(office.shop.products.values()), text, exact_last=wrong) if text.strip() else []
    return Answer(200, {"options": [views.option(product) for product in found]})


def _product(office: Office, request: Request, session: Session, number: str) -> Answer:
    product = office.shop.products.get(number)
    if product is None:
        raise Refused("product-unknown")
    if product.status != "aktiv":
        raise Refused("product-blocked")
    return Answer(200, views.looked_up(product))


# Saving


def _save(office: Office, request: Request, session: Session, key: str) -> Answer:
    given = request.json()
    product, name, amount = (given[field] for field in ("product", "name", "amount"))
    if not all(isinstance(text, str) for text in (product, name, amount)):
        return _said(400, "product, name og amount er tekst")
    case = office.shop.case(key)
    if given.get("confirmed") is not True and (asked := faults.asked_on_save(office.stage, case, product)):
        return _said(428, asked["text"], ask=asked)
    if (stopped := _stopped(office, case)) is not None:
        return stopped
    before = len(office.shop.saves)
    line = office.save(case, session.user, product, name, amount)
    for save in office.shop.saves[before:]:
        request.effect(**save)
    toast = None if office.stage.take("lost_toast", key) else "Linje tilføjet"
    return Answer(201, {"line": views.line_row(line), "toast": toast})


def _stopped(office: Office, case: Case) -> Answer | None:
    """What keeps this save from happening, if anything is staged."""
    if (fault := office.stage.take("refuse_after_optimistic", case.key)) is not None:
        return _said(422, fault.get("text", "Linjen blev afvist"))
    if (fault := office.stage.take("close_case_before_save", case.key)) is not None:
        case.status = fault.get("status", "lukket")
    if office.stage.take("lock_case", case.key) is not None:
        raise Refused("case-locked")
    return None


def _at_once(office: Office) -> float:
    return 0


def _options_ms(office: Office) -> float:
    fault = office.stage.take("slow_options")
    return office.settings.options_ms if fault is None else float(fault.get("ms", 1500))


ROUTES: dict[tuple[str, str], tuple[Route, Callable[[Office], float]]] = {
    ("GET", "/me"): (_me, _at_once),
    ("GET", "/worksheets"): (_worksheets, lambda office: office.settings.table_ms),
    ("GET", "/worksheets/([^/]+)"): (_worksheet, _at_once),
    ("GET", "/worksheets/([^/]+)/lines"): (_lines, lambda office: office.settings.lines_ms),
    ("POST", "/worksheets/([^/]+)/lines"): (_save, _at_once),
    ("GET", "/products"): (_products, _options_ms),
    ("GET", "/products/(.+)"): (_product, lambda office: office.settings.lookup_ms),
}
