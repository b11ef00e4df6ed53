"""Hand-written answers and questions of each format, for tests that need no recordings."""

from __future__ import annotations

import json
from typing import Any

SEALED = "Z0FBQUFB"  # a thought as its provider encrypts it
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1760000000,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "small-1",
    "output": [
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Look outside."}],
            "encrypted_content": SEALED,
        },
        {
            "id": "msg_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "It rains.", "annotations": [], "logprobs": []}],
        },
        {
            "id": "fc_1",
            "type": "function_call",
            "status": "completed",
            "call_id": "call_a",
            "name": "weather",
            "arguments": '{"city":"Oslo"}',
        },
    ],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "usage": {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 8},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    },
}

RESULTS: dict[str, bytes] = {
    "openai-chat": json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1760000000,
            "model": "small-1",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": "It rains.",
                        "reasoning_content": "Look outside.",
                        "tool_calls": [
                            {
                                "id": "call_a",
                                "type": "function",
                                "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
                            },
                            {"id": "call_b", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                        ],
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 20,
                "completion_tokens": 9,
                "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 4},
            },
        }
    ).encode(),
    "anthropic-messages": json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "small-1",
            "content": [
                {"type": "thinking", "thinking": "Look outside.", "signature": "c2lnbmVk"},
                {"type": "text", "text": "It rains."},
                {"type": "tool_use", "id": "toolu_a", "name": "weather", "input": {"city": "Oslo"}},
            ],
            "stop_reason": "tool_use",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 10,
                "cache_read_input_tokens": 8,
                "cache_creation_input_tokens": 2,
                "output_tokens": 9,
            },
        }
    ).encode(),
    "gemini": json.dumps(
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [
                            {"text": "Look outside.", "thought": True},
                            {"text": "It rains."},
                            {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"},
                            {"functionCall": {"name": "now"}},
                        ],
                    },
                    "finishReason": "STOP",
                }
            ],
            "usageMetadata": {
                "promptTokenCount": 20,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 4,
                "totalTokenCount": 29,
                "cachedContentTokenCount": 8,
            },
            "modelVersion": "small-1",
            "responseId": "resp-1",
        }
    ).encode(),
    "openai-responses": json.dumps(RESPONSE).encode(),
}


def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
    value = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "small-1"}
    return b"data: " + json.dumps(value | {"choices": choices} | more).encode() + b"\n\n"


def delta(finish: str | None = None, **fields: Any) -> bytes:
    return chunk([{"index": 0, "delta": fields, "finish_reason": finish}])


def named(event: str, **fields: Any) -> bytes:
    return f"event: {event}\ndata: {json.dumps({'type': event, **fields})}   \n\n".encode()


def candidate(parts: list[dict[str, Any]] | None, finish: str | None = None, **usage: int) -> bytes:
    value: dict[str, Any] = {"content": {"parts": parts, "role": "model"} if parts is not None else {}}
    if finish:
        value["finishReason"] = finish
    whole: dict[str, Any] = {"candidates": [value], "modelVersion": "small-1", "responseId": "resp-1"}
    if usage:
        whole["usageMetadata"] = usage
    return b"data: " + json.dumps(whole).encode() + b"\r\n\r\n"


def responses(*events: tuple[str, dict[str, Any]]) -> bytes:
    """Events of Responses, numbered."""
    numbered = (
        (kind, {"type": kind, "sequence_number": number, **fields}) for number, (kind, fields) in enumerate(events)
    )
    return b"".join(f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode() for kind, value in numbered)


_THOUGHT, _SAID, _CALL = RESPONSE["output"]
_BEGUN = RESPONSE | {"status": "in_progress", "output": [], "usage": None}
_AT = [{"output_index": number, "item_id": item["id"]} for number, item in enumerate(RESPONSE["output"])]

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}

STREAMS: dict[str, bytes] = {
    "openai-chat": b": ping\n\n"
    + delta(role="assistant", content="")
    + delta(reasoning_content="Look outside.")
    + delta(content="It ")
    + delta(content="rains.")
    + delta(
        tool_calls=[{"index": 0, "id": "call_a", "type": "function", "function": {"name": "weather", "arguments": ""}}]
    )
    + delta(tool_calls=[{"index": 0, "id": "", "function": {"arguments": '{"city":'}}])
    + delta(tool_calls=[{"index": 0, "id": None, "type": "function", "function": {"arguments": '"Oslo"}'}}])
    + delta("stop")
    + chunk([], usage=USAGE)
    + DONE,
    "anthropic-messages": named(
        "message_start",
        message={
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "small-1",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 10, "output_tokens": 1},
        },
    )
    + named("ping")
    + named("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""})
    + named("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Look outside."})
    + named("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2lnbmVk"})
    + named("content_block_stop", index=0)
    + named("content_block_start", index=1, content_block={"type": "text", "text": ""})
    + named("content_block_delta", index=1, delta={"type": "text_delta", "text": "It rains."})
    + named("content_block_stop", index=1)
    + named(
        "content_block_start",
        index=2,
        content_block={"type": "tool_use", "id": "toolu_a", "name": "weather", "input": {}},
    )
    + named("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": ""})
    + named("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"city":"Oslo"}'})
    + named("content_block_stop", index=2)
    + named("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 9})
    + named("message_stop"),
    "gemini": candidate([{"text": "Look outside.", "thought": True}], promptTokenCount=20, totalTokenCount=20)
    + candidate([{"text": "It rains."}], promptTokenCount=20, candidatesTokenCount=3, totalTokenCount=23)
    + candidate(
        [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}], promptTokenCount=20, totalTokenCount=20
    )
    + candidate(
        [{"text": "", "thoughtSignature": "c2ln"}],
        "STOP",
        promptTokenCount=20,
        candidatesTokenCount=5,
        thoughtsTokenCount=4,
        totalTokenCount=29,
    ),
    "openai-responses": responses(
        ("response.created", {"response": _BEGUN}),
        ("response.in_progress", {"response": _BEGUN}),
        ("response.output_item.added", {"output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "summary": []}}),
        ("response.reasoning_summary_text.delta", {**_AT[0], "summary_index": 0, "delta": "Look "}),
        ("response.reasoning_summary_text.delta", {**_AT[0], "summary_index": 0, "delta": "outside."}),
        ("response.output_item.done", {"output_index": 0, "item": _THOUGHT}),
        ("response.output_item.added", {"output_index": 1, "item": _SAID | {"content": []}}),
        ("response.output_text.delta", {**_AT[1], "content_index": 0, "delta": "It ", "obfuscation": "x8"}),
        ("keepalive", {}),
        ("response.output_text.delta", {**_AT[1], "content_index": 0, "delta": "rains."}),
        ("response.output_text.done", {**_AT[1], "content_index": 0, "text": "It rains."}),
        ("response.output_item.done", {"output_index": 1, "item": _SAID}),
        ("response.output_item.added", {"output_index": 2, "item": _CALL | {"arguments": ""}}),
        ("response.function_call_arguments.delta", {**_AT[2], "delta": '{"city":'}),
        ("response.function_call_arguments.delta", {**_AT[2], "delta": '"Oslo"}'}),
        ("response.function_call_arguments.done", {**_AT[2], "arguments": '{"city":"Oslo"}'}),
        ("response.output_item.done", {"output_index": 2, "item": _CALL}),
        ("response.completed", {"response": RESPONSE}),
    ),
}

PICTURE = "iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

REQUESTS: dict[str, dict[str, Any]] = {
    "openai-chat": {
        "model": "small-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is the weather there?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}", "detail": "low"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": "rain"},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "description": "Now", "parameters": SCHEMA}}],
        "tool_choice": "auto",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 100,
        "stop": ["END"],
        "stream": True,
    },
    "anthropic-messages": {
        "model": "small-1",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is the weather there?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"},
                    {"type": "tool_use", "id": "toolu_a", "name": "weather", "input": {"city": "Oslo"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_a", "content": "rain"}]},
        ],
        "tools": [{"name": "weather", "description": "Now", "input_schema": SCHEMA}],
        "tool_choice": {"type": "auto"},
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "stream": True,
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "What is the weather there?"},
                    {"inline_data": {"mime_type": "image/png", "data": PICTURE}},
                ],
            },
            {
                "role": "model",
                "parts": [{"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"}],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"result": "rain"}}}]},
        ],
        "tools": [
            {"functionDeclarations": [{"name": "weather", "description": "Now", "parametersJsonSchema": SCHEMA}]}
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        "generationConfig": {"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 100, "stopSequences": ["END"]},
    },
    "openai-responses": {
        "model": "small-1",
        "instructions": "Be brief.",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is the weather there?"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}", "detail": "low"},
                ],
            },
            {"type": "function_call", "call_id": "call_a", "name": "weather", "arguments": '{"city":"Oslo"}'},
            {"type": "function_call_output", "call_id": "call_a", "output": "rain"},
        ],
        "tools": [{"type": "function", "name": "weather", "description": "Now", "parameters": SCHEMA, "strict": False}],
        "tool_choice": "auto",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 100,
        "stream": True,
    },
}
# what a format has no word for, and refuses
STOPLESS = {"openai-responses"}


def request(name: str, **changes: Any) -> bytes:
    """A question of this format; None removes a field."""
    value = REQUESTS[name] | changes
    return json.dumps({key: item for key, item in value.items() if item is not None}).encode()
