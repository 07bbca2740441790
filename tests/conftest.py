"""For all tests: where several files run at a time, those that take longest begin first, so that none is left over."""

import pytest

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
