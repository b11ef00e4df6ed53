"""What providers of each format answer: a thought, text, a call, whole or as a stream, written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.upstream.samples import JSON, Sample, data_events, named_events, whole

SIGNATURE = "c2lnbmVkIGJ5IHRoZSBtYWtlcg=="


@dataclass(frozen=True)
class Said:
    """`call` is a function's name and its arguments. 9 tokens in, 6 out, wherever tokens are counted."""

    text: str = ""
    thought: str = ""
    call: tuple[str, dict[str, Any]] | None = None

    @property
    def arguments(self) -> str:
        assert self.call is not None
        return json.dumps(self.call[1])


def answer(format: str, said: Said, *, stream: bool) -> Sample:
    return _FORMATS[format](said, stream)


def _chat(said: Said, stream: bool) -> Sample:
    base = {"id": "chatcmpl-1", "created": 1780000000, "model": "sample-model"}
    usage = {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}
    call: dict[str, Any] = {"id": "call_1", "type": "function"}
    if said.call:
        call["function"] = {"name": said.call[0], "arguments": said.arguments}
    finish = "tool_calls" if said.call else "stop"
    if not stream:
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
        if said.thought:
            message["reasoning_content"] = said.thought
        if said.call:
            message["tool_calls"] = [call]
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return whole({**base, "object": "chat.completion", "choices": [choice], "usage": usage})

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**base, "object": "chat.completion.chunk", "choices": [choice]}

    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _halves(said.thought)]
    deltas += [{"content": piece} for piece in _halves(said.text)]
    if said.call:
        deltas.append({"tool_calls": [{"index": 0, **call, "function": {"name": said.call[0], "arguments": ""}}]})
        pieces = _halves(said.arguments)
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    end = [chunk({}, finish), {**chunk({}), "choices": [], "usage": usage}]
    return data_events(*[chunk(delta) for delta in deltas], *end, done=True)


def _responses(said: Said, stream: bool) -> Sample:
    items: list[dict[str, Any]] = []
    if said.thought:
        summary = [{"type": "summary_text", "text": said.thought}]
        items.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SIGNATURE})
    if said.text:
        part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
        items.append({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]})
    if said.call:
        named = {"call_id": "call_1", "name": said.call[0], "arguments": said.arguments}
        items.append({"type": "function_call", "id": "fc_1", "status": "completed", **named})
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1780000000,
        "model": "sample-model",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    usage = {"input_tokens": 9, "output_tokens": 6, "total_tokens": 15, **details}
    done = {**response, "status": "completed", "output": items, "usage": usage}
    if not stream:
        return whole(done)
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for number, item in enumerate(items):
        at = {"output_index": number, "item_id": item["id"]}
        empty = {"reasoning": {"summary": []}, "message": {"content": []}, "function_call": {"arguments": ""}}
        events.append(
            {"type": "response.output_item.added", "output_index": number, "item": {**item, **empty[item["type"]]}}
        )
        if item["type"] == "reasoning":
            more = {**at, "summary_index": 0}
            kind, text = "response.reasoning_summary_text", said.thought
            empty_part = {"type": "summary_text", "text": ""}
            events.append({"type": "response.reasoning_summary_part.added", **more, "part": empty_part})
        elif item["type"] == "message":
            more = {**at, "content_index": 0, "logprobs": []}
            kind, text = "response.output_text", said.text
            empty_text = {"type": "output_text", "text": "", "annotations": []}
            events.append({"type": "response.content_part.added", **at, "content_index": 0, "part": empty_text})
        else:
            more, kind, text = at, "response.function_call_arguments", said.arguments
        events += [{"type": f"{kind}.delta", **more, "delta": piece} for piece in _halves(text)]
        name = "arguments" if item["type"] == "function_call" else "text"
        events.append({"type": f"{kind}.done", **more, name: text})
        events.append({"type": "response.output_item.done", "output_index": number, "item": item})
    events.append({"type": "response.completed", "response": done})
    return named_events(*[{**event, "sequence_number": number} for number, event in enumerate(events)])


def _messages(said: Said, stream: bool) -> Sample:
    blocks: list[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = []  # whole, as it starts, its deltas
    if said.thought:
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _halves(said.thought)]
        deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        block = {"type": "thinking", "thinking": said.thought, "signature": SIGNATURE}
        blocks.append((block, {**block, "thinking": "", "signature": ""}, deltas))
    if said.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in _halves(said.text)]
        blocks.append(({"type": "text", "text": said.text}, {"type": "text", "text": ""}, deltas))
    if said.call:
        block = {"type": "tool_use", "id": "toolu_1", "name": said.call[0], "input": said.call[1]}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_halves(said.arguments))]
        blocks.append((block, {**block, "input": {}}, deltas))
    stop = {"stop_reason": "tool_use" if said.call else "end_turn", "stop_sequence": None}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "sample-model"}
    if not stream:
        usage = {"input_tokens": 9, "output_tokens": 6}
        return whole({**message, **stop, "content": [block for block, _, _ in blocks], "usage": usage})
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**begun, "usage": {"input_tokens": 9, "output_tokens": 1}}},
        {"type": "ping"},
    ]
    for number, (_, start, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": number, "content_block": start})
        events += [{"type": "content_block_delta", "index": number, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": number})
    events += [{"type": "message_delta", "delta": stop, "usage": {"output_tokens": 6}}, {"type": "message_stop"}]
    return named_events(*events)


def _gemini(said: Said, stream: bool) -> Sample:
    pieces = _halves if stream else _all
    parts: list[dict[str, Any]] = [{"text": piece, "thought": True} for piece in pieces(said.thought)]
    parts += [{"text": piece} for piece in pieces(said.text)]
    if said.call:
        call: dict[str, Any] = {"functionCall": {"name": said.call[0], "args": said.call[1]}}
        parts.append({**call, "thoughtSignature": SIGNATURE} if said.thought else call)
    base = {"modelVersion": "sample-model", "responseId": "sample1"}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 6, "totalTokenCount": 15}

    def piece(parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **more}
        return {"candidates": [candidate], **base}

    if not stream:
        return whole({**piece(parts, finishReason="STOP"), "usageMetadata": usage})
    first = [piece([part]) for part in parts[:-1]]
    return data_events(*first, {**piece(parts[-1:], finishReason="STOP"), "usageMetadata": usage})


def _ollama(said: Said, stream: bool) -> Sample:
    base = {"model": "sample-model", "created_at": "2026-11-01T00:00:00Z"}
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 6}
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.thought:
        message["thinking"] = said.thought
    if said.call:
        message["tool_calls"] = [{"function": {"name": said.call[0], "arguments": said.call[1]}}]
    if not stream:
        return whole({**base, "message": message, **end})
    pieces = [{"content": "", "thinking": piece} for piece in _halves(said.thought)]
    pieces += [{"content": piece} for piece in _halves(said.text)]
    if said.call:
        pieces.append({"content": "", "tool_calls": message["tool_calls"]})
    lines = [{**base, "message": {"role": "assistant", **piece}, "done": False} for piece in pieces]
    lines.append({**base, "message": {"role": "assistant", "content": ""}, **end})
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return Sample(body, content_type="application/x-ndjson")


def _cohere(said: Said, stream: bool) -> Sample:
    usage = {"tokens": {"input_tokens": 9, "output_tokens": 6}}
    finish = "TOOL_CALL" if said.call else "COMPLETE"
    content: list[dict[str, Any]] = []
    if said.thought:
        content.append({"type": "thinking", "thinking": said.thought})
    if said.text:
        content.append({"type": "text", "text": said.text})
    function = {"name": said.call[0], "arguments": said.arguments} if said.call else {}
    call = {"id": "call_1", "type": "function", "function": function}
    if not stream:
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if said.call:
            message["tool_calls"] = [call]
        return whole({"id": "sample1", "finish_reason": finish, "message": message, "usage": usage})
    events: list[dict[str, Any]] = [
        {"type": "message-start", "id": "sample1", "delta": {"message": {"role": "assistant", "content": []}}}
    ]
    for number, part in enumerate(content):
        kind = part["type"]
        start = {"content": {"type": kind, kind: ""}}
        events.append({"type": "content-start", "index": number, "delta": {"message": start}})
        for piece in _halves(part[kind]):
            delta = {"message": {"content": {kind: piece}}}
            events.append({"type": "content-delta", "index": number, "delta": delta})
        events.append({"type": "content-end", "index": number})
    if said.call:
        start = {"tool_calls": {**call, "function": {**function, "arguments": ""}}}
        events.append({"type": "tool-call-start", "index": 0, "delta": {"message": start}})
        for piece in _halves(said.arguments):
            delta = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
            events.append({"type": "tool-call-delta", "index": 0, "delta": delta})
        events.append({"type": "tool-call-end", "index": 0})
    events.append({"type": "message-end", "delta": {"finish_reason": finish, "usage": usage}})
    return named_events(*events)


def _halves(text: str) -> list[str]:
    middle = len(text) // 2
    return [piece for piece in (text[:middle], text[middle:]) if piece]


def _all(text: str) -> list[str]:
    return [text] if text else []


_FORMATS: dict[str, Callable[[Said, bool], Sample]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _messages,
    "gemini": _gemini,
    "ollama": _ollama,
    "cohere-chat": _cohere,
}
FORMATS = sorted(_FORMATS)


def refusal(status: int, message: str = "The sample is not well.") -> Sample:
    """An error as most providers write it."""
    return Sample(json.dumps({"error": {"message": message, "type": "error", "code": status}}).encode(), status, JSON)
