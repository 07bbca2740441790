"""What a home's configuration says, as frozen records: one class per table of config/integrator.toml, one per job."""

import re
from collections.abc import Iterable, Iterator
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
    """One table, or a table in one. A base_url comes without its last slash."""

    def contradictions(self) -> Iterable[tuple[tuple[str, ...], str]]:
        """What does not go together, or cannot be said by a type: (the keys that lead there, what is wrong)."""
        return ()


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


_Path = Annotated[
    str,
    Meta(
        pattern=r"^(?!.*\.\.)[A-Za-z0-9._~{}-]+(/[A-Za-z0-9._~{}-]+)*$",
        description='a path below base_url, without a first slash, such as "v1/courses/get"',
    ),
]
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="letters, digits, hyphens, _ and dots")]
_ErrorStatus = Annotated[int, Meta(ge=400, le=599)]


class PortalPaths(Table, frozen=True, kw_only=True):
    """{course}, {class} and {booking} stand for the ids."""

    cancel_class: _Path | None = None  # by cancel_style
    get_courses: _Path = "v1/courses/get"
    get_classes: _Path = "v1/courses/get/{course}/courseClasses/get"
    upload: _Path = "v1/booking/uploadDocumentation/{booking}"


class PortalUpload(Table, frozen=True, kw_only=True):
    part: _Name = "file"
    content_type: Annotated[
        str, Meta(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$", description='a media type such as "application/pdf"')
    ] = "application/pdf"
    max_mb: Annotated[int, Meta(ge=1, le=100)] = 10
    timeout_s: Seconds = 120.0

    @property
    def max_bytes(self) -> int:
        return self.max_mb * 1_000_000


class PortalErrors(Table, frozen=True, kw_only=True):
    """Which HTTP statuses, and which words of a status object, are a definite no; to whom."""

    login: tuple[_ErrorStatus, ...] = (401, 403)
    item: tuple[_ErrorStatus, ...] = (400, 404, 413, 415, 422)
    login_words: tuple[Text, ...] = ("username", "password", "credentials")


class PortalFormats(Table, frozen=True, kw_only=True):
    date: Literal["yyyy-MM-dd", "yyyy/MM/dd", "yyyyMMdd", "dd.MM.yyyy", "dd-MM-yyyy", "dd/MM/yyyy", "MM/dd/yyyy"] = (
        "yyyy-MM-dd"
    )
    time: Literal["HH:mm", "HH:mm:ss", "HH.mm", "HHmm"] = "HH:mm"
    amount: Literal["0.00", "0,00", "0"] = "0.00"  # "0": whole kroner, and no others can be sent


class PortalPrice(Table, frozen=True, kw_only=True):
    vat: Literal["excluded", "included"] = "excluded"
    vat_percent: Annotated[float, Meta(ge=0, le=100)] = 25.0  # added when it is included
    currency_policy: Literal["refuse", "send"] = "refuse"  # of those that are not on their list; none is converted


class PortalReserve(Table, frozen=True, kw_only=True):
    """What it calls things when it asks us for a seat."""

    param_class: _Name = "courseClassExternalId"


class PortalBookings(Table, frozen=True, kw_only=True):
    reference_source: Literal["own", "portal"] = "own"  # "portal": the one it shows, as soon as we have read it
    confirm_retry: Annotated[tuple[Seconds, ...], Meta(min_length=1, max_length=20)] = (2.0, 5.0, 15.0, 60.0, 300.0)


class PortalHttp(Table, frozen=True, kw_only=True):
    timeout_s: Seconds = 30.0
    settle_s: Settle = 60.0


class PortalAdd(Table, frozen=True, kw_only=True):
    on_duplicate: Literal["update", "fail"] = "update"


class PortalUpdate(Table, frozen=True, kw_only=True):
    deadline: Literal["both", "enrollmentDeadline", "erollmentDeadline"] = "both"  # how the documentation spells it


class TrainingportalSettings(Table, frozen=True, kw_only=True):
    """The keys below username and password are switches over what its documentation leaves open.

    courses  their id of a course = ours of the main course, where they are not the same
    """

    base_url: str
    username: Text
    password: Secret
    courses: dict[Text, Text] = {}
    cancel_style: Literal["path", "form"] = "path"
    path: PortalPaths = PortalPaths()
    upload: PortalUpload = PortalUpload()
    errors: PortalErrors = PortalErrors()
    format: PortalFormats = PortalFormats()
    price: PortalPrice = PortalPrice()
    reserve: PortalReserve = PortalReserve()
    booking: PortalBookings = PortalBookings()
    http: PortalHttp = PortalHttp()
    add: PortalAdd = PortalAdd()
    update: PortalUpdate = PortalUpdate()

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        in_path = self.cancel_style == "path"
        wanted = {"cancel_class": ["{class}", "{course}"] if in_path else ["{course}"], "get_courses": []}
        wanted |= {"get_classes": ["{course}"], "upload": ["{booking}"]}
        for key, names in wanted.items():
            found = getattr(self.path, key)
            if found is not None and sorted(re.findall(r"\{[^/}]*\}|[{}]", found)) != names:
                yield ("path", key), f"expected a path that holds {' and '.join(names) or 'no { and }'}, each once"
        for theirs, ours in self.courses.items():
            if list(self.courses.values()).index(ours) != list(self.courses).index(theirs):
                yield ("courses", theirs), f"another course of theirs is our {ours} already"
        for status in sorted({*self.errors.login} & {*self.errors.item}):
            yield ("errors", "item"), f"{status} is in login, too: it is a no to our login or to one item"
        for key in ("login", "item"):
            for status in sorted({408, 429} & {*getattr(self.errors, key)}):
                yield ("errors", key), f"{status} says that it is to be tried later, and nothing else"

    def switches(self) -> dict[str, Any]:
        """What the adapter's Options are made of."""
        return {
            "cancel_style": self.cancel_style,
            "cancel_class": self.path.cancel_class,
            "get_courses": self.path.get_courses,
            "get_classes": self.path.get_classes,
            "upload": self.path.upload,
            "upload_part": self.upload.part,
            "upload_content_type": self.upload.content_type,
            "upload_max_bytes": self.upload.max_bytes,
            "upload_timeout_s": self.upload.timeout_s,
            "login_statuses": self.errors.login,
            "item_statuses": self.errors.item,
            "login_words": self.errors.login_words,
            "date": self.format.date,
            "time": self.format.time,
            "amount": self.format.amount,
            "vat": self.price.vat,
            "vat_percent": self.price.vat_percent,
            "currency_policy": self.price.currency_policy,
            "reference_source": self.booking.reference_source,
            "on_duplicate": self.add.on_duplicate,
            "deadline": self.update.deadline,
        }


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
    trusted_proxies: tuple[Annotated[str, Meta(pattern="^[0-9a-fA-F:./]+$")], ...] = ()  # whose X-Forwarded-For counts
    rate_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 600  # of one address, and of one key in a header
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
    doubt_quiet_s: Seconds = 120.0  # after the touch; longer than the ERP takes for its slowest request
    timeout_s: Seconds = 20.0  # until a page shows what it should
    remote_url: str | None = None
    id: str = ""  # the table's name

    @property
    def has_credentials(self) -> bool:
        return self.username is not None and self.password is not None

    @property
    def settle_s(self) -> float:
        """How long a line may still come, from arming on: that is before the touch, by the waits of a page or two."""
        return self.doubt_quiet_s + 2 * self.timeout_s


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
