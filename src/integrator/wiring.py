"""Settings → the clients a job works with. Heavy imports happen here, on first use."""

from pathlib import Path
from typing import TYPE_CHECKING

from integrator import __version__
from integrator.errors import ConfigError, Problem
from integrator.home import Home, shipped
from integrator.runtime.patience import Patience
from integrator.runtime.stopping import Stopper
from integrator.secret import Secret
from integrator.settings import Settings

if TYPE_CHECKING:
    from integrator.systems.http import Http
    from integrator.systems.maconomy import Maconomy
    from integrator.systems.wordpress import WordPress

USER_AGENT = f"integrator/{__version__}"
READ_ATTEMPTS = 2
BATCHES_AT_ONCE = 2  # more gain nothing on a site with two PHP workers, and cost its visitors


class Wiring:
    """Makes each client once, when it is asked for; closes what it made."""

    def __init__(self, settings: Settings, stopper: Stopper, *, spool: Path, in_order: bool = False) -> None:
        self._settings = settings
        self._stopper = stopper
        self._spool = spool
        self._in_order = in_order
        self._made: list[Maconomy | WordPress] = []

    def maconomy(self) -> "Maconomy":
        """Errors  ConfigError: there is no [maconomy], or its mapping is wrong"""
        from integrator.systems.maconomy import Maconomy
        from integrator.systems.mapping import load_mapping

        settings = self._settings.maconomy
        if settings is None:
            raise ConfigError(
                [Problem("config/integrator.toml", "[maconomy] is missing: there is nothing to import from")],
                hint="fill in [maconomy], then: integrator check maconomy",
            )
        made = Maconomy(
            self._http(
                "maconomy", settings.base_url, settings.timeout_s, headers={settings.auth_header: settings.auth_value}
            ),
            load_mapping(settings.mapping, shown=shown(self._settings.home, settings.mapping)),
            spool=self._spool,
            list_timeout_s=settings.list_timeout_s,
            max_list_bytes=settings.max_list_mb * 1_000_000,
        )
        self._made.append(made)
        return made

    def wordpress(self) -> "WordPress | None":
        """None when [wordpress] is switched off. Errors  ConfigError: its mapping is wrong"""
        from integrator.systems.wordpress import WordPress, load_fields

        settings = self._settings.wordpress
        if settings is None:
            return None
        made = WordPress(
            self._http("wordpress", settings.base_url, settings.timeout_s, auth=(settings.username, settings.password)),
            load_fields(settings.mapping, shown=shown(self._settings.home, settings.mapping)),
            settle_s=settings.settle_s,
            batches_at_once=1 if self._in_order else BATCHES_AT_ONCE,
        )
        self._made.append(made)
        return made

    def close(self) -> None:
        for made in self._made:
            made.close()

    def _http(
        self,
        system: str,
        base_url: str,
        timeout_s: float,
        *,
        headers: dict[str, Secret] | None = None,
        auth: tuple[str, Secret] | None = None,
    ) -> "Http":
        from integrator.systems.http import Http

        patience = Patience(attempts=READ_ATTEMPTS, budget_s=self._stopper.remaining_s, sleep=self._stopper.sleep)
        return Http(
            system=system,
            base_url=base_url,
            headers=headers,
            auth=auth,
            timeout_s=timeout_s,
            user_agent=USER_AGENT,
            patience=patience,
            remaining_s=self._stopper.remaining_s,
        )


def shown(home: Home, path: Path) -> str:
    """A path as messages print it: relative to the home folder, or as shipped."""
    for root in (home.root, shipped()):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)


def mapping_problems(home: Home, settings: Settings | None) -> list[Problem]:
    """Everything wrong in the mapping files, also while the settings themselves are not readable."""
    from integrator.systems.mapping import load_mapping
    from integrator.systems.wordpress import load_fields

    problems: list[Problem] = []
    for name, load in (("maconomy", load_mapping), ("wordpress", load_fields)):
        table = getattr(settings, name) if settings else None
        path = table.mapping if table else home.config / f"{name}.toml"
        if (settings is None or table is not None) and path.exists():
            try:
                load(path, shown=shown(home, path))
            except ConfigError as error:
                problems += error.problems
    return problems
