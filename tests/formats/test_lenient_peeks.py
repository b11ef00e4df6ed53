"""What clients write in other types than documented: routing does without it, and the provider is the one to judge."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import BadRequest, Unsupported
from app.formats.registry import CLIENT_FORMATS, OPERATIONS
from tests.formats.samples import request

CHAT, CLAUDE = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"]
RESPONSES, GEMINI = CLIENT_FORMATS["openai-responses"], CLIENT_FORMATS["gemini"]
COMPLETIONS = OPERATIONS["openai-completions"]


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_effort": 3},
        {"reasoning_effort": False},
        {"provider": "groq"},
        {"models": "a,b"},
        {"user": 12345},
        {"metadata": "x"},
        {"metadata": ["x"]},
    ],
    ids=str,
)
def test_advice_in_chat_of_any_type_is_no_reason_to_refuse(fields: dict[str, Any]) -> None:
    plain = CHAT.peek(request("openai-chat"))
    assert CHAT.peek(request("openai-chat", **fields)) == plain


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": True},
        {"reasoning": {"effort": 3}},
        {"user": 12345},
        {"metadata": "x"},
        {"background": False},
    ],
    ids=str,
)
def test_advice_in_responses_of_any_type_is_no_reason_to_refuse(fields: dict[str, Any]) -> None:
    plain = RESPONSES.peek(request("openai-responses"))
    assert RESPONSES.peek(request("openai-responses", **fields)) == plain


def test_a_users_number_with_anthropic_is_no_reason_to_refuse() -> None:
    assert CLAUDE.peek(request("anthropic-messages", metadata={"user_id": 5})).user is None
    assert CLAUDE.peek(request("anthropic-messages", metadata={"user_id": "u"})).user == "u"
    assert CLAUDE.peek(request("anthropic-messages", metadata="x")).user is None


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert CHAT.peek(request("openai-chat", max_tokens=100.0, n=2.0)).max_tokens == 200
    assert CHAT.peek(request("openai-chat", max_completion_tokens=50.0)).max_tokens == 50
    assert RESPONSES.peek(request("openai-responses", max_output_tokens=100.0)).max_tokens == 100
    assert CLAUDE.peek(request("anthropic-messages", max_tokens=100.0)).max_tokens == 100
    assert COMPLETIONS.peek(b'{"model":"m","prompt":"x","max_tokens":5.0,"best_of":2.0}').max_tokens == 10


@pytest.mark.parametrize("limit", ["100", 100.0])
def test_googles_numbers_may_be_strings(limit: Any) -> None:
    config = {"maxOutputTokens": limit, "candidateCount": "2"}
    assert GEMINI.peek(request("gemini", generationConfig=config), "m").max_tokens == 200


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_minus_one_is_no_limit(name: str) -> None:
    body = request("openai-chat", **{"max_tokens": None, name: -1})
    peek = CHAT.peek(body)
    assert peek.max_tokens is None
    assert CHAT.relay_request(body, "small-1", peek, False).body == body
    assert CHAT.decode_request(body).max_tokens is None
    body = b'{"model":"m","prompt":"x","max_tokens":-1}'
    assert COMPLETIONS.peek(body).max_tokens is None
    assert COMPLETIONS.decode_request(body).max_tokens is None


def test_anthropics_limit_of_nothing_warms_the_cache() -> None:
    assert CLAUDE.peek(request("anthropic-messages", max_tokens=0)).max_tokens == 0


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("openai-chat", {"max_tokens": 0}, "max_tokens: expected a whole number from 1, got 0"),
        ("openai-chat", {"max_tokens": -2}, "max_tokens: expected a whole number from 1, got -2"),
        ("openai-chat", {"max_tokens": 1.5}, "max_tokens: expected a whole number from 1, got 1.5"),
        ("openai-chat", {"max_tokens": True}, "max_tokens: expected a whole number from 1, got true or false"),
        (
            "openai-chat",
            {"max_completion_tokens": "9"},
            "max_completion_tokens: expected a whole number .* got a string",
        ),
        ("openai-chat", {"n": 129}, "n: expected a whole number from 1 to 128, got 129"),
        ("openai-responses", {"max_output_tokens": "9"}, "max_output_tokens: expected a whole number .* got a string"),
        ("anthropic-messages", {"max_tokens": -1}, "max_tokens: expected a whole number from 0, got -1"),
        ("gemini", {"generationConfig": {"maxOutputTokens": "many"}}, "maxOutputTokens: expected .* got a string"),
        ("gemini", {"generationConfig": {"maxOutputTokens": 0}}, "maxOutputTokens: expected .* got 0"),
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_refused(name: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        CLIENT_FORMATS[name].peek(request(name, **fields), "m", False)


def test_an_answer_in_the_background_is_refused_unless_it_is_streamed() -> None:
    with pytest.raises(Unsupported, match="background") as refused:
        RESPONSES.peek(request("openai-responses", background=True, stream=False))
    assert (refused.value.status, refused.value.field) == (422, "background")
    assert RESPONSES.peek(request("openai-responses", background=True, stream=True)).stream
