"""A provider's stream of Responses events → events."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import (
    CitationDelta,
    Ended,
    Event,
    Finished,
    ForeignDelta,
    MediaDelta,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from app.core.errors import AnyGPTError, UpstreamDown
from app.formats.failures import in_band
from app.formats.openai_responses.items import call_signature, read_annotation, read_call, read_picture, shown_reasoning
from app.formats.openai_responses.result import CALLS
from app.formats.openai_responses.words import FAMILY, OWN, read_status, read_usage
from app.formats.payload import as_count, as_dict, as_dicts, as_text, read_answer, try_read
from app.formats.reasoning_items import SEPARATOR
from app.formats.sse import Frame, SSEReader

LATEST = 17  # items among which one without a name is looked for
CUT = "The provider's stream broke off before its end."
SUMMARY = ("response.reasoning_summary_text.delta", "response.reasoning_summary.delta")
THOUGHTS = ("response.reasoning_text.delta", "response.reasoning.delta")
TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")


class _Item(msgspec.Struct):
    """What of one item has come so far."""

    kind: str
    call: str = ""  # the id that its result will name
    place: int = -1  # output_index, where one is given
    opened: bool = False
    done: bool = False
    position: int = -1  # of a call
    text: dict[int, int] = {}  # content index → characters
    logprobs: int = 0
    annotations: dict[int, int] = {}  # content index → how many
    arguments: int = 0
    thoughts: str = ""  # the name of the deltas that carry them: the first wins, a summary repeats a text
    part: int = 0
    thought: bool = False

    def may_be(self, other: _Item) -> bool:
        same_call = not self.call or not other.call or self.call == other.call
        return same_call and (self.kind == other.kind or not self.kind)


class ResponseStreamDecoder:
    def __init__(self) -> None:
        self._reader = SSEReader()
        self._items: list[_Item] = []
        self._placed: dict[int, _Item] = {}  # by output_index
        self._named: dict[str, _Item] = {}  # by the ids of items and calls
        self._id = ""
        self._started = False
        self._over = False
        self._calls = 0
        self._asks = False  # something was called that the client must answer

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._reader.feed(chunk):
            self._frame(frame, events)
        return events

    def close(self) -> list[Event]:
        events: list[Event] = []
        for frame in self._reader.close():
            if try_read(frame.data) is not None:  # the last event may lack its blank line; else it was cut off
                self._frame(frame, events)
        if not self._over:
            self._fail(UpstreamDown(CUT), events)
        return events

    def _frame(self, frame: Frame, events: list[Event]) -> None:
        data = frame.data.strip()
        if self._over or not data or data == b"[DONE]":
            return
        value = read_answer(data)
        kind = as_text(value.get("type")) or frame.event
        if kind == "error" or value.get("error"):
            self._fail(in_band(value), events)
        elif isinstance(value.get("response"), dict) and kind.startswith("response."):
            self._response(kind, value["response"], events)
        elif value.get("object") == "response":  # a provider that ignored `stream`
            self._response("response.completed", value, events)
        elif kind.startswith("response."):
            self._event(kind, value, events)

    def _response(self, kind: str, response: dict[str, Any], events: list[Event]) -> None:
        if not self._started:
            self._started = True
            self._id = as_text(response.get("id"))
            events.append(Started(self._id, as_text(response.get("model")), as_count(response.get("created_at"))))
        if kind not in TERMINAL:
            return
        usage = read_usage(response.get("usage"))
        if response.get("error") or kind in ("response.failed", "response.cancelled"):
            if usage is not None:  # a failed answer is billed too
                events.append(UsageReport(usage))
            given = response if response.get("error") else {"message": "The provider ended its answer with an error."}
            self._fail(in_band(given), events)
            return
        if not self._items:  # some say all at once
            for index, item in enumerate(as_dicts(response.get("output"))):
                self._done({"output_index": index, "item": item}, events)
        self._over = True
        status = response if response.get("status") == "incomplete" else {"status": kind.removeprefix("response.")}
        finish = read_status(status, self._asks)
        if finish is not None:
            events.append(Finished(finish))
        if usage is not None:
            events.append(UsageReport(usage))
        events.append(Ended())

    def _fail(self, error: AnyGPTError, events: list[Event]) -> None:
        self._over = True
        events.append(StreamFailed(error))

    def _event(self, kind: str, value: dict[str, Any], events: list[Event]) -> None:
        delta = as_text(value.get("delta"))
        part = as_count(value.get("content_index"))
        match kind:
            case "response.output_item.added":
                self._added(value, events)
            case "response.output_item.done":
                self._done(value, events)
            case "response.output_text.delta" | "response.refusal.delta":
                refused, logprobs = "refusal" in kind, as_dicts(value.get("logprobs"))
                self._text(self._item(value, "message"), part, delta, refused, events, logprobs)
            case "response.output_text.done":
                said, logprobs = as_text(value.get("text")), as_dicts(value.get("logprobs"))
                self._rest(self._item(value, "message"), part, said, False, events, logprobs)
            case "response.refusal.done":
                self._rest(self._item(value, "message"), part, as_text(value.get("refusal")), True, events, [])
            case "response.output_text.annotation.added":
                item = self._item(value, "message")
                item.annotations[part] = item.annotations.get(part, 0) + 1
                events.append(CitationDelta(read_annotation(as_dict(value.get("annotation"))), FAMILY))
            case "response.function_call_arguments.delta":
                self._arguments(self._item(value, "function_call"), delta, events)
            case "response.function_call_arguments.done":
                self._all_arguments(self._item(value, "function_call"), as_text(value.get("arguments")), events)
            case _ if kind in SUMMARY or kind in THOUGHTS:
                number = as_count(value.get("summary_index")) if kind in SUMMARY else part
                self._thought(self._item(value, "reasoning"), kind, number, delta, events)

    def _item(self, value: dict[str, Any], kind: str) -> _Item:
        """The item that a delta belongs to: the one it names, else the one at its place, else the last of its kind.
        llama.cpp's events have no `output_index`, and its items no `id`: their deltas name the call."""
        name = as_text(value.get("item_id"))
        named = self._named.get(name)
        if named is not None and named.kind == kind:
            return named
        place = _place(value)
        known = [named, self._placed.get(place)]
        if place < 0 or known[1] is not None:
            known += self._open()
        fresh = _Item(kind, place=place, text={}, annotations={})
        found = next((item for item in known if item is not None and item.may_be(fresh)), None)
        return found or self._new(fresh, name)

    def _whole(self, value: dict[str, Any], whole: dict[str, Any]) -> _Item:
        """The item that an event holds itself: an id or a place that another one has already is no help."""
        done, place, call = (
            value.get("type") == "response.output_item.done",
            _place(value),
            as_text(whole.get("call_id")),
        )
        fresh = _Item(as_text(whole.get("type")), call, place, text={}, annotations={})
        names = [name for name in (as_text(whole.get("id")), call) if name]
        known = [item for name in names if (item := self._named.get(name)) and (not item.done or item.place == place)]
        if place < 0:
            known += self._open() if done else []
        elif (placed := self._placed.get(place)) is not None and not (placed.done if done else placed.opened):
            known.append(placed)
        item = next((item for item in known if item.may_be(fresh)), None) or self._new(fresh)
        item.opened, item.done, item.call = True, item.done or done, item.call or call
        self._named |= dict.fromkeys(names, item)
        return item

    def _open(self) -> list[_Item]:
        return [item for item in self._items[:-LATEST:-1] if not item.done]

    def _new(self, item: _Item, name: str = "") -> _Item:
        self._items.append(item)
        if item.place >= 0:
            self._placed[item.place] = item
        if name:
            self._named[name] = item
        return item

    def _added(self, value: dict[str, Any], events: list[Event]) -> _Item:
        start = as_dict(value.get("item"))
        item = self._whole(value, start)
        self._asks = self._asks or item.kind in CALLS
        if item.kind == "function_call" and item.position < 0:
            item.position = self._calls
            self._calls += 1
            call = read_call(start, self._id, item.position)
            events.append(ToolCallStart(item.position, call.id, call.name, call_signature(start)))
        return item

    def _done(self, value: dict[str, Any], events: list[Event]) -> None:
        whole = as_dict(value.get("item"))
        item = self._added(value, events)
        match item.kind:
            case "message":
                self._message(item, whole, events)
            case "reasoning":
                self._reasoning(item, whole, events)
            case "function_call":
                self._all_arguments(item, as_text(whole.get("arguments")), events)
            case "image_generation_call" if as_text(whole.get("result")):
                picture = read_picture(whole)
                events.append(MediaDelta(picture.data or "", picture.media_type or "image/png"))
            case "image_generation_call" | "":
                pass
            case _:
                events.append(ForeignDelta(OWN, whole))

    def _message(self, item: _Item, whole: dict[str, Any], events: list[Event]) -> None:
        """What the deltas have left out: some speakers send none, or no annotations."""
        for number, part in enumerate(as_dicts(whole.get("content"))):
            refused = part.get("type") == "refusal"
            said, logprobs = as_text(part.get("refusal" if refused else "text")), as_dicts(part.get("logprobs"))
            self._rest(item, number, said, refused, events, logprobs)
            for annotation in as_dicts(part.get("annotations"))[item.annotations.get(number, 0) :]:
                events.append(CitationDelta(read_annotation(annotation), FAMILY))

    def _reasoning(self, item: _Item, whole: dict[str, Any], events: list[Event]) -> None:
        thought = shown_reasoning(whole)
        if thought is None:
            return
        if thought.text and not item.thought:
            events.append(ReasoningDelta(thought.text, family=thought.family))
        if item.thought and thought.redacted:  # its text came, but is not repeated at its end
            events.append(ReasoningDelta(signature=thought.redacted, family=thought.family))
        elif thought.signature or thought.redacted:
            events.append(ReasoningDelta("", thought.signature, thought.redacted, thought.family))

    def _text(
        self, item: _Item, part: int, text: str, refused: bool, events: list[Event], logprobs: list[dict[str, Any]]
    ) -> None:
        item.logprobs += len(logprobs)
        if text or logprobs:
            item.text[part] = item.text.get(part, 0) + len(text)
            events.append(RefusalDelta(text) if refused else TextDelta(text, logprobs=logprobs or None))

    def _rest(
        self, item: _Item, part: int, whole: str, refused: bool, events: list[Event], logprobs: list[dict[str, Any]]
    ) -> None:
        """Some say text in pieces and the log probabilities at its end only."""
        left = [] if item.logprobs else logprobs
        if not item.text.get(part):
            self._text(item, part, whole, refused, events, left)
        elif left:
            self._text(item, part, "", refused, events, left)

    def _arguments(self, item: _Item, piece: str, events: list[Event]) -> None:
        if piece and item.position >= 0:
            item.arguments += len(piece)
            events.append(ToolCallDelta(item.position, piece))

    def _all_arguments(self, item: _Item, whole: str, events: list[Event]) -> None:
        self._arguments(item, whole[item.arguments :], events)

    def _thought(self, item: _Item, kind: str, number: int, text: str, events: list[Event]) -> None:
        item.thoughts = item.thoughts or kind
        if not text or item.thoughts != kind:
            return
        if item.thought and number != item.part:
            text = SEPARATOR + text
        item.part, item.thought = number, True
        events.append(ReasoningDelta(text, family=FAMILY))


def _place(value: dict[str, Any]) -> int:
    """-1 where an event does not say it."""
    place = value.get("output_index")
    return place if type(place) is int and place >= 0 else -1
