"""Commands while a server runs on the same folder: taken over within moments."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx

from app.core.folder import DataFolder
from tests.cli.conftest import Run

Start = Callable[..., subprocess.Popen[str]]


def address_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    assert server.stderr is not None
    raise AssertionError(server.stderr.read())


def test_a_running_server_takes_over_what_a_command_wrote(process: Start, anygpt: Run, tmp_path: Path) -> None:
    address = address_of(process("--port", "0"))
    file = tmp_path / "team.toml"
    secret = "gw_test_" + "C" * 43
    file.write_text(f'[[keys]]\nname = "ci"\nsecret = "{secret}"\n', encoding="utf-8")
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {secret}"}, trust_env=False) as client:
        assert client.get("/v1/models").status_code == 401
        applied = anygpt("apply", str(file))
        assert (applied.exit_code, applied.stderr) == (0, "")
        assert client.get("/v1/models").status_code == 200
        revoked = anygpt("key", "revoke", "ci")
        assert (revoked.exit_code, revoked.stderr) == (0, "")
        assert client.get("/v1/models").status_code == 401


def test_a_second_server_on_the_folder_is_refused(process: Start) -> None:
    first = process("--port", "0")
    address_of(first)
    second = process("--port", "0")
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"is in use by another AnyGPT (process {first.pid})" in err
    assert "Traceback" not in err


def test_a_server_that_does_not_answer_leads_to_a_warning(anygpt: Run, folder: Path) -> None:
    anygpt("user", "list")
    held = DataFolder(folder)
    held.lock()
    try:
        result = anygpt("key", "add", "ci")
    finally:
        held.unlock()
    assert result.exit_code == 0
    assert "has not taken it over yet" in result.stderr
    assert "gw_live_" in result.stdout


def test_a_command_that_writes_nothing_does_not_wait(anygpt: Run, folder: Path) -> None:
    anygpt("user", "list")
    held = DataFolder(folder)
    held.lock()
    try:
        assert anygpt("key", "list").stderr == ""
    finally:
        held.unlock()
