"""Passwords and roles."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest
from app.security.passwords import Passwords
from app.security.permissions import Permission, Role, allows, outranks
from app.security.tokens import check_key_secret, hint, new_key_secret


async def test_a_password_is_verified_and_kept_as_argon2id() -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify("correct horse", stored) == (True, None)
    assert (await passwords.verify("wrong horse", stored))[0] is False


async def test_a_person_without_a_password_cannot_log_in_with_any() -> None:
    assert await Passwords().verify("", None) == (False, None)


@pytest.mark.parametrize("password", ["short", "x" * 1025])
async def test_a_password_of_the_wrong_length_is_refused(password: str) -> None:
    with pytest.raises(BadRequest, match="8 to 1024 characters"):
        await Passwords().hash(password)


def test_each_role_may_what_the_contract_says() -> None:
    may = {role: {permission for permission in Permission if allows(role, permission)} for role in Role}
    assert may[Role.OWNER] == set(Permission)
    assert may[Role.ADMIN] == set(Permission) - {Permission.READ_BODIES, Permission.OWN_SERVER}
    assert may[Role.MEMBER] == {Permission.CHAT, Permission.OWN_KEYS, Permission.READ_SHARED}
    assert may[Role.VIEWER] == {Permission.READ_SHARED, Permission.READ_ALL_LOGS}


def test_people_manage_those_below_them() -> None:
    assert outranks(Role.OWNER, Role.OWNER)
    assert outranks(Role.ADMIN, Role.MEMBER)
    assert not outranks(Role.ADMIN, Role.ADMIN)


def test_a_new_gateway_key_has_the_form_that_imports_must_have() -> None:
    assert check_key_secret(new_key_secret())
    with pytest.raises(BadRequest, match="gw_live_"):
        check_key_secret("sk-1234")


def test_a_hint_tells_little() -> None:
    assert hint("sk-abcdefghijklmnop") == "sk-…mnop"
    assert hint("short") == "…"
