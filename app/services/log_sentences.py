"""One sentence that says how a request went."""

from __future__ import annotations

from typing import Any

from app.services.views import AttemptRow, RequestRow

OUTRUN = "not needed: another was faster"  # the error of an attempt that another one answered before
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")


def sentence(row: RequestRow, attempts: tuple[AttemptRow, ...], decision: dict[str, Any]) -> str:
    """«Answered by gemini-2.5-flash at gemini, second by price, because openai-main answered 429 after 0.2 s. Rule
    pictures of router default, version 14.»"""
    outrun = [attempt for attempt in attempts if attempt.error == OUTRUN]
    failures = [attempt for attempt in attempts if attempt.status != 200 and attempt not in outrun]
    if decision.get("cached"):
        head = f"Answered with what {row.model} at {row.provider} said to the same question before: no call, no cost."
    elif not attempts:
        head = f"Refused before any attempt: {(row.error or 'no reason was kept').rstrip('.')}."
    elif row.status < 400:
        head = f"Answered by {row.model} at {row.provider}"
        if failures:
            place = _place(row, decision)
            head += f"{place} because " + ", then ".join(_failure(attempt) for attempt in failures)
        head += "."
        if outrun:
            head += f" {' and '.join(each.provider for each in outrun)} was asked beside it, and was slower."
    elif row.status == 499:
        head = f"The client left before {row.provider} had answered."
    elif len(attempts) == 1:
        head = f"{_failure(attempts[0])}, and nothing else could answer."
    else:
        head = "Every attempt failed: " + ", then ".join(_failure(attempt) for attempt in attempts) + "."
    if decision.get("rule"):
        version = decision.get("version")
        head += f" Rule {decision['rule']} of router {decision.get('router')}"
        head += f", version {version}." if version else "."
    return head


def _place(row: RequestRow, decision: dict[str, Any]) -> str:
    """«, second by price,» where the order was a strategy's."""
    for place, each in enumerate(decision.get("candidates", ())):
        if (each.get("provider"), each.get("model")) == (row.provider, row.model) and each.get("kept"):
            by = str(each.get("reason", "")).partition(" by ")[2].partition(",")[0]
            return f", {_PLACES[place]} by {by}," if by and place < len(_PLACES) else ""
    return ""


def attempt_note(failed: AttemptRow, following: AttemptRow) -> str:
    """«openai-main answered 429, continued with gemini-2.5-flash after 0.2 s»"""
    return f"{_what(failed)}, continued with {following.model} after {_duration(failed.latency_ms)}"


def _failure(attempt: AttemptRow) -> str:
    return f"{_what(attempt)} after {_duration(attempt.latency_ms)}"


def _what(attempt: AttemptRow) -> str:
    if attempt.status == 504:
        return f"{attempt.provider} timed out"
    if attempt.status in (0, 502):
        return f"{attempt.provider} did not answer"
    return f"{attempt.provider} answered {attempt.status}"


def _duration(ms: int) -> str:
    return f"{ms} ms" if ms < 100 else f"{ms / 1000:.1f} s"
