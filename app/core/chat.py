"""What all wire formats meet in: requests of typed parts, results, stream events, usage."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from app.core.errors import AnyGPTError


class ChatRequest(msgspec.Struct, kw_only=True):
    """One question in no format. `extra` keeps what only the client's own format knows, by its name there."""

    model: str
    messages: list[Message]
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    output: OutputFormat | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: list[str] = []
    seed: int | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: ReasoningWish | None = None
    user: str | None = None
    metadata: dict[str, Any] = {}
    stream: bool = False
    include_usage: bool = False  # OpenAI's stream_options.include_usage
    # how OpenAI's chat format says `max_tokens`: as max_completion_tokens or not; None is told by the model's name
    completion_limit: bool | None = None
    extra: dict[str, Any] = {}


class Role(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Message(msgspec.Struct):
    role: Role
    parts: list[Part]
    name: str | None = None


class Text(msgspec.Struct, tag=True):
    text: str
    cache_control: dict[str, Any] | None = None  # Anthropic's cache breakpoint
    citations: list[dict[str, Any]] | None = None


class Image(msgspec.Struct, tag=True):
    """By `url`, or `data` in base64 with its `media_type`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: str | None = None
    cache_control: dict[str, Any] | None = None


class Audio(msgspec.Struct, tag=True):
    data: str
    media_type: str  # audio/wav, audio/mp3 …


class File(msgspec.Struct, tag=True):
    """A document (PDF, text): `data` in base64, or `url`, or `file_id` at the provider."""

    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    name: str | None = None
    cache_control: dict[str, Any] | None = None


class ToolCall(msgspec.Struct, tag=True):
    """`arguments` is JSON text, as the model wrote it; `signature` is Gemini's thoughtSignature on the call."""

    id: str
    name: str
    arguments: str
    signature: str | None = None


class ToolResult(msgspec.Struct, tag=True):
    call_id: str
    parts: list[Part]
    name: str | None = None
    is_error: bool = False


class Reasoning(msgspec.Struct, tag=True):
    """`signature` and `redacted` go back byte for byte, and only to the `family` that made them
    ("openai", "anthropic", "gemini")."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    family: str | None = None


class Refusal(msgspec.Struct, tag=True):
    text: str


class Foreign(msgspec.Struct, tag=True):
    """A part only one format knows (server tools and their results), kept as it came for that `family`."""

    family: str
    value: dict[str, Any]


Part = Text | Image | Audio | File | ToolCall | ToolResult | Reasoning | Refusal | Foreign


class Tool(msgspec.Struct):
    """A function the model may call; `raw` instead is a provider's own server-side tool of one `family`.

    `extra` is what only the client's own format knows of a function, for a provider of the same `family`."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    raw: dict[str, Any] | None = None
    family: str | None = None
    cache_control: dict[str, Any] | None = None
    extra: dict[str, Any] = {}


class ToolChoice(msgspec.Struct):
    """`mode` is auto, none, required or named (then `names`)."""

    mode: str
    names: list[str] = []
    parallel: bool | None = None


class OutputFormat(msgspec.Struct):
    """`kind` is text, json or json_schema."""

    kind: str
    schema: dict[str, Any] | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class ReasoningWish(msgspec.Struct):
    """`effort` is none, minimal, low, medium, high …; `budget` in tokens (-1: the model decides)."""

    effort: str | None = None
    budget: int | None = None
    include: bool | None = None


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    COMPACTION = "compaction"  # a pause after which the answer goes on from a summary
    ERROR = "error"
    OTHER = "other"


class Usage(msgspec.Struct, kw_only=True):
    """Tokens, normalised once: `input` counts cached tokens too, `output` counts reasoning too.

    `cost` is what the provider itself says it charged, in nano-dollars (OpenRouter)."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0  # the part of cache_write that lives an hour (Anthropic)
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    images: int = 0  # pictures made
    seconds: int = 0  # of sound, where a transcription is paid by its length
    estimated: bool = False
    cost: int | None = None


class ChatResult(msgspec.Struct, kw_only=True):
    id: str
    model: str
    created: int = 0
    choices: list[Choice] = []
    usage: Usage | None = None
    extra: dict[str, Any] = {}
    asked: ChatRequest | None = None  # the question it answers, for formats that repeat it

    @property
    def finish(self) -> FinishReason | None:
        return self.choices[0].finish if self.choices else None


class Choice(msgspec.Struct, kw_only=True):
    """`logprobs` is OpenAI's object: `content` and `refusal` are lists of tokens, each with its `token`, `logprob`,
    `bytes` and `top_logprobs`."""

    parts: list[Part]
    finish: FinishReason | None = None
    index: int = 0
    stop_sequence: str | None = None
    logprobs: dict[str, Any] | None = None


class Started(msgspec.Struct):
    """First event: the provider began an answer. No content yet."""

    id: str
    model: str
    created: int = 0
    usage: Usage | None = None  # Anthropic says the input's size here


class TextDelta(msgspec.Struct):
    """`logprobs` are of this text's tokens, as in `Choice.logprobs`."""

    text: str
    index: int = 0  # which choice (n > 1)
    logprobs: list[dict[str, Any]] | None = None


class ReasoningDelta(msgspec.Struct):
    """Text of thinking, or at a block's end its signature, or a whole redacted block."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    family: str | None = None
    index: int = 0


class RefusalDelta(msgspec.Struct):
    text: str
    index: int = 0
    logprobs: list[dict[str, Any]] | None = None


class ToolCallStart(msgspec.Struct):
    """`position` counts tool calls of this choice from 0."""

    position: int
    id: str
    name: str
    signature: str | None = None
    index: int = 0


class ToolCallDelta(msgspec.Struct):
    position: int
    arguments: str
    index: int = 0


class MediaDelta(msgspec.Struct):
    """A piece of audio or a whole image, base64."""

    data: str
    media_type: str
    index: int = 0


class CitationDelta(msgspec.Struct):
    value: dict[str, Any]
    family: str
    index: int = 0


class ForeignDelta(msgspec.Struct):
    """An event or block only one format knows, for clients of the same family."""

    family: str
    value: dict[str, Any]
    index: int = 0


class Finished(msgspec.Struct):
    """A choice ended."""

    reason: FinishReason
    index: int = 0
    stop_sequence: str | None = None


class UsageReport(msgspec.Struct):
    """The latest, cumulative count; a later one replaces it."""

    usage: Usage


class StreamFailed(msgspec.Struct):
    """The provider reported an error inside the stream, or the stream broke."""

    error: AnyGPTError


class Ended(msgspec.Struct):
    """The stream reached its end as its format says (a cut stream has none)."""


Event = (
    Started
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStart
    | ToolCallDelta
    | MediaDelta
    | CitationDelta
    | ForeignDelta
    | Finished
    | UsageReport
    | StreamFailed
    | Ended
)


def is_content(event: Event) -> bool:
    """Whether this event is the first kind of thing a client may see, after which failover is over."""
    match event:
        case TextDelta(text=text) | RefusalDelta(text=text):
            return bool(text)
        case ReasoningDelta():
            return bool(event.text or event.redacted)
        case ToolCallStart() | ToolCallDelta() | MediaDelta():
            return True
        case _:
            return False
