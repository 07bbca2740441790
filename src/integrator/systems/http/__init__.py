"""HTTP for every system: one client factory with bounded reads, total deadlines and our errors only."""

from integrator.systems.http.addresses import quoted
from integrator.systems.http.client import Http, once
from integrator.systems.http.failures import CUT, status_error
from integrator.systems.http.reading import Download, Headers, Reply
from integrator.systems.http.retry_after import retry_after_s

__all__ = ["CUT", "Download", "Headers", "Http", "Reply", "once", "quoted", "retry_after_s", "status_error"]
