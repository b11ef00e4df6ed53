"""Hand-written answers of OpenAI's endpoints beside chat, by the path that they answer."""

from __future__ import annotations

from typing import Any

from tests.upstream.samples import JSON, SSE, Sample, data_events, named_events, whole

TEXT = "Grüße vom Muster 🦉."
SOUND = bytes(range(256)) * 400  # no real sound, but all bytes there are
USAGE = {"input_tokens": 9, "output_tokens": 6, "total_tokens": 15}

# --- text completions ------------------------------------------------------------------------------------------

_COMPLETION_USAGE = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}


def _completion(text: str, finish: str | None) -> dict[str, Any]:
    return {
        "id": "cmpl-sample1",
        "object": "text_completion",
        "created": 1780000000,
        "model": "sample-model",
        "choices": [{"text": text, "index": 0, "logprobs": None, "finish_reason": finish}],
    }


_COMPLETION_TEXT = [_completion("Grüße", None), _completion(" vom", None), _completion(" Muster 🦉.", "stop")]
_COMPLETION_END = {**_completion("", None), "choices": [], "usage": _COMPLETION_USAGE}

# --- responses -------------------------------------------------------------------------------------------------


def _response(status: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_sample1",
        "object": "response",
        "created_at": 1780000000,
        "status": status,
        "model": "sample-model",
        "output": [],
        "usage": None,
        **fields,
    }


_PART = {"type": "output_text", "text": TEXT, "annotations": []}
_MESSAGE = {
    "type": "message",
    "id": "msg_sample1",
    "status": "completed",
    "role": "assistant",
    "content": [_PART],
}
_WHOLE_RESPONSE = _response("completed", output=[_MESSAGE], usage=USAGE)
_AT = {"item_id": "msg_sample1", "output_index": 0, "content_index": 0}

# --- by path and whether a stream is asked for -------------------------------------------------------------------

OPERATIONS: dict[tuple[str, bool], Sample] = {
    ("completions", False): whole({**_completion(TEXT, "stop"), "usage": _COMPLETION_USAGE}),
    ("completions", True): data_events(*_COMPLETION_TEXT, done=True),
    ("completions+usage", True): data_events(*_COMPLETION_TEXT, _COMPLETION_END, done=True),
    ("responses", False): whole(_WHOLE_RESPONSE),
    ("responses", True): named_events(
        {"type": "response.created", "sequence_number": 0, "response": _response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**_MESSAGE, "content": []}},
        {"type": "response.content_part.added", **_AT, "part": {**_PART, "text": ""}},
        {"type": "response.output_text.delta", **_AT, "delta": "Grüße"},
        {"type": "response.output_text.delta", **_AT, "delta": " vom Muster 🦉."},
        {"type": "response.output_text.done", **_AT, "text": TEXT},
        {"type": "response.content_part.done", **_AT, "part": _PART},
        {"type": "response.output_item.done", "output_index": 0, "item": _MESSAGE},
        {"type": "response.completed", "sequence_number": 6, "response": _WHOLE_RESPONSE},
    ),
    ("images/generations", False): whole({"created": 1780000000, "data": [{"b64_json": "iVBORw0="}], "usage": USAGE}),
    ("images/generations", True): named_events(
        {"type": "image_generation.partial_image", "b64_json": "iVBO", "partial_image_index": 0},
        {"type": "image_generation.completed", "b64_json": "iVBORw0=", "usage": USAGE},
    ),
    ("moderations", False): whole(
        {"id": "modr-sample1", "model": "sample-model", "results": [{"flagged": False, "categories": {"hate": False}}]}
    ),
    ("audio/speech", False): Sample(SOUND, content_type="audio/mpeg"),
    ("audio/speech", True): named_events(
        {"type": "speech.audio.delta", "audio": "AAEC"},
        {"type": "speech.audio.done", "usage": USAGE},
    ),
    ("audio/transcriptions", False): whole({"text": TEXT, "usage": {"type": "tokens", **USAGE}}),
    ("audio/transcriptions", True): named_events(
        {"type": "transcript.text.delta", "delta": "Grüße"},
        {"type": "transcript.text.done", "text": TEXT, "usage": {"type": "tokens", **USAGE}},
    ),
}

# what a form's `response_format` asks for
TRANSCRIPTS = {
    "text": Sample(f"{TEXT}\n".encode(), content_type="text/plain; charset=utf-8"),
    "srt": Sample(f"1\n00:00:00,000 --> 00:00:02,000\n{TEXT}\n".encode(), content_type="text/plain; charset=utf-8"),
    "verbose_json": whole({"task": "transcribe", "language": "german", "duration": 30.5, "text": TEXT}),
}

# always the same, whatever is asked: the names of samples
ODD = {
    "json-error": Sample(b'{"error": {"message": "The sample voice is hoarse.", "code": 503}}', 200, JSON),
    "events-cut": Sample(b'data: {"type":"speech.audio.delta","audio":"AAEC"}\n\n', content_type=SSE),
    "empty": Sample(b"", content_type="audio/mpeg"),
}


def find(path: str, body: Any, raw: bytes) -> Sample | None:
    """The answer at a path of OpenAI's, if it is one of these."""
    asked = body if isinstance(body, dict) else {}
    name = next((name for name, _ in OPERATIONS if path.endswith(f"/{name}") or path == name), None)
    if name is None or path.endswith("chat/completions"):
        return None
    if name == "audio/transcriptions":
        wanted = next((each for each in TRANSCRIPTS if f"\r\n\r\n{each}\r\n".encode() in raw), None)
        if wanted is not None:
            return TRANSCRIPTS[wanted]
        return OPERATIONS[name, b'name="stream"\r\n\r\ntrue' in raw]
    stream = asked.get("stream_format") == "sse" or bool(asked.get("stream"))
    if name == "completions" and stream and (asked.get("stream_options") or {}).get("include_usage"):
        name = "completions+usage"
    return OPERATIONS[name, stream]
