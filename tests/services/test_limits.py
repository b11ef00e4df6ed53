"""Rate limits and token buckets, with the time in the test's hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import RateLimited
from app.services.limits import Gcra, KeyLimits, TokenBucket, seconds


@given(rate=some.integers(1, 500), period=some.sampled_from([1.0, 60.0, 86400.0]), start=some.floats(0, 1e7))
def test_a_burst_takes_exactly_the_rate(rate: int, period: float, start: float) -> None:
    limit = Gcra(rate, period)
    taken = 0
    while limit.wait(start) == 0 and taken <= rate:
        assert limit.remaining(start) == rate - taken
        limit.take(start)
        taken += 1
    assert taken == rate
    assert limit.remaining(start) == 0
    assert limit.wait(start + limit.wait(start) + 1e-6) == 0, "the wait that is told suffices"


@given(gaps=some.lists(some.floats(0, 20), min_size=1, max_size=200), rate=some.integers(1, 20))
def test_no_period_ever_holds_more_than_two_bursts(gaps: list[float], rate: int) -> None:
    """At most the rate in a burst, and what is refilled while the period runs."""
    limit, now, taken = Gcra(rate, 60), 0.0, []
    for gap in gaps:
        now += gap
        if limit.wait(now) == 0:
            limit.take(now)
            taken.append(now)
    for at in taken:
        assert len([other for other in taken if at <= other < at + 60]) <= 2 * rate


def test_tokens_that_were_used_beyond_the_reservation_are_waited_off() -> None:
    bucket = TokenBucket(60, 60)
    bucket.take(0, 90)
    assert bucket.remaining(0) == 0
    assert bucket.wait(0, 10) == 40
    assert bucket.wait(40, 10) == 0
    assert bucket.reset(40) == 50


def test_a_request_larger_than_the_whole_limit_waits_for_a_full_bucket_not_for_ever() -> None:
    bucket = TokenBucket(60, 60)
    assert bucket.wait(0, 1000) == 0
    bucket.take(0, 1)
    assert bucket.wait(0, 1000) == 1


def test_a_refusal_takes_nothing() -> None:
    limits = KeyLimits({"rpm": 10, "tpm": 5})
    limits.admit(0, 5)
    for _ in range(5):
        with pytest.raises(RateLimited, match="tokens per minute"):
            limits.admit(0, 5)
    assert limits.left(0) == {"rpm": 9, "tpm": 0}
    assert limits.running == 1


def test_the_tightest_limit_is_the_one_that_headers_tell() -> None:
    limits = KeyLimits({"rps": 2, "rpd": 1000})
    limits.admit(0, 0)
    assert (b"x-ratelimit-limit-requests", b"2") in limits.headers(0)
    assert (b"x-ratelimit-limit-requests", b"1000") in limits.headers(5) or limits.left(5) == {"rps": 2, "rpd": 999}


def test_other_limits_begin_anew_but_what_runs_still_counts() -> None:
    limits = KeyLimits({"rpm": 1, "concurrent": 2})
    admitted = limits.admit(0, 0)
    limits.change({"concurrent": 1})
    with pytest.raises(RateLimited, match="1 requests running"):
        limits.admit(0, 0)
    limits.finish(0, admitted, 0)
    limits.admit(0, 0)


@pytest.mark.parametrize(
    ("value", "text"), [(0.01, "0.1 s"), (0.44, "0.4 s"), (1, "2 s"), (59.5, "60 s"), (600, "11 min")]
)
def test_waits_are_rounded_up(value: float, text: str) -> None:
    assert seconds(value) == text


def test_the_rate_comes_back_evenly_not_all_at_once() -> None:
    limit = Gcra(60, 60)
    for _ in range(60):
        limit.take(0)
    assert [limit.remaining(at) for at in (0.9, 1, 11, 60, 3600)] == [0, 1, 11, 60, 60]


def test_only_admitted_requests_count() -> None:
    limits = KeyLimits({"rps": 1, "rpm": 3})
    limits.admit(0, 0)
    for _ in range(20):
        with pytest.raises(RateLimited, match="1 requests per second"):
            limits.admit(0, 0)
    assert limits.left(0) == {"rps": 0, "rpm": 2}


def test_whoever_waits_as_told_is_admitted() -> None:
    limits, now = KeyLimits({"rpm": 7}), 5000.0
    for _ in range(7):
        limits.admit(now, 0)
    for _ in range(50):
        with pytest.raises(RateLimited) as refused:
            limits.admit(now, 0)
        assert refused.value.retry_after is not None
        now += refused.value.retry_after
        limits.admit(now, 0)


@pytest.mark.parametrize(("used", "left"), [(100, 900), (800, 200), (None, 1000), (1500, 0)])
def test_settling_gives_back_or_takes_what_was_really_used(used: int | None, left: int) -> None:
    limits = KeyLimits({"tpm": 1000})
    limits.finish(0, limits.admit(0, 800), used)
    assert limits.left(0) == {"tpm": left}


def test_a_change_while_a_request_runs_gives_no_extra_tokens() -> None:
    limits = KeyLimits({"tpm": 1000})
    admitted = limits.admit(0, 900)
    limits.change({"tpm": 500})
    limits.finish(0, admitted, 10)
    assert limits.left(0) == {"tpm": 500}


def test_headers_say_limit_rest_and_seconds_until_all_is_back() -> None:
    limits = KeyLimits({"rpm": 60, "tpm": 600})
    limits.admit(0, 150)
    assert dict(limits.headers(0)) == {
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"59",
        b"x-ratelimit-reset-requests": b"1.000s",
        b"x-ratelimit-limit-tokens": b"600",
        b"x-ratelimit-remaining-tokens": b"450",
        b"x-ratelimit-reset-tokens": b"15.000s",
    }
    assert KeyLimits({"concurrent": 3}).headers(0) == []
