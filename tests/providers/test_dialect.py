"""What a request is changed to for a provider's dialect."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.providers.dialect import in_dialect, nine_letters
from app.providers.kinds import kind_named, kinds

MISTRAL = kind_named("mistral").dialect


def said(body: dict[str, Any], name: str = "mistral") -> dict[str, Any]:
    spoken: dict[str, Any] = msgspec.json.decode(in_dialect(msgspec.json.encode(body), kind_named(name).dialect))
    return spoken


def test_a_developer_is_the_system_where_nobody_knows_developers() -> None:
    body = {"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "developer"}]}
    assert [message["role"] for message in said(body, "deepseek")["messages"]] == ["system", "user"]
    assert said(body, "openai") == body


def test_mistral_takes_ids_of_nine_letters_and_a_call_and_its_result_keep_one() -> None:
    call = {"id": "call_abc_123", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "AbCdEfGh1"}]},
        {"role": "tool", "tool_call_id": "call_abc_123", "content": "1"},
        {"role": "tool", "tool_call_id": "AbCdEfGh1", "content": "2"},
    ]
    assistant, first, second = said({"messages": messages})["messages"]
    ids = [each["id"] for each in assistant["tool_calls"]]
    assert ids == [first["tool_call_id"], second["tool_call_id"]]
    assert ids == [nine_letters("call_abc_123"), "AbCdEfGh1"]
    assert len(ids[0]) == 9
    assert ids[0].isalnum()
    assert ids[0].isascii()


def test_mistral_is_told_seed_and_limit_by_its_own_names_and_not_the_rest() -> None:
    body = {"seed": 7, "user": "ada", "temperature": 0.5, "stream_options": {}, "max_completion_tokens": 5}
    assert said(body) == {"random_seed": 7, "temperature": 0.5, "max_tokens": 5}
    assert said({"max_completion_tokens": 5, "max_tokens": 6}) == {"max_tokens": 6}


@pytest.mark.parametrize(
    "body",
    [
        b'{ "messages": [] }',
        b'{"messages": [{"role": "user", "content": "\\"seed\\""}], "n": 12345678901234567890}',
        b'{ "messages": [{"role": "tool", "tool_call_id": "AbCdEfGh1"}]}',
        b'{"seed": 7',
        b'["user"]',
        b'\xff"user"',
    ],
)
def test_what_needs_no_change_keeps_its_bytes(body: bytes) -> None:
    assert in_dialect(body, MISTRAL) is body


@pytest.mark.parametrize("odd", [{"messages": "developer"}, {"messages": [7]}, {"messages": [{"role": ["developer"]}]},
    {"messages": [{"tool_calls": 7, "tool_call_id": 7}]}, {"messages": [{"tool_calls": [7, {"id": None}]}]}])  # fmt: skip
def test_an_odd_request_is_left_to_the_provider(odd: dict[str, Any]) -> None:
    assert said({**odd, "user": "ada"}) == odd


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_only_openai_chat_has_dialects(kind: Any) -> None:
    assert kind.dialect == type(kind.dialect)() or kind.formats[0] == "openai-chat"
