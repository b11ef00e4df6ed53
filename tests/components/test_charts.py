"""Pictures of numbers."""

import re
from datetime import UTC, datetime, timedelta

from app.core.money import NANO
from app.services.views import AttemptRow, LogBucket, Spend
from components.charts import histogram, ranked, sparkline, stacked_days, uptime_bars, waterfall

AT = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)


def test_uptime_says_in_words_what_the_bars_show() -> None:
    picture = uptime_bars((1,) * 89 + (3,), "Availability of ollama")
    assert 'aria-label="Availability of ollama: 98.9% of 90 checks fine"' in picture
    assert "var(--danger)" in picture
    assert "var(--warn)" not in picture


def test_uptime_without_a_check_says_so() -> None:
    assert "not checked yet" in uptime_bars((0,) * 90, "Availability")


def test_a_run_of_nothing_is_an_empty_picture() -> None:
    assert "path" not in sparkline([0, 0, 0])
    assert "path" not in sparkline([])
    assert "path" in sparkline([1, 2])


def test_a_single_failure_among_many_requests_stays_visible() -> None:
    picture = histogram([LogBucket(AT, 5_000, 1)], "Requests")
    assert "h798.0v2.0" in picture
    assert "Requests; 1 failed" in picture


def test_beyond_five_providers_the_rest_is_one_bar() -> None:
    days = [Spend("2026-11-20", {f"p{number}": (10 - number) * NANO for number in range(8)})]
    picture = stacked_days(days, {"p0": "openai"})
    assert picture.count("<rect") == 6
    assert "var(--pv-openai)" in picture
    assert ranked(days)[:2] == ["p0", "p1"]


def test_the_days_have_names_and_today_stands_out() -> None:
    days = [Spend(f"2026-11-{day:02}", {"openai": NANO}) for day in range(7, 21)]
    picture = stacked_days(days, {})
    assert ">Nov 7<" in picture
    assert re.search(r'<text class="on"[^>]*>20<', picture)


def test_a_failed_attempt_is_red_from_end_to_end_and_an_answer_waits_first() -> None:
    failed = AttemptRow("openai", "openai", "OA", "openai", "gpt-4o-mini", 429, "rate limit", AT, 200)
    answered = AttemptRow(
        "gemini", "gemini", "GE", "gemini", "flash", 200, None, AT + timedelta(milliseconds=200), 3_800, 480
    )
    both = (failed, answered)
    assert "var(--danger)" in waterfall(both, failed, 4_000)
    picture = waterfall(both, answered, 4_000)
    assert 'x="23.5"' in picture
    assert "var(--border-control)" in picture
    assert "var(--success)" in picture
