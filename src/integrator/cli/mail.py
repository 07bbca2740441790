"""`mail`: what a mail would say, and what became of those that were sent. Nothing is sent here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from integrator.errors import NotFound, UsageError

if TYPE_CHECKING:
    from integrator.domain.mails import Mail
    from integrator.settings import Settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Mails: what they would say, and what became of them.\n\n"
    "Example: integrator mail preview confirmation-customer sample",
)
KEYS = typer.Argument(None, metavar="KEY...", help="Keys of mails, as `mail list` shows them.", show_default=False)
SAMPLE = "sample"
_LARGEST = 2**63 - 1  # SQLite's
_ENDINGS = (".eml", ".html", ".txt")
_LANGUAGES = ("da", "en")


def _names() -> list[str]:
    from integrator.mails import NAMES

    return list(NAMES)


@app.command()
def preview(
    template: str = typer.Argument(
        ..., metavar="TEMPLATE", help="Such as confirmation-customer.", autocompletion=_names
    ),
    order: str = typer.Argument(..., metavar="ORDER", help="The number of an order; sample: invented people."),
    participant: int | None = typer.Option(
        None, "--participant", metavar="N", min=1, help="Whose confirmation; by default the first one's."
    ),
    language: str | None = typer.Option(
        None, "--language", metavar="da|en", help="By default that of the course.", show_default=False
    ),
    file: str | None = typer.Option(
        None,
        "--file",
        metavar="OUT",
        help="Its ending says what is written: .eml all of it, .html or .txt one part. By default TEMPLATE-ORDER.eml.",
        show_default=False,
    ),
) -> None:
    """Write a mail to a file as it would leave.

    Nothing is sent.

    Example: integrator mail preview confirmation-customer 10482 --file mail.html
    """
    from integrator.cli import clean, opening

    _check(template, language, file)
    found = opening.settings()
    facts = _facts(found, template, order, participant)
    mail = compose(found, facts | ({"language": language} if language else {}))
    path = Path(file or f"{template}-{order}.eml")
    write(path, _content(mail, path.suffix, sender=found.mailgun.from_ if found.mailgun else None))
    typer.echo(clean(str(path)))


@app.command("list")
def list_(
    limit: int = typer.Option(50, "--limit", min=1, max=1_000_000, help="How many; trouble comes first."),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> None:
    """List mails that were sent, and what became of them.

    Those that did not arrive come first.

    Example: integrator mail list
    """
    from integrator.cli import opening, render, times
    from integrator.store.mails import Mails

    now = opening.now()
    with opening.reading(opening.settings()) as db:
        rows = Mails(db).listed(limit=limit) if db else []
    if as_json:
        instants = ("queued_at", "result_at", "seen_at")
        render.print_json([row | {name: times.iso(row[name]) for name in instants} for row in rows])
    elif not rows:
        typer.echo("no mails")
    else:
        render.print_table(
            ["mail", "sent", "result", "code", "seen"],
            [
                (
                    row["key"],
                    times.short(row["queued_at"], now),
                    row["result"],
                    row["code"],
                    times.short(row["seen_at"], now) if row["seen_at"] else "",
                )
                for row in rows
            ],
        )


@app.command()
def seen(
    keys: list[str] | None = KEYS,
) -> None:
    """Say that mails that did not arrive were taken care of.

    All named or none; status is quiet about them from then on.

    Example: integrator mail seen order-confirmation:10482:customer
    """
    from integrator.cli import clean, opening
    from integrator.store.mails import Mails

    if not keys:
        raise UsageError("mail seen: name the mails", hint="integrator mail list")
    with opening.writing(opening.settings()) as db, db.tx():
        for key in keys:
            if not Mails(db).seen(key, at=int(opening.now().timestamp())):
                raise NotFound(
                    f"mail seen: there is no mail {key} that did not arrive; nothing was changed",
                    hint="integrator mail list",
                )
    for key in keys:
        typer.echo(clean(f"{key}  seen"))


def _check(template: str, language: str | None, file: str | None) -> None:
    if template not in _names():
        raise UsageError(f"mail preview: no such template: {template}; expected one of {', '.join(_names())}")
    if language not in (None, *_LANGUAGES):
        raise UsageError(f"mail preview: --language {language}: expected one of {', '.join(_LANGUAGES)}")
    if file is not None and Path(file).suffix not in _ENDINGS:
        raise UsageError(f"mail preview: --file {file}: expected a name that ends in one of {', '.join(_ENDINGS)}")


def _facts(found: "Settings", template: str, order: str, participant: int | None) -> dict[str, Any]:
    """Errors  UsageError: not a number, or not a mail of an order; NotFound: no such order or participant"""
    if participant is not None and (template != "confirmation-participant" or order == SAMPLE):
        raise UsageError("mail preview: --participant goes with confirmation-participant and the number of an order")
    if order == SAMPLE:
        from integrator.mails.samples import sample

        return sample(template)
    if template == "participant-list":
        raise UsageError(f"mail preview: a {template} is of a class, not of an order: preview it with {SAMPLE}")
    if not (order.isascii() and order.isdigit()):
        raise UsageError(f"mail preview: {order}: expected the number of an order, or {SAMPLE}")
    return _stored(found, template, int(order), participant)


def _stored(found: "Settings", template: str, order: int, participant: int | None) -> dict[str, Any]:
    from integrator.cli import opening
    from integrator.store.erasure.journal import refuse_behind
    from integrator.store.orders import Orders

    with opening.reading(found) as db:
        if db is None or order > _LARGEST:
            raise NotFound(f"there is no order {order}")
        refuse_behind(db, found.home.var)
        return Orders(db).mail_facts(order, template, participant)


def compose(found: "Settings", facts: dict[str, Any]) -> "Mail":
    """Make the mail with this home's templates. Errors  ConfigError: one of them is broken"""
    from integrator.home import shipped
    from integrator.mails import Postroom

    return Postroom(found.home.config / "templates", shipped() / "config" / "templates").mail(facts)


def _content(mail: "Mail", ending: str, *, sender: str | None) -> bytes:
    if ending == ".html":
        return mail.html.encode()
    if ending == ".txt":
        return f"Subject: {mail.subject}\n\n{mail.text}".encode()
    from integrator.mails.message import as_message

    return as_message(mail, sender=sender)


def write(path: Path, content: bytes) -> None:
    """Write a file for its owner alone: it holds personal data. Errors  UsageError: it is there already"""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise UsageError(
            f"mail preview: {path} is there already and stays as it is", hint="name another one: --file OUT"
        ) from None
    except OSError as error:
        raise UsageError(f"mail preview: {path}: {error.strerror}; nothing was written") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
