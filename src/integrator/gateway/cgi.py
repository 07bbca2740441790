"""One request by plain CGI: the web server starts a script, and the process ends with its answer."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from wsgiref.handlers import CGIHandler

from integrator.errors import IntegratorError
from integrator.gateway.answers import Answer
from integrator.gateway.failures import failure
from integrator.gateway.unready import words


def serve() -> None:
    """Answer the request in the environment. What is wrong with this installation goes to the web server's log."""
    os.umask(0o077)
    from integrator.gateway.app import SAFE_HEADERS, create_app
    from integrator.home import need_home

    application: Callable[..., Iterable[bytes]]
    try:
        application = create_app(need_home(os.environ), os.environ)
    except (IntegratorError, OSError) as error:
        print(words(error), file=sys.stderr)  # noqa: T201 (the web server's log)
        application = _told(failure(error), SAFE_HEADERS)
    CGIHandler().run(application)


def _told(answer: Answer, safe: Mapping[str, str]) -> Callable[..., Iterable[bytes]]:
    def application(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        headers = {**safe, **answer.headers, "Content-Type": answer.kind}
        start(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
        return [answer.content()]

    return application
