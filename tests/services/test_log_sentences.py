"""The sentence that says how a request went."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.services.log_sentences import OUTRUN, attempt_note, sentence
from app.services.views import AttemptRow, RequestRow

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BASE: dict[str, Any] = {
    "id": "req_1", "at": AT, "key": None, "user": None, "router": "default", "rule": None, "model_asked": "m",
    "provider": "gemini", "provider_kind": "gemini", "monogram": "", "accent": "", "model": "gemini-2.5-flash",
    "format": "openai-chat", "stream": False, "status": 200, "error": None, "input_tokens": 1, "output_tokens": 1,
    "cache_read_tokens": 0, "cost": 1, "estimated": False, "latency_ms": 900, "first_token_ms": None, "attempts": 1,
}  # fmt: skip
ANSWERED = RequestRow(**BASE)
GOOD = AttemptRow("gemini", "gemini", "", "", "gemini-2.5-flash", 200, None, AT, 700)
LIMITED = AttemptRow("OpenAI-main", "openai", "", "", "gpt-4o", 429, "slow down", AT, 210)
DOWN = AttemptRow("azure", "openai", "", "", "gpt-4o", 0, "refused", AT, 12)
LATE = AttemptRow("azure", "openai", "", "", "gpt-4o", 504, "timed out", AT, 60_000)


@pytest.mark.parametrize(
    ("row", "attempts", "said"),
    [
        (ANSWERED, (GOOD,), "Answered by gemini-2.5-flash at gemini."),
        (
            ANSWERED,
            (LIMITED, GOOD),
            "Answered by gemini-2.5-flash at gemini because OpenAI-main answered 429 after 0.2 s.",
        ),
        (
            ANSWERED,
            (LIMITED, DOWN, GOOD),
            "Answered by gemini-2.5-flash at gemini because OpenAI-main answered 429 after 0.2 s, "
            "then azure did not answer after 12 ms.",
        ),
        (replace(ANSWERED, status=429), (LIMITED,), "OpenAI-main answered 429 after 0.2 s, and nothing else could answer."),
        (
            replace(ANSWERED, status=502),
            (LIMITED, LATE),
            "Every attempt failed: OpenAI-main answered 429 after 0.2 s, then azure timed out after 60.0 s.",
        ),
        (replace(ANSWERED, status=499), (replace(GOOD, status=0),), "The client left before gemini had answered."),
        (replace(ANSWERED, status=402, error="Spent."), (), "Refused before any attempt: Spent."),
        (replace(ANSWERED, status=400), (), "Refused before any attempt: no reason was kept."),
    ],
    ids=["answered", "failover", "twice", "alone", "all failed", "left", "refused", "no reason"],
)  # fmt: skip
def test_the_sentence_says_who_answered_and_why(row: RequestRow, attempts: tuple[AttemptRow, ...], said: str) -> None:
    assert sentence(row, attempts, {}) == said


def test_the_sentence_names_the_rule_and_its_version() -> None:
    decision = {"rule": "pictures", "router": "default", "version": 14}
    assert sentence(ANSWERED, (GOOD,), decision).endswith(". Rule pictures of router default, version 14.")
    assert sentence(ANSWERED, (GOOD,), {**decision, "version": 0}).endswith(". Rule pictures of router default.")


def test_the_sentence_says_by_what_the_one_who_answered_stood_where_it_did() -> None:
    candidates = [
        {"provider": "OpenAI-main", "model": "gpt-4o", "kept": True, "reason": "1st by price, $0.0004"},
        {"provider": "gemini", "model": "gemini-2.5-flash", "kept": True, "reason": "2nd by price, $0.0006"},
    ]
    said = sentence(ANSWERED, (LIMITED, GOOD), {"candidates": candidates})
    assert said == (
        "Answered by gemini-2.5-flash at gemini, second by price, because OpenAI-main answered 429 after 0.2 s."
    )


def test_the_sentence_names_who_was_asked_beside_it_and_who_answered_from_memory() -> None:
    slower = replace(LIMITED, status=499, error=OUTRUN)
    said = sentence(ANSWERED, (slower, GOOD), {})
    assert said == "Answered by gemini-2.5-flash at gemini. OpenAI-main was asked beside it, and was slower."
    assert sentence(ANSWERED, (), {"cached": "req_0"}).startswith("Answered with what gemini-2.5-flash at gemini said")


def test_the_note_under_an_answer_says_what_was_gone_around() -> None:
    assert attempt_note(LIMITED, GOOD) == "OpenAI-main answered 429, continued with gemini-2.5-flash after 0.2 s"
