"""What routing needs of a request to Responses, read without decoding the rest."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.errors import BadRequest
from app.formats.base import Peek
from app.formats.extras import refuse
from app.formats.fields import check_model
from app.formats.limits import read_limit
from app.formats.media import AUDIO_SHARE, IMAGE_BYTES
from app.formats.payload import as_dict, as_dicts, as_text, peek

_NONE = msgspec.Raw(b"")
_MEDIA = (b'"input_image"', b'"input_audio"', b'"input_file"', b'"computer_screenshot"')
_CLIENT_TOOLS = ("function", "custom")  # all others run at the provider, and need no word of a model


class _Text(msgspec.Struct):
    format: msgspec.Raw = _NONE


class _Head(msgspec.Struct):
    """What routing can do without may be of any type: the provider is the one to judge it."""

    model: str
    input: msgspec.Raw = _NONE
    stream: bool | None = None
    background: Any = None
    max_output_tokens: Any = None
    instructions: msgspec.Raw = _NONE
    tools: msgspec.Raw = _NONE
    text: _Text | None = None
    reasoning: Any = None
    user: Any = None
    prompt_cache_key: Any = None
    metadata: Any = None
    previous_response_id: str | None = None
    conversation: msgspec.Raw = _NONE
    prompt: msgspec.Raw = _NONE


class _Item(msgspec.Struct):
    content: Any = None
    output: Any = None


class _Tool(msgspec.Struct):
    type: Any = None


_head = msgspec.json.Decoder(_Head)
_items = msgspec.json.Decoder(list[_Item])
_tools = msgspec.json.Decoder(list[_Tool])


def peek_response(body: bytes) -> Peek:
    head = peek(body, _head)
    check_model(head.model)
    said = bytes(head.input)
    goes_on = head.previous_response_id or _given(head.conversation) or _given(head.prompt)
    check_input(said, bool(goes_on))
    limit = head.max_output_tokens
    if limit is not None and (type(limit) is not int or limit < 1):
        limit = read_limit(limit, "max_output_tokens")
    if head.background and not head.stream:  # nobody would ask again for what is answered later
        raise refuse("background", "AnyGPT", "leave it out, or stream the answer")
    needs: set[str] = set()
    size = len(said) + len(bytes(head.instructions))
    if said.startswith(b"[") and any(word in said for word in _MEDIA):
        for item in peek(said, _items):
            size -= _media(item.content, needs) + _media(item.output, needs)
    tools = bytes(head.tools)
    if tools.startswith(b"["):
        size += len(tools)
        if any(tool.type in _CLIENT_TOOLS for tool in peek(tools, _tools)):
            needs.add("tools")
    if head.text is not None and b'"json' in (form := bytes(head.text.format)):
        needs.add("json")
        size += len(form)
    if type(head.reasoning) is dict:
        effort = head.reasoning.get("effort")
        if isinstance(effort, str) and effort not in ("none", "minimal"):
            needs.add("reasoning")
    extensions: dict[str, Any] = {}
    if head.previous_response_id is not None:
        extensions["previous_response_id"] = head.previous_response_id
    return Peek(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=limit,
        needs=frozenset(needs),
        input_bytes=size,
        include_usage=True,
        user=head.user if type(head.user) is str else None,
        session=head.prompt_cache_key if type(head.prompt_cache_key) is str else None,
        metadata=head.metadata if type(head.metadata) is dict else {},
        extensions=extensions,
    )


def check_input(raw: bytes, goes_on: bool) -> None:
    """`goes_on`: the request continues something stored, and need not say more."""
    if goes_on and raw in (b"", b"null"):
        return
    if not raw.startswith((b"[", b'"')):
        raise BadRequest("input: expected a string or a list of items.", field="input")
    if raw.startswith(b"[") and raw[1:20].lstrip().startswith(b"]") and not goes_on:
        raise BadRequest("input: the list is empty; send at least one item.", field="input")


def _given(raw: msgspec.Raw) -> bool:
    return bytes(raw) not in (b"", b"null")


def _media(content: Any, needs: set[str]) -> int:
    """Adds what an item's parts need; returns the bytes of media that the model will not read as text."""
    saved = 0
    for part in as_dicts([content] if isinstance(content, dict) else content):
        match part.get("type"):
            case "input_image" | "computer_screenshot":
                needs.add("vision")
                saved += len(as_text(part.get("image_url"))) - IMAGE_BYTES
            case "input_audio":
                needs.add("audio_in")
                data = len(as_text(as_dict(part.get("input_audio")).get("data")) or as_text(part.get("data")))
                saved += data - data // AUDIO_SHARE
            case "input_file":
                needs.add("files")
    return saved
