"""Secrets: followed from their reference, never shown."""

import copy
import json
import os
import pickle
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integrator.secret import Secret, SecretError, exposure, resolve

VALUE = "hunter2-æøå"


class Holder(msgspec.Struct):
    secret: Secret


def test_a_secret_shows_only_on_request() -> None:
    secret = Secret(VALUE)

    assert secret.reveal() == VALUE
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!s}", repr(Holder(secret))):
        assert "hunter2" not in shown
        assert "***" in shown
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.to_builtins,
        lambda secret: msgspec.json.encode(Holder(secret)),
        lambda secret: "Bearer " + secret,
        hash,
    ],
)
def test_a_secret_cannot_be_pickled_encoded_or_joined(leak: Any) -> None:
    with pytest.raises(TypeError) as caught:
        leak(Secret(VALUE))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_secrets_compare_by_value() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE


def test_a_secret_that_was_not_asked_for_is_a_bug_to_reveal() -> None:
    with pytest.raises(RuntimeError, match="needs"):
        Secret(None).reveal()


def test_a_variable_is_followed(tmp_path: Path) -> None:
    assert resolve({"env": "ERP_AUTH"}, {"ERP_AUTH": VALUE}, tmp_path).reveal() == VALUE


def test_a_private_file_is_followed_from_the_home_folder(tmp_path: Path) -> None:
    _write(tmp_path / "erp", VALUE + "\r\n", 0o600)
    assert resolve({"file": "erp"}, {}, tmp_path).reveal() == VALUE
    assert resolve({"file": str(tmp_path / "erp")}, {}, Path("/")).reveal() == VALUE


def test_a_command_is_run_without_a_shell(tmp_path: Path) -> None:
    assert resolve({"command": ["printf", " %s \n", "$HOME;x"]}, {}, tmp_path).reveal() == "$HOME;x"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601])
def test_a_file_open_to_others_is_refused_with_the_command_to_type(tmp_path: Path, mode: int) -> None:
    _write(tmp_path / "erp", VALUE, mode)
    assert _refusal({"file": "erp"}, tmp_path) == (
        f"file {tmp_path}/erp is open to group or others: chmod 600 {tmp_path}/erp"
    )


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "erp", VALUE, 0o600)
    owner = (tmp_path / "erp").stat().st_uid
    # Files of another user cannot be made without being root: be somebody else instead, in a home of nobody's.
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    wrong = exposure(tmp_path / "erp", _owned_by((tmp_path / "erp").stat(), owner + 2), tmp_path)
    assert wrong == f"{tmp_path}/erp belongs to another user: chown {owner + 1} {tmp_path}/erp"
    assert exposure(tmp_path / "erp", _owned_by((tmp_path / "erp").stat(), owner), tmp_path) is None


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ({"env": "ABSENT"}, "ABSENT is not set"),
        ({"env": "EMPTY"}, "EMPTY is empty"),
        ({"env": "TWO_LINES"}, "more than one line"),
        ({"file": "absent"}, "cannot be read: No such file"),
        ({"file": "."}, "not a plain file"),
        ({"file": "pipe"}, "not a plain file"),
        ({"file": "latin1"}, "UTF-8"),
        ({"file": "huge"}, "larger than a secret"),
        ({"command": ["false"]}, "failed with 1"),
        ({"command": ["true"]}, "is empty"),
        ({"command": ["/no/such/program"]}, "cannot be started: No such file"),
        ({"command": "pass show x"}, "expected a list"),
        ({"command": []}, "expected a list"),
        ({"command": ["a", 1]}, "expected a list"),
        ({"env": "A", "file": "b"}, "exactly one of"),
        ({"vault": "x"}, "exactly one of"),
        ({}, "exactly one of"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(reference: Any, said: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    _write(tmp_path / "latin1", VALUE.encode("latin-1"), 0o600)
    _write(tmp_path / "huge", "x" * 70_000, 0o600)
    assert said in _refusal(reference, tmp_path)


@pytest.mark.parametrize("value", [VALUE, 4711, [VALUE], {"env": VALUE}, {"value": VALUE}, {VALUE: "env"}, None])
def test_a_value_in_a_references_place_is_refused_and_not_repeated(value: Any, tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        resolve(value, {}, tmp_path)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "4711" not in str(caught.value)


def test_what_a_failing_command_printed_is_not_repeated(tmp_path: Path) -> None:
    said = _refusal({"command": ["sh", "-c", f"echo {VALUE}; echo {VALUE} >&2; exit 3"]}, tmp_path)
    assert said == "command sh failed with 3: run it by hand to see why"


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    # The child keeps the pipe open: without ending the whole session this test would never end.
    command = ["sh", "-c", "tail -f /dev/null & echo $! > child; wait"]
    with pytest.raises(SecretError, match=r"did not answer within 0\.5 s"):
        resolve({"command": command}, {}, tmp_path, command_timeout_s=0.5)


def _refusal(reference: Any, home: Path) -> str:
    with pytest.raises(SecretError) as caught:
        resolve(reference, {"EMPTY": "", "TWO_LINES": "a\nb"}, home)
    return str(caught.value)


def _owned_by(status: os.stat_result, owner: int) -> os.stat_result:
    return os.stat_result([*status[:4], owner, *status[5:]])


def _write(path: Path, content: str | bytes, mode: int) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
