"""Asks OilMat's adapter against a scripted server, for the tests of pages and of statuses."""

from contextlib import closing

from integrator.domain.orderlines.order import STATUS_EFFECT
from integrator.effects import Message
from integrator.secret import Secret
from integrator.systems.http import Http
from integrator.systems.oilmat import OilMat
from rawserver import RawServer

W = "bennys-auto"
SECRET = "t0ken-of-ours"


def oilmat_at(url, *, timeout_s=5.0, token=SECRET, limit=200):
    http = Http(system="oilmat", base_url=url, user_agent="t", timeout_s=timeout_s)
    return OilMat(http, token=None if token is None else Secret(token), limit=limit)


def message(**changed):
    body = {"workshop": W, "unique_id": "0007", "status": "completed", "reason": "", "updated_at": "2027-03-01T08:00Z"}
    return Message(1, STATUS_EFFECT, f"{W}/0007", {**body, **changed}, b"", 0, 0, None)


class Asked:
    """Asks a server that follows these scripts, for a page or with a status: what came, or the error.

    requests are those of the last one asked.
    """

    def __call__(self, method, *scripts, timeout_s=5.0, after=None):
        with RawServer(*scripts) as server, closing(oilmat_at(server.url, timeout_s=timeout_s)) as oilmat:
            self.requests = server.requests
            try:
                if method == "GET":
                    return oilmat.dispenses(W, after)
                [result] = oilmat.statuses().send([message()])
            except Exception as error:
                return error
            return result
