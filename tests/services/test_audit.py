"""The audit log: who changed what, from what to what; secrets are not in it."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict
from app.services.audit import AuditEvent, masked
from app.services.container import Services
from app.services.views import KeySpec, ModelSpec, Person, ProviderSpec

SECRET = "sk-0123456789abcdefSECRET"


async def latest(services: Services) -> AuditEvent:
    return (await services.audit.events(1)).items[0]


async def test_a_change_is_kept_with_before_and_after(services: Services, owner: Person) -> None:
    bob = await services.people.add(owner, "bob@example.org", "Bob", "member", None)
    await services.people.update(owner, bob.id, role="viewer")
    event = await latest(services)
    assert (event.actor, event.action, event.subject) == (owner.email, "change person", bob.email)
    assert event.before is not None
    assert event.after is not None
    assert (event.before["role"], event.after["role"]) == ("member", "viewer")


async def test_settings_tell_both_values(services: Services, owner: Person) -> None:
    await services.runtime.set(owner, {"team_name": "Blue"})
    event = await latest(services)
    assert (event.before, event.after) == ({"team_name": ""}, {"team_name": "Blue"})


async def test_no_secret_is_in_the_log(services: Services, owner: Person) -> None:
    models = [ModelSpec("m")]
    spec = ProviderSpec("p", "openai-compatible", "http://127.0.0.1:9/v1", [SECRET], models=models)
    await services.providers.add(owner, spec)
    await services.providers.update(owner, "p", ProviderSpec("p", "openai-compatible", spec.base_url, [SECRET + "2"]))
    _, key = await services.keys.create(owner, KeySpec(name="ci"))
    _, rotated = await services.keys.rotate(owner, "ci")
    await services.people.set_password(owner, owner.id, "another horse")
    told = repr((await services.audit.events()).items)
    for secret in (SECRET, key, rotated, "another horse"):
        assert secret not in told
    for action in ("add provider", "change provider", "create key", "rotate key", "set password"):
        assert action in told


def test_secrets_are_masked_by_the_name_of_their_field() -> None:
    values = {"api_key": "x", "secret_hmac": "x", "password": "x", "token": "x", "api_key_env": "VAR", "name": "n"}
    assert masked(values) == {
        "api_key": "…",
        "secret_hmac": "…",
        "password": "…",
        "token": "…",
        "api_key_env": "VAR",
        "name": "n",
    }
    assert masked({"api_key": None}) == {"api_key": None}
    assert masked(None) is None


async def test_what_was_refused_leaves_no_trace(services: Services, owner: Person) -> None:
    before = await latest(services)
    with pytest.raises(Conflict):
        await services.people.update(owner, owner.id, role="member")
    assert await latest(services) == before


async def test_pages_of_events_follow_each_other(services: Services, owner: Person) -> None:
    for number in range(7):
        await services.runtime.set(owner, {"team_name": f"Team {number}"})
    seen, cursor = [], None
    while True:
        page = await services.audit.events(3, cursor)
        seen += [event.id for event in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert len(seen) == len(set(seen)) == 8  # and the owner's own beginning
    assert seen == sorted(seen, reverse=True)


async def test_the_command_line_is_named_as_such(services: Services) -> None:
    await services.people.add("command line", "bob@example.org", "", "member", None)
    assert (await latest(services)).actor == "command line"
