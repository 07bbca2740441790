"""A world for the jobs around Trainingportal: the home of world.py, with a Trainingportal beside its Maconomy.

with portal_world(tmp_path / "home") as here:
    here.run("import-courses"); here.run("publish-classes", "--json").json; here.portal.state(); here.rows("SELECT …")
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrator.standins.base import Running, serve
from integrator.standins.trainingportal import BASE, PASSWORD, USERNAME, Trainingportal
from world import World, world


@dataclass
class PortalWorld(World):
    """One organisation that a reseller sells for. [wordpress] and [mailgun] are off until configured."""

    portal: Trainingportal
    portal_server: Running

    @property
    def portal_url(self) -> str:
        return f"{self.portal_server.url}{BASE}"

    def configure(
        self,
        *,
        wordpress: bool = False,
        trainingportal: bool = True,
        portal_extra: str = "",
        more: str = "",
        **rest: Any,
    ) -> None:
        """portal_extra: lines of [trainingportal], sub-tables at their end; more: further tables."""
        table = (
            f'[trainingportal]\nbase_url = "{self.portal_url}"\nusername = "{USERNAME}"\n'
            f'password = {{ env = "TRAININGPORTAL_PASSWORD" }}\n{portal_extra}\n'
        )
        super().configure(wordpress=wordpress, more=(table if trainingportal else "") + more, **rest)
        with (self.home / ".env").open("a", encoding="utf-8") as secrets:
            secrets.write(f"TRAININGPORTAL_PASSWORD={PASSWORD}\n")

    def published(self) -> dict[str, dict[str, Any]]:
        """Our memory of what is there, by class."""
        with self.store() as db:
            rows = db.all("SELECT * FROM published_classes ORDER BY class_id")
        return {row["class_id"]: dict(row) for row in rows}


@contextmanager
def portal_world(home: Path) -> Iterator[PortalWorld]:
    """A configured home with all stand-ins running; the control port of the new one is portal_server's."""
    with world(home) as made, serve(Trainingportal()) as running:
        portal = running.standin
        assert isinstance(portal, Trainingportal)
        found = PortalWorld(
            made.home, made.maconomy, made.wordpress, made.mailgun, made.servers, portal=portal, portal_server=running
        )
        found.configure()
        yield found
