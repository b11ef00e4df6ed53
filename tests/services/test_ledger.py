"""Reading the ledger: pages, filters, sums, today, and the days of the team's time zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.errors import NotFound
from app.core.settings import Settings
from app.db.tables.ledger import AttemptRow, RequestRow
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import KeySpec, LogFilter, Person
from tests.clock import StillClock

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """In Auckland it is one in the morning of the 21st."""
    local = settings.model_copy(update={"timezone": "Pacific/Auckland"})
    async with open_services(local, serving=True, clock=StillClock(NOON)) as opened:
        yield opened


async def add(services: Services, *rows: dict[str, Any]) -> None:
    common = {"provider": "p", "provider_kind": "openai", "model": "m", "model_asked": "m", "cost": 1000, "attempts": 1}

    def write(session: Any) -> None:
        for number, row in enumerate(rows):
            session.add(RequestRow(**{"id": f"req_{number:03}", "at": NOON, "latency_ms": number, **common, **row}))

    await services.db.write(write)


async def test_pages_follow_each_other_newest_first(services: Services) -> None:
    await add(services, *({} for _ in range(7)))
    seen, cursor = [], None
    while True:
        page = await services.ledger.requests(LogFilter(), 3, cursor)
        seen += [row.id for row in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"req_{number:03}" for number in range(6, -1, -1)]
    exact = await services.ledger.requests(LogFilter(), 7)
    assert exact.next_cursor is None


async def test_filters(services: Services) -> None:
    await services.keys.create("test", KeySpec(name="ci", owner="ada@example.org"))
    key = services.keys.find("ci")
    assert key.person is not None
    await add(
        services,
        {"status": 502},
        {"attempts": 3},
        {"key_id": key.id},
        {"person_id": key.person.id, "at": NOON - timedelta(days=2)},
        {"provider": "other", "model": "100%_x", "model_asked": "alias"},
    )

    async def found(**wanted: Any) -> list[int]:
        page = await services.ledger.requests(LogFilter(**wanted))
        return sorted(int(row.id[4:]) for row in page.items)

    assert await found(status="failed") == [0]
    assert await found(status="ok") == [1, 2, 3, 4]
    assert await found(status="failed_over") == [1]
    assert await found(key="ci") == await found(key=key.id) == [2]
    assert await found(user="ADA@example.org") == [3]
    assert await found(since=NOON - timedelta(days=1)) == [0, 1, 2, 4]
    assert await found(until=NOON - timedelta(days=1)) == [3]
    assert await found(provider="other") == await found(model="alias") == await found(model="100%_x") == [4]
    assert await found(text="req_004") == [4]
    assert await found(text="ci") == [2]
    assert await found(text="%") == [4], "what people type is text, not a pattern"


async def test_sums_are_those_of_the_filter(services: Services) -> None:
    await add(
        services,
        *({"latency_ms": n} for n in range(1, 21)),
        {"status": 500, "cost": 0, "latency_ms": 9000},
        {"cost": None, "latency_ms": 100, "attempts": 2},
        {"at": NOON - timedelta(days=3)},
    )
    sums = await services.ledger.summary(LogFilter())
    assert (sums.requests, sums.failed, sums.failed_over, sums.cost, sums.cost_unknown) == (22, 1, 1, 20_000, 1)
    assert (sums.p50_ms, sums.p95_ms) == (11, 20)
    assert sum(bucket.ok for bucket in sums.buckets) == 21
    assert sum(bucket.failed for bucket in sums.buckets) == 1
    nothing = await services.ledger.summary(LogFilter(provider="none"))
    assert (nothing.requests, nothing.cost, nothing.p50_ms) == (0, 0, None)


async def test_today_begins_at_midnight_where_the_team_is(services: Services) -> None:
    await add(
        services,
        {"at": NOON, "input_tokens": 5, "output_tokens": 7, "cache_read_tokens": 2},
        {"at": NOON - timedelta(minutes=59), "status": 502, "cost": None},
        {"at": NOON - timedelta(minutes=61)},  # yesterday in Auckland
        {"at": NOON - timedelta(hours=24, minutes=30)},  # yesterday by this hour
    )
    today = await services.ledger.today()
    assert (today.requests, today.failed, today.answered) == (2, 1, 0.5)
    assert (today.input_tokens, today.output_tokens, today.cached_tokens) == (5, 7, 2)
    assert (today.spend, today.spend_unknown, today.requests_yesterday_by_now) == (1000, 1, 1)
    assert len(today.hourly) == 24
    assert [bucket.requests for bucket in today.hourly[-3:]] == [1, 1, 1]


async def test_spend_by_day_knows_days_without_any(services: Services) -> None:
    await add(
        services,
        {"at": NOON, "provider": "a"},
        {"at": NOON - timedelta(minutes=61), "provider": "b"},
        {"at": NOON - timedelta(minutes=62), "provider": "b"},
        {"at": NOON - timedelta(days=3)},
    )
    days = await services.ledger.spend_by_day(3)
    assert [(spend.day, spend.by_provider) for spend in days] == [
        ("2026-11-19", {}),
        ("2026-11-20", {"b": 2000}),
        ("2026-11-21", {"a": 1000}),
    ]


async def test_one_request_is_found_by_those_who_may_see_it(services: Services) -> None:
    owner = services.people.get("ada@example.org")
    member = await services.people.add("test", "bob@example.org", "", "member", None)
    await add(services, {"person_id": member.id}, {"person_id": owner.id})
    assert (await services.ledger.request("req_000", member)).row.user == "bob@example.org"
    assert (await services.ledger.request("req_000", owner)).row.id == "req_000"
    for request_id in ("req_001", "req_999"):
        with pytest.raises(NotFound):
            await services.ledger.request(request_id, member)


async def test_a_day_may_begin_at_a_quarter_of_an_hour(settings: Settings) -> None:
    local = settings.model_copy(update={"timezone": "Asia/Kathmandu"})  # midnight is at 18:15 UTC
    async with open_services(local, serving=True, clock=StillClock(NOON)) as services:
        midnight = datetime(2026, 11, 19, 18, 15, tzinfo=UTC)
        await add(
            services,
            {"at": midnight, "provider": "a"},
            {"at": midnight - timedelta(seconds=1), "provider": "b"},
            {"at": midnight - timedelta(days=1), "provider": "c"},
            {"at": midnight - timedelta(days=1, seconds=1), "provider": "d"},
        )
        days = await services.ledger.spend_by_day(2)
        assert [(spend.day, spend.by_provider) for spend in days] == [
            ("2026-11-19", {"b": 1000, "c": 1000}),
            ("2026-11-20", {"a": 1000}),
        ]
        assert (await services.ledger.today()).requests == 1


async def test_members_are_shown_their_own_requests_only(services: Services) -> None:
    owner = services.people.get("ada@example.org")
    member = await services.people.add("test", "bob@example.org", "", "member", None)
    viewer = await services.people.add("test", "eve@example.org", "", "viewer", None)
    await add(services, {"person_id": member.id}, {"person_id": owner.id}, {})
    wanted = LogFilter(user="ada@example.org", model="m")

    async def shown(person: Person) -> list[str]:
        return [row.id for row in (await services.ledger.requests(services.ledger.visible_to(person, wanted))).items]

    assert await shown(member) == ["req_000"], "whatever they ask for"
    assert await shown(owner) == await shown(viewer) == ["req_001"]


async def test_a_request_tells_its_attempts_in_order_and_one_sentence(services: Services) -> None:
    decision = {"rule": "pictures", "router": "default", "version": 3}
    await add(services, {"attempts": 2, "decision": decision, "needs": ["vision"], "estimated_input": 90})

    def write(session: Any) -> None:
        for position, (provider, status) in enumerate((("first", 429), ("p", 200)), start=1):
            session.add(
                AttemptRow(
                    id=f"att_{3 - position}",
                    request_id="req_000",
                    position=position,
                    state="closed",
                    provider=provider,
                    model="m",
                    status=status,
                    latency_ms=200,
                )
            )

    await services.db.write(write)
    detail = await services.ledger.request("req_000")
    assert [attempt.provider for attempt in detail.attempts] == ["first", "p"]
    assert (detail.needs, detail.estimated_input, detail.decision) == (
        ("vision",),
        90,
        {**decision, "candidates": [], "order": []},
    )
    assert detail.sentence == (
        "Answered by m at p because first answered 429 after 0.2 s. Rule pictures of router default, version 3."
    )
