"""What can be staged on the Trainingportal stand-in: its switches, with the contract's assumptions as defaults."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

USERNAME = "provider-user"
PASSWORD = "demo-trainingportal-password"  # noqa: S105 (a stand-in's, and in every manual of it)
COURSES = {
    "GSK-4D": "Grunnleggende sikkerhetskurs, 4 dager",
    "VARME-ARB": "Varme arbeider",
    "HLR-Ö1": "Hjärt-lungräddning för vuxna",
}
MEGABYTE = 1024 * 1024

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a failure is said: with which HTTP status, and as what; "nothing" is an empty body."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    body: Literal["object", "html", "login", "text", "nothing"] = "object"


class Paths(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The paths that nobody has seen, below the base; words in braces are what is asked about."""

    get_courses: str = "v1/courses/get"
    get_classes: str = "v1/courses/get/{course}/courseClasses/get"
    cancel_class: str = "v1/courses/get/{course}/courseClasses/cancel"
    upload: str = "v1/booking/uploadDocumentation/{reference}"


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a document has to be."""

    part: str = "file"
    most_bytes: Count = 10 * MEGABYTE
    starts: str = "%PDF-"  # "": any file


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All switches of `seed`. The package's docstring says what each one does."""

    username: str = USERNAME
    password: str = PASSWORD
    courses: dict[str, str] = msgspec.field(default_factory=lambda: dict(COURSES))
    allow_get: bool = False
    cancel_style: Literal["path", "form"] = "path"
    paths: Paths = Paths()
    errors: Way = Way()
    unknown: Way = Way()
    forbidden: Way = Way()
    restorable_s: Seconds = 3600
    visible_after_s: Seconds | None = 0
    visible_after_looks: Count = 0
    cancelled_shown: bool = False
    count_seats: bool = True
    asked_by: Literal["provider", "portal", "both"] = "provider"
    shows: Literal["portal", "provider"] = "portal"
    param_class: str = "courseClassExternalId"
    send_reference: str | None = None
    deadline_spelling: Literal["erollmentDeadline", "enrollmentDeadline", "both"] = "erollmentDeadline"
    line2_may_be_empty: bool = True
    list_cancelled: bool = True
    upload: Upload = Upload()
    flag_type: Literal["documented", "string", "boolean", "upper"] = "documented"
    flag_name: str = "sucessful"
    message_name: str = "errorMessage"
    lower_names: bool = True
    optional: Literal["missing", "null", "empty", "omit"] = "missing"
    lists: Literal["wrapped", "bare"] = "wrapped"
    dotted_keys: bool = False
    blank_keys: bool = False
    text_values: bool = False
    times_with_seconds: bool = False
    trailing_commas: bool = False
    unknown_keys: bool = False
    now: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def changed(self, given: dict[str, Any]) -> "Settings":
        """These settings with others in their places; a mapping replaces the mapping. Errors: ValueError."""
        try:
            return msgspec.convert({**msgspec.to_builtins(self), **given}, Settings)
        except msgspec.ValidationError as error:
            raise ValueError(f"seed: {error}; known: {sorted(self.__struct_fields__)}") from error
