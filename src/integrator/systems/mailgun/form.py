"""One mail → the fields of Mailgun's form: one recipient, clean headers, no tracking."""

import re
import unicodedata

from integrator.domain.mails import Address, Attachment, Mail
from integrator.errors import Rejected

KEY = "ili-key"  # our user variable; recipients can read it, so it never holds personal data
MOST_BYTES = 18_000_000  # a message may have 25 MB there, and base64 makes it a third larger
ALWAYS = {
    # Tracking would rewrite every link and add a pixel. A list of participants only travels encrypted.
    "o:tracking": "no",
    "o:tracking-clicks": "no",
    "o:tracking-opens": "no",
    "o:require-tls": "yes",
}

Part = tuple[str, tuple[str | None, str | bytes] | tuple[str, bytes, str]]

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_SPECIAL = re.compile(r"""[^\w \u0300-\u036f'’–-]""")
_FILENAME = re.compile(r"[^A-Za-z0-9._ -]+")
_SPELT = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "Æ": "Ae", "Ø": "Oe", "Å": "Aa"})
_MAXIMUM = {"name": 200, "local": 64}


def parts_of(mail: Mail, *, key: str, from_: str, reply_to: str | None, test_mode: bool) -> list[Part]:
    """The fields in their order, as httpx takes the parts of a multipart body.

    Errors  Rejected: what no mail can be made of; nothing was sent
    """
    _check_size(mail)
    fields = [("from", clean(from_)), ("to", mailbox(mail.to)), ("subject", _subject(mail))]
    fields += [("text", mail.text), ("html", mail.html)]
    fields += [("o:tag", clean(tag)) for tag in mail.tags]
    fields += ALWAYS.items()
    fields += [("o:deliver-within", clean(mail.deliver_within))] if mail.deliver_within else []
    fields += [("o:testmode", "yes")] if test_mode else []
    fields += [("h:Reply-To", clean(reply_to))] if reply_to else []
    fields += [(f"v:{KEY}", clean(key))]
    assert [name for name, _ in fields].count("to") == 1, "a mail goes to one person"
    return [(name, (None, value)) for name, value in fields] + [_attached(file) for file in mail.attachments]


def clean(value: str) -> str:
    """A value for one line of a header: whatever could end that line is a blank."""
    return _UNPRINTABLE.sub(" ", value).strip()


def mailbox(to: Address) -> str:
    """Shape   "Østergård, Åse" <aase@example.org>

    Errors  Rejected: an address nobody can be written to
    """
    address, name = ascii_address(to.email), clean(to.name)[: _MAXIMUM["name"]]
    if not name:
        return address
    if _SPECIAL.search(name):  # a comma would split the list of recipients
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{address}>"


def ascii_address(email: str) -> str:
    """The address with its domain in the form that travels. æøå before the @ would need SMTPUTF8.

    Errors  Rejected, without the address in it
    """
    local, _, domain = email.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if len(local) > _MAXIMUM["local"] or not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise Rejected("mailgun: send a mail: its recipient has an address no mail can go to; nothing was sent")
    return f"{local}@{domain}"


def _subject(mail: Mail) -> str:
    subject = clean(mail.subject)
    if not subject:
        raise Rejected("mailgun: send a mail: it has no subject; nothing was sent")
    return subject


def _check_size(mail: Mail) -> None:
    size = sum(len(file.content) for file in mail.attachments) + len(mail.text) + len(mail.html)
    if size >= MOST_BYTES:
        limit = f"{MOST_BYTES // 1_000_000} MB"
        raise Rejected(f"mailgun: send a mail: with {size:,} bytes it is over the limit of {limit}; nothing was sent")


def _attached(file: Attachment) -> Part:
    return "attachment", (_ascii_filename(file.filename), file.content, _ascii(clean(file.content_type)))


def _ascii_filename(name: str) -> str:
    """A name every mail program shows alike. Two ways of writing others are in use, and each is misread by somebody."""
    found = _FILENAME.sub("_", _ascii(name)).strip()
    return f"attachment{found}" if found[:1] in ("", ".") else found


def _ascii(text: str) -> str:
    spelt = unicodedata.normalize("NFC", text).translate(_SPELT)
    return unicodedata.normalize("NFKD", spelt).encode("ascii", "ignore").decode("ascii")
