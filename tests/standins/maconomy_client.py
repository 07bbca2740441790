"""Requests straight to the Maconomy stand-in; the wire is test_base's business."""

import json
from typing import Any

from integrator.standins.base import Answer, Headers, Request
from integrator.standins.maconomy import Maconomy

KEY = {"Authorization": "Bearer demo-maconomy-key"}


def ask(standin: Maconomy, path: str, body: Any = None, method: str = "", **headers: str) -> Answer:
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    given = Headers(list((headers or KEY).items()))
    return standin.handle(Request(method or ("GET" if body is None else "POST"), path, {}, given, data, path))


def read(standin: Maconomy, path: str) -> Any:
    answer = ask(standin, path)
    assert answer.status == 200, answer.body
    return json.loads(answer.encoded())


def native(standin: Maconomy, path: str) -> list[dict[str, Any]]:
    return [row["data"] for row in read(standin, path)["panes"]["filter"]["records"]]


def course(standin: Maconomy, course_id: str) -> Any:
    return read(standin, f"/api/course/{course_id}")


def read_courses(standin: Maconomy) -> list[dict[str, Any]]:
    return list(read(standin, "/api/course"))
