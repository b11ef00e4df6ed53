"""Settings: the environment, files in its place, and bad values named at start."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from app.core.errors import StartError
from app.core.settings import load_settings, read_variable


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_serve_this_machine_only() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, str(settings.data_dir)) == ("127.0.0.1", 8080, "data")
    assert not settings.secure_cookies


def test_a_variable_may_be_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("ANYGPT_ADMIN_PASSWORD_FILE", str(tmp_path / "secret"))
    password = load_settings().admin_password
    assert password is not None
    assert password.get_secret_value() == "from the file"
    assert "from the file" not in repr(load_settings())


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY_FILE", "/nowhere/key")
    with pytest.raises(StartError, match="OPENAI_API_KEY_FILE names /nowhere/key"):
        read_variable("OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("name", "value", "accepts"),
    [
        ("ANYGPT_PORT", "eighty", "a port from 1 to 65535"),
        ("ANYGPT_PORT", "70000", "a port from 1 to 65535"),
        ("ANYGPT_TIMEZONE", "Mars/Olympus", "a time zone of the IANA database"),
        ("ANYGPT_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("ANYGPT_LOG_FORMAT", "xml", "text or json"),
        ("ANYGPT_BASE_URL", "ai.example.org", "the public address"),
        ("ANYGPT_TRUSTED_PROXIES", "everyone", "networks whose forwarded addresses count"),
        ("ANYGPT_ENABLE_UI_ROUTES", "perhaps", "true or false"),
        ("ANYGPT_SECRET_KEY", base64.b64encode(b"short").decode(), "base64 of 32 bytes"),
    ],
)
def test_a_bad_value_stops_the_start_with_the_name_and_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, accepts: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError) as caught:
        load_settings()
    assert caught.value.message.startswith(name)
    assert accepts in caught.value.message


def test_a_bad_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYGPT_SECRET_KEY", "my-very-secret-word")
    with pytest.raises(StartError) as caught:
        load_settings()
    assert "my-very-secret-word" not in caught.value.message
