"""The rules of single fields: each takes what was typed and gives back what is kept, or says why not."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from integrator.domain.orders.text import Wrong, many_lines, one_line

Rule = Callable[[str], str]  # gives back "" when nothing was typed. Errors  Wrong

CLOCK_TOLERANCE = timedelta(days=1)  # the website's clock may be ahead of ours, or hold another zone
_FIRST_TERMS = datetime(2000, 1, 1, tzinfo=UTC)  # before that somebody's default was sent, such as 0001-01-01

_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_EMAIL_LIMIT = 254
_PHONE = re.compile(r"[0-9+() -]+")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
# ISO 3166-1, and XK, which Kosovo uses.
_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""


def line(limit: int) -> Rule:
    """Text on one line, of at most so many characters."""
    return lambda raw: one_line(raw, limit)


def name(raw: str) -> str:
    """A person's name. Mail programs turn a web address in it into a link: nobody orders a seat to send one."""
    typed = one_line(raw, 100)
    if "://" in typed or "www." in typed.lower():
        raise Wrong("web_address")
    return typed


def lines(limit: int) -> Rule:
    """Text that may hold line breaks."""
    return lambda raw: many_lines(raw, limit)


def email(raw: str) -> str:
    """An address that any mail server takes: ASCII, its domain in lower case, an IDN domain as xn--…."""
    address = one_line(raw, _EMAIL_LIMIT)
    if not address:
        return ""
    if mistake := _plain_mistake(address):
        raise Wrong(mistake)
    # Imported only now: no command but the booking ones needs it (0.03 s).
    from email_validator import EmailNotValidError, validate_email

    try:
        # UnicodeError: what idna makes of some domains that nobody can have.
        # strict: also at most 64 characters before the @
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False, strict=True).ascii_email
    except (EmailNotValidError, UnicodeError) as error:
        raise Wrong("bad_email") from error
    if found is None or len(found) > _EMAIL_LIMIT:
        raise Wrong("bad_email")
    return found


def _plain_mistake(address: str) -> str | None:
    """The mistakes people make, each with words of its own."""
    if '"' in address:
        return "bad_email.quoted"
    if address.count("@") != 1:
        return "bad_email.two_ats" if "@" in address else "bad_email.no_at"
    if " " in address:
        return "bad_email.blank"
    if not address.partition("@")[0].isascii():
        return "bad_email.letters"
    return "bad_email.end" if address.endswith(".") else None


def phone(raw: str) -> str:
    """A phone number, kept as it was typed."""
    number = one_line(raw, 30)
    if number and (not _PHONE.fullmatch(number) or sum(char.isdigit() for char in number) < 6):
        raise Wrong("bad_phone")
    return number


def danish_cvr(raw: str) -> str:
    """The 8 digits of a CVR number; DK in front of them is left out. (00000000 is used in samples: no check digit.)"""
    return _digits(raw, 8, "bad_cvr")


def danish_zip(raw: str) -> str:
    """The 4 digits of a Danish postcode; DK- in front of them is left out."""
    return _digits(raw, 4, "bad_zip")


def _digits(raw: str, count: int, wrong: str) -> str:
    typed = one_line(raw, 40)
    match = re.fullmatch(r"(?:DK-?)?([0-9]*)", typed.replace(" ", ""), re.IGNORECASE | re.ASCII)
    if typed and (not match or len(match[1]) != count):
        raise Wrong(wrong)
    return match[1] if match else ""


def foreign_number(raw: str) -> str:
    """A company's number in another country, as it was typed."""
    number = one_line(raw, 40)
    if number and not 2 <= len(number) <= 20:
        raise Wrong("bad_cvr.foreign")
    return number


def ean(raw: str) -> str:
    """The 13 digits of an EAN (GLN) number, whose last one checks the others."""
    digits = one_line(raw, 40).replace(" ", "")
    if digits and not re.fullmatch("[0-9]{13}", digits):
        raise Wrong("bad_ean")
    if sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10:
        raise Wrong("bad_ean.check")
    return digits


def country(raw: str) -> str:
    """A country code in upper case."""
    code = one_line(raw, 100)
    # Only ASCII: in upper case ß is SS, which is South Sudan.
    if code and not (code.isascii() and code.upper() in _COUNTRIES.split()):
        raise Wrong("bad_country")
    return code.upper()


def accepted_at(now: datetime | None) -> Rule:
    """When the terms were accepted, in Copenhagen's time and whole seconds; not after now, if that is given."""

    def rule(raw: str) -> str:
        typed = one_line(raw, 40)
        if not typed:
            return ""
        at = _instant(typed)
        if now and at > now + CLOCK_TOLERANCE:
            raise Wrong("bad_time.future")
        if at < _FIRST_TERMS:
            raise Wrong("bad_time.old")
        return at.astimezone(_COPENHAGEN).isoformat(timespec="seconds")

    return rule


def _instant(typed: str) -> datetime:
    if not _INSTANT.fullmatch(typed):
        raise Wrong("bad_time")
    try:
        return datetime.fromisoformat(typed)
    except ValueError as error:  # the 31st of February, 24:61
        raise Wrong("bad_time") from error
