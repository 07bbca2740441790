"""Settings → the clients a job works with. Heavy imports happen here, on first use."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from integrator import __version__
from integrator.errors import ConfigError, Problem
from integrator.home import Home, shipped
from integrator.runtime.patience import Patience
from integrator.secret import Secret
from integrator.settings import Settings, TrainingportalSettings
from integrator.settings.model import PortalUpload

if TYPE_CHECKING:
    from integrator.certificates import Certificates
    from integrator.database import Database
    from integrator.domain.mails import Results
    from integrator.effects import Sender
    from integrator.jobs.orderline_runs import Parts
    from integrator.mails import Postroom
    from integrator.shops import Shops
    from integrator.systems.http import Http
    from integrator.systems.maconomy import Maconomy
    from integrator.systems.mailgun import Mailgun
    from integrator.systems.oilmat import OilMat
    from integrator.systems.trainingportal import Trainingportal
    from integrator.systems.wordpress import WordPress

USER_AGENT = f"integrator/{__version__}"
READ_ATTEMPTS = 2
BATCHES_AT_ONCE = 2  # more gain nothing on a site with two PHP workers, and cost its visitors


class Budget(Protocol):
    """How long whoever works here may still take."""

    def remaining_s(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Wiring:
    """Makes each client once, when it is asked for; closes what it made."""

    def __init__(self, settings: Settings, stopper: Budget, *, spool: Path, in_order: bool = False) -> None:
        self._settings = settings
        self._stopper = stopper
        self._spool = spool
        self._in_order = in_order
        self._maconomy: Maconomy | None = None
        self._mailgun: Mailgun | None = None
        self._oilmat: OilMat | None = None
        self._portal: Trainingportal | None = None
        self._made: list[Maconomy | WordPress | Mailgun | OilMat | Trainingportal] = []

    def maconomy(self) -> "Maconomy":
        """Errors  ConfigError: there is no [maconomy], or its mapping is wrong"""
        if self._maconomy is not None:
            return self._maconomy
        from integrator.systems.maconomy import Maconomy
        from integrator.systems.mapping import load_mapping

        settings = self._settings.maconomy
        if settings is None:
            raise ConfigError(
                [Problem("config/integrator.toml", "[maconomy] is missing, and this command needs it")],
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
            timeout_s=settings.timeout_s,
            settle_s=settings.settle_s,
        )
        self._maconomy = made
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

    def mailgun(self) -> "Mailgun | None":
        """None when [mailgun] is switched off."""
        from integrator.systems.mailgun import Mailgun

        settings = self._settings.mailgun
        if settings is None or self._mailgun is not None:
            return self._mailgun
        keys = [settings.api_key, *([settings.events_key] if settings.events_key else [])]
        clients = [self._http("mailgun", settings.base_url, settings.timeout_s, auth=("api", key)) for key in keys]
        made = Mailgun(
            clients[0],
            domain=settings.domain,
            from_=settings.from_,
            reply_to=settings.reply_to,
            test_mode=settings.test_mode,
            reader=clients[-1],
        )
        self._made.append(made)
        self._mailgun = made
        return made

    def oilmat(self) -> "OilMat | None":
        """None when [oilmat] has no base_url: orders come by command or as files, and nobody is told."""
        from integrator.systems.oilmat import OilMat

        settings = self._settings.oilmat
        if settings is None or settings.base_url is None:
            return None
        if self._oilmat is None:
            http = self._http("oilmat", settings.base_url, settings.timeout_s)
            self._oilmat = OilMat(http, token=settings.token, limit=settings.limit)
            self._made.append(self._oilmat)
        return self._oilmat

    @property
    def portal_settings(self) -> "TrainingportalSettings":
        """Errors  ConfigError: there is no [trainingportal]"""
        if self._settings.trainingportal is None:
            raise ConfigError([Problem("config/integrator.toml", "[trainingportal] is missing")])
        return self._settings.trainingportal

    def need_portal(self, db: "Database | None" = None) -> "Trainingportal":
        """Trainingportal's client. db: the store, for calls that may go by its own references of bookings.

        Errors  ConfigError: there is no [trainingportal]
        """
        from integrator.store.bookings import Bookings
        from integrator.systems.trainingportal import Options, Trainingportal

        settings = self.portal_settings
        if self._portal is None:
            self._portal = Trainingportal(
                self._http("trainingportal", settings.base_url, settings.http.timeout_s),
                username=settings.username,
                password=settings.password,
                options=Options(**settings.switches()),
                settle_s=settings.http.settle_s,
                references=Bookings(db).portal_reference if db else None,
            )
            self._made.append(self._portal)
        return self._portal

    def orderline_parts(self) -> "Parts":
        """What push-orderline works with; OilMat's client is made when it is first needed."""
        from integrator.jobs.orderline_runs import Parts

        has_oilmat = self._settings.oilmat is not None and self._settings.oilmat.base_url is not None
        return Parts(self._settings, self._need_oilmat if has_oilmat else None, self.shops.shop)

    @property
    def shops(self) -> "Shops":
        """The workshops, each with its browser."""
        from integrator.shops import Shops

        return Shops(self._settings, self._spool)

    def _need_oilmat(self) -> "OilMat":
        oilmat = self.oilmat()
        assert oilmat is not None
        return oilmat

    def postroom(self) -> "Postroom":
        """What mails say, by this home's templates and the shipped ones."""
        from integrator.mails import Postroom

        return Postroom(self._settings.home.config / "templates", shipped() / "config" / "templates")

    def certificates(self) -> "Certificates":
        """Certificates of completed courses, by this home's template or the shipped one."""
        from integrator.certificates import Certificates

        return Certificates(self._settings.home.config / "templates", shipped() / "config" / "templates")

    def mails(self, *, resends: bool) -> "Sender":
        """Mails as the outbox sends them.

        resends   what Mailgun's events do not know after a while is sent again, otherwise it waits for a person
        Errors    ConfigError: there is no [mailgun], or a template is broken
        """
        settings, mailgun, postroom = self._settings.mailgun, self.mailgun(), self.postroom()
        if settings is None or mailgun is None:
            raise ConfigError([Problem("config/integrator.toml", "[mailgun] is missing: no mail can be sent")])
        return mailgun.mails(lambda message: postroom.mail(message.body), resends=resends, settle_s=settings.settle_s)

    def mail_results(self) -> "Results":
        """What became of mails, as mail_results reads it. Errors  as mails"""
        from integrator.systems.mailgun import verdict

        mailgun = self.mailgun()
        if mailgun is None:
            raise ConfigError([Problem("config/integrator.toml", "[mailgun] is missing: it has nothing to tell")])
        return lambda since, until: (
            (event.message_id, *verdict(event), event.at) for event in mailgun.events(since, until)
        )

    @property
    def has_mailgun(self) -> bool:
        """Whether mails go out at all."""
        return self._settings.mailgun is not None

    @property
    def has_maconomy(self) -> bool:
        """Whether Maconomy can be asked."""
        return self._settings.maconomy is not None

    @property
    def has_portal(self) -> bool:
        """Whether there is a Trainingportal to tell."""
        return self._settings.trainingportal is not None

    @property
    def portal_upload_bytes(self) -> int:
        """The largest document that Trainingportal takes."""
        settings = self._settings.trainingportal
        return (settings.upload if settings else PortalUpload()).max_bytes

    @property
    def home(self) -> Home:
        return self._settings.home

    @property
    def missing_runs(self) -> int:
        """After how many good answers without it a course is gone, as import-courses counts."""
        return int(self._settings.jobs["import-courses"].policy["missing_runs"])

    def hashing_key(self, *, keep: bool) -> bytes:
        """The key of this home's keyed hashes; one that was not there yet is kept only if keep says so.

        Errors  ConfigError: it is gone although there are erasures
        """
        from integrator.runtime import lock
        from integrator.store.erasure.journal import Journal

        journal = Journal(self._settings.home.var)
        if journal.key_path.exists():
            return journal.key()
        if not keep:
            return bytes(32)
        with lock.wait_for(self._settings.home.locks, "store"):
            return journal.key()

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
    problems: list[Problem] = []
    for name in ("maconomy", "wordpress"):
        table = getattr(settings, name) if settings else None
        path = table.mapping if table else home.config / f"{name}.toml"
        if (settings is None or table is not None) and path.exists():
            try:
                _reader_of(name)(path, shown=shown(home, path))
            except ConfigError as error:
                problems += error.problems
    return problems


def _reader_of(name: str) -> Callable[..., object]:
    if name == "maconomy":
        from integrator.systems.mapping import load_mapping

        return load_mapping
    from integrator.systems.wordpress import load_fields

    return load_fields
