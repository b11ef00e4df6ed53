"""A provider's stream of chat completion chunks → events."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import (
    CitationDelta,
    Ended,
    Event,
    Finished,
    FinishReason,
    Image,
    MediaDelta,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Started,
    StreamFailed,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from app.core.errors import UpstreamDown
from app.formats.arguments import Arguments
from app.formats.failures import in_band
from app.formats.halves import Halves
from app.formats.logprobs import read_openai
from app.formats.media import data_url
from app.formats.openai_chat.message import (
    google_signature,
    read_call_arguments,
    read_content,
    read_reasoning,
    read_sources,
)
from app.formats.openai_chat.plain_chunk import PlainChunks
from app.formats.openai_chat.words import chunk_usage, ended_badly, failure_of, read_finish
from app.formats.payload import as_count, as_dict, as_dicts, as_text, as_text_or_none, try_read
from app.formats.sse import Frame, SSEReader
from app.formats.tool_ids import made_id

MOST_SOURCES = 1000
CUT = "The provider's stream broke off before its end."


class _Call(msgspec.Struct):
    position: int
    id: str = ""
    name: str = ""
    index: int | None = None  # as the provider numbers it
    waiting: str = ""  # arguments that came before the name
    begun: bool = False
    signature: str | None = None
    arguments: Arguments = msgspec.field(default_factory=Arguments)


class _Choice(msgspec.Struct):
    calls: list[_Call] = []
    finish: FinishReason | None = None
    deltas: bool = False  # it comes in deltas: a whole `message` beside or after them says nothing new


class ChatStreamDecoder:
    def __init__(self) -> None:
        self._reader = SSEReader()
        self._plain = PlainChunks()
        self._halves = Halves()
        self._choices: dict[int, _Choice] = {}
        self._id = ""
        self._started = False
        self._failed = False
        self._done = False
        self._cited: set[str] = set()  # addresses that are said

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._reader.feed(chunk):
            self._frame(frame, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        for frame in self._reader.close():
            # the last event may lack its blank line; if it is no whole JSON either, it was cut off
            if frame.data.strip() == b"[DONE]" or try_read(frame.data) is not None:
                self._frame(frame, events)
        if self._failed or self._done:
            return events
        if self._choices and all(choice.finish for choice in self._choices.values()):
            events.append(Ended())
        else:
            events.append(StreamFailed(UpstreamDown(CUT)))
        return events

    def _frame(self, frame: Frame, events: list[Event]) -> None:
        if self._done:
            return
        data = frame.data.strip()
        if data == b"[DONE]":
            self._finish_all(events)
        elif data:
            plain = self._plain.text(data)
            if plain is not None and plain[1] in self._choices and not self._failed:
                events.append(TextDelta(*plain))
            else:
                self._chunk(self._halves.read(data), frame.event, events)
                if self._halves.waiting:  # the other half must not pass it by
                    self._plain = _NeverPlain()

    def _finish_all(self, events: list[Event]) -> None:
        self._done = True
        if self._failed:
            return
        if not self._choices:
            events.append(StreamFailed(UpstreamDown("The provider's stream ended without an answer.")))
            return
        for index, choice in self._choices.items():
            if choice.finish is None:  # some never say why they stopped
                self._finish(index, choice, "stop", events)
        events.append(Ended())

    def _chunk(self, value: dict[str, Any], event: str, events: list[Event]) -> None:
        if (failure := failure_of(value, event)) is not None:
            self._fail(failure, events)
        choices = [] if self._failed else as_dicts(value.get("choices"))  # of what comes then, only usage counts
        self._id = self._id or as_text(value.get("id"))
        if choices and not self._started:
            self._started = True
            events.append(Started(self._id, as_text(value.get("model")), as_count(value.get("created"))))
        for choice in choices:
            if not self._failed:
                self._choice(choice, events)
        if choices and not self._failed:
            self._cite(value, events)
        usage = chunk_usage(value)
        if usage is not None:
            events.append(UsageReport(usage))

    def _cite(self, value: dict[str, Any], events: list[Event]) -> None:
        """Addresses beside the answer, which some repeat in every chunk."""
        for source in read_sources(value):
            url = source["url_citation"]["url"]
            if url not in self._cited and len(self._cited) < MOST_SOURCES:
                self._cited.add(url)
                events.append(CitationDelta(source, "openai"))

    def _fail(self, value: dict[str, Any], events: list[Event]) -> None:
        if not self._failed:
            self._failed = True
            events.append(StreamFailed(in_band(value)))

    def _choice(self, value: dict[str, Any], events: list[Event]) -> None:
        index = as_count(value.get("index"))
        state = self._choices.setdefault(index, _Choice(calls=[]))
        delta = value.get("delta")
        if isinstance(delta, dict):
            state.deltas = True
        else:  # an answer that came whole, or in pieces of this name
            delta = {} if state.deltas else as_dict(value.get("message"))
        for thought in read_reasoning(delta):
            events.append(ReasoningDelta(thought.text, thought.signature, thought.redacted, thought.family, index))
        logprobs = as_dict(read_openai(value.get("logprobs")))
        said, refused = as_dicts(logprobs.get("content")), as_dicts(logprobs.get("refusal"))
        for part in read_content(delta):
            if isinstance(part, Text):
                events.append(TextDelta(part.text, index, said or None))
                said = []
            elif isinstance(part, Refusal):
                events.append(RefusalDelta(part.text, index, refused or None))
                refused = []
            elif isinstance(part, Image):
                url = part.url or data_url(part.media_type or "image/png", part.data or "")
                events.append(MediaDelta(part.data or url, part.media_type or "image/*", index))
        if said and not delta.get("tool_calls"):  # of a token that is only part of a character
            events.append(TextDelta("", index, said))
        if refused:
            events.append(RefusalDelta("", index, refused))
        for annotation in as_dicts(delta.get("annotations")):
            self._cited.add(as_text(as_dict(annotation.get("url_citation")).get("url")))
            events.append(CitationDelta(annotation, "openai", index))
        for call in as_dicts(delta.get("tool_calls")):
            self._call(call, state, index, events)
        if function := as_dict(delta.get("function_call")):
            self._call({"index": 0, "function": function}, state, index, events)
        audio = as_dict(delta.get("audio"))
        if transcript := as_text(audio.get("transcript")):
            events.append(TextDelta(transcript, index))
        if data := as_text(audio.get("data")):
            events.append(MediaDelta(data, "audio/pcm", index))
        if value.get("error"):
            self._fail(value, events)
        elif value.get("finish_reason") and state.finish is None:
            stop = as_text_or_none(value.get("stop_reason"))  # vLLM's
            self._finish(index, state, value["finish_reason"], events, stop)

    def _finish(
        self, index: int, state: _Choice, reason: Any, events: list[Event], stop_sequence: str | None = None
    ) -> None:
        for call in state.calls:
            self._begin(call, index, events)
        state.finish = read_finish(reason, bool(state.calls))
        if state.finish is FinishReason.TOOL_CALLS and not state.calls:
            state.finish = FinishReason.STOP
        if state.finish is FinishReason.ERROR:
            self._fail(ended_badly(reason), events)
        elif state.finish is not None:
            events.append(Finished(state.finish, index, stop_sequence))

    def _call(self, value: dict[str, Any], state: _Choice, index: int, events: list[Event]) -> None:
        function = as_dict(value.get("function"))
        call_id, name = as_text(value.get("id")), as_text(function.get("name"))
        arguments = read_call_arguments(function.get("arguments"))
        call = self._which(state, value.get("index"), call_id, name, arguments)
        call.id = call.id or call_id
        call.name = call.name or name
        call.signature = call.signature or google_signature(value)
        call.waiting += arguments
        call.arguments.add(arguments)
        if call.name:
            self._begin(call, index, events)

    def _which(self, state: _Choice, number: Any, call_id: str, name: str, arguments: str) -> _Call:
        """A follow-up belongs to the call with its index; without one, to the last call. Another id together with
        a name is always another call: some number all of theirs 0. Where they have no ids either, another name is,
        and a name with arguments when the known ones are one whole object."""
        calls = state.calls
        if isinstance(number, int) and not isinstance(number, bool):
            known = next((call for call in reversed(calls) if call.index == number), None)
        else:
            number = None
            known = calls[-1] if calls and not (name and (not call_id or call_id != calls[-1].id)) else None
        if known is not None and not (name and _another(known, call_id, name, arguments)):
            return known
        call = _Call(position=len(calls), index=number)
        calls.append(call)
        return call

    def _begin(self, call: _Call, index: int, events: list[Event]) -> None:
        if not call.begun:
            call.begun = True
            call_id = call.id or made_id(self._id, call.position, call.name)
            events.append(ToolCallStart(call.position, call_id, call.name, call.signature, index))
        if call.waiting:
            events.append(ToolCallDelta(call.position, call.waiting, index))
            call.waiting = ""


def _another(known: _Call, call_id: str, name: str, arguments: str) -> bool:
    if call_id and known.id:
        return call_id != known.id
    if known.name and name != known.name:
        return True
    return bool(known.name and arguments.strip()) and known.arguments.whole


class _NeverPlain(PlainChunks):
    """For a stream whose texts hang together."""

    def text(self, data: bytes) -> None:
        return None
