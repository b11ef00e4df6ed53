"""Secrets at rest: what is written can be read only with the right key, in the right place."""

from __future__ import annotations

import base64
import secrets
import stat
from pathlib import Path

import pytest

from app.core.errors import StartError
from app.security.vault import load_master_key, new_keys, unlock

PLACE = {"table": "credential", "column": "secret", "row": "cred_1"}


def test_a_secret_comes_back_and_never_looks_the_same_twice() -> None:
    master = secrets.token_bytes(32)
    vault = unlock(master, new_keys(master))
    first, second = vault.encrypt("sk-hello", **PLACE), vault.encrypt("sk-hello", **PLACE)
    assert vault.decrypt(first, **PLACE) == vault.decrypt(second, **PLACE) == "sk-hello"
    assert first != second
    assert b"sk-hello" not in first


def test_a_secret_moved_to_another_row_cannot_be_read() -> None:
    master = secrets.token_bytes(32)
    vault = unlock(master, new_keys(master))
    blob = vault.encrypt("sk-hello", **PLACE)
    with pytest.raises(StartError, match="cannot be decrypted"):
        vault.decrypt(blob, **{**PLACE, "row": "cred_2"})
    with pytest.raises(StartError):
        vault.decrypt(blob[:-1] + bytes([blob[-1] ^ 1]), **PLACE)


def test_another_master_key_is_refused_before_anything_is_read() -> None:
    wrapped = new_keys(secrets.token_bytes(32))
    with pytest.raises(StartError, match="does not fit this database"):
        unlock(secrets.token_bytes(32), wrapped)


def test_a_signature_depends_on_the_key_and_the_token() -> None:
    master = secrets.token_bytes(32)
    vault, other = unlock(master, new_keys(master)), unlock(master, new_keys(master))
    assert vault.sign("gw_live_a") == vault.sign("gw_live_a") != vault.sign("gw_live_b")
    assert vault.sign("gw_live_a") != other.sign("gw_live_a")


def test_a_fresh_folder_gets_a_key_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    key = load_master_key(path, None, may_create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_master_key(path, None, may_create=False) == key


def test_a_lost_key_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="master key is missing"):
        load_master_key(tmp_path / "master.key", None, may_create=False)
    assert not (tmp_path / "master.key").exists()


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("not base64 at all")
    with pytest.raises(StartError, match="is not a master key"):
        load_master_key(tmp_path / "master.key", None, may_create=True)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    key = secrets.token_bytes(32)
    load_master_key(tmp_path / "master.key", None, may_create=True)
    assert load_master_key(tmp_path / "master.key", base64.b64encode(key).decode(), may_create=False) == key
