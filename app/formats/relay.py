"""The tap beside a relayed event stream: scans bytes for what may matter and decodes only that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

import msgspec

from app.core.chat import FinishReason, Usage
from app.core.errors import UnreadableAnswer, UpstreamError
from app.formats.failures import in_band
from app.formats.payload import add_members, as_count, as_dicts, try_read
from app.formats.sse import MAX_EVENT, Frame, parse_event

SAMPLE = 8 * 1024  # bytes of the wire kept for counting characters, should no usage arrive: each stream holds as much
RATE_EVENTS = 4
LARGE = 256 * 1024  # an event of more bytes holds a picture or a sound: no text to count
MAX_TAIL = 1024 * 1024
MOST_CHOICES = 1024
ERROR = b"error"  # one search for what all of these have in common
_ERRORS = (b'"error"', b"event: error", b"event:error")


class Seen(msgspec.Struct):
    """What one event is to a tap."""

    content: bool = False
    ends: bool = False  # it looks like the end: kept back with all after it, until content follows
    drop: bool = False  # not for this client


class StreamTap:
    """What all event streams have in common. A format says which bytes may matter (`triggers`), what an event is
    (`_look`) and what it says (`_words`), and under which key the choices of an answer stand, if it may have many."""

    triggers: ClassVar[tuple[bytes, ...]] = (ERROR,)
    choices: ClassVar[str] = ""
    patterns: ClassVar[tuple[re.Pattern[bytes], ...]] = ()
    max_event: ClassVar[int] = MAX_EVENT

    def __init__(self, *, strip_usage: bool = False) -> None:
        self.content = False
        self.finish: FinishReason | None = None
        self.error: UpstreamError | None = None
        self.ended = False
        self.events = 0
        self._usage: Usage | None = None
        self._strip_usage = strip_usage
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._edge = b""  # the last bytes of what is pending: a blank line may be cut in two
        self._tail: list[tuple[bytes, bool]] = []  # (event, whether it carries usage)
        self._tail_size = 0
        self._sample: list[bytes] = []
        self._wire = 0  # bytes passed on
        self._counted = 0  # bytes of them whose characters were counted
        self._spoken: list[str] = []
        self._media = 0  # bytes of large events
        self._begun: set[int] = set()  # choices that were looked at
        self._over: set[int] = set()  # choices that said why they ended

    @property
    def usage(self) -> Usage | None:
        return self._usage

    @property
    def tail(self) -> bytes:
        return b"".join([raw for raw, _ in self._tail])

    @property
    def said(self) -> str:
        block = b"".join(self._sample)
        self._counted += len(block)
        plain = self._plain_text(block)
        self._spoken += [text for _, text in self._texts(block)] if plain is None else [plain]
        self._sample.clear()
        self._spoken = ["".join(self._spoken)]
        return self._spoken[0]

    @property
    def output_text(self) -> int:
        said = len(self.said)
        return said * self._wire // self._counted if self._counted else 0

    def text_rate(self, block: bytes) -> float:
        characters = size = 0
        for raw, text in islice(self._texts(block), RATE_EVENTS):
            size += len(raw)
            characters += len(text)
        rate = characters / size if size else 1.0
        media = self._media + (self._pending_size if self._pending_size > LARGE else 0)
        return rate * self._wire / (self._wire + media) if media else rate

    def feed(self, chunk: bytes) -> bytes:
        pending = self._pending
        if not pending and chunk.endswith(b"\n\n"):
            return self._pass(chunk) if len(chunk) <= LARGE else self._pass_large(chunk)
        probe = self._edge + chunk if pending else chunk
        cut = _last_end(probe)
        if cut <= 0:
            pending.append(chunk)
            self._edge = probe[-3:]
            self._pending_size += len(chunk)
            if self._pending_size > self.max_event:
                raise UnreadableAnswer(f"The provider sent an event of more than {self.max_event} bytes.")
            return b""
        cut += len(chunk) - len(probe)  # where the last complete event ends in this chunk
        if pending:
            pending.append(chunk[:cut])
            block = b"".join(pending)
            pending.clear()
        else:
            block = chunk[:cut] if cut < len(chunk) else chunk
        self._pending_size = len(chunk) - cut
        if self._pending_size:
            pending.append(chunk[cut:])
            self._edge = chunk[cut:][-3:]
        return self._pass(block) if len(block) <= LARGE else self._pass_large(block)

    def close(self) -> bytes:
        rest = b"".join(self._pending)
        self._pending.clear()
        out = self._last(rest) if rest.strip() else b""
        if self._complete():
            self.ended = True
        elif out and not self.ended:
            out += b"\n\n"  # an error will follow, and must not run into this event
        return out

    def tail_with(self, extra: dict[str, Any]) -> bytes:
        chosen = next((n for n in range(len(self._tail) - 1, -1, -1) if self._tail[n][1]), None)
        if chosen is None:
            with_json = (n for n in range(len(self._tail) - 1, -1, -1) if b"{" in self._tail[n][0])
            chosen = next(with_json, None)
        return b"".join(
            add_members(raw, extra) if number == chosen else raw for number, (raw, _) in enumerate(self._tail)
        )

    def _pass(self, block: bytes) -> bytes:
        """Complete events → those that go out now."""
        at, size = 0, len(block)
        scanned = self.content and not self._tail
        if scanned and (at := self._first_trigger(block, 0)) == size:  # nearly always
            self._keep(block)
            return block
        out: list[bytes] = []
        if at:
            out.append(block[:at])
            self._keep(out[0])
        while at < size:
            if self.content and not self._tail and not scanned:
                scanned = True
                stop = self._first_trigger(block, at)
                if stop > at:
                    out.append(block[at:stop])
                    self._keep(out[-1])
                    at = stop
                    continue
            end = _next_end(block, at)
            raw = block[at:end]
            at = end
            if self.content and not self._tail and not self._triggered(raw):
                self._keep(raw)
                out.append(raw)
            else:
                frame = _frame(raw)
                self.events += frame is not None  # comments without end are no beginning of an answer
                self._examine(raw, frame, out)
        return out[0] if len(out) == 1 else b"".join(out)

    def _pass_large(self, block: bytes) -> bytes:
        """The same, where an event may be too large to be kept in the sample, or to be counted as text."""
        out: list[bytes] = []
        for raw in split_events(block):
            kept, wire = len(self._sample), self._wire
            out.append(self._pass(raw))
            if len(raw) > LARGE:
                del self._sample[kept:]
                self._media += self._wire - wire
                self._wire = wire
        return b"".join(out)

    def _examine(self, raw: bytes, frame: Frame | None, out: list[bytes]) -> None:
        seen = self._read(frame) if frame else Seen()
        if seen.drop:
            return
        self._keep(raw)
        if seen.content:
            self.content = True
            if self._tail and not self.ended:  # it was not the end after all
                out.append(self.tail)
                self._tail.clear()
                self._tail_size = 0
        if seen.ends or self._tail:
            self._hold(raw)
        else:
            out.append(raw)

    def _read(self, frame: Frame) -> Seen:
        value = _object(frame)
        named = frame.event == "error"
        if value is None:
            if not named:
                return self._odd(frame)
            value = {"message": frame.data.decode("utf-8", "replace")}
        error = self._error_of(value)
        if error is None and named:
            error = in_band(value)
        if error is not None:
            self.error = self.error or error
            self._look(value)
            return Seen(ends=True)
        return self._look(value)

    def _odd(self, frame: Frame) -> Seen:
        """An event whose data is no JSON object."""
        if not self.content:
            raise UnreadableAnswer("The provider's stream holds an event that is not JSON.", body=frame.data[:2000])
        return Seen()

    def _error_of(self, value: dict[str, Any]) -> UpstreamError | None:
        return in_band(value) if value.get("error") else None

    def _look(self, value: dict[str, Any]) -> Seen:
        raise NotImplementedError

    def _words(self, value: dict[str, Any]) -> str:
        raise NotImplementedError

    def _plain(self, data: bytes) -> str | None:
        """What an event says that says nothing but text, where that can be read in one step."""
        return None

    def _plain_text(self, block: bytes) -> str | None:
        """What a block of complete events says, where all of them say nothing but text."""
        return None

    def _texts(self, block: bytes) -> Iterator[tuple[bytes, str]]:
        """Complete events that hold a JSON object, and what they say."""
        for raw in split_events(block):
            frame = _frame(raw)
            if frame is None:
                continue
            text = self._plain(frame.data)
            if text is None:
                value = _object(frame)
                if value is None:
                    continue
                text = self._words(value)
            yield raw, text

    def _finish(self, choice: dict[str, Any], reason: FinishReason) -> None:
        """Why one choice ended. For the whole answer the first one speaks, and until it does, whichever came first."""
        index = as_count(choice.get("index"))
        if index not in self._over and (not index or not self._over):
            self.finish = reason
        if index < MOST_CHOICES:
            self._over.add(index)

    def _begin(self, choice: dict[str, Any]) -> None:
        if (index := as_count(choice.get("index"))) < MOST_CHOICES:
            self._begun.add(index)

    def _complete(self) -> bool:
        if self.finish is None or self.error is not None:
            return False
        if self.choices:  # most events went by unread; who is to speak has spoken by the end of the sample
            for block in self._sample:
                for value in _values(block):
                    for choice in as_dicts(value.get(self.choices)):
                        self._begin(choice)
        return self._begun <= self._over

    def _last(self, rest: bytes) -> bytes:
        """What came after the last blank line: an event without one, a body that is plain JSON (an error, or an
        answer that ignored `stream`), or an event that was cut off: clients would not see that one either."""
        text = rest.strip()
        frame = Frame("", text) if text.startswith((b"{", b"[")) else _frame(rest)
        if frame is None or (frame.data.strip() != b"[DONE]" and try_read(frame.data) is None):
            return b""
        out: list[bytes] = []
        self.events += 1
        self._examine(rest, frame, out)
        return b"".join(out)

    def _hold(self, raw: bytes) -> None:
        self._tail.append((raw, self._carries_usage(raw)))
        self._tail_size += len(raw)
        if self._tail_size > MAX_TAIL + self.max_event:
            raise UnreadableAnswer("The provider went on sending after the end of its answer.")

    def _carries_usage(self, raw: bytes) -> bool:
        return b'"usage"' in raw

    def _keep(self, raw: bytes) -> None:
        if (room := SAMPLE - self._wire) > 0:
            # the same events in whatever pieces they come: those that begin within the sample
            self._sample.append(raw if len(raw) <= room else raw[: _next_end(raw, max(room - 2, 0))])
        self._wire += len(raw)

    def _triggered(self, raw: bytes) -> bool:
        if any(trigger in raw for trigger in self.triggers if trigger is not ERROR):
            return True
        if ERROR in raw and any(error in raw for error in _ERRORS):
            return True
        return any(pattern.search(raw) for pattern in self.patterns)

    def _first_trigger(self, block: bytes, at: int) -> int:
        """Where the first event that may matter begins; the block's end where there is none."""
        first = end = len(block)
        for trigger in self.triggers:
            if (found := block.find(trigger, at, first)) >= 0:
                first = found
        for pattern in self.patterns:
            if match := pattern.search(block, at, first):
                first = match.start()
        if first == end:
            return end
        return at + _last_end(block[at:first])


def split_events(block: bytes) -> Iterator[bytes]:
    """Complete events, each with its blank line."""
    at = 0
    while at < len(block):
        end = _next_end(block, at)
        yield block[at:end]
        at = end


def _values(block: bytes) -> Iterator[dict[str, Any]]:
    """Of complete events, those that are a JSON object."""
    for raw in split_events(block):
        frame = _frame(raw)
        if frame is not None and (value := _object(frame)) is not None:
            yield value


def _object(frame: Frame) -> dict[str, Any] | None:
    value = try_read(frame.data) if frame.data.lstrip().startswith(b"{") else None
    return value if isinstance(value, dict) else None


def _last_end(block: bytes) -> int:
    """After the last blank line; 0 where there is none."""
    end = block.rfind(b"\n\n") + 2
    if b"\r" in block:
        end = max(end, block.rfind(b"\n\r\n") + 3 if b"\n\r\n" in block else 0)
    return end if end > 1 else 0


def _next_end(block: bytes, at: int) -> int:
    end = block.find(b"\n\n", at)
    if (mixed := block.find(b"\n\r\n", at, end + 1 if end >= 0 else len(block))) >= 0:
        return mixed + 3
    return end + 2 if end >= 0 else len(block)


def _frame(raw: bytes) -> Frame | None:
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n")
    return parse_event(raw.strip(b"\n"))
