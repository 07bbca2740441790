"""One visitor after the other, in a process of its own: reserve, then complete or walk away.

python tests/booking_worker.py HOME NAME ATTEMPTS WALK_AWAY_PERCENT
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent))
from desks import form
from integrator.desk import open_desk
from integrator.errors import Full, NotBookable
from integrator.home import find_home
from integrator.jobs import booking

CLASS = "40000-01"


def main(home: str, name: str, attempts: int, walk_away: int) -> None:
    random, environ = Random(name), {"INTEGRATOR_HOME": home}
    for number in range(attempts):
        with open_desk(find_home(environ), environ, asks=True) as desk:
            try:
                order = booking.reserve(desk, CLASS, seats=1, key=f"{name}-{number}")["order"]
                if random.randrange(100) >= walk_away:
                    booking.complete(desk, order, form(who=f"{name}.{number}", at=datetime.now(UTC).isoformat()))
            except (Full, NotBookable):
                pass


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
