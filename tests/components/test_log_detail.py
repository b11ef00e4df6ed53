"""One request, with what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.formats.registry import CLIENT_FORMATS, OPERATIONS
from app.services.views import RequestDetail, RequestRow
from components.log_detail import FORMATS, log_detail

ROW = RequestRow(
    id="req_1",
    at=datetime(2026, 11, 21, tzinfo=UTC),
    key="ci",
    user=None,
    router="default",
    rule="all",
    model_asked="small",
    provider="main",
    provider_kind="openai",
    monogram="OA",
    accent="openai",
    model="small-1",
    format="anthropic-messages",
    stream=False,
    status=200,
    error=None,
    input_tokens=3,
    output_tokens=4,
    cache_read_tokens=0,
    cost=10,
    estimated=False,
    latency_ms=5,
    first_token_ms=None,
    attempts=1,
)


def detail(**decision: Any) -> str:
    return str(log_detail(RequestDetail(ROW, "small-1 at main answered.", decision, (), (), 3, None), UTC, {}))


def test_what_was_said_differently_is_named() -> None:
    shown = detail(approximated=["top_k: left out; OpenAI's chat format has none."])
    assert "Said differently" in shown
    assert "top_k: left out" in shown


def test_a_request_that_was_said_as_it_came_says_nothing_of_it() -> None:
    assert "Said differently" not in detail()


def test_every_format_has_a_name_for_people() -> None:
    assert set(CLIENT_FORMATS) | set(OPERATIONS) <= set(FORMATS)
