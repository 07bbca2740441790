"""Records every cassette again: `make record`. Stand-ins on loopback, a home that is thrown away, the jobs for real.

python tests/record_cassettes.py [JOB …]
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from world import Result, World, world

CASSETTES = Path(__file__).parent / "cassettes"


def import_courses(here: World, file: Path) -> Result:
    """The sample catalogue comes to a site that knows some of it already; an editor's fields and a stray post too."""
    here.wordpress.seed(
        {
            "posts": [
                {
                    "type": "course",
                    "slug": "mc-25172",
                    "title": "Projektledelse i praksis",
                    "status": "publish",
                    "meta": {"mac_id": "25172", "mac_title": "Projektledelse", "ed_teaser": "Ring til Åse Østergård"},
                },
                {"type": "course", "slug": "om-os", "title": "Om os", "status": "publish"},
            ]
        }
    )
    _set(here, "25180", description="<p>Ask Jørgen Kjær: jk@firma.example, 70 20 12 34.</p>", internNote="Ring til Åse")
    return here.run("import-courses", "--record", str(file), "-v")


def _set(here: World, record: str, **values: Any) -> None:
    here.maconomy.seed({"set": {record: values}})


JOBS: dict[str, Callable[[World, Path], Result]] = {"import-courses": import_courses}


def main(names: list[str]) -> int:
    """Gives back the first exit code that is not 0. An old cassette is replaced when the new one is whole."""
    for name in names or list(JOBS):
        with tempfile.TemporaryDirectory(prefix="record-") as folder:
            draft = Path(folder) / f"{name}.yaml"
            with world(Path(folder) / "home") as here:
                result = JOBS[name](here, draft)
            sys.stdout.write(result.out + result.err)
            if result.code:
                return result.code
            target = CASSETTES / f"{name}.yaml"
            target.write_bytes(draft.read_bytes())
            sys.stdout.write(f"made {target.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
