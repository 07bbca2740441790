"""For all tests: a browser for who asks for one; and of files that run side by side, the longest begin first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from integrator.systems.browser.session import Browser

LONGEST = (
    *("test_demo.py", "test_push_orderline_oilmat.py", "test_push_orderline.py", "test_push_orderline_storm.py"),
    *("test_erasure.py", "test_sync_orders_storm.py", "test_booking_storm.py"),
    *("test_orderlines_killed.py", "test_orderlines_all.py", "test_orderlines_secrets.py"),
    *("test_orderlines_in_au2office.py", "test_orderlines_in_admanager.py"),
    *("test_orderlines_many.py", "test_au2office.py", "test_openapi_2000.py", "test_orderlines_remote.py"),
    *("test_import_courses_storm.py", "test_edges.py", "test_push_orderline_model.py", "test_mapping_arbitrary.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Browser]":
    """Lent to the runs of a module that are in this process: see workshop_world."""
    from workshop_world import shared_browser

    with shared_browser(tmp_path_factory.mktemp("scratch")) as found:
        yield found
