"""A canary: which requests it takes, what of it is in force, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.core.errors import BadRequest, Conflict, NotFound
from app.core.ids import new_id
from app.db.tables.ledger import RequestRow
from app.formats.base import Peek
from app.services.config_file.apply import apply
from app.services.container import Services
from app.services.gateway.call import Call
from app.services.roll_up import RollUp
from app.services.router_canary import takes_canary
from app.services.routers import Routers
from app.services.views import Person
from tests.clock import StillClock
from tests.published import published

CHAT, ECHO = ({"provider": "demo", "model": f"demo/{name}"} for name in ("chat", "echo"))
OLD: dict[str, Any] = {"name": "default", "rules": [{"name": "old", "targets": [CHAT]}]}
NEW: dict[str, Any] = {"name": "default", "max_attempts": 2, "rules": [{"name": "new", "targets": [ECHO]}]}


async def with_canary(services: Services, owner: Person, percent: float = 30) -> None:
    """Version 1 is live, version 2 the canary."""
    await published(services, OLD)
    await services.routers.save_draft(owner, "default", NEW)
    await services.routers.publish(owner, "default", percent=percent, note="echo")


def planned(services: Services, conversation: str | None = None) -> Call:
    call = Call(
        id=new_id("req"),
        at=services.clock.now(),
        started=services.clock.monotonic(),
        peek=Peek(model="demo/chat"),
        conversation_id=conversation,
    )
    services.gateway.planner.plan(call)
    return call


def test_so_many_of_the_requests_are_taken_and_always_the_same() -> None:
    ids = [f"req_{number}" for number in range(20_000)]
    for percent in (1, 5, 30, 99.5):
        taken = [id for id in ids if takes_canary(id, "default", 2, percent)]
        assert len(taken) == pytest.approx(len(ids) * percent / 100, rel=0.1)
        assert taken == [id for id in ids if takes_canary(id, "default", 2, percent)]
    smaller = {id for id in ids if takes_canary(id, "default", 2, 5)}
    assert smaller <= {id for id in ids if takes_canary(id, "default", 2, 30)}, "a growing canary keeps whom it has"
    assert smaller != {id for id in ids if takes_canary(id, "default", 3, 5)}, "each canary draws anew"


async def test_both_versions_are_in_force_each_for_its_share(services: Services, owner: Person) -> None:
    await with_canary(services, owner)
    view = await services.routers.get("default")
    assert view.canary is not None
    assert (view.version, view.has_draft, view.canary.version, view.canary.percent) == (1, False, 2, 30)
    calls = [planned(services) for _ in range(400)]
    plans = [(call.plan.version, call.plan.rule) for call in calls if call.plan is not None]
    assert set(plans) == {(1, "old"), (2, "new")}
    assert 70 <= plans.count((2, "new")) <= 170
    by_canary = next(call for call in calls if call.plan is not None and call.plan.version == 2)
    assert by_canary.compiled is not None
    assert by_canary.compiled.document.max_attempts == 2


async def test_a_conversation_stays_in_one_arm(services: Services, owner: Person) -> None:
    await with_canary(services, owner, percent=50)
    seen = {}
    for number in range(20):
        versions = {planned(services, f"conv_{number}").compiled.version for _ in range(10)}  # type: ignore[union-attr]
        assert len(versions) == 1
        seen[number] = versions.pop()
    assert set(seen.values()) == {1, 2}


async def test_publishing_without_a_percent_makes_the_canary_live(services: Services, owner: Person) -> None:
    await with_canary(services, owner)
    view = await services.routers.publish(owner, "default")
    assert (view.version, view.canary, view.document["max_attempts"]) == (2, None, 2)
    assert services.state.current.canaries == {}
    assert len(await services.routers.versions("default")) == 2, "it is the same version, not another one"


async def test_a_newer_draft_is_published_in_its_place(services: Services, owner: Person) -> None:
    await with_canary(services, owner)
    await services.routers.save_draft(owner, "default", {**OLD, "max_attempts": 9})
    view = await services.routers.publish(owner, "default")
    assert (view.version, view.canary, view.document["max_attempts"]) == (3, None, 9)


async def test_a_percent_without_a_draft_is_the_canarys_new_share(services: Services, owner: Person) -> None:
    await with_canary(services, owner)
    view = await services.routers.publish(owner, "default", percent=60)
    assert view.canary is not None
    assert (view.version, view.canary.version, view.canary.percent) == (1, 2, 60)


async def test_a_stopped_canary_is_over_and_can_be_had_again(services: Services, owner: Person) -> None:
    await with_canary(services, owner)
    assert (await services.routers.stop_canary(owner, "default")).canary is None
    assert {planned(services).compiled.version for _ in range(50)} == {1}  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="No canary"):
        await services.routers.stop_canary(owner, "default")
    with pytest.raises(NotFound, match="No canary"):
        await services.routers.canary_report("default")
    assert (await services.routers.rollback(owner, "default", 2)).document["max_attempts"] == 2


async def test_rolling_back_ends_a_canary(services: Services, owner: Person) -> None:
    await published(services, {**OLD, "max_attempts": 7})
    await with_canary(services, owner)
    assert (await services.routers.rollback(owner, "default", 1)).canary is None


async def test_the_file_ends_a_canary_and_leaves_drafts(services: Services, owner: Person) -> None:
    file = '[[routers]]\nname = "default"\n[[routers.rules]]\nname = "old"\n'
    file += 'targets = [ { provider = "demo", model = "demo/chat" } ]\n'
    await with_canary(services, owner)
    await services.routers.save_draft(owner, "default", {**OLD, "max_attempts": 9})
    report = await apply(services, file)
    assert [str(change) for change in report.changes] == ['change router "default": canary']
    view = await services.routers.get("default")
    assert (view.version, view.canary, view.has_draft) == (1, None, True)
    assert (await apply(services, file)).changes == ()


async def test_a_router_that_is_not_live_has_no_canary(services: Services, owner: Person) -> None:
    await services.routers.create(owner, {"name": "new", "rules": [{"name": "all"}]})
    with pytest.raises(Conflict, match="no live version yet"):
        await services.routers.publish(owner, "new", percent=10)
    with pytest.raises(BadRequest, match="less than 100"):
        await services.routers.publish(owner, "new", percent=100)


async def test_the_built_in_router_can_be_the_one_it_is_tried_against(services: Services, owner: Person) -> None:
    await services.routers.save_draft(owner, "default", NEW)
    view = await services.routers.publish(owner, "default", percent=50)
    assert view.canary is not None
    assert (view.version, view.canary.version) == (0, 1)
    assert {planned(services).compiled.version for _ in range(100)} == {0, 1}  # type: ignore[union-attr]


async def test_both_arms_are_counted_since_the_canary_began(
    timed: Services, owner_of_timed: Person, clock: StillClock
) -> None:
    await ledger(timed, clock, [(1, 500, 9, 9_000_000, 900)])
    clock.skip(60)
    await with_canary(timed, owner_of_timed)
    clock.skip(60)
    await ledger(timed, clock, [(1, 300, 12, 1_000_000, 900), (2, 200, 0, 500_000, 400), (3, 50, 50, 1, 1)])
    clock.skip(5 * 3600)
    await ledger(timed, clock, [(1, 100, 4, 1_000_000, 910), (2, 100, 1, None, 420)])
    report = await timed.routers.canary_report("default")
    assert (report.live.version, report.live.requests, report.live.failures) == (1, 400, 16)
    assert (report.canary.version, report.canary.requests, report.canary.failures) == (2, 300, 1)
    assert (report.live.cost, report.canary.cost) == (1_000_000, 500_000)
    assert (report.live.p50_ms, report.canary.p95_ms, report.canary.first_token_ms) == (900, 420, 200)
    assert report.canary.failure_rate == pytest.approx(1 / 300)
    assert report.note.startswith("Fails less often: 0.3 % against 4.0 %, hardly by chance (p = 0.0018).")
    assert "Takes less time: half of the answers within 400 ms against 900 ms, hardly by chance" in report.note


async def test_the_traffic_of_a_router_by_rule_and_target(
    timed: Services, owner_of_timed: Person, clock: StillClock
) -> None:
    await published(timed, OLD)
    await ledger(timed, clock, [(1, 10, 0, 5, 1)], router="other")
    await ledger(timed, clock, [(1, 4, 4, None, 1)], provider=None, model=None)
    for _ in range(3):
        clock.skip(36 * 3600)
        await ledger(timed, clock, [(1, 20, 3, 1_000, 1)])
        await ledger(timed, clock, [(1, 5, 0, 2_000, 1)], rule="new", model="demo/echo")
    first = await timed.routers.traffic("default")
    assert (first.requests, first.failures, first.cost, first.days) == (79, 13, 3 * 30_000, 7)
    assert first.by_rule == {"old": 64, "new": 15}
    assert first.by_target == {("old", "demo", "demo/chat"): 60, ("new", "demo", "demo/echo"): 15}
    await ledger(timed, clock, [(1, 1, 0, None, 1)])
    assert (await timed.routers.traffic("default")).requests == 80, "hours that are over are kept, this one is read"
    assert (await timed.routers.traffic("default", days=1)).requests == 26
    summed = await timed.routers.traffic("default")
    await RollUp(timed.db, clock).run()
    assert await Routers(timed.db, timed.state, clock).traffic("default") == summed, "from the sums by the hour"
    clock.skip(40 * 86400)
    empty = await timed.routers.traffic("default", days=31)
    assert (empty.requests, empty.cost, empty.by_rule) == (0, None, {})
    with pytest.raises(BadRequest, match="from 1 to 31"):
        await timed.routers.traffic("default", days=32)


async def ledger(
    services: Services, clock: StillClock, arms: Sequence[tuple[int, int, int, int | None, int]], **fields: Any
) -> None:
    """Requests of now: version, how many, failures among them, the cost of each, their time in ms."""
    common = {"router": "default", "rule": "old", "provider": "demo", "model": "demo/chat", **fields}

    def write(session: Any) -> None:
        for version, count, failures, cost, ms in arms:
            for number in range(count):
                session.add(
                    RequestRow(
                        id=new_id("req"),
                        at=clock.now() - timedelta(milliseconds=number),
                        router_version=version,
                        status=502 if number < failures else 200,
                        cost=cost,
                        latency_ms=ms,
                        first_token_ms=ms // 2,
                        **common,
                    )
                )

    await services.db.write(write)
