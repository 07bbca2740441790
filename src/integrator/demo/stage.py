"""What the demonstration plays on: a home folder, a stand-in of each system, and the books about what held."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from integrator.database import connect
from integrator.demo.dates import Record, upcoming
from integrator.demo.ending import tidy_endings
from integrator.demo.mails import Mail
from integrator.home import init_home
from integrator.standins.admanager import AdManager
from integrator.standins.au2office import Au2Office
from integrator.standins.base import Running, StandIn, serve
from integrator.standins.catalogue import sample
from integrator.standins.maconomy import Maconomy
from integrator.standins.mailgun import DOMAIN, KEY, Mailgun
from integrator.standins.oilmat import TOKEN, OilMat
from integrator.standins.trainingportal import PASSWORD as PORTAL_PASSWORD
from integrator.standins.trainingportal import USERNAME as PORTAL_USERNAME
from integrator.standins.trainingportal import Trainingportal
from integrator.standins.wordpress import PASSWORD, WordPress
from integrator.standins.workshop.standin import WorkshopStandIn
from integrator.standins.workshop.standin import serve as serve_workshop
from integrator.systems.browser.session import find_programs
from integrator.systems.browser.trouble import Trouble

_TOML = """\
[maconomy]
base_url = "{maconomy}"
auth_value = {{ env = "MACONOMY_AUTH" }}
settle_s = 1   # an answer that is lost here is looked up after a second; 60 is the default

[wordpress]
base_url = "{wordpress}"
username = "sync"
password = {{ env = "WORDPRESS_PASSWORD" }}

[mailgun]
base_url = "{mailgun}"
domain = "{domain}"
api_key = {{ env = "MAILGUN_API_KEY" }}
from = "Kurser <kurser@{domain}>"

[trainingportal]
base_url = "{trainingportal}"
username = "{portal_user}"
password = {{ env = "TRAININGPORTAL_PASSWORD" }}

[gateway]   # who may call us
website_key = {{ env = "GATEWAY_WEBSITE_KEY" }}
trainingportal_token = {{ env = "GATEWAY_TRAININGPORTAL_TOKEN" }}

[oilmat]
base_url = "{oilmat}"
token = {{ env = "OILMAT_TOKEN" }}
"""
# A picture of each line, not only of trouble: this is to be looked at.
_WORKSHOPS = """\
[bennys-auto]
name = "Bennys Auto"
type = "au2office"
base_url = "{au2office}"
username = "{user}"
password = {{ env = "BENNYS_AUTO_PASSWORD" }}
pictures = "always"

[havnens-auto]
name = "Havnens Auto"
type = "admanager"
base_url = "{admanager}"
username = "{user}"
password = {{ env = "HAVNENS_AUTO_PASSWORD" }}
pictures = "always"
"""
WEBSITE_KEY, PORTAL_TOKEN = "demo-website-key-of-32-characters", "demo-token-that-nobody-can-guess-0"
ERP_USER, ERP_PASSWORD = "oilmat@example.org", "demo-workshop"
_SECRETS = {
    "MACONOMY_AUTH": "Bearer demo-maconomy-key",
    "WORDPRESS_PASSWORD": PASSWORD,
    "MAILGUN_API_KEY": KEY,
    "TRAININGPORTAL_PASSWORD": PORTAL_PASSWORD,
    "GATEWAY_WEBSITE_KEY": WEBSITE_KEY,
    "GATEWAY_TRAININGPORTAL_TOKEN": PORTAL_TOKEN,
    "OILMAT_TOKEN": TOKEN,
    "BENNYS_AUTO_PASSWORD": ERP_PASSWORD,
    "HAVNENS_AUTO_PASSWORD": ERP_PASSWORD,
}
_PATIENCE_S = 60.0  # for a command that works when somebody ends the demonstration


@dataclass
class Stage:
    """The commands run here, and the rows of the closing table.

    desk        an empty folder where they start
    addresses   of every stand-in, by its name
    no_browser  why no browser can work here; then the home has no workshops
    """

    home: Path
    desk: Path
    maconomy: Maconomy
    wordpress: WordPress
    mailgun: Mailgun
    au2office: Au2Office
    admanager: AdManager
    oilmat: OilMat
    portal: Trainingportal
    maconomy_server: Running
    addresses: dict[str, str]
    classes: dict[str, Record]
    no_browser: str | None = None
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    # telling and checking

    def chapter(self, title: str) -> None:
        typer.echo(f"\n\n════ {title}")

    def say(self, text: str) -> None:
        typer.echo(f"\n── {text}")

    def claim(self, what: str, holds: bool) -> None:
        if not holds:
            self.broken.append(what)

    def row(self, route: str, what: str, checked: str) -> None:
        """One line of the closing table."""
        self.rows.append((route, what, checked))

    # commands

    def command(self, *arguments: str, expect: int = 0, given: str = "", by: str = "") -> None:
        """Run it, with this terminal as its own. given: what stands on its standard input, by: who wrote that."""
        self._announce(arguments, by)
        _, code = self._run(arguments, given, stderr=subprocess.STDOUT)
        self._ended(arguments, code, expect)

    def read(self, *arguments: str, expect: int = 0, given: str = "", by: str = "") -> str:
        """Run it, show what it says, and give that back."""
        self._announce(arguments, by)
        said, code = self._run(arguments, given, stdout=subprocess.PIPE)
        typer.echo(said, nl=False)
        self._ended(arguments, code, expect)
        return said

    @property
    def environ(self) -> dict[str, str]:
        """A TMPDIR of its own: gdpr trace looks into it, and another demonstration may leave its people in /tmp."""
        return {**os.environ, "INTEGRATOR_HOME": str(self.home), "TMPDIR": str(self.desk)}

    def _announce(self, arguments: tuple[str, ...], by: str) -> None:
        typer.echo(f"\n$ {f'{by} | ' if by else ''}integrator {shlex.join(arguments)}")
        sys.stdout.flush()

    def _run(self, arguments: tuple[str, ...], given: str, **options: Any) -> tuple[str, int]:
        """What it said, where that is read, and its exit code. Left in the middle, it is asked to end, as by cron."""
        command = [sys.executable, "-m", "integrator", *arguments]
        if given:
            options["stdin"] = subprocess.PIPE
        with subprocess.Popen(command, env=self.environ, cwd=self.desk, encoding="utf-8", **options) as process:
            try:
                said, _ = process.communicate(given or None)
            except BaseException:  # it may have a browser at work: that ends with it, if it is not killed
                process.terminate()
                _wait_or_kill(process)
                raise
        return said or "", process.returncode

    def _ended(self, arguments: tuple[str, ...], code: int, expect: int) -> None:
        if code:
            typer.echo(f"(exit code {code})")
        self.claim(f"integrator {' '.join(arguments)} ends with {expect}, not {code}", code == expect)

    # looking up

    def posts(self, post_type: str = "course_date") -> list[dict[str, Any]]:
        return [post for post in self.wordpress.state()["posts"] if post["type"] == post_type]

    def post(self, key: str) -> dict[str, Any]:
        """The post of one class; empty when there is none."""
        return next((post for post in self.posts() if post["meta"]["mac_id"] == key), {})

    def seats(self, key: str) -> Any:
        """Free seats of a class, as the site shows them."""
        return self.post(key).get("meta", {}).get("mac_seats_free")

    def writes(self) -> int:
        """On the site, since its ledger was cleared."""
        return len(self.wordpress.effects())

    def registered(self, reference: str) -> list[dict[str, Any]]:
        """The participants that Maconomy holds under our reference."""
        classes = self.maconomy.state()["participants"].values()
        return [person for people in classes for person in people if person["externalReference"] == reference]

    def mails(self, key: str = "") -> list[Mail]:
        """The mails that Mailgun took, whose key begins so."""
        taken = [Mail(facts) for facts in self.mailgun.state()["mails"]]
        return [mail for mail in taken if mail.key.startswith(key)]

    def stored(self, sql: str, *parameters: Any) -> Any:
        """One value of the store."""
        with closing(connect(self.home / "var" / "integrator.db")) as db:
            return db.value(sql, parameters)

    def files_with(self, text: str) -> list[Path]:
        """The files of the home folder and of the desk in which these bytes stand."""
        paths = (path for folder in (self.home, self.desk) for path in folder.rglob("*") if path.is_file())
        return [path for path in paths if text.encode() in path.read_bytes()]

    def change_store(self, sql: str, *parameters: Any) -> None:
        """Move time: what cannot be waited for is written into the store by hand."""
        with closing(connect(self.home / "var" / "integrator.db")) as db:
            db.write(sql, parameters)

    # staging

    def fault(self, path: str, fault: dict[str, Any]) -> None:
        """Maconomy's next answer of a path goes wrong."""
        self.maconomy_server.faults.add({"match": {"path": path}, "times": 1, "fault": fault})


@contextmanager
def on_stage(*, keep: bool) -> Iterator[Stage]:
    """Set it up, and clear it away whatever happens: the stand-ins stop, the folders go (the home not with keep)."""
    with ExitStack() as stack:
        stack.enter_context(tidy_endings())
        home, desk = _folder(stack, "integrator-demo-", keep=keep), _folder(stack, "integrator-desk-", keep=False)
        maconomy, wordpress, mailgun = Maconomy(), WordPress(), Mailgun()
        au2office, admanager, oilmat, portal = Au2Office(), AdManager(), OilMat(), Trainingportal()
        standins: list[StandIn] = [maconomy, wordpress, mailgun, portal, au2office, admanager, oilmat]
        servers = [stack.enter_context(_served(standin)) for standin in standins]
        addresses = {server.standin.name: server.url for server in servers}
        courses = upcoming(sample("course"), datetime.now(UTC).date())
        maconomy.seed({"records": {"course": courses}})
        wordpress.seed({"meta_off": {"course_date": ["mac_sold_out", "mac_ratio", "mac_clean", "mac_defaulted"]}})
        admanager.seed({"workshop": "Havnens Auto"})
        no_browser = _no_browser()
        _furnish(home, addresses, with_workshops=no_browser is None)
        typer.echo(f"A home folder:             {home}")
        for name, address in addresses.items():
            typer.echo(f"{_TITLES[name] + ' stand-in:':<26} {address}")
        yield Stage(
            *(home, desk, maconomy, wordpress, mailgun, au2office, admanager, oilmat, portal, servers[0], addresses),
            classes={course["courseId"]: course for course in courses},
            no_browser=no_browser,
        )
        if keep:
            typer.echo(f"The home folder was kept: {home}")


_TITLES = {
    "maconomy": "Maconomy's",
    "wordpress": "WordPress's",
    "mailgun": "Mailgun's",
    "trainingportal": "Trainingportal's",
    "au2office": "au2office's",
    "admanager": "AD Manager's",
    "oilmat": "OilMat's",
}


def _served(standin: StandIn) -> Running:
    return serve_workshop(standin) if isinstance(standin, WorkshopStandIn) else serve(standin)


def _no_browser() -> str | None:
    """Why no browser can work here; None: one can."""
    try:
        find_programs(None, None)
    except Trouble as trouble:
        return trouble.message.partition(":")[0]
    return None


def _folder(stack: ExitStack, prefix: str, *, keep: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if not keep:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _furnish(home: Path, addresses: dict[str, str], *, with_workshops: bool) -> None:
    """Make the home folder and switch the systems on."""
    init_home(home)
    config = home / "config"
    (config / "integrator.toml").write_text(
        _TOML.format(domain=DOMAIN, portal_user=PORTAL_USERNAME, **addresses), encoding="utf-8"
    )
    if with_workshops:
        (config / "workshops.toml").write_text(_WORKSHOPS.format(user=ERP_USER, **addresses), encoding="utf-8")
    (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in _SECRETS.items()), encoding="utf-8")


def _wait_or_kill(process: "subprocess.Popen[str]") -> None:
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
