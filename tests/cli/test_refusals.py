"""What is refused: exit 1, one line on standard error that names the next step, no traceback."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.core.folder import DataFolder
from app.db.engine import sqlite_url
from tests.cli.conftest import Run

REFUSED = [
    ("user disable nobody@example.org", 'There is no person "nobody@example.org".'),
    ("user reset-password nobody@example.org", 'There is no person "nobody@example.org".'),
    ("user add nonsense --role owner", 'email: "nonsense" is not an e-mail address such as ada@example.org.'),
    ("key revoke nothing", 'There is no key "nothing".'),
    ("key rotate nothing", 'There is no key "nothing".'),
    ("key add k --router nowhere", 'router: there is no router "nowhere"; known are default.'),
    ("key add k --user eve@example.org", 'owner: there is no person "eve@example.org".'),
    ("key add k --rpm 0", "limits.rpm: a whole number, 1 or more."),
    ("key add k --expires soon", 'expires: "soon" is not a date'),
    ("key add k --budget-usd much --budget-window day", 'budgets[0].usd: "much" is not an amount;'),
    ("key add k --budget-usd 1 --budget-window aeon", 'budgets[0].window: "aeon" is not one of hour, day,'),
    ("provider add p --kind opnai", 'kind: "opnai" is no known kind of provider; choose one of openai,'),
    ("provider add p --kind openai-compatible", "base_url: a provider of kind openai-compatible needs its address;"),
    ("provider test nothing", 'There is no provider "nothing".'),
    ("models list --provider nothing", 'There is no provider "nothing".'),
    ("apply /nowhere/team.toml", "/nowhere/team.toml cannot be read: No such file or directory."),
    ("export /nowhere/team.toml", "/nowhere/team.toml cannot be written: No such file or directory."),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_a_refusal_is_one_clear_line(anygpt: Run, words: str, sentence: str) -> None:
    result = anygpt(*words.split())
    assert result.exit_code == 1
    assert result.stderr.startswith(f"anygpt: {sentence}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_typo_in_the_file_is_named_with_file_line_and_field(anygpt: Run, tmp_path: Path) -> None:
    file = tmp_path / "team.toml"
    file.write_text('[[providers]]\nname = "p"\nkind = "opnai"\n', encoding="utf-8")
    result = anygpt("apply", str(file))
    assert result.exit_code == 1
    assert result.stderr.startswith(f'anygpt: {file}, line 3: providers[0].kind: "opnai" is no known kind of provider;')
    assert result.stderr.endswith('Did you mean "openai"?\n')


def test_a_file_that_is_no_toml_is_named_with_its_line(anygpt: Run, tmp_path: Path) -> None:
    file = tmp_path / "team.toml"
    file.write_text("[[providers]]\nname\n", encoding="utf-8")
    assert f"{file}, line 2, column 5: this is not TOML" in anygpt("apply", str(file)).stderr
    file.write_bytes(b"name = \xff\n")
    assert anygpt("apply", str(file)).stderr == f"anygpt: {file} is not a text in UTF-8, as TOML must be.\n"


def test_an_empty_password_is_refused(anygpt: Run) -> None:
    result = anygpt("user", "add", "a@b.c", "--role", "owner", "--password-stdin", input="")
    assert (result.exit_code, "standard input was empty" in result.stderr) == (1, True)


def test_the_last_owner_cannot_be_disabled(anygpt: Run) -> None:
    anygpt("user", "add", "a@b.c", "--role", "owner")
    result = anygpt("user", "disable", "a@b.c")
    assert (result.exit_code, result.stderr) == (
        1,
        "anygpt: This is the last owner; make another person owner first.\n",
    )


def test_a_provider_that_does_not_answer_fails_its_test(anygpt: Run) -> None:
    anygpt("provider", "add", "far", "--kind", "openai-compatible", "--base-url", "http://127.0.0.1:1/v1")
    result = anygpt("provider", "test", "far")
    assert result.exit_code == 1
    assert result.stderr == (
        "anygpt: far: 127.0.0.1:1 accepts no connections; check base_url and that the server runs.\n"
    )
    assert anygpt("models", "refresh").exit_code == 1


@pytest.mark.parametrize("command", ["user list", "serve"])
def test_a_lost_master_key_is_refused(anygpt: Run, folder: Path, command: str) -> None:
    anygpt("user", "list")
    (folder / "master.key").unlink()
    result = anygpt(*command.split())
    assert result.exit_code == 1
    assert "The master key is missing" in result.stderr
    assert not (folder / "master.key").exists()


@pytest.mark.parametrize("command", ["user list", "serve"])
def test_a_wrong_master_key_is_refused(
    anygpt: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    anygpt("user", "list")
    monkeypatch.setenv("ANYGPT_SECRET_KEY", base64.b64encode(bytes(32)).decode())
    result = anygpt(*command.split())
    assert result.exit_code == 1
    assert "The master key does not fit this database" in result.stderr


@pytest.mark.parametrize("command", ["user list", "serve"])
def test_a_database_of_a_newer_version_is_refused(anygpt: Run, folder: Path, command: str) -> None:
    anygpt("user", "list")
    make_newer(folder)
    result = anygpt(*command.split())
    assert result.exit_code == 1
    assert 'made by a newer AnyGPT (schema "9999"' in result.stderr


@pytest.mark.parametrize("command", ["user list", "serve"])
def test_a_damaged_database_is_refused(anygpt: Run, folder: Path, command: str) -> None:
    anygpt("user", "list")
    (folder / "anygpt.db").write_bytes(b"this is no database at all" * 400)
    result = anygpt(*command.split())
    assert result.exit_code == 1
    assert "damaged or not a database" in result.stderr


@pytest.mark.parametrize("command", ["user list", "serve"])
def test_a_folder_without_rights_is_refused(anygpt: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("in the way")
    result = anygpt(*command.split(), "--data-dir", str(tmp_path / "file" / "data"))
    assert result.exit_code == 1
    assert f"The data folder {tmp_path}/file/data cannot be written (Not a directory)" in result.stderr


def test_a_folder_that_another_server_holds_is_refused_to_a_second_one(anygpt: Run, folder: Path) -> None:
    held = DataFolder(folder)
    held.prepare()
    held.lock()
    try:
        result = anygpt("serve", "--port", "0")
    finally:
        held.unlock()
    assert result.exit_code == 1
    assert f"is in use by another AnyGPT (process {os.getpid()})" in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("ANYGPT_PORT", "many", 'ANYGPT_PORT is "many", but it takes a port from 1 to 65535'),
        ("ANYGPT_TIMEZONE", "Mars/Base", 'ANYGPT_TIMEZONE is "Mars/Base", but it takes a time zone'),
        ("ANYGPT_SECRET_KEY", "short", "ANYGPT_SECRET_KEY is not valid: it takes the master key: base64 of 32 bytes."),
    ],
)
def test_a_bad_variable_is_named_with_what_it_accepts(
    anygpt: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    for command in ("serve", "user list", "export"):
        result = anygpt(*command.split())
        assert result.exit_code == 1
        assert sentence in result.stderr


def test_a_refusal_of_the_process_shows_no_traceback(process: Callable[..., subprocess.Popen[str]]) -> None:
    out, err = process("key", "revoke", "nothing").communicate(timeout=60)
    assert (out, err) == ("", 'anygpt: There is no key "nothing".\n')


def make_newer(folder: Path) -> None:
    engine = create_engine(sqlite_url(folder / "anygpt.db"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
