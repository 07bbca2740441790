"""Record a run with made-up people and without secrets; replay it anywhere without a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrator.runner import Options, Story
    from integrator.runtime.report import Report


def recorded(job: str, story: "Story", *, file: Path, needs: Sequence[str], options: "Options") -> "Report":
    """Run a job for real, and write what was said into a new file; remarks say what was replaced in it.

    Errors  UsageError, ConfigError: nothing was started. NotWritten (70): the run is done, the file was not written
    """
    from integrator.recording.record import record

    return record(job, story, file, needs, options)


def replayed(job: str, story: "Story", *, file: Path, needs: Sequence[str], options: "Options") -> "Report":
    """Run a job from a file, at the recorded moment, on a copy of the store; nothing is sent and nothing kept.

    Errors  UsageError: the file is damaged, foreign, or of another job. A request it does not hold: exit code 1
    """
    from integrator.recording.replay import replay

    return replay(job, story, file, needs, options)
