"""How much memory a command takes at most."""

import json
import os
import subprocess
import sys

# A process counts what its parent held when it was made. So a small parent stands between it and the tests.
_BETWEEN = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
said = process.stderr.read().decode()
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1000, said]))
"""


def measured(command: list[str], environ: dict[str, str]) -> tuple[int, float, str]:
    """(exit code, the most it held in MB, what it said on stderr)."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _BETWEEN, *command],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        check=True,
        timeout=300,
    )
    code, megabytes, said = json.loads(done.stdout)
    return code, megabytes, said
