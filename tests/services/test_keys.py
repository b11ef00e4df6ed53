"""Gateway keys: made, rotated, revoked, expired; members see and change only their own."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import BadRequest, Conflict, NotAllowed, NotAuthenticated, NotFound
from app.services.container import Services
from app.services.snapshot import Key
from app.services.views import KeySpec, Person
from tests.clock import StillClock

SECRET = "gw_live_" + "A" * 43


def used(services: Services, secret: str, address: str = "127.0.0.1", referrer: str | None = None) -> Key:
    """As a request with this secret would find the key."""
    return services.admission.key_of(services.state.current, secret, address, referrer)


async def member(services: Services, name: str = "bob") -> Person:
    return await services.people.add("test", f"{name}@example.org", name, "member", None)


async def test_a_new_key_works_at_once_and_its_secret_is_kept_nowhere(services: Services, owner: Person) -> None:
    view, secret = await services.keys.create(owner, KeySpec(name="ci"))
    assert used(services, secret).id == view.id
    assert secret.startswith("gw_live_")
    assert view.hint == f"gw_live_…{secret[-4:]}"
    kept = b"".join(path.read_bytes() for path in services.folder.database.parent.glob("anygpt.db*"))
    assert view.hint.encode() in kept
    assert secret.encode() not in kept


async def test_rotating_kills_the_old_secret_at_once(services: Services, owner: Person) -> None:
    view, old = await services.keys.create(owner, KeySpec(name="ci", budgets=[{"usd": "5", "window": "day"}]))
    rotated, new = await services.keys.rotate(owner, "ci")
    assert used(services, new).id == view.id
    assert rotated.budgets == view.budgets
    with pytest.raises(NotAuthenticated, match="not known here"):
        used(services, old)


async def test_a_revoked_key_is_refused_with_the_reason(services: Services, owner: Person) -> None:
    _, secret = await services.keys.create(owner, KeySpec(name="ci"))
    await services.keys.revoke(owner, "ci")
    assert (await services.keys.get(owner, "ci")).disabled
    with pytest.raises(NotAuthenticated, match="was revoked"):
        used(services, secret)


async def test_a_key_expires_at_its_moment_in_the_zone_of_the_team(timed: Services, clock: StillClock) -> None:
    _, secret = await timed.keys.create("test", KeySpec(name="ci", expires="2026-11-21"))
    clock.skip(11 * 3600 - 1)  # one second before midnight in Berlin
    assert used(timed, secret)
    clock.skip(1)
    with pytest.raises(NotAuthenticated, match="expired at 2026-11-20 23:00 UTC"):
        used(timed, secret)


async def test_the_key_of_a_disabled_person_is_dead(services: Services, owner: Person) -> None:
    bob = await member(services)
    _, secret = await services.keys.create(bob, KeySpec(name="bobs"))
    await services.people.update(owner, bob.id, disabled=True)
    with pytest.raises(NotAuthenticated, match="is disabled"):
        used(services, secret)


async def test_a_key_opens_only_from_its_networks_and_pages(services: Services, owner: Person) -> None:
    spec = KeySpec(name="ci", allowed_ips=["10.0.0.0/8"], allowed_referrers=["https://app.example.org"])
    _, secret = await services.keys.create(owner, spec)
    assert used(services, secret, "10.1.2.3", "https://app.example.org/chat")
    with pytest.raises(NotAllowed, match=r"may not be used from 192\.0\.2\.1"):
        used(services, secret, "192.0.2.1", "https://app.example.org/chat")
    for referrer in (None, "https://evil.example", "https://app.example.org.evil.example/"):
        with pytest.raises(NotAllowed, match="page or origin"):
            used(services, secret, "10.1.2.3", referrer)


async def test_a_member_sees_and_changes_only_their_own_keys(services: Services, owner: Person) -> None:
    bob = await member(services)
    await services.keys.create(owner, KeySpec(name="team"))
    mine, _ = await services.keys.create(bob, KeySpec(name="bobs"))
    assert mine.owner == bob.email
    assert [key.name for key in await services.keys.list(bob)] == ["bobs"]
    assert {key.name for key in await services.keys.list(owner, all=True)} == {"bobs", "team"}
    with pytest.raises(NotAllowed, match="everyone's keys"):
        await services.keys.list(bob, all=True)
    for work in (
        services.keys.get(bob, "team"),
        services.keys.update(bob, "team", KeySpec(name="team")),
        services.keys.rotate(bob, "team"),
        services.keys.revoke(bob, "team"),
    ):
        with pytest.raises(NotFound, match='There is no key "team"'):
            await work
    assert (await services.keys.update(bob, "bobs", KeySpec(name="mine"))).name == "mine"


async def test_a_member_makes_keys_for_nobody_else_and_none_for_management(services: Services) -> None:
    bob = await member(services)
    with pytest.raises(NotAllowed, match="for yourself only"):
        await services.keys.create(bob, KeySpec(name="k", owner="ada@example.org"))
    with pytest.raises(NotAllowed, match="scope admin"):
        await services.keys.create(bob, KeySpec(name="k", scopes=["chat", "admin"]))
    mine, _ = await services.keys.create(bob, KeySpec(name="k", owner="BOB@example.org"))
    assert mine.owner == bob.email
    with pytest.raises(NotAllowed):
        await services.keys.update(bob, "k", KeySpec(name="k", owner="ada@example.org"))


@pytest.mark.parametrize(
    ("fields", "field", "accepts"),
    [
        ({"name": " "}, "name", "1 to 100 characters"),
        ({"name": "n" * 101}, "name", "1 to 100 characters"),
        ({"scopes": ["smell"]}, "scopes", "chat, embeddings"),
        ({"router": "nowhere"}, "router", 'no router "nowhere"; known are default'),
        ({"models": []}, "models", "name at least one"),
        ({"owner": "eve@example.org"}, "owner", "there is no person"),
        ({"owner": "eve"}, "owner", "is not an e-mail address"),
        ({"on_budget": "wait"}, "on_budget", "refuse, cheapest"),
        ({"unknown_price": "guess"}, "unknown_price", "refuse, allow"),
        ({"limits": {"rpm": 0}}, "limits.rpm", "1 or more"),
        ({"budgets": [{"usd": "x", "window": "day"}]}, "budgets[0].usd", "decimal string"),
        ({"allowed_ips": ["home"]}, "allowed_ips", "address or network"),
        ({"expires": "soon"}, "expires", "not a date"),
        ({"secret": "sk-1"}, "secret", "43 URL-safe characters"),
    ],
)
async def test_a_wrong_key_is_refused_by_field(
    services: Services, owner: Person, fields: dict[str, Any], field: str, accepts: str
) -> None:
    with pytest.raises(BadRequest, match=accepts) as refused:
        await services.keys.create(owner, KeySpec(**{"name": "ci", **fields}))
    assert refused.value.field == field
    assert await services.keys.list(owner, all=True) == []


async def test_names_and_secrets_are_taken_once(services: Services, owner: Person) -> None:
    await services.keys.create(owner, KeySpec(name="ci", secret=SECRET))
    with pytest.raises(Conflict, match='already is a key "ci"'):
        await services.keys.create(owner, KeySpec(name="ci"))
    with pytest.raises(Conflict, match='the key "ci" already has this secret'):
        await services.keys.create(owner, KeySpec(name="other", secret=SECRET))


async def test_a_changed_budget_counts_what_was_spent_and_what_is_reserved(timed: Services) -> None:
    await timed.keys.create("test", KeySpec(name="ci", budgets=[{"usd": "5", "window": "day"}]))
    budgets = timed.admission.budgets(timed.keys.find("ci"))
    assert budgets is not None
    running = budgets.reserve(2_000_000_000, timed.clock.now())
    changed = KeySpec(name="ci", budgets=[{"usd": "3", "window": "day"}, {"usd": "9", "window": "total"}])
    view = await timed.keys.update("test", "ci", changed)
    assert [(budget.usd_limit, budget.reserved) for budget in view.budgets] == [
        (3_000_000_000, 2_000_000_000),
        (9_000_000_000, 2_000_000_000),
    ]
    running.settle(1_000_000_000, timed.clock.now())
    settled = await timed.keys.get(timed.people.get("ada@example.org"), "ci")
    assert [(budget.spent, budget.reserved) for budget in settled.budgets] == [(1_000_000_000, 0)] * 2


async def test_another_change_leaves_limits_and_budgets_where_they_are(timed: Services) -> None:
    spec = KeySpec(name="ci", limits={"rpm": 5}, budgets=[{"usd": "5", "window": "day"}])
    await timed.keys.create("test", spec)
    key = timed.keys.find("ci")
    limits, budgets = timed.admission.limits(key), timed.admission.budgets(key)
    assert limits is not None
    assert budgets is not None
    limits.admit(timed.clock.monotonic(), 0)
    budgets.reserve(1_000_000_000, timed.clock.now())
    await timed.keys.update("test", "ci", KeySpec(name="renamed", limits=spec.limits, budgets=spec.budgets))
    renamed = timed.keys.find("renamed")
    again = timed.admission.limits(renamed)
    assert again is limits
    assert timed.admission.budgets(renamed) is budgets


async def test_the_last_use_is_told(timed: Services, owner_of_timed: Person) -> None:
    _, secret = await timed.keys.create("test", KeySpec(name="ci"))
    assert (await timed.keys.get(owner_of_timed, "ci")).last_used_at is None
    used(timed, secret)
    assert (await timed.keys.get(owner_of_timed, "ci")).last_used_at == timed.clock.now()


async def test_a_member_cannot_bring_a_revoked_key_back(services: Services, owner: Person) -> None:
    bob = await member(services)
    view, _ = await services.keys.create(bob, KeySpec(name="bobs"))
    await services.keys.revoke(owner, view.id)
    with pytest.raises(NotAllowed, match="was revoked"):
        await services.keys.rotate(bob, view.id)
    with pytest.raises(NotAllowed, match="was revoked"):
        await services.keys.update(bob, view.id, KeySpec(name="bobs"))
    assert not (await services.keys.rotate(owner, view.id))[0].disabled
