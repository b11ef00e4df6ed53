"""Questions of other formats for a provider that speaks Responses, and reasoning on its way there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.chat import (
    Event,
    Message,
    ReasoningDelta,
    Role,
    Text,
    TextDelta,
    ToolResult,
)
from app.core.errors import Unsupported
from app.formats.base import Peek
from app.formats.registry import CLIENT_FORMATS
from app.formats.sse import SSEReader
from tests.formats.samples import RESPONSE, RESULTS, SCHEMA, SEALED, STREAMS, request
from tests.formats.test_recorded_answers import decoded, encoded

RESPONSES, CHAT = CLIENT_FORMATS["openai-responses"], CLIENT_FORMATS["openai-chat"]
CLAUDE, GEMINI = CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]
OTHERS = pytest.mark.parametrize("other", [CHAT, CLAUDE, GEMINI], ids=lambda wire: wire.name)


def asked(**fields: Any) -> Any:
    return RESPONSES.decode_request(request("openai-responses", **fields))


def sent(question: Any, model: str = "gpt-4.1") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(RESPONSES.encode_request(question, model).body)
    return body


def chat(**fields: Any) -> Any:
    return CHAT.decode_request(request("openai-chat", stop=None, **fields))


def streamed(*events: Event) -> list[dict[str, Any]]:
    encoder = RESPONSES.encoder(Peek(model="m", max_tokens=50, user="u1", metadata={"a": "b"}))
    body = b"".join(encoder.encode(event) for event in events) + encoder.end()
    return [json.loads(frame.data) for frame in SSEReader().feed(body)]


def final(body: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(SSEReader().feed(body)[-1].data)["response"]
    return value


def test_a_translated_question_is_not_stored_and_asks_for_thoughts_encrypted() -> None:
    body = sent(chat(), "gpt-5.2")
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert (body["instructions"], body["max_output_tokens"]) == ("Be brief.", 100)
    assert "include" not in sent(chat(), "gpt-4.1")
    assert "include" not in sent(chat(), "gpt-5-chat-latest")
    asking = sent(chat(reasoning_effort="high"), "some-model")
    assert (asking["reasoning"], asking["include"]) == ({"effort": "high"}, ["reasoning.encrypted_content"])


def test_functions_are_not_strict_unless_asked() -> None:
    assert sent(chat())["tools"] == [
        {"type": "function", "name": "weather", "description": "Now", "parameters": SCHEMA, "strict": False}
    ]


def test_a_chat_providers_own_tool_is_refused() -> None:
    with pytest.raises(Unsupported, match="own provider"):
        sent(chat(tools=[{"type": "browser_search"}]))


def test_the_word_json_stays_in_the_input_for_json_mode() -> None:
    body = sent(chat(response_format={"type": "json_object"}))
    assert "instructions" not in body
    assert body["input"][0] == {"role": "system", "content": "Be brief."}
    assert body["text"] == {"format": {"type": "json_object"}}


def test_advice_without_a_word_here_is_left_out_and_named() -> None:
    question = chat(
        seed=1, frequency_penalty=0.5, presence_penalty=0.5, top_k=3, max_tokens=5, prediction={"type": "content"}
    )
    call = RESPONSES.encode_request(question, "gpt-4.1")
    named = [sentence.partition(":")[0] for sentence in call.approximated]
    assert named == ["prediction", "seed", "frequency_penalty", "presence_penalty", "top_k", "max_tokens"]
    assert not {"seed", "frequency_penalty", "presence_penalty", "top_k"} & set(json.loads(call.body))
    assert json.loads(call.body)["max_output_tokens"] == 16


def test_logprobs_are_asked_for_by_their_name_here() -> None:
    body = sent(chat(logprobs=True, top_logprobs=2, verbosity="low", service_tier="flex", prompt_cache_key="k"))
    assert (body["include"], body["top_logprobs"]) == (["message.output_text.logprobs"], 2)
    assert (body["text"], body["service_tier"], body["prompt_cache_key"]) == ({"verbosity": "low"}, "flex", "k")


@pytest.mark.parametrize(
    ("fields", "field"), [({"stop": ["END"]}, "stop"), ({"n": 2}, "n"), ({"logit_bias": {"1": 5}}, "logit_bias")]
)
def test_what_would_change_the_meaning_is_refused(fields: dict[str, Any], field: str) -> None:
    question = CHAT.decode_request(request("openai-chat", **({"stop": None} | fields)))
    with pytest.raises(Unsupported) as refused:
        sent(question)
    assert refused.value.field == field


def test_a_refusal_and_a_failed_result_are_said() -> None:
    question = chat(messages=[{"role": "user", "content": "hi"}, {"role": "assistant", "refusal": "No."}])
    assert sent(question)["input"][1]["content"] == [{"type": "refusal", "refusal": "No."}]
    question.messages.append(Message(Role.TOOL, [ToolResult("a", [Text("bad")], is_error=True)]))
    assert sent(question)["input"][2]["output"] == "Error: bad"


@OTHERS
def test_encrypted_reasoning_returns_through_clients_of_other_formats(other: Any) -> None:
    answer = json.loads(other.encode_result(RESPONSES.decode_result(RESULTS["openai-responses"])))
    if other is CHAT:
        turn: dict[str, Any] = answer["choices"][0]["message"]
        body = request(other.name, messages=[{"role": "user", "content": "hi"}, turn])
    elif other is CLAUDE:
        turn = {"role": "assistant", "content": answer["content"]}
        body = request(other.name, messages=[{"role": "user", "content": "hi"}, turn], stop_sequences=None)
    else:
        turn = answer["candidates"][0]["content"]
        contents = [{"role": "user", "parts": [{"text": "hi"}]}, turn]
        body = request(other.name, contents=contents, generationConfig=None)
    question = other.decode_request(body, "m", False)
    question.stop = []
    items = sent(question)["input"]
    assert RESPONSE["output"][0] in items


def test_streamed_reasoning_returns_through_a_client_of_this_format() -> None:
    events = decoded(RESPONSES, STREAMS["openai-responses"])
    (item,) = [item for item in final(encoded(RESPONSES, events))["output"] if item["type"] == "reasoning"]
    assert sent(asked(input=[{"role": "user", "content": "hi"}, item]))["input"][1] == RESPONSE["output"][0]


@pytest.mark.parametrize("redacted", [True, False])
def test_another_familys_signature_returns_through_a_client_of_this_format(redacted: bool) -> None:
    signed: list[Event] = [
        ReasoningDelta("Hm.", family="anthropic"),
        ReasoningDelta(signature="c2ln", family="anthropic"),
    ]
    hidden: list[Event] = [ReasoningDelta(redacted="ZGF0", family="anthropic")]
    body = streamed(*(hidden if redacted else signed), TextDelta("ok"))
    item = body[-1]["response"]["output"][0]
    question = asked(input=[{"role": "user", "content": "hi"}, item, {"role": "assistant", "content": "ok"}])
    blocks = json.loads(CLAUDE.encode_request(question, "claude").body)["messages"][1]["content"]
    plain = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    assert blocks[0] == ({"type": "redacted_thinking", "data": "ZGF0"} if redacted else plain)
    assert all(item.get("type") != "reasoning" for item in sent(question)["input"])


def test_encrypted_content_of_a_chat_provider_keeps_its_items_id() -> None:
    detail = {"type": "reasoning.encrypted", "data": SEALED, "id": "rs_9", "format": "openai-responses-v1", "index": 0}
    message = {"role": "assistant", "content": "ok", "reasoning_details": [detail]}
    answer = {"id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    result = CHAT.decode_result(json.dumps(answer).encode())
    assert json.loads(CHAT.encode_result(result))["choices"][0]["message"]["reasoning_details"] == [detail]
    question = chat(messages=[{"role": "user", "content": "hi"}, message])
    expected = {"type": "reasoning", "id": "rs_9", "summary": [], "encrypted_content": SEALED}
    assert sent(question)["input"][1] == expected
