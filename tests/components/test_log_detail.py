"""One request in full: what it was counted as, and what the provider says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from app.services.views import RequestDetail, RequestRow
from components.log_detail import log_detail

ROW = RequestRow(
    id="req_1",
    at=datetime(2026, 11, 21, tzinfo=UTC),
    key="ci",
    user=None,
    router="default",
    rule=None,
    model_asked="m",
    provider="p",
    provider_kind="openrouter",
    monogram="OR",
    accent="openrouter",
    model="m",
    format="openai-chat",
    stream=False,
    status=200,
    error=None,
    input_tokens=10,
    output_tokens=5,
    cache_read_tokens=0,
    cost=2_000_000,
    estimated=False,
    latency_ms=5,
    first_token_ms=None,
    attempts=1,
)


def shown(row: RequestRow) -> str:
    return str(log_detail(RequestDetail(row, "Answered.", {}, (), (), 0, None), UTC, {}))


def test_what_the_provider_charged_stands_beside_our_own_cost() -> None:
    text = shown(replace(ROW, provider_cost=4_500_000))
    assert "$0.0020" in text
    assert "The provider says" in text
    assert "$0.0045" in text
    assert "$0.00" in shown(replace(ROW, provider_cost=0)), "said to be free is said too"


def test_what_was_not_counted_or_said_has_no_line() -> None:
    text = shown(ROW)
    for label in ("The provider says", "Reasoning", "Cached input", "Written to the cache"):
        assert label not in text
    text = shown(replace(ROW, reasoning_tokens=4, cache_write_tokens=3))
    assert "Reasoning" in text
    assert "Written to the cache" in text


def test_an_unknown_cost_stays_visibly_unknown() -> None:
    assert "unknown" in shown(replace(ROW, cost=None, provider_cost=1))
