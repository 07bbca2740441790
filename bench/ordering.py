"""The process that completes orders while another one drains them.

python -m bench.ordering ROOT ORDERS SECONDS: reserves seats for all of them and one more, completes that one, says
"ready", waits for a line, completes the others at random times within so many seconds, and tells when each commit was
back, by the participant's reference.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from bench.desks import open_for_long
from bench.world import class_id
from integrator.domain.ordered import reference_of
from integrator.jobs.booking import complete, reserve

PER_CLASS = 10


def form(number: int) -> dict[str, Any]:
    """What a visitor fills in, each another one."""
    person = {"first_name": "Åse", "last_name": f"Østergård {number}", "email": f"deltager-{number}@example.org"}
    return {
        "customer": {"name": "Gitte Kjærgård", "email": f"kunde-{number}@example.org", "phone": "+45 00 00 00 00"},
        "company": {"name": "Ærø Værft A/S", "cvr": "00000000", "address": "Havnen 1", "zip": "5970"},
        "participants": [{**person, "phone": "00000000", "job_title": "Projektleder", "comment": "Vegetar"}],
        "accepted_terms_at": datetime.now(UTC).isoformat(),
    }


def main(root: str, orders: str, seconds: str) -> None:
    draw = Random(1)
    with open_for_long(Path(root)) as desk:
        reserved = [
            reserve(desk, class_id(number // PER_CLASS), seats=1, key=f"order-{number}")["order"]
            for number in range(int(orders) + 1)
        ]
        complete(desk, reserved[0], form(0))
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.monotonic()
        at = {}
        for number, after in enumerate(sorted(draw.uniform(0, float(seconds)) for _ in reserved[1:]), 1):
            time.sleep(max(0.0, begun + after - time.monotonic()))
            complete(desk, reserved[number], form(number))
            at[reference_of(reserved[number], 1)] = time.time()
    print(json.dumps(at), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
