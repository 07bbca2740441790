"""The workshops' ERPs: web pages that a browser works in. A type is a module here and a locator file of its name."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from integrator.systems.browser.tab import Tab
    from integrator.systems.workshops.erp import WorkshopErp


def erp_of(kind: str) -> "Callable[..., WorkshopErp]":
    """The class of a type: ERP of the module of its name.

    Shape   called with the tab, the base_url and name_limit=60
    """
    found: Callable[[Tab, str], WorkshopErp] = import_module(f"{__name__}.{kind}").ERP
    return found
