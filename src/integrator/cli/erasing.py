"""What the commands about personal data share: whom is meant, the store level with the journal, its copies."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from integrator.domain.retention import Person
    from integrator.settings import Settings
    from integrator.store.erasure.copies import Copies
    from integrator.store.erasure.steps import Erasing


@contextmanager
def erasing(found: "Settings") -> "Iterator[Erasing]":
    """The store, level with the journal of erasures. Errors  NotFound: there is none yet"""
    from integrator.cli import opening
    from integrator.store.erasure.journal import Journal
    from integrator.store.erasure.steps import Erasing

    with opening.writing(found) as db:
        erasing = Erasing(db, Journal(found.home.var), int(opening.now().timestamp()), user())
        erasing.level()
        yield erasing


def copies_of(found: "Settings") -> "Copies":
    from integrator.cli import opening
    from integrator.jobs.gdpr_cleanup import periods_of
    from integrator.store.erasure.copies import Copies
    from integrator.store.erasure.journal import Journal

    at = int(opening.now().timestamp())
    return Copies(found.store.path, found.home.backups, Journal(found.home.var), periods_of(found.retention), at)


def person_typed(text: str) -> "Person":
    """Errors  UsageError"""
    from integrator.domain.retention import person_from

    if text == "-":
        if sys.stdin.isatty():
            typer.echo("person: ", nl=False, err=True)
        text = sys.stdin.readline()
    return person_from(text)


def user() -> str:
    """Who asks, as the system knows them."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
