"""A whole answer of Cohere's chat, read: of the second API, and of the first."""

from __future__ import annotations

from typing import Any

from app.core.chat import ChatResult, Choice, Part, Reasoning, Text, ToolCall
from app.core.errors import UnreadableAnswer
from app.formats.cohere_chat.words import FAMILY, failure, read_citation, read_finish, read_logprobs, read_usage
from app.formats.payload import as_count, as_dict, as_dicts, as_text, dump_text, read_answer
from app.formats.tool_ids import made_id


def decode_result(body: bytes) -> ChatResult:
    return result_of(read_answer(body), body)


def result_of(value: dict[str, Any], body: bytes = b"") -> ChatResult:
    if (error := failure(value, body[:65536])) is not None:
        raise error
    answer = as_text(value.get("id")) or as_text(value.get("generation_id")) or as_text(value.get("response_id"))
    if isinstance(value.get("message"), dict):
        parts = _parts(value["message"], answer)
    elif isinstance(value.get("text"), str):
        parts = _first_parts(value, answer)
    else:
        raise UnreadableAnswer("The provider's answer has no message.", body=body[:2000])
    return ChatResult(
        id=answer,
        model=as_text(value.get("model")),
        choices=[
            Choice(
                parts=parts,
                finish=read_finish(value.get("finish_reason"), any(isinstance(part, ToolCall) for part in parts)),
                logprobs=read_logprobs(value.get("logprobs")),
            )
        ],
        usage=read_usage(value.get("usage") or value.get("meta")),
    )


def read_call(call: dict[str, Any], answer: str, position: int) -> ToolCall:
    """A call of the second API (arguments as JSON text) or of the first (`parameters`, an object, and no id)."""
    function = as_dict(call.get("function")) or call
    name = as_text(function.get("name"))
    arguments = function.get("arguments", function.get("parameters"))
    text = as_text(arguments) if isinstance(arguments, str) else dump_text(arguments or {})
    return ToolCall(as_text(call.get("id")) or made_id(answer, position, name), name, text)


def _parts(message: dict[str, Any], answer: str) -> list[Part]:
    parts: list[Part] = []
    content = message.get("content")
    pieces = [{"type": "text", "text": content}] if isinstance(content, str) else as_dicts(content)
    by_index: dict[int, Text] = {}
    for index, piece in enumerate(pieces):
        if thinking := as_text(piece.get("thinking")):
            parts.append(Reasoning(thinking, family=FAMILY))
        if text := as_text(piece.get("text")):
            by_index[index] = Text(text)
            parts.append(by_index[index])
    if plan := as_text(message.get("tool_plan")):
        parts.insert(0, Reasoning(plan, family=FAMILY))
    last = by_index[max(by_index)] if by_index else None
    for citation in as_dicts(message.get("citations")):
        cited = by_index.get(as_count(citation.get("content_index")), last)
        if cited is not None:
            cited.citations = [*(cited.citations or []), read_citation(citation)]
    calls = as_dicts(message.get("tool_calls"))
    parts += [read_call(call, answer, position) for position, call in enumerate(calls)]
    return parts


def _first_parts(value: dict[str, Any], answer: str) -> list[Part]:
    """The first API's text is the plan where tools are called. Its citations name documents by their ids."""
    parts: list[Part] = []
    calls = as_dicts(value.get("tool_calls"))
    if text := as_text(value.get("text")):
        citations = first_citations(value.get("citations"), value.get("documents"))
        parts.append(Reasoning(text, family=FAMILY) if calls else Text(text, citations=citations or None))
    parts += [read_call(call, answer, position) for position, call in enumerate(calls)]
    return parts


def first_citations(citations: Any, documents: Any) -> list[dict[str, Any]]:
    known = {as_text(document.get("id")): document for document in as_dicts(documents)}
    found = []
    for citation in as_dicts(citations):
        ids = citation.get("document_ids")
        sources = [
            {"type": "document", "id": name, "document": known[name]}
            for name in (ids if isinstance(ids, list) else [])
            if isinstance(name, str) and name in known
        ]
        found.append(read_citation(citation | {"sources": sources} if sources else citation))
    return found
