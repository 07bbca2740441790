"""The workshops' ERPs: web pages that a browser works in. A type is a module here and a locator file of its name."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from integrator.systems.workshops.erp import ErpType


def erp_of(kind: str) -> "ErpType":
    """The class of a type: ERP in the module of its name."""
    return cast("ErpType", import_module(f"{__name__}.{kind}").ERP)


def is_known(kind: str) -> bool:
    """Whether this program has the type. A locator file alone makes none."""
    name = f"{__name__}.{kind}"
    try:
        return hasattr(import_module(name), "ERP")
    except ModuleNotFoundError as error:
        if not name.startswith(error.name or "?"):  # the module is there, and one that it needs is not
            raise
        return False
