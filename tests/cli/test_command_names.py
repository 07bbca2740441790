"""A name that is none: what was meant is said, at the top as within a group."""

import pytest
from operating import Run


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("publish-clases", "Did you mean 'publish-classes'?"),
        ("sync-order --drain 0s", "Did you mean 'sync-orders'?"),
        ("booking-status lst", "Did you mean 'list'"),
        ("stats", "Did you mean 'status'"),
    ],
)
def test_the_nearest_command_is_named(run: Run, words: str, meant: str) -> None:
    result = run(*words.split(), home=None)
    assert result.code == 2
    assert meant in result.err


def test_nothing_is_guessed_where_nothing_is_near(run: Run) -> None:
    result = run("xyzzy", home=None)
    assert (result.code, "Did you mean" in result.err) == (2, False)
    assert "No such command 'xyzzy'." in result.err
