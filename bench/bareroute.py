"""The floor of the gateway: a bare Flask route under waitress that asks Maconomy and keeps one row; nothing is decided.

python -m bench.bareroute ROOT URL: prints its address, serves until it is killed. Each thread keeps its connections.
"""

import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import local

import flask
import waitress  # type: ignore[import-untyped]  # it has no stubs

from bench.reserving import floor

THREADS = 8  # as the gateway


def main(root: str, url: str) -> None:
    app, mine = flask.Flask(__name__), local()

    @app.post("/api/orders")
    def reserve() -> tuple[dict[str, int], int]:
        asked = flask.request.get_json()
        if not hasattr(mine, "take"):
            mine.stack = ExitStack()
            mine.take = mine.stack.enter_context(floor(Path(root), url))
        mine.take(asked["class_id"], asked["key"])
        return {"order": 1}, 201

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of each request that waits a moment
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=THREADS, ident=None)
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
