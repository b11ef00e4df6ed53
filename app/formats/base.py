"""What a wire format is: the seam that every format file fills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec

from app.core.chat import ChatRequest, ChatResult, Event, FinishReason, Usage
from app.core.errors import AnyGPTError, UpstreamError


class Peek(msgspec.Struct, kw_only=True):
    """What routing needs of a client's request, read without decoding the rest.

    `needs` are words of the capability vocabulary ("vision", "tools", "json", "reasoning", "files", "audio_in");
    `input_bytes` is the size of what the model will read (for the estimate bytes / 3)."""

    model: str
    stream: bool = False
    max_tokens: int | None = None
    needs: frozenset[str] = frozenset()
    input_bytes: int = 0
    include_usage: bool = False
    user: str | None = None
    session: str | None = None  # as the client names its conversation: `prompt_cache_key`, or our `session_id`
    metadata: dict[str, Any] = {}
    extensions: dict[str, Any] = {}  # OpenRouter's `models`, `provider` …: for the gateway, taken out before relaying


class UploadBody(Protocol):
    """A body too large for memory: its length in bytes, and its bytes in pieces, once."""

    length: int

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class UpstreamCall(msgspec.Struct, kw_only=True):
    """One HTTP call in a provider's format, without address and credentials.

    `approximated` names what the format could say only roughly, or leaves out as its documentation allows: one
    sentence each, "seed: left out; Anthropic's messages have none"."""

    path: str  # "/chat/completions", appended to the provider's base URL
    body: bytes
    upload: UploadBody | None = None  # in place of `body`
    headers: dict[str, str] = {}
    approximated: list[str] = []


class Tap(Protocol):
    """Stands beside a relayed stream: finds content, usage, finish and errors, changes as little as it can.

    `feed` takes upstream bytes in any chunking and returns the bytes for the client. What may look like the end
    (the finish, the usage after it, the terminal marker, an error) and all after it is kept back in `tail`; it goes
    out after all if content follows. An event that is not complete yet is kept back too. `feed` and `close` raise
    only UnreadableAnswer."""

    @property
    def content(self) -> bool:
        """Some content has been seen."""
        ...

    @property
    def usage(self) -> Usage | None: ...

    @property
    def finish(self) -> FinishReason | None: ...

    @property
    def error(self) -> UpstreamError | None:
        """An error inside the stream (HTTP 200). Its bytes are in `tail`."""
        ...

    @property
    def ended(self) -> bool:
        """The terminal marker was seen, or the body is over and complete without one. Look at `error` first."""
        ...

    @property
    def tail(self) -> bytes:
        """Held back until the ledger row is committed."""
        ...

    @property
    def events(self) -> int:
        """Complete events so far, until there was content: what comes after needs no counting."""
        ...

    @property
    def said(self) -> str:
        """What was said in the first 64 KB of the wire."""
        ...

    @property
    def output_text(self) -> int:
        """Characters of text, reasoning and arguments seen, for estimating: exact over the first 64 KB of
        the wire, from there on at the same rate. Costs a decode when it is read, none otherwise."""
        ...

    def text_rate(self, block: bytes) -> float:
        """Characters of text a byte of the wire, from the first few events of a block: cheap, and near enough to know
        when an answer may outgrow what was reserved."""
        ...

    def feed(self, chunk: bytes) -> bytes: ...

    def close(self) -> bytes:
        """The upstream body ended: what is left; sets `ended` where the format has no marker and a finish was seen."""
        ...

    def tail_with(self, extra: dict[str, Any]) -> bytes:
        """The tail with these members added to its last event that carries usage (else the last one with JSON)."""
        ...


class StreamDecoder(Protocol):
    """Upstream bytes in any chunking → events. Raises only UnreadableAnswer."""

    def feed(self, chunk: bytes) -> list[Event]: ...

    def close(self) -> list[Event]:
        """The upstream body ended. A stream that is complete ends with Ended; a cut one with StreamFailed."""
        ...


class StreamEncoder(Protocol):
    """Events → bytes for the client. The bytes that end the answer come only from `end`."""

    def encode(self, event: Event) -> bytes: ...

    def end(self, extra: dict[str, Any] | None = None) -> bytes:
        """The finish, usage and terminal marker. `extra` is put into the last event that carries usage."""
        ...

    def fail(self, error: AnyGPTError) -> bytes:
        """An error in-band, in the format's own way, after content has begun."""
        ...


class UpstreamFormat(Protocol):
    """The provider's side of a wire format. A package whose format no client speaks ends its `format` module with
    `UPSTREAM_FORMAT = …` of this shape."""

    name: str  # "openai-chat"
    family: str  # whose reasoning signatures it may carry: "openai", "anthropic", "gemini"
    operation: str  # what is asked for in it: "chat", "embeddings" …

    def encode_request(self, request: ChatRequest, model: str) -> UpstreamCall:
        """Raises Unsupported, naming the field, for what changes the meaning and cannot be said. Usage is asked for
        where `request.include_usage` says so: set it to false for a provider that refuses `stream_options`."""
        ...

    def decode_result(self, body: bytes) -> ChatResult:
        """Raises UnreadableAnswer, or the UpstreamError of an error in a 200."""
        ...

    def decoder(self) -> StreamDecoder: ...


class ClientFormat(Protocol):
    """The client's side of a wire format, and what it takes to relay it. `asks` names the operation it can be
    translated into; a format that can only be relayed names its own and builds on `RelayOnly`.

    Requests and results are those of the operation: ChatRequest and ChatResult for "chat"."""

    name: str
    family: str
    asks: str
    stream_type: str  # content-type of its streams; "" where the provider's own is passed on
    keep_alive: bytes  # comment or ping that clients ignore; b"" where nothing may be put in

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek: ...
    def decode_request(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Any: ...
    def encode_result(self, result: Any) -> bytes: ...
    def encoder(self, request: Peek) -> StreamEncoder: ...
    def encode_error(self, error: AnyGPTError) -> bytes: ...
    def stream_error(self, error: AnyGPTError) -> bytes:
        """An error in-band for a relayed stream; b"" where the format has no way to say one."""
        ...

    # the same format on both sides
    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        """The client's own bytes with the model name spliced in, and usage asked for where needed."""
        ...

    def add_to_result(self, body: bytes, extra: dict[str, Any]) -> bytes:
        """A whole answer's own bytes with these members added at its top."""
        ...

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        """Usage and finish of a whole answer, without decoding the rest. Raises UnreadableAnswer, or the
        UpstreamError of an error in a 200."""
        ...

    def tap(self, *, strip_usage: bool) -> Tap: ...


class WireFormat(ClientFormat, UpstreamFormat, Protocol):
    """A wire format of chat, both ways; the `format` module of its package ends with `FORMAT = …` of this shape."""
