"""Hand-written answers of the wire formats, small enough to read in a failing test."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

JSON = "application/json"
SSE = "text/event-stream"


class Sample(NamedTuple):
    body: bytes
    status: int = 200
    content_type: str = JSON


def whole(value: Any, status: int = 200) -> Sample:
    return Sample(json.dumps(value, ensure_ascii=False).encode(), status)


def data_events(*events: Any, done: bool = False) -> Sample:
    lines = [b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n" for event in events]
    return Sample(b"".join(lines) + (b"data: [DONE]\n\n" if done else b""), content_type=SSE)


def named_events(*events: dict[str, Any]) -> Sample:
    lines = [f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events]
    return Sample(b"".join(lines), content_type=SSE)


# --- OpenAI chat -----------------------------------------------------------------------------------------------

_OPENAI_USAGE = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


def _openai_message(message: dict[str, Any], finish: str) -> Sample:
    return whole(
        {
            "id": "chatcmpl-sample1",
            "object": "chat.completion",
            "created": 1780000000,
            "model": "sample-model",
            "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
            "usage": _OPENAI_USAGE,
        }
    )


def _openai_chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-sample1",
        "object": "chat.completion.chunk",
        "created": 1780000000,
        "model": "sample-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _openai_call(**fields: Any) -> dict[str, Any]:
    return _openai_chunk({"tool_calls": [{"index": 0, **fields}]})


_OPENAI_USAGE_CHUNK = {**_openai_chunk({}), "choices": [], "usage": _OPENAI_USAGE}
_OPENAI_TEXT = [
    _openai_chunk({"role": "assistant", "content": ""}),
    _openai_chunk({"content": "Grüße"}),
    _openai_chunk({"content": " vom"}),
    _openai_chunk({"content": " Muster 🦉."}),
    _openai_chunk({}, "stop"),
]


def _openai_error(status: int, message: str, kind: str, code: str | None) -> Sample:
    return whole({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


OPENAI = {
    "text": _openai_message({"content": "Grüße vom Muster 🦉."}, "stop"),
    "stream": data_events(*_OPENAI_TEXT, _OPENAI_USAGE_CHUNK, done=True),
    "stream-no-usage": data_events(*_OPENAI_TEXT, done=True),
    "tools": _openai_message(
        {
            "content": None,
            "tool_calls": [
                {
                    "id": "call_sample1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Bern"}'},
                }
            ],
        },
        "tool_calls",
    ),
    "stream-tools": data_events(
        _openai_chunk({"role": "assistant", "content": None}),
        _openai_call(id="call_sample1", type="function", function={"name": "get_weather", "arguments": ""}),
        _openai_call(function={"arguments": '{"city"'}),
        _openai_call(function={"arguments": ':"Bern"}'}),
        _openai_chunk({}, "tool_calls"),
        _OPENAI_USAGE_CHUNK,
        done=True,
    ),
    "stream-error": data_events(
        _OPENAI_TEXT[0],
        _OPENAI_TEXT[1],
        {"error": {"message": "The sample engine stopped.", "type": "server_error", "code": 502}},
    ),
    "error-400": _openai_error(400, "Unknown parameter: 'colour'.", "invalid_request_error", "unknown_parameter"),
    "error-401": _openai_error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "error-404": _openai_error(404, "The model `nothing` does not exist.", "invalid_request_error", "model_not_found"),
    "error-context": _openai_error(
        400,
        "This model's maximum context length is 100 tokens, and your messages have 200.",
        "invalid_request_error",
        "context_length_exceeded",
    ),
    "error-policy": _openai_error(
        400, "The request was rejected by the content policy.", "invalid_request_error", "content_policy_violation"
    ),
    "embeddings": whole(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 0.125]}],
            "model": "sample-embedding",
            "usage": {"prompt_tokens": 4, "total_tokens": 4},
        }
    ),
}
OPENAI_MODELS = whole(
    {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 1780000000, "owned_by": "samples"}
            for name in ("sample-model", "sample-small", "sample-embedding")
        ],
    }
)

# --- Anthropic messages ----------------------------------------------------------------------------------------


def _anthropic_message(content: list[dict[str, Any]], stop: str | None, usage: dict[str, int]) -> dict[str, Any]:
    return {
        "id": "msg_sample1",
        "type": "message",
        "role": "assistant",
        "model": "sample-model",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
    }


_ANTHROPIC_START = {
    "type": "message_start",
    "message": _anthropic_message([], None, {"input_tokens": 9, "output_tokens": 1}),
}


def _anthropic_delta(delta: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def _anthropic_end(stop: str) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 6},
        },
        {"type": "message_stop"},
    ]


def _anthropic_block(block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": 0, "content_block": block}


def _anthropic_error(status: int, kind: str, message: str) -> Sample:
    return whole({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_sample"}, status)


_ANTHROPIC_CALL = {"type": "tool_use", "id": "toolu_sample1", "name": "get_weather"}

ANTHROPIC = {
    "text": whole(
        _anthropic_message(
            [{"type": "text", "text": "Grüße vom Muster 🦉."}], "end_turn", {"input_tokens": 9, "output_tokens": 6}
        )
    ),
    "stream": named_events(
        _ANTHROPIC_START,
        _anthropic_block({"type": "text", "text": ""}),
        {"type": "ping"},
        _anthropic_delta({"type": "text_delta", "text": "Grüße"}),
        _anthropic_delta({"type": "text_delta", "text": " vom"}),
        _anthropic_delta({"type": "text_delta", "text": " Muster 🦉."}),
        *_anthropic_end("end_turn"),
    ),
    "tools": whole(
        _anthropic_message(
            [{**_ANTHROPIC_CALL, "input": {"city": "Bern"}}], "tool_use", {"input_tokens": 9, "output_tokens": 6}
        )
    ),
    "stream-tools": named_events(
        _ANTHROPIC_START,
        _anthropic_block({**_ANTHROPIC_CALL, "input": {}}),
        _anthropic_delta({"type": "input_json_delta", "partial_json": ""}),
        _anthropic_delta({"type": "input_json_delta", "partial_json": '{"city"'}),
        _anthropic_delta({"type": "input_json_delta", "partial_json": ': "Bern"}'}),
        *_anthropic_end("tool_use"),
    ),
    "stream-error": named_events(
        _ANTHROPIC_START,
        _anthropic_block({"type": "text", "text": ""}),
        _anthropic_delta({"type": "text_delta", "text": "Grüße"}),
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ),
    "error-400": _anthropic_error(400, "invalid_request_error", "colour: Extra inputs are not permitted"),
    "error-401": _anthropic_error(401, "authentication_error", "invalid x-api-key"),
    "error-404": _anthropic_error(404, "not_found_error", "model: nothing"),
    "error-context": _anthropic_error(400, "invalid_request_error", "prompt is too long: 200 tokens > 100 maximum"),
    "error-policy": _anthropic_error(
        400, "invalid_request_error", "Output blocked by content filtering policy: content policy"
    ),
    "count": whole({"input_tokens": 9}),
}
ANTHROPIC_MODELS = [
    whole(
        {
            "data": [
                {"type": "model", "id": name, "display_name": name.title(), "created_at": "2026-05-01T00:00:00Z"}
                for name in page
            ],
            "has_more": more,
            "first_id": page[0],
            "last_id": page[-1],
        }
    )
    for page, more in ((("sample-model", "sample-small"), True), (("sample-large",), False))
]

# --- Gemini ----------------------------------------------------------------------------------------------------


def _gemini_piece(
    parts: list[dict[str, Any]], finish: str | None = None, usage: dict[str, int] | None = None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    piece: dict[str, Any] = {"candidates": [candidate], "modelVersion": "sample-model", "responseId": "sample1"}
    if usage:
        piece["usageMetadata"] = usage
    return piece


def _gemini_error(status: int, name: str, message: str, reason: str | None = None) -> Sample:
    error: dict[str, Any] = {"code": status, "message": message, "status": name}
    if reason:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return whole({"error": error}, status)


_GEMINI_USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 6, "totalTokenCount": 15}
_GEMINI_CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Bern"}}}
_GEMINI_STREAM = [
    _gemini_piece([{"text": "Grüße"}]),
    _gemini_piece([{"text": " vom"}]),
    _gemini_piece([{"text": " Muster 🦉."}], "STOP", _GEMINI_USAGE),
]

GEMINI = {
    "text": whole(_gemini_piece([{"text": "Grüße vom Muster 🦉."}], "STOP", _GEMINI_USAGE)),
    "stream": data_events(*_GEMINI_STREAM),
    "stream-array": whole(_GEMINI_STREAM),
    "tools": whole(_gemini_piece([_GEMINI_CALL], "STOP", _GEMINI_USAGE)),
    "stream-tools": data_events(_gemini_piece([_GEMINI_CALL], "STOP", _GEMINI_USAGE)),
    "error-400": _gemini_error(400, "INVALID_ARGUMENT", 'Unknown name "colour": Cannot find field.'),
    "error-401": _gemini_error(400, "INVALID_ARGUMENT", "API key not valid.", "API_KEY_INVALID"),
    "error-404": _gemini_error(404, "NOT_FOUND", "models/nothing is not found for API version v1beta."),
    "error-context": _gemini_error(
        400, "INVALID_ARGUMENT", "The input token count (200) exceeds the maximum number of tokens allowed (100)."
    ),
    "count": whole({"totalTokens": 9}),
    "embedding": whole({"embedding": {"values": [0.25, -0.5, 0.125]}}),
    "embeddings": whole({"embeddings": [{"values": [0.25, -0.5, 0.125]}]}),
}
GEMINI_MODELS = [
    whole(
        {
            "models": [
                {
                    "name": f"models/{name}",
                    "displayName": name.title(),
                    "inputTokenLimit": 1000,
                    "outputTokenLimit": 100,
                    "supportedGenerationMethods": [method],
                }
                for name, method in page
            ],
            **more,
        }
    )
    for page, more in (
        ((("sample-model", "generateContent"), ("sample-embedding", "embedContent")), {"nextPageToken": "two"}),
        ((("sample-small", "generateContent"),), {}),
    )
]
