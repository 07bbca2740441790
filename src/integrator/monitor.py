"""The heartbeat: a healthchecks.io-compatible address is told that a run began and how it ended.

It carries no effect on anybody's data, so it does not go through the outbox; a monitor that cannot
be reached never changes how a run ends.
"""

from integrator import __version__
from integrator.errors import IntegratorError
from integrator.runtime.report import Report
from integrator.secret import Secret

_TIMEOUT_S = 5.0


class Heartbeat:
    """POSTs to the address, with /start, /fail or /log behind it. "{job}" in the address becomes the job's name."""

    def __init__(self, address: Secret, report: Report) -> None:
        self._base = address.reveal().replace("{job}", report.job)
        self._report = report

    def beat(self, moment: str) -> None:
        """moment  "start" or "end"; the end says success, fail with the report, or only a log entry (try later)."""
        suffix = "/start" if moment == "start" else self._suffix()
        try:
            self._post(suffix, None if moment == "start" else self._report.as_json())
        except Exception as error:  # noqa: BLE001 (a monitor never changes how a run ends)
            # Never the address itself: who knows it can report for us.
            said = error.message if isinstance(error, IntegratorError) else f"cannot be told ({type(error).__name__})"
            self._report.remarks.append(f"monitor: {said.removeprefix('monitor: ')}")

    def _suffix(self) -> str:
        if self._report.exit_code == 0:
            return ""
        return "/log" if self._report.exit_code in (5, 75) and not self._report.late else "/fail"

    def _post(self, suffix: str, report: dict[str, object] | None) -> None:
        from integrator.systems.http import Http

        scheme, _, rest = self._base.partition("://")
        host, _, path = rest.partition("/")
        http = Http(
            system="monitor",
            base_url=f"{scheme}://{host}",
            timeout_s=_TIMEOUT_S,
            user_agent=f"integrator/{__version__}",
        )
        try:
            http.send("POST", f"/{path}".rstrip("/") + suffix, doing="report a run", json=report)
        finally:
            http.close()
