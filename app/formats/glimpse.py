"""A glimpse of what a request says: its system prompt, its first and its last user message, each cut to a few lines.

For routing by intent, which needs the words before anything is decoded. Of a body all but the messages is skipped; of
one over WHOLE bytes, or of another shape, only both ends are looked at. Nothing raises: what is not found is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from app.core.chat import ChatRequest, File, Image, Message, Role, Text
from app.formats.glimpse_ends import glimpse_ends
from app.formats.glimpse_text import Glimpse, cut, join_texts, read_string

__all__ = ["Glimpse", "glimpse", "glimpse_request"]

WHOLE = 256 * 1024  # bytes

_NONE = msgspec.Raw(b"")
_MOST_TURNS = 16  # that are looked at for one with words: an agent's hold results of tools
_IMAGES = frozenset({"image_url", "image", "input_image"})
_FILES = frozenset({"file", "document", "input_file", "document_url"})
_SYSTEM = ("system", "developer")


def glimpse(format_name: str, body: bytes) -> Glimpse:
    """Of a client's body in the named wire format; empty for formats without messages."""
    read = _READERS.get(format_name)
    if read is None:
        return Glimpse()
    if len(body) <= WHOLE:
        try:
            return read(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    return glimpse_ends(body)


def glimpse_request(request: ChatRequest) -> Glimpse:
    """Of a question in no format."""
    system = next((message for message in request.messages if message.role in _SYSTEM), None)
    asked = [message for message in request.messages if message.role is Role.USER]
    turns = (turn for turn in map(_turn_of, asked) if not turn.empty)
    back = (turn for turn in map(_turn_of, reversed(asked)) if not turn.empty)
    return _together(_turn_of(system).text if system else "", next(turns, None), next(back, None))


class _Turn(msgspec.Struct):
    """What one message says."""

    text: str = ""
    images: bool = False
    files: bool = False

    @property
    def empty(self) -> bool:
        return not (self.text or self.images or self.files)


def _together(system: str, first: _Turn | None, last: _Turn | None) -> Glimpse:
    if first is None or last is None:
        return Glimpse(system=cut(system))
    return Glimpse(
        system=cut(system),
        first=cut(first.text),
        last=cut(last.text),
        images=first.images or last.images,
        files=first.files or last.files,
    )


def _turn_of(message: Message) -> _Turn:
    turn = _Turn()
    texts = []
    for part in message.parts:
        match part:
            case Text():
                texts.append(cut(part.text))
            case Image():
                turn.images = True
            case File():
                turn.files = True
    turn.text = join_texts(texts)
    return turn


# Bodies


class _Media(msgspec.Struct):
    mimeType: Any = None
    mime_type: Any = None


class _Part(msgspec.Struct):
    type: Any = None
    text: msgspec.Raw = _NONE
    inlineData: msgspec.Raw = _NONE
    inline_data: msgspec.Raw = _NONE
    fileData: msgspec.Raw = _NONE
    file_data: msgspec.Raw = _NONE


class _Message(msgspec.Struct):
    role: Any = None
    content: msgspec.Raw = _NONE
    parts: msgspec.Raw = _NONE


class _Chat(msgspec.Struct):
    messages: list[_Message]
    system: msgspec.Raw = _NONE


class _Responses(msgspec.Struct):
    input: msgspec.Raw = _NONE
    instructions: msgspec.Raw = _NONE


class _Completions(msgspec.Struct):
    prompt: msgspec.Raw = _NONE


class _Gemini(msgspec.Struct):
    contents: list[_Message] | _Message
    systemInstruction: msgspec.Raw = _NONE
    system_instruction: msgspec.Raw = _NONE


_chat = msgspec.json.Decoder(_Chat)
_responses = msgspec.json.Decoder(_Responses)
_completions = msgspec.json.Decoder(_Completions)
_gemini = msgspec.json.Decoder(_Gemini)
_message = msgspec.json.Decoder(_Message)
_messages = msgspec.json.Decoder(list[_Message])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_part = msgspec.json.Decoder(_Part)
_media = msgspec.json.Decoder(_Media)


def _of_chat(body: bytes) -> Glimpse:
    head = _chat.decode(body)
    return _of_messages(head.messages, _read(head.system))


def _of_responses(body: bytes) -> Glimpse:
    head = _responses.decode(body)
    system = _read(head.instructions)
    said = bytes(head.input)
    if said.startswith(b'"'):
        turn = _Turn(read_string(said))
        return _together(system.text, turn, turn)
    return _of_messages(_messages.decode(said) if said.startswith(b"[") else [], system)


def _of_completions(body: bytes) -> Glimpse:
    prompt = bytes(_completions.decode(body).prompt)
    if prompt.startswith(b"["):
        prompt = next((bytes(each) for each in _raws.decode(prompt)), b"")
    turn = _Turn(read_string(prompt) if prompt.startswith(b'"') else "")
    return _together("", turn, turn)


def _of_gemini(body: bytes) -> Glimpse:
    head = _gemini.decode(body)
    system = bytes(head.systemInstruction) or bytes(head.system_instruction)
    spoken = _message.decode(system).parts if system.startswith(b"{") else msgspec.Raw(system)
    contents = head.contents if isinstance(head.contents, list) else [head.contents]
    return _of_messages(contents, _read(spoken), ("user", None))


_READERS: dict[str, Callable[[bytes], Glimpse]] = {
    "openai-chat": _of_chat,
    "anthropic-messages": _of_chat,
    "openai-responses": _of_responses,
    "openai-completions": _of_completions,
    "gemini": _of_gemini,
}


def _of_messages(messages: list[_Message], system: _Turn, roles: tuple[Any, ...] = ("user",)) -> Glimpse:
    """A user's message that holds nothing but a tool's result is passed over."""
    if not system.text:
        told = next((message for message in messages if message.role in _SYSTEM), None)
        system = _read(told.content) if told is not None else system
    asked = [message for message in messages if message.role in roles]
    first = next(_turns(asked), None)
    return _together(system.text, first, next(_turns(asked[::-1]), first) if len(asked) > 1 else first)


def _turns(asked: list[_Message]) -> Iterator[_Turn]:
    contents = (message.parts if message.content is _NONE else message.content for message in asked[:_MOST_TURNS])
    turns = (_read(content) for content in contents)
    return (turn for turn in turns if not turn.empty)


def _read(content: msgspec.Raw) -> _Turn:
    """A message's content: a string, a list of parts, or one part."""
    raw = bytes(content)
    if raw.startswith(b'"'):
        return _Turn(read_string(raw))
    turn = _Turn()
    texts = []
    for each in _raws.decode(raw) if raw.startswith(b"[") else [content]:
        found = bytes(each)
        if found.startswith(b'"'):
            texts.append(read_string(found))
        elif found.startswith(b"{"):
            part = _part.decode(found)
            if (text := bytes(part.text)).startswith(b'"'):
                texts.append(read_string(text))
            _attach(part, turn)
    turn.text = join_texts([text for text in texts if text])
    return turn


def _attach(part: _Part, turn: _Turn) -> None:
    """OpenAI and Anthropic say by the part's type what it is, Gemini by its media type."""
    if isinstance(part.type, str):
        turn.images = turn.images or part.type in _IMAGES
        turn.files = turn.files or part.type in _FILES
    for holder in (part.inlineData, part.inline_data, part.fileData, part.file_data):
        if holder is not _NONE and bytes(holder).startswith(b"{"):
            media = _media.decode(holder)
            kind = media.mimeType or media.mime_type
            if isinstance(kind, str):
                turn.images = turn.images or kind.startswith("image/")
                turn.files = turn.files or kind.startswith(("application/", "text/"))
