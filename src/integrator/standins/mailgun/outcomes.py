"""What becomes of a mail for one recipient: the events of it, in the documented shapes."""

from typing import Any

from integrator.standins.mailgun.settings import Settings

Facts = dict[str, Any]

SANDBOX = "Sandbox subdomains are for test purposes only"
SUPPRESSED = {
    "bounce": (605, "Not delivering to previously bounced address"),
    "unsubscribe": (606, "Not delivering to unsubscribed address"),
    "complaint": (607, "Not delivering to a user who marked your messages as spam"),
}
LEVELS = {"failed": "error", "rejected": "error", "complained": "warn"}


def outcomes(settings: Settings, recipient: str, *, is_test: bool) -> list[tuple[float, str, Facts]]:
    """What happens: seconds after the mail was taken, the kind of event, and what only this kind has."""
    taken: tuple[float, str, Facts] = (0, "accepted", {"method": "HTTP"})
    after = settings.deliver_s
    if is_test:
        return [taken, (after, "delivered", _delivered(code=650, message="Message delivered in test mode"))]
    if why := settings.suppression_of(recipient):
        return [taken, (0, "failed", _suppressed(why))]
    match settings.outcome(recipient):
        case "silent":
            return [taken]
        case "rejecting":
            return [taken, (0, "rejected", {"reject": {"reason": SANDBOX, "description": ""}})]
        case "bouncing":
            return [taken, (after, "failed", _bounced())]
        case "deferring":
            later = (after + settings.retry_s, "delivered", _delivered(attempt=2))
            return [taken, (after, "failed", _deferred()), later]
        case "complaining":
            return [taken, (after, "delivered", _delivered()), (after + settings.complain_s, "complained", {})]
    return [taken, (after, "delivered", _delivered())]


def level_of(event: str, facts: Facts) -> str:
    """The log level that goes with an event."""
    return "warn" if facts.get("severity") == "temporary" else LEVELS.get(event, "info")


def _delivered(attempt: int = 1, code: int = 250, message: str = "OK") -> Facts:
    status = {"attempt-no": attempt, "code": code, "message": message, "description": "", "session-seconds": 0.43}
    return {"delivery-status": {**status, "tls": True, "mx-host": "mx.example.org", "certificate-verified": True}}


def _failed(severity: str, reason: str, code: int, message: str, **more: Any) -> Facts:
    status = {"attempt-no": 1, "code": code, "message": message, "description": ""}
    return {"severity": severity, "reason": reason, "delivery-status": {**status, **more}}


def _deferred() -> Facts:
    more = {"retry-seconds": 600, "session-seconds": 1.2}
    return _failed("temporary", "generic", 421, "4.7.0 Try again later", **more)


def _bounced() -> Facts:
    more = {"session-seconds": 0.9, "bounce-type": "hard"}
    return _failed("permanent", "bounce", 550, "5.1.1 No such user", **more)


def _suppressed(why: str) -> Facts:
    code, description = SUPPRESSED[why]
    return _failed("permanent", f"suppress-{why}", code, "", description=description, **{"session-seconds": 0})
