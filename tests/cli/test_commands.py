"""Each command on a data folder without a server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.services.config_file.files import EVERYTHING, PEOPLE
from tests.upstream.fixtures import RunningUpstream

SECRET = re.compile(r"gw_live_[A-Za-z0-9_-]{43}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "team.toml"
    path.write_text(PEOPLE + '[[keys]]\nname = "ci"\n', encoding="utf-8")
    return path


def test_apply_says_what_it_did_and_shows_a_new_secret_once(anygpt: Run, file: Path) -> None:
    first = anygpt("apply", str(file))
    assert (first.exit_code, first.stderr) == (0, "")
    assert 'add person "ada@example.org"' in first.stdout
    assert SECRET.search(first.stdout)
    again = anygpt("apply", str(file))
    assert again.stdout == "Nothing to change: all of it is in force already.\n"


def test_a_dry_run_of_apply_changes_nothing(anygpt: Run, file: Path) -> None:
    result = anygpt("apply", str(file), "--dry-run")
    assert result.stdout.splitlines() == ['would add person "ada@example.org"', 'would add key "ci"']
    assert anygpt("key", "list").stdout.startswith("No keys yet.")


def test_apply_prunes_when_asked(anygpt: Run, file: Path) -> None:
    anygpt("apply", str(file))
    file.write_text(PEOPLE, encoding="utf-8")
    assert anygpt("apply", str(file)).stdout.startswith("Nothing to change")
    assert anygpt("apply", str(file), "--prune").stdout == 'disable key "ci"\n'


def test_apply_reports_as_json(anygpt: Run, file: Path) -> None:
    report = json.loads(anygpt("apply", str(file), "--json").stdout)
    assert report["changes"][1] == {"action": "add", "what": "key", "name": "ci", "fields": []}
    assert SECRET.fullmatch(report["secrets"]["ci"])


def test_an_export_applies_to_no_change(anygpt: Run, file: Path, tmp_path: Path) -> None:
    file.write_text(EVERYTHING, encoding="utf-8")
    assert anygpt("apply", str(file)).exit_code == 0
    written = tmp_path / "export.toml"
    assert anygpt("export", str(written)).exit_code == 0
    assert written.read_text("utf-8") == anygpt("export").stdout
    assert anygpt("apply", str(written), "--prune").stdout.startswith("Nothing to change")


def test_a_person_gets_a_password_that_is_shown_once(anygpt: Run) -> None:
    result = anygpt("user", "add", "ada@example.org", "--role", "owner", "--name", "Ada")
    assert result.exit_code == 0
    assert re.search(r"shown this once: \S{16}\n", result.stdout)
    [person] = json.loads(anygpt("user", "list", "--json").stdout)
    assert {name: person[name] for name in ("email", "name", "role", "enabled")} == {
        "email": "ada@example.org",
        "name": "Ada",
        "role": "owner",
        "enabled": True,
    }


def test_people_and_keys_are_put_into_a_tier(anygpt: Run) -> None:
    anygpt("user", "add", "ada@example.org", "--role", "owner", "--tier", "free")
    anygpt("key", "add", "ada's", "--user", "ada@example.org", "--rpm", "100")
    assert anygpt("key", "add", "ci", "--tier", "pro").exit_code == 0
    [person] = json.loads(anygpt("user", "list", "--json").stdout)
    pro, free = json.loads(anygpt("key", "list", "--json").stdout)
    assert person["tier"] == "free"
    assert (pro["tier"], pro["tier_in_force"]) == ("pro", "pro")
    assert (free["tier"], free["tier_in_force"], free["limits_in_force"]["rpm"]) == (None, "free", 20)
    refused = anygpt("key", "add", "other", "--tier", "gold")
    assert refused.exit_code == 1
    assert 'there is no tier "gold"; known are free, pro' in refused.stderr


def test_a_password_from_standard_input_is_not_shown(anygpt: Run) -> None:
    result = anygpt("user", "add", "a@b.c", "--role", "owner", "--password-stdin", input="correct horse\n")
    assert result.exit_code == 0
    assert result.stdout == "Added a@b.c as owner.\n"


def test_people_are_disabled_and_get_new_passwords(anygpt: Run) -> None:
    anygpt("user", "add", "ada@example.org", "--role", "owner")
    anygpt("user", "add", "bob@example.org", "--role", "viewer")
    assert anygpt("user", "disable", "bob@example.org").exit_code == 0
    assert "shown this once" in anygpt("user", "reset-password", "bob@example.org").stdout
    people = json.loads(anygpt("user", "list", "--json").stdout)
    assert [person["enabled"] for person in people] == [True, False]
    assert "bob@example.org" in anygpt("user", "list").stdout


def test_a_key_is_made_listed_rotated_and_revoked(anygpt: Run) -> None:
    anygpt("user", "add", "ada@example.org", "--role", "owner")
    words = (
        "key add ci --router default --user ada@example.org --budget-usd 5.00 --budget-window day "
        "--rpm 100 --tpm 1000 --expires 2027-01-01"
    )
    made = anygpt(*words.split())
    assert made.exit_code == 0, made.stderr
    first = SECRET.search(made.stdout)
    [key] = json.loads(anygpt("key", "list", "--json").stdout)
    assert (key["owner"], key["router"], key["limits"]) == ("ada@example.org", "default", {"rpm": 100, "tpm": 1000})
    assert key["budgets"] == [{"usd": "5.00", "window": "day", "spent": "0.00"}]
    assert key["expires"] == "2027-01-01T00:00:00.000Z"
    rotated = SECRET.search(anygpt("key", "rotate", key["id"]).stdout)
    assert first is not None
    assert rotated is not None
    assert first[0] != rotated[0]
    assert anygpt("key", "revoke", "ci").exit_code == 0
    assert json.loads(anygpt("key", "list", "--json").stdout)[0]["enabled"] is False
    assert rotated[0] not in anygpt("key", "list").stdout


def test_a_provider_is_added_asked_tested_and_listed(
    anygpt: Run, upstream: RunningUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_KEY", "sk-0123456789")
    url = upstream.provider_url("openai/chat")
    added = anygpt(
        "provider", "add", "local", "--kind", "openai-compatible", "--base-url", url, "--api-key-env", "LOCAL_KEY"
    )
    assert added.exit_code == 0
    assert added.stdout.startswith(f"Added local at {url} with ")
    tested = anygpt("provider", "test", "local")
    assert (tested.exit_code, tested.stdout[:20]) == (0, "local: Connected in ")
    assert [row["name"] for row in json.loads(anygpt("provider", "list", "--json").stdout)] == ["local", "demo"]
    assert anygpt("models", "refresh").stdout.startswith("local: ")
    rows = json.loads(anygpt("models", "list", "--provider", "local", "--json").stdout)
    assert {row["provider"] for row in rows} == {"local"}
    assert "demo/chat" in anygpt("models", "list").stdout


def test_only_the_demo_leaves_nobody_to_ask_for_models(anygpt: Run) -> None:
    assert anygpt("models", "refresh").stdout == "There is no enabled provider to ask.\n"


def test_the_folder_may_be_named_anywhere(anygpt: Run, tmp_path: Path) -> None:
    assert anygpt("user", "list", "--data-dir", str(tmp_path / "other")).exit_code == 0
    assert (tmp_path / "other" / "anygpt.db").exists()


def test_the_environment_makes_the_owner(anygpt: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYGPT_ADMIN_EMAIL", "owner@example.org")
    monkeypatch.setenv("ANYGPT_ADMIN_PASSWORD", "correct horse")
    anygpt("apply", str(file))
    assert [p["email"] for p in json.loads(anygpt("user", "list", "--json").stdout)] == [
        "ada@example.org",
        "owner@example.org",
    ]
