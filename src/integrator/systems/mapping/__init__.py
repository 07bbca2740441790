"""Foreign JSON records → our canonical records and back, as a TOML file says; knows no system."""

from integrator.systems.mapping.load import load_mapping
from integrator.systems.mapping.outgoing import written
from integrator.systems.mapping.reader import Mapped, Reader
from integrator.systems.mapping.spec import Defaults, Endpoint, FieldSpec, Mapping, SendSpec
from integrator.systems.mapping.survey import FieldSurvey

__all__ = [
    "Defaults",
    "Endpoint",
    "FieldSpec",
    "FieldSurvey",
    "Mapped",
    "Mapping",
    "Reader",
    "SendSpec",
    "load_mapping",
    "written",
]
