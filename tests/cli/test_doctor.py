"""The doctor: a line for each thing looked at, also where much is broken."""

from __future__ import annotations

import base64
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.clock import Clock
from app.core.folder import DataFolder
from app.services.doctor import examine
from tests.cli.conftest import Run
from tests.cli.test_refusals import make_newer


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, anygpt: Run) -> int:
    """One that is free when the test begins."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    monkeypatch.setenv("ANYGPT_PORT", str(number))
    return number


def faults(anygpt: Run) -> dict[str, str]:
    result = anygpt("doctor", "--json")
    found = {each["check"]: each["message"] for each in json.loads(result.stdout) if not each["ok"]}
    assert result.exit_code == (1 if found else 0)
    return found


def test_a_fresh_machine_is_well_and_stays_untouched(anygpt: Run, folder: Path, port: int) -> None:
    result = anygpt("doctor")
    assert result.exit_code == 0
    assert all(line.startswith("ok     ") for line in result.stdout.splitlines())
    assert "is not there yet; the first start makes it" in result.stdout
    assert not folder.exists()


def test_a_used_folder_is_well(anygpt: Run, port: int) -> None:
    anygpt("user", "list")
    result = anygpt("doctor")
    assert result.exit_code == 0
    assert [line[7:19].strip() for line in result.stdout.splitlines()] == [
        "settings",
        "folder",
        "master key",
        "database",
        "migrations",
        "disk space",
        "port",
        "providers",
        "clock",
    ]


def test_a_lost_master_key_is_found(anygpt: Run, folder: Path, port: int) -> None:
    anygpt("user", "list")
    (folder / "master.key").unlink()
    assert "Put the file back from your backup" in faults(anygpt)["master key"]


def test_a_wrong_master_key_is_found(anygpt: Run, folder: Path, port: int) -> None:
    anygpt("user", "list")
    (folder / "master.key").write_text(base64.b64encode(bytes(32)).decode())
    assert faults(anygpt)["master key"].startswith("it does not fit this database")


def test_a_master_key_that_others_can_read_is_found(anygpt: Run, folder: Path, port: int) -> None:
    anygpt("user", "list")
    (folder / "master.key").chmod(0o644)
    assert f"Run: chmod 600 {folder}/master.key" in faults(anygpt)["master key"]


def test_a_damaged_database_is_found(anygpt: Run, folder: Path, port: int) -> None:
    anygpt("user", "list")
    (folder / "anygpt.db").write_bytes(b"no database" * 1000)
    assert "damaged" in faults(anygpt)["database"]


def test_a_newer_database_is_found(anygpt: Run, folder: Path, port: int) -> None:
    anygpt("user", "list")
    make_newer(folder)
    found = faults(anygpt)
    assert list(found) == ["migrations"]
    assert 'schema "9999"' in found["migrations"]


def test_a_folder_without_rights_is_found(
    anygpt: Run, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ANYGPT_DATA_DIR", str(tmp_path / "file" / "data"))
    assert "cannot be written" in faults(anygpt)["folder"]


def test_a_bad_setting_is_found(anygpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYGPT_PORT", "many")
    assert list(faults(anygpt)) == ["settings"]


def test_a_port_that_another_program_has_is_found(anygpt: Run, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        taken.settimeout(0.1)
        assert "is taken by another program" in faults(anygpt)["port"]


def test_a_server_elsewhere_is_no_fault(anygpt: Run, folder: Path, port: int) -> None:
    anygpt("user", "list")
    held = DataFolder(folder)
    held.lock()
    try:
        assert "a server runs with this data folder" in anygpt("doctor").stdout
    finally:
        held.unlock()


def test_a_provider_that_does_not_answer_is_found(anygpt: Run, port: int) -> None:
    anygpt("provider", "add", "far", "--kind", "openai-compatible", "--base-url", "http://127.0.0.1:1/v1")
    assert faults(anygpt)["provider"].startswith("far: 127.0.0.1:1 accepts no connections")


async def test_a_clock_before_this_version_is_found(anygpt: Run, folder: Path, port: int) -> None:
    class Stopped(Clock):
        def now(self) -> datetime:
            return datetime(1970, 1, 2, tzinfo=UTC)

    findings = {each.check: each for each in await examine(folder, Stopped())}
    assert not findings["clock"].ok
    assert "Set the system's clock" in findings["clock"].message
