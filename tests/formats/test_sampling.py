"""Fields of sampling in a translated question: models that refuse them do not get them, and the log says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.formats.upstream import asked, notes, said

ALL = {"temperature": 0.5, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": 0.2}
OPENAI = ("openai-chat", "openai-responses")
FIELDS = ("temperature", "top_p", "top_k")


@pytest.mark.parametrize("target", OPENAI)
@pytest.mark.parametrize(
    ("model", "fields", "taken"),
    [
        ("gpt-4o", {}, True),
        ("gpt-5-chat-latest", {}, True),
        ("gpt-oss-120b", {}, True),
        ("llama-3", {"reasoning_effort": "high"}, True),
        ("gpt-5", {}, False),
        ("openai/gpt-5-mini", {}, False),
        ("o3", {}, False),
        ("o4-mini-2025-04-16", {}, False),
        ("gpt-5", {"reasoning_effort": "minimal"}, False),
        ("gpt-5.1", {}, True),
        ("gpt-5.2", {"reasoning_effort": "none"}, True),
        ("gpt-5.2", {"reasoning_effort": "low"}, False),
        ("gpt-5.1-codex", {}, False),
        ("gpt-5.2-pro", {}, False),
        ("gpt-5.5", {}, False),
        ("gpt-5.5", {"reasoning_effort": "none"}, True),
    ],
)
def test_openais_models_that_think_get_no_sampling(target: str, model: str, fields: Any, taken: bool) -> None:
    question = asked(**ALL, **fields)
    body, named = said(target, question, model), notes(target, question, model)
    for field in ("temperature", "top_p"):
        assert (field in body) is taken
        assert (f"{field}: left out; this model takes none." in named) is not taken
    if target == "openai-chat":
        assert ("presence_penalty" in body) is ("frequency_penalty" in body) is taken


@pytest.mark.parametrize(
    ("model", "fields", "taken"),
    [
        ("claude-sonnet-4-20250514", {}, {"temperature", "top_p", "top_k"}),
        ("claude-3-7-sonnet-latest", {}, {"temperature", "top_p", "top_k"}),
        ("claude-opus-4-1-20250805", {}, {"temperature", "top_k"}),
        ("claude-sonnet-4-5", {}, {"temperature", "top_k"}),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", {}, {"temperature", "top_k"}),
        ("claude-opus-4.6", {}, {"temperature", "top_k"}),
        ("claude-sonnet-4-5", {"temperature": None}, {"top_p", "top_k"}),
        ("claude-opus-4-7", {}, set()),
        ("claude-opus-4-10", {}, set()),
        ("claude-sonnet-5", {}, set()),
        ("kimi-k2", {}, {"temperature", "top_p", "top_k"}),
    ],
)
def test_newer_claude_models_get_one_field_of_sampling_or_none(model: str, fields: Any, taken: set[str]) -> None:
    question = asked(**({"temperature": 0.5, "top_p": 0.9, "top_k": 5} | fields))
    body, named = said("anthropic-messages", question, model), notes("anthropic-messages", question, model)
    assert {field for field in FIELDS if field in body} == taken
    left = {note.split(":")[0] for note in named} & set(FIELDS)
    assert left == {field for field in FIELDS if getattr(question, field) is not None} - taken


@pytest.mark.parametrize(("target", "model"), [("openai-chat", "gpt-5"), ("anthropic-messages", "claude-opus-4-7")])
def test_what_is_the_default_anyway_is_left_out_without_a_word(target: str, model: str) -> None:
    question = asked(temperature=1, top_p=1.0)
    assert not said(target, question, model).keys() & set(FIELDS)
    assert not any(note.startswith(FIELDS) for note in notes(target, question, model))
