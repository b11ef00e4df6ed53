"""Log-ins: sessions that end when they should, and a throttle that cannot be gone around."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from app.core.errors import NotAuthenticated, RateLimited
from app.core.settings import Settings
from app.services.container import Services
from app.services.sessions import REMEMBERED, TRIES
from app.services.startup import open_services
from tests.clock import StillClock

EMAIL, PASSWORD = "ada@example.org", "correct horse"


async def log_in(services: Services, password: str = PASSWORD, email: str = EMAIL, address: str = "1.2.3.4") -> str:
    token, _ = await services.sessions.log_in(email, password, address=address, user_agent="test")
    return token


async def fail(services: Services, times: int, address: str = "1.2.3.4") -> str:
    """The last message."""
    message = ""
    for _ in range(times):
        with pytest.raises(NotAuthenticated) as refused:
            await log_in(services, "wrong", address=address)
        message = refused.value.message
    return message


async def test_a_token_leads_to_its_person(timed: Services) -> None:
    token = await log_in(timed)
    session = timed.sessions.person_of(token)
    assert session is not None
    assert session.person.email == EMAIL
    assert timed.sessions.person_of(token + "x") is None
    assert timed.sessions.person_of(None) is None
    assert timed.sessions.person_of("") is None


async def test_the_address_may_be_written_in_any_case(timed: Services) -> None:
    assert timed.sessions.person_of(await log_in(timed, email=" ADA@example.org ")) is not None


async def test_a_session_ends_after_twelve_hours_and_a_remembered_one_after_thirty_days(
    timed: Services, clock: StillClock
) -> None:
    short = await log_in(timed)
    long, expires = await timed.sessions.log_in(EMAIL, PASSWORD, address="a", user_agent="b", remember=True)
    assert expires == clock.now() + timedelta(days=30)
    clock.skip(12 * 3600)
    assert timed.sessions.person_of(short) is None
    assert timed.sessions.person_of(long) is not None
    clock.skip(30 * 86400)
    assert timed.sessions.person_of(long) is None


async def test_only_a_hash_of_the_token_is_kept(timed: Services) -> None:
    token = await log_in(timed)
    kept = b"".join(path.read_bytes() for path in timed.folder.database.parent.glob(timed.folder.database.name + "*"))
    assert token.encode() not in kept


async def test_a_session_outlives_a_restart(settings: Settings) -> None:
    async with open_services(settings, serving=True) as services:
        token = await log_in(services)
    async with open_services(settings, serving=True) as services:
        assert services.sessions.person_of(token) is not None


async def test_logging_out_ends_that_session_only(timed: Services) -> None:
    first, second = await log_in(timed), await log_in(timed)
    await timed.sessions.log_out(first)
    assert timed.sessions.person_of(first) is None
    assert timed.sessions.person_of(second) is not None


async def test_logging_others_out_keeps_ones_own(timed: Services) -> None:
    tokens = [await log_in(timed) for _ in range(3)]
    mine = timed.sessions.person_of(tokens[1])
    assert mine is not None
    await timed.sessions.log_out_others(mine.person, mine.id)
    assert [timed.sessions.person_of(token) is not None for token in tokens] == [False, True, False]


async def test_a_disabled_person_is_out_at_once_and_does_not_come_back(timed: Services) -> None:
    bob = await timed.people.add("test", "bob@example.org", "Bob", "member", PASSWORD)
    token = await log_in(timed, email=bob.email)
    await timed.people.update("test", bob.id, disabled=True)
    assert timed.sessions.person_of(token) is None
    with pytest.raises(NotAuthenticated):
        await log_in(timed, email=bob.email)
    await timed.people.update("test", bob.id, disabled=False)
    assert timed.sessions.person_of(token) is None
    assert timed.sessions.person_of(await log_in(timed, email=bob.email)) is not None


async def test_a_new_password_ends_all_sessions(timed: Services) -> None:
    token = await log_in(timed)
    await timed.people.set_password("command line", EMAIL, "another horse")
    assert timed.sessions.person_of(token) is None
    assert await log_in(timed, "another horse")


async def test_each_failure_says_how_many_tries_are_left(timed: Services) -> None:
    assert "4 tries left before a 15 minute pause" in await fail(timed, 1)
    assert "1 try left" in await fail(timed, 3)
    assert "Try again in 15 minutes" in await fail(timed, 1)


async def test_after_five_failures_even_the_right_password_waits(timed: Services, clock: StillClock) -> None:
    await fail(timed, TRIES)
    with pytest.raises(RateLimited, match="Too many wrong passwords") as refused:
        await log_in(timed)
    assert refused.value.retry_after == pytest.approx(900)
    clock.skip(899)
    with pytest.raises(RateLimited):
        await log_in(timed)
    clock.skip(1)
    assert await log_in(timed)


async def test_failures_older_than_fifteen_minutes_do_not_count(timed: Services, clock: StillClock) -> None:
    await fail(timed, 4)
    clock.skip(900)
    assert "4 tries left" in await fail(timed, 1)


async def test_a_right_password_clears_the_failures(timed: Services) -> None:
    await fail(timed, 4)
    await log_in(timed)
    assert "4 tries left" in await fail(timed, 1)


async def test_the_throttle_is_of_one_account_at_one_address(timed: Services) -> None:
    await fail(timed, TRIES, address="6.6.6.6")
    assert await log_in(timed, address="1.2.3.4")
    await timed.people.add("test", "bob@example.org", "Bob", "member", PASSWORD)
    assert await log_in(timed, email="bob@example.org", address="6.6.6.6")


async def test_many_tries_at_once_are_no_way_around(timed: Services) -> None:
    tries = await asyncio.gather(*(log_in(timed, "wrong") for _ in range(20)), return_exceptions=True)
    kinds = [type(each) for each in tries]
    assert (kinds.count(NotAuthenticated), kinds.count(RateLimited)) == (TRIES, 20 - TRIES)


async def test_an_unknown_account_is_told_the_same(timed: Services) -> None:
    with pytest.raises(NotAuthenticated) as unknown:
        await log_in(timed, "wrong", email="nobody@example.org")
    assert unknown.value.message == await fail(timed, 1)


async def test_a_person_without_a_password_cannot_log_in(timed: Services) -> None:
    await timed.people.add("test", "bob@example.org", "Bob", "member", None)
    with pytest.raises(NotAuthenticated):
        await log_in(timed, "", email="bob@example.org")


async def test_a_closed_account_is_refused_without_hashing(timed: Services) -> None:
    await fail(timed, TRIES)
    tries = await asyncio.wait_for(
        asyncio.gather(*(log_in(timed) for _ in range(REMEMBERED)), return_exceptions=True), 10
    )
    assert {type(each) for each in tries} == {RateLimited}


async def test_expired_sessions_are_cleared_away_by_the_next_log_in(timed: Services, clock: StillClock) -> None:
    await log_in(timed)
    clock.skip(13 * 3600)
    await log_in(timed)
    assert len(timed.state.current.sessions) == 1
