"""Requests that write posts: alone or in batches, two batches at once where the site gains by it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from integrator.errors import BadAnswer, InDoubt, Refused, Unavailable
from integrator.systems.http import Reply, retry_after_s, status_error
from integrator.systems.wordpress.api import Api


@dataclass(frozen=True)
class Part:
    """One request, to be sent alone or as a part of a batch. path has no /wp-json in front."""

    method: str
    path: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the site said of one part. An error does not mean that nothing was written."""

    status: int
    body: Any

    @property
    def is_post(self) -> bool:
        return self.status in (200, 201) and isinstance(self.body, dict) and isinstance(self.body.get("id"), int)

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class _Nonsense(InDoubt):
    """The site did answer, but not so that anybody could say what it did."""


class Requests:
    """Sends parts. batch_size is the site's own limit; at_once how many batches may be under way (1: in order)."""

    def __init__(self, api: Api, *, batch_size: int, at_once: int) -> None:
        self._api = api
        self.batch_size = batch_size
        self._at_once = at_once

    @property
    def most_at_once(self) -> int:
        """How many parts ask_at_once() sends without waiting for an answer."""
        return self.batch_size * self._at_once

    def ask_at_once(self, parts: Sequence[Part], doing: str) -> Sequence[Answer | Unavailable]:
        """Several batches at once, for parts that may be repeated and do each other no harm. One answer per part.

        A batch that is answered with nonsense is sent once more; one without an answer is not, that may last long.

        Errors  Unavailable, Refused: of every batch; of some of them it stands in the place of their answers
        """
        batches = [parts[start : start + self.batch_size] for start in range(0, len(parts), self.batch_size)]
        if len(batches) == 1:
            return self._ask_twice(parts, doing)
        with ThreadPoolExecutor(self._at_once) as pool:
            asked = [pool.submit(self._ask_twice, batch, doing) for batch in batches]
        errors = [one.exception() for one in asked]
        if (first := errors[0]) and (all(errors) or not isinstance(first, Unavailable | Refused)):
            raise first
        answers: list[Answer | Unavailable] = []
        for batch, one, error in zip(batches, asked, errors, strict=True):
            if isinstance(error, Unavailable | Refused):
                answers += [error if isinstance(error, Unavailable) else Unavailable(error.message)] * len(batch)
            else:
                answers += one.result()
        return answers

    def _ask_twice(self, parts: Sequence[Part], doing: str) -> Sequence[Answer | Unavailable]:
        first = self.ask(parts, doing)
        said = first[0]
        # A site that asks for quiet gets it.
        return self.ask(parts, doing) if isinstance(said, _Nonsense) and said.retry_after_s is None else first

    def ask(self, parts: Sequence[Part], doing: str) -> Sequence[Answer | Unavailable]:
        """One request. One answer per part; InDoubt where nobody can say.

        Errors  Unavailable: certainly nothing left; Refused
        """
        try:
            if len(parts) == 1:
                return [_judged(self._send(parts[0].method, parts[0].path, parts[0].body, doing), doing)]
            requests = [{"method": part.method, "path": part.path, "body": part.body} for part in parts]
            reply = self._send("POST", "/batch/v1", {"requests": requests}, doing)
        except InDoubt as error:
            return [error] * len(parts)
        if reply.status == 413:
            return [self._ask_one_of_many(part, doing) for part in parts]
        whole = _judged(reply, doing)
        if isinstance(whole, InDoubt):
            return [whole] * len(parts)
        return _parts_of(whole, len(parts), doing)

    def _ask_one_of_many(self, part: Part, doing: str) -> Answer | Unavailable:
        """An error of one must not hide what was done with the others."""
        try:
            return self.ask([part], doing)[0]
        except (Unavailable, Refused) as error:
            return error if isinstance(error, Unavailable) else Unavailable(error.message)

    def _send(self, method: str, path: str, body: dict[str, Any], doing: str) -> Reply:
        where, _, query = path.partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&")) if query else None
        return self._api.send(method, where, doing=doing, json=body, params=params)


def _judged(reply: Reply, doing: str) -> Answer | InDoubt:
    if reply.status == 429 or reply.status >= 500 or reply.status == 408:
        error = status_error(reply, system="wordpress", doing=doing)
        if isinstance(error, InDoubt):
            return _Nonsense(error.message, retry_after_s=retry_after_s(reply.headers))
        raise error
    try:
        return Answer(reply.status, reply.json())
    except BadAnswer:  # a PHP notice in front, a login or caching page: as good as no answer
        return _Nonsense(f"wordpress: {doing}: answered {reply.status} with something that is not JSON")


def _parts_of(answer: Answer, number: int, doing: str) -> Sequence[Answer | InDoubt]:
    responses = answer.body.get("responses") if isinstance(answer.body, dict) else None
    if answer.status in (401, 403, 404):
        raise Refused(f"wordpress: {doing}: the batch was refused with {answer.status} {answer.code}".rstrip())
    if answer.status != 207 or not isinstance(responses, list) or len(responses) != number:
        return [_Nonsense(f"wordpress: {doing}: the batch answered {answer.status} without its parts")] * number
    return [
        Answer(int(part["status"]), part.get("body"))
        if isinstance(part, dict) and isinstance(part.get("status"), int)
        else InDoubt(f"wordpress: {doing}: a part of the batch has no status")
        for part in responses
    ]
