"""Many threads at the first request of a process: the records are known before them."""

import subprocess
import sys
from pathlib import Path

from doors import doors

# Threads change places a thousand times as often as they usually do.
SCRIPT = """
import os, sys, threading
from pathlib import Path
sys.setswitchinterval(1e-6)
from integrator.gateway import create_app
from integrator.home import Home
create_app(Home(Path(os.environ["INTEGRATOR_HOME"])))
import msgspec
from integrator.domain.courses import Course
from integrator.domain.orders.form import Form
together = threading.Barrier(8)
def convert():
    together.wait()
    for kind in (Course, Form):
        try:
            msgspec.convert({}, kind)
        except msgspec.ValidationError:
            pass
threads = [threading.Thread(target=convert) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_the_first_requests_of_a_process_may_come_at_once(tmp_path: Path) -> None:
    with doors(tmp_path / "home") as here:
        for _ in range(3):
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT], env=here.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, check=False
            )
            assert done.returncode == 0
