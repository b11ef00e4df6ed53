"""What routing needs of a text completion request, and the same as a question of chat."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import ChatRequest, Message, Role, Text
from app.formats.base import Peek
from app.formats.extras import refuse
from app.formats.fields import Fields, check_model
from app.formats.limits import read_limit
from app.formats.openai_chat.peek import NO_LIMIT
from app.formats.payload import peek, read_request

_NAME = "a chat model"


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Head(msgspec.Struct):
    model: str
    prompt: msgspec.Raw
    stream: bool | None = None
    max_tokens: Any = None
    n: Any = None
    best_of: Any = None
    stream_options: _StreamOptions | None = None
    user: Any = None


_head = msgspec.json.Decoder(_Head)


def peek_completion(body: bytes) -> Peek:
    head = peek(body, _head)
    check_model(head.model)
    limit = read_limit(head.max_tokens, "max_tokens", 0) if head.max_tokens != NO_LIMIT else None
    many = max(read_limit(head.n, "n", most=128) or 1, read_limit(head.best_of, "best_of", most=128) or 1)
    return Peek(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=limit * many if limit is not None else None,
        input_bytes=len(bytes(head.prompt)),
        include_usage=bool(head.stream_options and head.stream_options.include_usage),
        user=head.user if isinstance(head.user, str) else None,
    )


def decode_request(body: bytes) -> ChatRequest:
    """The prompt as what a person says. Raises Unsupported for what only a text model can do."""
    root = Fields(read_request(body))
    for field, harmless in _ONLY_TEXT.items():
        if root.get(field) not in harmless:
            raise refuse(field, _NAME)
    options = root.object("stream_options")
    return ChatRequest(
        model=root.needed_text("model"),
        messages=[Message(Role.USER, [Text(_prompt(root))])],
        max_tokens=limit if (limit := root.whole("max_tokens")) != NO_LIMIT else None,
        temperature=root.number("temperature"),
        top_p=root.number("top_p"),
        frequency_penalty=root.number("frequency_penalty"),
        presence_penalty=root.number("presence_penalty"),
        stop=root.texts("stop"),
        seed=root.whole("seed"),
        n=root.whole("n"),
        user=root.text("user"),
        stream=bool(root.flag("stream")),
        include_usage=bool(options and options.flag("include_usage")),
    )


_ONLY_TEXT: dict[str, tuple[Any, ...]] = {
    "suffix": (None, ""),
    "echo": (None, False),
    "best_of": (None, 1),
    "logprobs": (None, 0),
    "logit_bias": (None, {}),
}


def _prompt(root: Fields) -> str:
    prompt = root.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list):
        raise refuse("prompt", _NAME, "send one text at a time, as a string")
    raise root.wrong("prompt", "a string")
