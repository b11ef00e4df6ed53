"""What the upstreams of the contract suite say: lists, answers with 9 tokens in and 6 out, refusals."""

from __future__ import annotations

import json
from typing import Any

from app.providers.kinds import Kind, UsagePlace
from tests.kinds.cases import MODEL
from tests.upstream import samples
from tests.upstream.samples import JSON, SSE, Sample

TEXT = "Grüße vom Muster 🦉."
INPUT, OUTPUT = 9, 6
LISTED = {MODEL, "sample-small"}

_USAGE = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
_PIECES = ("Grüße", " vom", " Muster 🦉.")


def whole(value: Any, status: int = 200, content_type: str = JSON) -> Sample:
    return Sample(json.dumps(value, ensure_ascii=False).encode(), status, content_type)


def answer(kind: Kind, format_name: str, *, stream: bool, with_usage: bool) -> Sample:
    """`with_usage`: whether an OpenAI stream reports usage at all, where the kind waits to be asked."""
    match format_name:
        case "openai-chat":
            return _openai_stream(kind.usage, with_usage) if stream else samples.OPENAI["text"]
        case "anthropic-messages":
            return samples.ANTHROPIC["stream" if stream else "text"]
        case "gemini":
            return samples.GEMINI["stream" if stream else "text"]
        case "openai-responses":
            return _responses_stream() if stream else whole(_response("completed"))
        case "ollama":
            return _ollama_stream() if stream else whole(_ollama(TEXT, done=True))
        case "cohere-chat":
            return _cohere_stream() if stream else whole(_cohere())
    raise AssertionError(f"what does {format_name} answer?")


def model_list(kind: Kind, query: dict[str, str]) -> Sample:
    """The first page; where the shape has pages, the second with what the first one named."""
    assert kind.models is not None
    names = sorted(LISTED)
    match kind.models.shape:
        case "anthropic":
            second = query.get("after_id") == names[0]
            rows = [{"type": "model", "id": names[second], "display_name": "Sample"}]
            return whole({"data": rows, "has_more": not second, "last_id": names[second]})
        case "gemini":
            second = query.get("pageToken") == "two"
            rows = [{"name": f"models/{names[second]}", "supportedGenerationMethods": ["generateContent"]}]
            return whole({"models": rows, **({} if second else {"nextPageToken": "two"})})
        case "cohere":
            second = query.get("page_token") == "two"
            rows = [{"name": names[second], "endpoints": ["chat"], "context_length": 1000}]
            rows += [{"name": "sample-rerank", "endpoints": ["rerank"]}]
            return whole({"models": rows, "next_page_token": None if second else "two"})
        case "ollama":
            return whole({"models": [{"name": name, "model": name, "size": 1} for name in names]})
        case "github":
            limits = {"max_input_tokens": 1000, "max_output_tokens": 100}
            return whole([{"id": name, "name": "Sample", "limits": limits} for name in names])
        case "together":
            return whole([{"id": name, "type": "chat", "context_length": 1000} for name in names])
        case "azure":
            rows = [{"id": name, "status": "succeeded", "capabilities": {"inference": True}} for name in names]
            return whole({"data": [*rows, {"id": "old", "capabilities": {"inference": False}}], "object": "list"})
    return whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def refusal(kind: Kind, format_name: str, status: int, text: str, code: str) -> Sample:
    """An error in the kind's own shape."""
    match kind.name:
        case "xai":
            return whole({"code": code, "error": text}, 400 if status == 401 else status)
        case "mistral" | "hyperbolic" | "sambanova":
            return whole({"detail": text}, status)
        case "azure-openai":
            return whole({"error": {"code": str(status), "message": text}}, status)
        case "deepseek":
            body = {"error": {"message": text, "type": code, "param": None, "code": code}}
            return whole(body, status, "application/octet-stream")
        case "huggingface":
            return whole({"error": text}, status)
        case "github-models" if status == 429:
            return Sample(text.encode(), status, "text/plain")
    match format_name:
        case "anthropic-messages":
            return whole({"type": "error", "error": {"type": code, "message": text}}, status)
        case "gemini":
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            error: dict[str, Any] = {"code": 400 if status == 401 else status, "message": text, "status": code}
            return whole({"error": error | ({"details": details} if status == 401 else {})}, error["code"])
        case "ollama":
            return whole({"error": text}, status)
        case "cohere-chat":
            return whole({"id": "sample", "message": text}, status)
    return whole({"error": {"message": text, "type": code, "param": None, "code": code}}, status)


def _chunk(delta: dict[str, Any], finish: str | None = None, usage: dict[str, int] | None = None) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1780000000, "model": MODEL}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**head, "choices": [choice], **({"usage": usage} if usage else {})}


def _openai_stream(place: UsagePlace, with_usage: bool) -> Sample:
    so_far = [
        {"prompt_tokens": INPUT, "completion_tokens": count, "total_tokens": INPUT + count} for count in (1, 3, 5)
    ]
    every = place is UsagePlace.EVERY_CHUNK
    chunks = [
        _chunk({"role": "assistant", "content": piece}, None, used if every else None)
        for piece, used in zip(_PIECES, so_far, strict=True)
    ]
    at_finish = with_usage and place in (UsagePlace.FINISH_CHUNK, UsagePlace.BOTH, UsagePlace.EVERY_CHUNK)
    chunks.append(_chunk({}, "stop", _USAGE if at_finish else None))
    if with_usage and place is UsagePlace.AFTER_FINISH:
        chunks.append(_chunk({"role": "assistant", "content": ""}, None, _USAGE))
    if with_usage and place in (UsagePlace.EXTRA_CHUNK, UsagePlace.BOTH):
        chunks.append(_chunk({}) | {"choices": [], "usage": _USAGE})
    return _events(*chunks, end=b"data: [DONE]\n\n")


def _events(*values: Any, end: bytes = b"", named: bool = False) -> Sample:
    lines = []
    for value in values:
        name = f"event: {value['type']}\n" if named else ""
        lines.append(f"{name}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode())
    return Sample(b"".join(lines) + end, content_type=SSE)


def _response(status: str) -> dict[str, Any]:
    done = status == "completed"
    part = {"type": "output_text", "text": TEXT, "annotations": []}
    message = {"type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": [part]}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": INPUT, "output_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT, **details}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1780000000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": MODEL,
        "output": [message] if done else [],
        "usage": usage if done else None,
    }


def _responses_stream() -> Sample:
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    message = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}
    empty = {"type": "output_text", "text": "", "annotations": []}
    full = {**empty, "text": TEXT}
    finished = _response("completed")
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress")},
        {"type": "response.in_progress", "response": _response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {"type": "response.content_part.added", **where, "part": empty},
        *({"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []} for piece in _PIECES),
        {"type": "response.output_text.done", **where, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **where, "part": full},
        {"type": "response.output_item.done", "output_index": 0, "item": finished["output"][0]},
        {"type": "response.completed", "response": finished},
    ]
    return _events(*({**event, "sequence_number": number} for number, event in enumerate(events)), named=True)


def _ollama(text: str, *, done: bool) -> dict[str, Any]:
    head: dict[str, Any] = {"model": MODEL, "created_at": "2026-11-21T10:00:00.5Z", "done": done}
    end = {"done_reason": "stop", "prompt_eval_count": INPUT, "eval_count": OUTPUT, "total_duration": 5}
    return {**head, "message": {"role": "assistant", "content": text}, **(end if done else {})}


def _ollama_stream() -> Sample:
    lines = [*(_ollama(piece, done=False) for piece in _PIECES), _ollama("", done=True)]
    body = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return Sample(body.encode(), content_type="application/x-ndjson")


_COHERE_USAGE = {
    "billed_units": {"input_tokens": 2, "output_tokens": OUTPUT},
    "tokens": {"input_tokens": INPUT, "output_tokens": OUTPUT},
}


def _cohere() -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"type": "text", "text": TEXT}]}
    return {"id": "sample", "finish_reason": "COMPLETE", "message": message, "usage": _COHERE_USAGE}


def _cohere_stream() -> Sample:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    return _events(
        {"type": "message-start", "id": "sample", "delta": {"message": start}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *(
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
            for piece in _PIECES
        ),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "id": "sample", "delta": {"finish_reason": "COMPLETE", "usage": _COHERE_USAGE}},
        named=True,
    )
