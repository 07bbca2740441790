"""Every error an operator can meet, with what follows from it and its exit code.

IntegratorError
├── UsageError         2   the command line or an input file is a bad request
│   ├── BadForm        2   an order form that cannot be taken; all problems at once
│   └── NotBookable    2   a class or an order is not in a state that allows it
├── NotFound           4   no such run, record, message, backup
├── LockHeld           5   the same job is still running
├── Inactive           5   the workshop is switched off or blocked
├── ConfigError       78   this installation is wrong; all problems at once
├── StoreDamaged      70   the store cannot be trusted or written
├── Stopped           75   asked to end (SIGTERM, run budget used up)
├── Unavailable       75   nothing was done there: no route, timeout of a read, 429, 503
│   └── InDoubt       75   a write whose outcome nobody knows: look before doing it again
├── Refused            1   the other side rejects us as a whole: login, contract, rights
│   ├── BadAnswer      1   an answer that is not what the contract says
│   ├── Blocked        1   a workshop's ERP does not let us in: nothing is tried until a person has looked
│   └── Full           1   a class has no seat left for a reservation
├── GuardTripped       1   what we would do looks like damage; a named flag lets it pass
└── ItemError          3   this one item; note it, go on
    ├── BadRecord          a record we cannot read
    ├── Rejected           a definite no about one item
    ├── Conflict           the other side holds several of what must be one
    └── Postponed          not its turn yet; no attempt is used up
"""

from dataclasses import dataclass


class IntegratorError(Exception):
    """An error with a message for the operator: system, action, record, consequence."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(IntegratorError):
    exit_code = 2


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with a form: where, a stable code, and words for whoever filled it in."""

    field: str  # "participants[1].email"; "form" when it concerns the whole
    code: str  # "bad_email"
    message: str  # in the language of the form, without what was typed


class BadForm(UsageError):
    """Everything that is wrong with an order form, found in one go.

    problems are for the website; the message is for the operator: which fields, never what stands in them.
    count is how many were found when not all of them are told.
    """

    def __init__(self, problems: list[FieldProblem], *, count: int | None = None, hint: str | None = None) -> None:
        self.count = len(problems) if count is None else count
        fields = ", ".join(dict.fromkeys(problem.field for problem in problems))
        super().__init__(f"the form has {self.count} problem{'' if self.count == 1 else 's'}: {fields}", hint=hint)
        self.problems = problems


class NotBookable(UsageError):
    """A class that cannot be booked, or an order that cannot be changed so; code is a stable word ("cancelled")."""

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class NotFound(IntegratorError):
    exit_code = 4


class LockHeld(IntegratorError):
    exit_code = 5


class Inactive(IntegratorError):
    exit_code = 5


@dataclass(frozen=True)
class Problem:
    """One thing wrong in this installation: where, what, and what is expected."""

    where: str  # "config/integrator.toml:12" or ".env"
    what: str  # "[maconomy] base_url: expected an https address, got 42"

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ConfigError(IntegratorError):
    """Everything that is wrong with the configuration, found in one go."""

    exit_code = 78

    def __init__(self, problems: list[Problem], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = problems


class StoreDamaged(IntegratorError):
    exit_code = 70


class Stopped(IntegratorError):
    exit_code = 75


class Unavailable(IntegratorError):
    """The other side did nothing and cannot be had now.

    retry_after_s is what the other side asked for, or None; code is a stable word where it matters ("slow").
    """

    exit_code = 75

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after_s: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s
        self.code = code


class InDoubt(Unavailable):
    """A write left, and nobody can say whether it was carried out."""


class Refused(IntegratorError):
    exit_code = 1


class BadAnswer(Refused):
    """An answer that breaks the contract; code is a stable word for tables and tests ("bad_json")."""

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Blocked(Refused):
    """A workshop's ERP does not let us in; it is not tried again until a person has looked. code says why."""

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Full(Refused):
    """There is no seat left, also after asking twice."""

    code = "full"


class GuardTripped(Refused):
    """What the run would do looks like damage; hint names the flag that lets it pass."""


class ItemError(IntegratorError):
    """Concerns one item only: it is set aside by its key, the run goes on."""

    exit_code = 3


class BadRecord(ItemError):
    """A record we cannot read.

    code is stable ("bad_money"), field is our name for it, key the record's when it could be read.
    """

    def __init__(
        self, message: str, *, code: str, field: str | None = None, key: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.field = field
        self.key = key


class Rejected(ItemError):
    """The other side says no to this item and will say it again; code is a stable word where it matters ("full")."""

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Conflict(ItemError):
    """The other side holds several of what must be one; nothing is touched. code as in Rejected."""

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Postponed(ItemError):
    """Something this item needs is not there yet; it waits without using up an attempt. code as in Rejected."""

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code
