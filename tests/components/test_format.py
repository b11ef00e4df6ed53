"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from components import format as shown

NOW = datetime(2026, 11, 20, 14, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (12_400, "12.4k"),
        (999_949, "999.9k"),
        (999_960, "1.0M"),
        (38_200_000, "38.2M"),
        (1_500_000_000, "1.5B"),
        (None, "n/a"),
    ],
)
def test_tokens_are_exact_below_ten_thousand_and_short_above(number: int | None, text: str) -> None:
    assert shown.tokens(number) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (480, "480 ms"),
        (999, "999 ms"),
        (3_900, "3.9 s"),
        (59_900, "59.9 s"),
        (59_980, "1 min"),
        (125_000, "2 min 5 s"),
        (3_725_000, "1 h 2 min"),
        (None, "n/a"),
    ],
)
def test_a_duration_has_the_unit_that_fits_it(milliseconds: float | None, text: str) -> None:
    assert shown.duration(milliseconds) == text


def test_a_share_short_of_everything_is_never_shown_as_everything() -> None:
    assert shown.share(0.9999) == "99.9%"
    assert shown.availability(0.99999) == "99.99%"
    assert shown.share(1.0) == "100%"
    assert shown.share(0.0) == "0%"
    assert shown.share(None) == "n/a"


def test_a_change_needs_something_before_it() -> None:
    assert shown.change(108, 100) == "+8.0%"
    assert shown.change(90, 100) == "-10.0%"
    assert shown.change(5, 0) is None


@pytest.mark.parametrize(
    ("back", "text"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(hours=3), "11:34"),
        (timedelta(days=1), "Yesterday"),
        (timedelta(days=3), "Tue"),
        (timedelta(days=8), "12 November"),
        (timedelta(days=400), "16 October 2025"),
    ],
)
def test_the_past_is_told_in_the_words_for_its_distance(back: timedelta, text: str) -> None:
    assert shown.ago(NOW - back, NOW, UTC) == text


def test_yesterday_is_counted_in_the_zone_of_the_team() -> None:
    late = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    assert shown.ago(late, NOW, UTC) == "Yesterday"
    assert shown.ago(late, NOW, ZoneInfo("Europe/Berlin")) == "00:30"


def test_what_lies_ahead_is_told_in_days_hours_or_minutes() -> None:
    assert shown.until(NOW + timedelta(days=3, hours=2), NOW) == "in 3 days"
    assert shown.until(NOW + timedelta(hours=9, minutes=26), NOW) == "in 9 h 26 min"
    assert shown.until(NOW + timedelta(seconds=10), NOW) == "in 1 min"
    assert shown.until(NOW - timedelta(hours=1), NOW) == "now"


def test_log_times_have_milliseconds_and_tooltips_the_exact_moment() -> None:
    at = datetime(2026, 11, 20, 14, 31, 2, 911_000, tzinfo=UTC)
    assert shown.log_time(at, UTC) == "14:31:02.911"
    assert shown.exact(at) == "2026-11-20T14:31:02.911Z"


def test_a_context_window_is_short() -> None:
    assert shown.window(128_000) == "128k"
    assert shown.window(1_048_576) == "1M"
    assert shown.window(None) == "n/a"


def test_one_thing_is_not_many() -> None:
    assert shown.plural(1, "key") == "1 key"
    assert shown.plural(1_200, "key") == "1,200 keys"
