"""Two thousand questions of schemathesis: the long run of tests/gateway/test_gateway_openapi.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "gateway"))
from doors import doors
from openapi_runs import run

EACH = 45


def test_no_answer_of_two_thousand_fails_or_differs_from_the_document(tmp_path: Path) -> None:
    with doors(tmp_path / "home") as here:
        asked = run(here, EACH)
    assert asked.requests >= 2_000
    assert "bug" not in here.log()
