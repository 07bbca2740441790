"""What a home's configuration says, as frozen records: one class per table of config/integrator.toml, one per job."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from integrator.home import Home
from integrator.secret import Reference, Secret

# The upper bounds only catch slips: inf, or milliseconds where seconds are meant.
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Settle = Annotated[float, Meta(ge=0, le=86_400)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Text = Annotated[str, Meta(min_length=1)]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table. A base_url comes without its last slash."""


class StoreSettings(Table, frozen=True, kw_only=True):
    path: Path = Path("var/integrator.db")  # absolute once loaded


class MaconomySettings(Table, frozen=True, kw_only=True):
    base_url: str
    auth_header: Annotated[str, Meta(pattern="^[A-Za-z0-9-]+$")] = "Authorization"
    auth_value: Secret
    mapping: Path = Path("config/maconomy.toml")
    list_timeout_s: Seconds = 60.0
    timeout_s: Seconds = 5.0
    settle_s: Settle = 60.0
    max_list_mb: Annotated[int, Meta(ge=1, le=65_536)] = 1024


class WordPressSettings(Table, frozen=True, kw_only=True):
    base_url: str
    username: Text
    password: Secret
    mapping: Path = Path("config/wordpress.toml")
    timeout_s: Seconds = 30.0
    settle_s: Settle = 60.0


class MailgunSettings(Table, frozen=True, kw_only=True):
    base_url: str  # no default: the EU and the US region answer each other's keys with 401
    domain: Text
    api_key: Secret
    from_: Text = msgspec.field(name="from")
    reply_to: Text | None = None
    events_key: Secret | None = None  # a sending key may not read events
    test_mode: bool = False
    timeout_s: Seconds = 20.0
    settle_s: Settle = 1_800.0  # events come late, up to half an hour


class TrainingportalSettings(Table, frozen=True, kw_only=True):
    """The tables below username and password are switches over what its documentation leaves open."""

    base_url: str
    username: Text
    password: Secret
    path: dict[str, str] = {}
    allow_get: bool = False
    cancel_style: Literal["path", "form"] = "path"
    upload: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    format: dict[str, str] = {}
    price: dict[str, Any] = {}
    reserve: dict[str, Any] = {}
    booking: dict[str, Any] = {}
    http: dict[str, Any] = {}
    add: dict[str, Any] = {}


class BrpSettings(Table, frozen=True, kw_only=True):
    base_url: str
    apikey: Secret
    dialect: Literal["flat", "timepoint"] = "timepoint"
    business_units: tuple[int | str, ...] = ()


class BrowserSettings(Table, frozen=True, kw_only=True):
    binary: Text | None = None
    driver: Text | None = None
    remote_url: str | None = None


class GatewaySettings(Table, frozen=True, kw_only=True):
    """Who may call us, each by a secret of their own; a caller without one is not let in."""

    website_key: Secret | None = None
    oilmat_key: Secret | None = None
    trainingportal_token: Secret | None = None  # a part of the address it calls
    trainingportal_signing_key: Secret | None = None  # or it signs what it asks
    trainingportal_ips: tuple[Annotated[str, Meta(pattern="^[0-9a-fA-F:./]+$")], ...] = ()  # none: from anywhere
    trusted_proxies: Annotated[int, Meta(ge=0, le=5)] = 0  # how many of our own stand in front and add X-Forwarded-For
    rate_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 120  # of one caller's address
    max_body_kb: Annotated[int, Meta(ge=1, le=10_240)] = 1_024
    docs: bool = True  # /docs and /openapi.json


class OpenTable(Table, frozen=True, kw_only=True):
    """A system whose further keys are not settled yet: they are kept as they are, secrets among them resolved."""

    base_url: str
    extra: dict[str, Any] = {}


class OilmatSettings(Table, frozen=True, kw_only=True):
    """Without a base_url nothing is pulled or told: orders come by command or as files."""

    base_url: str | None = None
    token: Secret | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 200  # orders in one answer
    timeout_s: Seconds = 20.0
    spool: Path = Path("var/spool/orderlines")


class Workshop(Table, frozen=True, kw_only=True):
    """One table of config/workshops.toml. username and password go together; without them it takes no orders."""

    name: Text  # as people say it; orders may name the workshop so
    type: Text  # one that has a locator file: config/workshops/TYPE.toml
    base_url: str
    allow_hosts: tuple[Annotated[str, Meta(pattern="^[A-Za-z0-9.:_-]+$")], ...] = ()  # beside base_url's: the login's
    username: Text | None = None
    password: Reference | None = None
    totp: Reference | None = None
    shown_user: Text | None = None  # what its pages call this user, where that is not the username
    marker_field: Literal["name", "none"] = "name"
    existing_line: Literal["add", "fail"] = "add"
    name_limit: Annotated[int, Meta(ge=1, le=1_000)] = 60
    pictures: Literal["trouble", "always"] = "trouble"  # of what a screenshot is kept
    doubt_quiet_s: Seconds = 120.0  # longer than the ERP takes for its slowest request
    timeout_s: Seconds = 20.0  # until a page shows what it should
    remote_url: str | None = None
    id: str = ""  # the table's name

    @property
    def has_credentials(self) -> bool:
        return self.username is not None and self.password is not None


class ReservationSettings(Table, frozen=True, kw_only=True):
    hold_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 30


class RetentionSettings(Table, frozen=True, kw_only=True):
    orders_days: Days = 2_190  # bookkeeping: five years from the end of the financial year
    participants_days: Days = 90
    orderlines_days: Days = 365
    backups_days: Days = 30
    evidence_days: Days = 30


class MonitorSettings(Table, frozen=True, kw_only=True):
    ping_url: Secret | None = None  # who knows the address can report for us
    alert_to: str | None = None


class JobPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When and how patiently a job runs. An empty schedule means: started by hand only."""

    name: str
    command: tuple[str, ...]
    schedule: str
    timeout_s: int
    alert_after_s: int | None = None
    attempts: int = 8
    backoff_s: tuple[float, ...] = (60.0, 300.0, 900.0, 3_600.0)
    policy: dict[str, Any] = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A home's whole configuration, checked. A system without a table is None: switched off."""

    home: Home
    store: StoreSettings = StoreSettings()
    maconomy: MaconomySettings | None = None
    wordpress: WordPressSettings | None = None
    mailgun: MailgunSettings | None = None
    trainingportal: TrainingportalSettings | None = None
    brp: BrpSettings | None = None
    oilmat: OilmatSettings | None = None
    browser: BrowserSettings | None = None
    platform121: OpenTable | None = None
    kobo: OpenTable | None = None
    espocrm: OpenTable | None = None
    twilio: OpenTable | None = None
    reservations: ReservationSettings = ReservationSettings()
    retention: RetentionSettings = RetentionSettings()
    monitor: MonitorSettings = MonitorSettings()
    gateway: GatewaySettings = GatewaySettings()
    workshops: dict[str, Workshop] = {}
    jobs: dict[str, JobPolicy] = {}


TABLES: dict[str, type[Table]] = {
    "store": StoreSettings,
    "maconomy": MaconomySettings,
    "wordpress": WordPressSettings,
    "mailgun": MailgunSettings,
    "trainingportal": TrainingportalSettings,
    "brp": BrpSettings,
    "oilmat": OilmatSettings,
    "browser": BrowserSettings,
    "platform121": OpenTable,
    "kobo": OpenTable,
    "espocrm": OpenTable,
    "twilio": OpenTable,
    "reservations": ReservationSettings,
    "retention": RetentionSettings,
    "monitor": MonitorSettings,
    "gateway": GatewaySettings,
}
