"""What a message form means, and everything Mailgun refuses about it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from integrator.standins.mailgun.addresses import Mailbox, mailboxes, without_repeats
from integrator.standins.mailgun.forms import File, Form, Refusal

MAX_MESSAGE = 25 * 1024 * 1024
MAX_OPTIONS = 16 * 1024
MAX_TAGS = 10
MAX_TAG = 128
DAYS_AHEAD = 7
NO_BODY = "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified"
OPTIONS_TOO_LARGE = "Send options (parameters starting with o:, h:, or v:) are limited to 16KB total"

YES_NO = frozenset({"yes", "no", "true", "false"})
CHOICES = {
    **dict.fromkeys(("o:testmode", "o:require-tls", "o:skip-verification", "o:dkim", "t:text"), YES_NO),
    **dict.fromkeys(("o:tracking", "o:tracking-clicks", "o:tracking-opens"), YES_NO | {"htmlonly"}),
}


@dataclass(frozen=True)
class Draft:
    """One mail as it was asked for; the same for all its recipients."""

    sender: str
    to: list[Mailbox]
    cc: list[Mailbox]
    bcc: list[Mailbox]
    subject: str
    text: str | None
    html: str | None
    headers: dict[str, str]
    variables: dict[str, str]
    tags: list[str]
    options: dict[str, str]
    files: list[File]

    @property
    def recipients(self) -> list[str]:
        return [box.email for box in (*self.to, *self.cc, *self.bcc)]

    @property
    def is_test(self) -> bool:
        return self.options.get("testmode") in {"yes", "true"}

    @property
    def deliver_at(self) -> datetime | None:
        """When the delivery may begin; None: at once."""
        wanted = self.options.get("deliverytime")
        return parsedate_to_datetime(wanted) if wanted else None

    @property
    def size(self) -> int:
        """About as many bytes as the mail has on its way: files in base64."""
        texts = [self.sender, self.subject, self.text or "", self.html or "", *self.headers.values()]
        return sum(len(text.encode()) for text in texts) + sum(4 * -(-len(file.content) // 3) for file in self.files)


def drafts_of(form: Form, now: datetime) -> list[Draft]:
    """The mails that one request makes: one, or with recipient-variables one for each in `to`.

    Errors  Refusal: 413 for more than 25 MB, otherwise 400 with the text of the samples where there is one
    """
    sender = _sender(form)
    to, cc, bcc = _recipients(form)
    subject = form.first("subject")
    if not subject.strip() and not form.first("template"):
        raise Refusal("subject parameter is missing")
    _one_line("subject", subject)
    _check_body(form)
    _check_options(form, now)
    text, html = form.first("text") or None, form.first("html") or None
    headers, variables = _headers(form), dict(form.prefixed("v:"))
    options = {name: value for name, value in form.prefixed("o:") if name != "tag"}
    draft = Draft(
        sender, to, cc, bcc, subject, text, html, headers, variables, form.all("o:tag"), options, _files(form)
    )
    if draft.size > MAX_MESSAGE:
        raise Refusal("the message is larger than 25 MB", 413)
    return _copies(draft, form)


def _sender(form: Form) -> str:
    if not form.first("from").strip():
        raise Refusal("from parameter is missing")
    boxes = mailboxes(form.all("from"), "from")
    if len(boxes) > 1:
        raise Refusal("from parameter is not a valid address. please check documentation")
    return boxes[0].text


def _recipients(form: Form) -> list[list[Mailbox]]:
    if not form.all("to"):
        raise Refusal("to parameter is missing")
    return without_repeats(*(mailboxes(form.all(field), field) for field in ("to", "cc", "bcc")))


def _one_line(name: str, value: str) -> None:
    """Errors: Refusal for what would begin a header of its own."""
    if re.search(r"[\r\n\0]", value):
        raise Refusal(f"{name} parameter must not have line breaks")


def _check_body(form: Form) -> None:
    if not any(form.first(name).strip() for name in ("text", "html", "amp-html", "template")):
        raise Refusal(NO_BODY)
    if form.first("template"):
        raise Refusal(f"template {form.first('template')} not found")  # the stand-in stores none


# Options


def _check_options(form: Form, now: datetime) -> None:
    options = [(name, value) for name, value in form.fields if name[:2] in {"o:", "h:", "v:", "t:"}]
    if sum(len(f"{name}{value}".encode()) for name, value in options) > MAX_OPTIONS:
        raise Refusal(OPTIONS_TOO_LARGE)
    for name, value in options:
        if name in CHOICES and value.lower() not in CHOICES[name]:
            raise Refusal(f"{name} parameter must be one of {', '.join(sorted(CHOICES[name]))}")
        if name in CHECKS:
            CHECKS[name](value, now)
    if len(form.all("o:tag")) > MAX_TAGS:
        raise Refusal(f"o:tag parameter: at most {MAX_TAGS} tags")


def _check_tag(value: str, now: datetime) -> None:
    if not re.fullmatch(rf"[\x20-\x7e]{{1,{MAX_TAG}}}", value):
        raise Refusal(f"o:tag parameter must be 1 to {MAX_TAG} ASCII characters")


def _check_deliver_within(value: str, now: datetime) -> None:
    found = re.fullmatch(r"(?:(\d{1,2})h)?(?:(\d{1,4})m)?", value)
    minutes = int(found[1] or 0) * 60 + int(found[2] or 0) if found else 0
    if not 30 <= minutes <= 24 * 60:
        raise Refusal("o:deliver-within parameter must be between 30m and 24h, as 12h or 1h30m")


def _check_delivery_time(value: str, now: datetime) -> None:
    try:
        at = parsedate_to_datetime(value)
    except ValueError as error:
        raise Refusal("o:deliverytime parameter is not a valid RFC 2822 date") from error
    if at.tzinfo is None:
        raise Refusal("o:deliverytime parameter needs a numeric offset")
    if at > now + timedelta(days=DAYS_AHEAD):
        raise Refusal(f"o:deliverytime parameter is more than {DAYS_AHEAD} days ahead")


CHECKS: dict[str, Callable[[str, datetime], None]] = {
    "o:tag": _check_tag,
    "o:deliver-within": _check_deliver_within,
    "o:deliverytime": _check_delivery_time,
}


def _headers(form: Form) -> dict[str, str]:
    headers = dict(form.prefixed("h:"))
    for name, value in headers.items():
        _one_line(f"h:{name}", value)
        if not re.fullmatch(r"[!-9;-~]+", name):
            raise Refusal(f"h:{name} parameter is not a header name")
    return headers


def _files(form: Form) -> list[File]:
    if any(form.all(name) for name in ("attachment", "inline")) or any(not file.filename for file in form.files):
        raise Refusal("attachment parameter is not a file with a name")
    return [file for file in form.files if file.field in {"attachment", "inline"}]


# Recipient variables


def _copies(draft: Draft, form: Form) -> list[Draft]:
    given = form.first("recipient-variables")
    if not given:
        return [draft]
    variables = _recipient_variables(given)
    return [_copy(draft, box, variables.get(box.email, {})) for box in draft.to]


def _recipient_variables(text: str) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Refusal("recipient-variables parameter is not valid JSON") from error
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise Refusal("recipient-variables parameter must be an object of objects")
    return found


def _copy(draft: Draft, box: Mailbox, values: dict[str, Any]) -> Draft:
    def filled(text: str) -> str:
        """A key that is not given stays as it is: the reader sees that something is missing."""
        known = {"recipient": box.email, **{f"recipient.{key}": str(value) for key, value in values.items()}}
        return re.sub(r"%(recipient(?:\.[\w-]+)?)%", lambda found: known.get(found[1], found[0]), text)

    subject, text, html = filled(draft.subject), draft.text, draft.html
    return replace(
        draft, to=[box], subject=subject, text=text and filled(text), html=html and filled(html), cc=[], bcc=[]
    )
