"""Switches of Trainingportal's adapter as they are assumed, but for what a test says."""

from typing import Any

from integrator.secret import Secret
from integrator.settings import TrainingportalSettings
from integrator.systems.trainingportal import Options


def assumed(**changes: Any) -> Options:
    """The defaults of [trainingportal], with these."""
    settings = TrainingportalSettings(base_url="http://127.0.0.1:1", username="u", password=Secret("p"))
    return Options(**(settings.switches() | changes))
