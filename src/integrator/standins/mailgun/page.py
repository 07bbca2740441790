"""The mails as a person looks at them: a list, newest first, and each mail with its parts and what became of it.

Nothing here runs a script or loads from elsewhere; a mail's own HTML is shown in a frame that may do nothing.
"""

from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from urllib.parse import quote
from zoneinfo import ZoneInfo

from integrator.standins.base import Answer, Request
from integrator.standins.mailgun.forms import File
from integrator.standins.mailgun.office import Event, Mail, Office

HTML = "text/html; charset=utf-8"
DANISH_TIME = ZoneInfo("Europe/Copenhagen")
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'",
    "X-Content-Type-Options": "nosniff",
}
_SANDBOX = {**_SAFE, "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
_TONES = {"delivered": "good", "accepted": "plain", "temporary": "odd"}  # every other event is bad news


def answer(office: Office, request: Request) -> Answer | None:
    """The page of an address; None for an address that is none."""
    if request.method not in {"GET", "HEAD"}:
        return None
    match request.path.split("/")[1:]:
        case [""]:
            return Answer(200, _list(office), _SAFE, HTML)
        case ["mails", number] if mail := _mail(office, number):
            return Answer(200, _one(office, mail), _SAFE, HTML)
        case ["mails", number, "html"] if mail := _mail(office, number):
            return Answer(200, mail.draft.html or "", _SANDBOX, HTML)
        case ["mails", number, "attachments", place] if mail := _mail(office, number):
            return _download(mail, place)
    return None


def _mail(office: Office, number: str) -> Mail | None:
    return office.mails.get(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None


def _download(mail: Mail, place: str) -> Answer | None:
    known = {str(at): file for at, file in enumerate(mail.draft.files, 1)}
    if place not in known:
        return None
    file = known[place]
    name = f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}"
    return Answer(200, file.content, {**_SANDBOX, "Content-Disposition": name}, file.content_type)


@cache
def _style() -> str:
    return (files(__package__) / "page.css").read_text("utf-8")


def _whole(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_style()}</style></head><body><main>{body}</main></body></html>"
    )


# The list


def _list(office: Office) -> str:
    mails = list(reversed(office.mails.values()))
    rows = "".join(_row(office, mail) for mail in mails)
    listed = f'<ol class="mails">{rows}</ol>' if mails else '<p class="none">No mail has been sent yet.</p>'
    count = "1 mail" if len(mails) == 1 else f"{len(mails)} mails"
    told = f"{count} for {escape(office.settings.domain)}. Nothing left this machine."
    head = f"<header><h1>Mailgun stand-in</h1><p>{told}</p></header>"
    return _whole("Mails – Mailgun stand-in", head + listed)


def _row(office: Office, mail: Mail) -> str:
    draft = mail.draft
    clip = f'<span class="clip">{_files_counted(draft.files)}</span>' if draft.files else ""
    return (
        f'<li><a href="/mails/{mail.number}">{escape(draft.subject)}</a>'
        f'<span class="to" lang="da">{escape(mail.to)}</span>{_time(mail.at)}{clip}'
        f'<span class="marks">{_last_marks(office, mail)}{_tags(mail)}</span></li>'
    )


def _files_counted(files: list[File]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


def _tags(mail: Mail) -> str:
    return "".join(f'<span class="tag">{escape(tag)}</span>' for tag in mail.draft.tags)


def _last_marks(office: Office, mail: Mail) -> str:
    """What each recipient's mail has come to; the same words only once."""
    last = {event.body["recipient"]: event for event in _happened(office, mail)}
    return "".join(dict.fromkeys(_mark(event) for event in last.values()))


def _happened(office: Office, mail: Mail) -> list[Event]:
    """Its events up to now, also those that the events API does not tell yet."""
    now = office.now().timestamp()
    return sorted(
        (event for event in office.events_of(mail) if event.timestamp <= now),
        key=lambda event: (event.timestamp, event.number),
    )


def _mark(event: Event) -> str:
    kind, severity = event.body["event"], event.body.get("severity", "")
    tone = _TONES.get(severity or kind, "bad")
    return f'<span class="mark {tone}">{escape(f"{kind}, {severity}" if severity else kind)}</span>'


def _time(at: datetime) -> str:
    local = at.astimezone(DANISH_TIME)
    return f'<time datetime="{at.isoformat()}">{local.day}.{local.month}.{local.year} {local:%H:%M:%S}</time>'


# One mail


def _one(office: Office, mail: Mail) -> str:
    draft = mail.draft
    under = f'<p class="marks">{_time(mail.at)}{_tags(mail)}</p>'
    parts = [
        '<nav><a href="/">← All mails</a></nav>',
        f'<header><h1 lang="da">{escape(draft.subject)}</h1>{under}</header>',
        _headers(mail),
        _section("Delivery", _events(office, mail)),
        _section("HTML", _frame(mail)) if draft.html else "",
        _section("Text", f'<pre class="body" lang="da">{escape(draft.text)}</pre>') if draft.text else "",
        _section("Attachments", _attachments(mail)) if draft.files else "",
    ]
    return _whole(f"{draft.subject} – Mailgun stand-in", "".join(parts))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _headers(mail: Mail) -> str:
    lines = {name: value for name, value in mail.headers.items() if name != "Subject"}
    if mail.draft.bcc:
        lines["Bcc (not in the mail)"] = ", ".join(box.text for box in mail.draft.bcc)
    lines |= {f"o:{name}": value for name, value in mail.draft.options.items()}
    return f'<dl lang="da">{"".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in lines.items())}</dl>'


def _events(office: Office, mail: Mail) -> str:
    rows = "".join(_event(event) for event in _happened(office, mail))
    return f'<ol class="events">{rows}</ol>'


def _event(event: Event) -> str:
    at = _time(datetime.fromtimestamp(event.timestamp, DANISH_TIME))
    return (
        f"<li>{at}{_mark(event)}<span>{escape(event.body['recipient'])}</span><small>{escape(_why(event))}</small></li>"
    )


def _why(event: Event) -> str:
    status, body = event.body.get("delivery-status", {}), event.body
    words = (body.get("reason"), status.get("code"), status.get("message"), status.get("description"))
    return " · ".join(str(word) for word in (*words, body.get("reject", {}).get("reason")) if word)


def _frame(mail: Mail) -> str:
    return (
        f'<iframe sandbox src="/mails/{mail.number}/html" title="The HTML of the mail"></iframe>'
        f"<details><summary>Source</summary><pre>{escape(mail.draft.html or '')}</pre></details>"
    )


def _attachments(mail: Mail) -> str:
    return f'<ul class="files">{"".join(_attachment(mail, at, f) for at, f in enumerate(mail.draft.files, 1))}</ul>'


def _attachment(mail: Mail, place: int, file: File) -> str:
    link = f'<a href="/mails/{mail.number}/attachments/{place}" lang="da">{escape(file.filename)}</a>'
    facts = f"<small>{escape(file.content_type)}, {_bytes(len(file.content))}, {escape(file.field)}</small>"
    readable = _readable(file)
    return f"<li>{link} {facts}{f'<pre>{escape(readable)}</pre>' if readable is not None else ''}</li>"


def _readable(file: File) -> str | None:
    """Calendar files and other texts are shown as they are."""
    if file.kind.startswith("text/") or file.filename.lower().endswith(".ics"):
        return file.content.decode("utf-8", "replace")
    return None


def _bytes(size: int) -> str:
    return f"{size} bytes" if size < 1024 else f"{size / 1024:.1f} kB" if size < 1024**2 else f"{size / 1024**2:.1f} MB"
