"""`integrator gateway`: what it says when it cannot begin."""

import socket

import pytest
from doors import Doors

from integrator.cli.gateway import gateway
from integrator.errors import ConfigError, UsageError


@pytest.fixture(autouse=True)
def at_home(here: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTEGRATOR_HOME", str(here.home))
    for name, value in here.environ.items():
        monkeypatch.setenv(name, value)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="Address already in use"):
        gateway(port=taken.getsockname()[1])


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "waitress", None)
    with pytest.raises(UsageError, match="waitress is not installed") as caught:
        gateway(port=0)
    assert caught.value.hint == "pip install 'integrator[gateway]'"


def test_a_home_that_is_wrong_is_a_configuration_error(here: Doors) -> None:
    (here.home / "config" / "integrator.toml").write_text("[gateway]\nwebsite_key = 'plain'\n")
    with pytest.raises(ConfigError, match="a secret is a reference"):
        gateway(port=0)
