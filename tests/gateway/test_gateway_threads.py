"""Many threads at the first request of a process: the records are known before there are threads."""

import subprocess
import sys
from pathlib import Path

import msgspec
from doors import doors

from desks import CLASS, Erp

# Threads change places five hundred times as often as they usually do.
SCRIPT = """
import json, os, sys, threading
from pathlib import Path
from integrator.gateway import create_app
from integrator.home import Home
create_app(Home(Path(os.environ["INTEGRATOR_HOME"])))
sys.setswitchinterval(1e-5)
import msgspec
from integrator.domain.courses import Course
value = json.load(sys.stdin)
together = threading.Barrier(8)
def convert():
    together.wait()
    msgspec.convert(value, Course)
threads = [threading.Thread(target=convert) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
TIMES = 6


def test_the_first_requests_of_a_process_may_come_at_once(tmp_path: Path) -> None:
    """Two threads at the first conversion of a record would end the process by a segmentation fault."""
    course = msgspec.json.encode(Erp().course(CLASS))
    with doors(tmp_path / "home") as here:
        codes = [
            subprocess.run([sys.executable, "-c", SCRIPT], env=here.environ, input=course, check=False).returncode
            for _ in range(TIMES)
        ]
    assert codes == [0] * TIMES
