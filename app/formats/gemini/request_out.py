"""A question in no format → a generateContent request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from app.core.chat import (
    Audio,
    ChatRequest,
    File,
    Foreign,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from app.core.errors import Unsupported
from app.formats.base import UpstreamCall
from app.formats.extras import own_extras, refuse, refuse_extras
from app.formats.gemini.parts import FAMILY, add_reasoning, write_call, write_media
from app.formats.left_out import left_out, moved_prompts, outline
from app.formats.media import guess_type
from app.formats.payload import dump, try_read

_NAME = "Gemini's format"
_IN_CONFIG = {"responseModalities", "speechConfig", "mediaResolution", "audioTimestamp", "imageConfig"}
_IN_CONFIG |= {"enableEnhancedCivicAnswers", "routingConfig"}
_BUDGETS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_BY_LEVEL = re.compile(r"gemini-(?:[3-9]|\w+-latest)")
# Gemini 3 refuses a call in the history that lacks its signature, unless it bears this word (Google's documentation)
_NO_SIGNATURE = "skip_thought_signature_validator"


def path(model: str, stream: bool) -> str:
    name = model if "/" in model else f"models/{model}"
    return f"/{name}:streamGenerateContent?alt=sse" if stream else f"/{name}:generateContent"


def encode_request(request: ChatRequest, model: str) -> UpstreamCall:
    refuse_extras(request, FAMILY, _NAME)
    if len(request.stop) > 5:
        raise refuse("stop", _NAME, "it takes 5 stop sequences at most")
    notes = left_out(request, _NAME, family=FAMILY, said=("call signatures", "showing"), keeps=_goes_back)
    notes += moved_prompts(request, _NAME)
    system, contents = _contents(request.messages, bool(_BY_LEVEL.search(model)), notes)
    body: dict[str, Any] = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    _tools(body, request, notes)
    config = _config(request, model, notes)
    for key, value in own_extras(request, FAMILY).items():
        if key == "toolConfig":
            value = value | body.get(key, {})
        (config if key in _IN_CONFIG else body)[key] = value
    if config:
        body["generationConfig"] = config
    return UpstreamCall(path=path(model, request.stream), body=dump(body), approximated=outline(notes))


def _goes_back(part: Reasoning, _: Message) -> bool:
    return part.family == FAMILY and bool(part.signature) and not part.redacted


def _contents(
    messages: Sequence[Message], needs_signature: bool, notes: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    system: list[dict[str, Any]] = []
    written: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        parts = _parts(message.parts, place, notes)
        if not parts:
            continue
        if message.role in (Role.SYSTEM, Role.DEVELOPER):
            system += parts
            continue
        role = "model" if message.role is Role.ASSISTANT else "user"
        if role == "model" and needs_signature:
            _sign(parts, place, notes)
        if written and written[-1]["role"] == role:
            written[-1]["parts"] += parts
        else:
            written.append({"role": role, "parts": parts})
    if not written:
        raise Unsupported(f"messages: {_NAME} needs a message of the user; add one.", field="messages")
    return system, written


def _sign(parts: list[dict[str, Any]], place: str, notes: list[str]) -> None:
    calls = [part for part in parts if "functionCall" in part]
    if calls and not any("thoughtSignature" in part for part in calls):
        calls[0]["thoughtSignature"] = _NO_SIGNATURE
        notes.append(f"{place}: the call bears {_NO_SIGNATURE} for a signature; this model wrote none for it.")


def _parts(parts: Sequence[Part], place: str, notes: list[str]) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                if part.text:
                    written.append({"text": part.text})
            case Image() | Audio() | File():
                written.append(_media(part, place))
            case ToolCall():
                written.append(write_call(part))
            case ToolResult():
                written += _result(part, place, notes)
            case Reasoning(family="gemini") if part.signature and not part.redacted:  # as `_goes_back` has it
                add_reasoning(written, part)
            case Reasoning():
                continue  # another family's, or nothing that must come back
            case Foreign(family="gemini"):
                written.append(part.value)
            case Foreign():
                raise refuse(place, _NAME, f"leave out the {part.value.get('type', 'part')} of {part.family}")
    return written


def _media(part: Image | Audio | File, place: str) -> dict[str, Any]:
    if (inline := write_media(part)) is not None:
        return inline
    if isinstance(part, File) and part.file_id is not None:
        raise refuse(place, _NAME, "a file id belongs to one provider; send the file's data in base64")
    if isinstance(part, Audio) or part.url is None:
        raise refuse(place, _NAME, "the part has no data; send it in base64")
    fallback = "image/jpeg" if isinstance(part, Image) else "application/pdf"
    return {"fileData": {"mimeType": part.media_type or guess_type(part.url, fallback), "fileUri": part.url}}


def _result(part: ToolResult, place: str, notes: list[str]) -> list[dict[str, Any]]:
    """A result is an object: text that is none stands under `result`, a failure under `error`."""
    text = "".join(piece.text for piece in part.parts if isinstance(piece, Text | Refusal))
    value = try_read(text.encode("utf-8", "replace")) if text.lstrip().startswith("{") else None
    if part.is_error:
        response: dict[str, Any] = {"error": text}
    else:
        response = value if isinstance(value, dict) else {"result": text}
    if part.name is None:
        raise refuse(place, _NAME, f"a result needs the name of its tool, and no call has the id {part.call_id}")
    answer = {"functionResponse": {"id": part.call_id, "name": part.name, "response": response}}
    media = [piece for piece in part.parts if not isinstance(piece, Text | Refusal)]
    if media:
        notes.append(f"{place}: media of a result stand beside it; {_NAME} has text in results only.")
    return [answer, *_parts(media, place, notes)]


def _tools(body: dict[str, Any], request: ChatRequest, notes: list[str]) -> None:
    declarations: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    for number, tool in enumerate(request.tools):
        if tool.raw is not None:
            if tool.family != FAMILY:
                raise refuse(f"tools[{number}]", _NAME, f"{tool.name} runs at its own provider only")
            groups.append(tool.raw)
            continue
        declaration: dict[str, Any] = {"name": tool.name, "description": tool.description or ""}
        if tool.parameters:
            declaration["parametersJsonSchema"] = tool.parameters
        if tool.strict:
            notes.append(f"tools[{number}].strict: left out; {_NAME} does not hold one tool's arguments to its schema.")
        declarations.append(declaration | (tool.extra if tool.family == FAMILY else {}))
    if declarations:
        groups.insert(0, {"functionDeclarations": declarations})
    if not groups:
        return
    body["tools"] = groups
    choice = request.tool_choice
    if choice is None or not declarations:
        return
    if choice.parallel is False and choice.mode != "none":
        notes.append(f"parallel_tool_calls: left out; {_NAME} cannot limit calls to one at a time.")
    calling: dict[str, Any] = {"mode": {"auto": "AUTO", "none": "NONE"}.get(choice.mode, "ANY")}
    if choice.names:
        calling["allowedFunctionNames"] = choice.names
        if calling["mode"] == "AUTO":
            calling["mode"] = "VALIDATED"  # AUTO takes no names
    body["toolConfig"] = {"functionCallingConfig": calling}


def _config(request: ChatRequest, model: str, notes: list[str]) -> dict[str, Any]:
    fields = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "frequencyPenalty": request.frequency_penalty,
        "presencePenalty": request.presence_penalty,
        "seed": request.seed,
        "candidateCount": request.n,
        "responseLogprobs": request.logprobs,
        "logprobs": request.top_logprobs,
        "stopSequences": request.stop or None,
    }
    config: dict[str, Any] = {key: value for key, value in fields.items() if value is not None}
    output = request.output
    if output is not None and output.kind != "text":
        config["responseMimeType"] = "application/json"
        if output.schema:
            config["responseJsonSchema"] = output.schema
        if output.description:
            notes.append(f"response_format: the schema's description is left out; {_NAME} has no place for it.")
    if thinking := _thinking(request, model, notes):
        config["thinkingConfig"] = thinking
    return config


def _thinking(request: ChatRequest, model: str, notes: list[str]) -> dict[str, Any]:
    wish = request.reasoning
    if wish is None:
        return {}
    thinking: dict[str, Any] = {}
    if wish.budget is not None and not (wish.budget < 0 and wish.effort):
        thinking["thinkingBudget"] = wish.budget
        if wish.effort and wish.effort != "none":
            notes.append(f"reasoning effort: left out beside the budget; {_NAME} takes one of them.")
    elif wish.effort and _BY_LEVEL.search(model):
        level = {"none": "minimal", "xhigh": "high", "max": "high"}.get(wish.effort, wish.effort)
        level = thinking["thinkingLevel"] = level if level in ("minimal", "low", "medium", "high") else "high"
        if level != wish.effort:
            notes.append(f"reasoning effort: {wish.effort} said as thinkingLevel {level}; {_NAME} has no finer word.")
    elif wish.effort:
        budget = thinking["thinkingBudget"] = _BUDGETS.get(wish.effort, 8192)
        if budget:
            notes.append(
                f"reasoning effort: {wish.effort} said as a budget of {budget} tokens; this model has no levels."
            )
    include = wish.include if wish.include is not None else wish.budget not in (None, 0)
    if include or wish.include is False:
        thinking["includeThoughts"] = include
    return thinking
