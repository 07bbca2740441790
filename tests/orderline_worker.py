"""Hands in the same order again and again, in a process of its own.

python tests/orderline_worker.py ORDER     Reads how often from standard input, a number a line, and answers each line
                                           with what it was told: [[exit code, status], …] in JSON.
"""

import io
import json
import sys
from contextlib import redirect_stdout
from unittest.mock import patch

from integrator.cli import main


def create(order: str) -> tuple[int, str]:
    out, code = io.StringIO(), 0
    typed = io.TextIOWrapper(io.BytesIO(order.encode()))
    with patch.object(sys, "argv", ["integrator", "orderline", "create", "--json"]), patch.object(sys, "stdin", typed):
        try:
            with redirect_stdout(out):
                main()
        except SystemExit as end:
            code = int(end.code or 0)
    [told] = json.loads(out.getvalue())
    return code, told["status"]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps([create(sys.argv[1]) for _ in range(int(line))]), flush=True)
