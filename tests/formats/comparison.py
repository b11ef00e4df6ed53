"""The comparison of all pairs of formats over the recordings, as a table: `python -m tests.formats.comparison`."""

from __future__ import annotations

import json
import re
from collections import Counter

import msgspec

from app.core.chat import ChatRequest, Event
from app.core.errors import BadRequest, Unsupported, UpstreamError
from app.formats.base import Peek, UpstreamFormat, WireFormat
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats import asked
from tests.formats.explained import differences
from tests.formats.meaning import full, read_events, read_result
from tests.recordings import Recording, recordings


class Outcome(msgspec.Struct):
    """What came of one exchange in one format. Only `unexplained` is a fault."""

    notes: list[str] = []
    refused: str = ""
    unexplained: list[str] = []

    @property
    def word(self) -> str:
        return "refused" if self.refused else "approximated" if self.notes else "passes"


def chat_dialects() -> list[str]:
    return [name for name in sorted({found.dialect for found in recordings()}) if _speaks_chat(name)]


def compare_answer(recorded: Recording, client: str) -> Outcome | None:
    """None for what is no answer: an error, whole or in the stream."""
    wire, target = FORMATS[recorded.dialect], CLIENT_FORMATS[client]
    if not recorded.ok:
        return None
    if recorded.stream:
        events = decoded(wire, recorded.body)
        before = read_events(events)
        if before.failed:
            return None
        after = read_events(decoded(target, encoded(target, events)))
    else:
        try:
            result = wire.decode_result(recorded.body)
        except UpstreamError:
            return None
        before, after = read_result(result), read_result(target.decode_result(target.encode_result(result)))
    rules, unexplained = differences(client, full(before), full(after))
    return Outcome(notes=[f"{rule.name}: {rule.reason}" for rule in rules], unexplained=unexplained)


def compare_question(recorded: Recording, provider: str) -> Outcome | None:
    """None for what is no question, and what the client's own format refuses as broken."""
    question = question_of(recorded)
    if question is None or not _speaks_chat(provider):
        return None
    return ask(question, FORMATS[provider])


def ask(question: ChatRequest, wire: UpstreamFormat, model: str = "some-model") -> Outcome:
    """Says a question to a provider, and reads from the body what was said."""
    try:
        call = wire.encode_request(question, model)
    except Unsupported as error:
        return Outcome(refused=error.message)
    return Outcome(notes=call.approximated, unexplained=asked.lost(question, call, wire.name))


def question_of(recorded: Recording) -> ChatRequest | None:
    wire = CLIENT_FORMATS.get(recorded.dialect)
    if wire is None or not isinstance(recorded.request, dict):
        return None
    found = re.search(r"models/([^:/]+):(\w+)", recorded.path)
    model, stream = (found[1], found[2].startswith("stream")) if found else ("model", False)
    try:
        return wire.decode_request(json.dumps(recorded.request).encode(), model, stream)
    except (BadRequest, Unsupported):
        return None


def relayed_alike(recorded: Recording) -> bool:
    wire = CLIENT_FORMATS.get(recorded.dialect)
    if wire is None or not recorded.stream:
        return True
    tap = wire.tap(strip_usage=False)
    return tap.feed(recorded.body) + tap.close() + tap.tail == recorded.body


def decoded(wire: UpstreamFormat, body: bytes) -> list[Event]:
    decoder = wire.decoder()
    return decoder.feed(body) + decoder.close()


def encoded(wire: WireFormat, events: list[Event]) -> bytes:
    encoder = wire.encoder(Peek(model="m", stream=True, include_usage=True))
    return b"".join(encoder.encode(event) for event in events) + encoder.end()


def _speaks_chat(name: str) -> bool:
    return name in FORMATS and FORMATS[name].operation == "chat"


def _table(title: str, counts: dict[tuple[str, str], Counter[str]]) -> list[str]:
    lines = [title, f"{'from':20} {'to':20} {'passes':>8} {'approx.':>8} {'refused':>8} {'unexplained':>12}"]
    for (source, target), count in sorted(counts.items()):
        numbers = (count["passes"], count["approximated"], count["refused"], count["unexplained"])
        lines.append(f"{source:20} {target:20} {numbers[0]:8} {numbers[1]:8} {numbers[2]:8} {numbers[3]:12}")
    return [*lines, ""]


def main() -> None:
    answers: dict[tuple[str, str], Counter[str]] = {}
    questions: dict[tuple[str, str], Counter[str]] = {}
    reasons: Counter[str] = Counter()
    for recorded in (item for dialect in chat_dialects() for item in recordings(dialect=dialect)):
        for client in CLIENT_FORMATS:
            _count(answers, reasons, recorded.dialect, client, compare_answer(recorded, client))
        for provider in FORMATS:
            _count(questions, reasons, recorded.dialect, provider, compare_question(recorded, provider))
    lines = _table("Answers: provider → client", answers) + _table("Questions: client → provider", questions)
    lines += [f"{number:6}  {reason}" for reason, number in reasons.most_common()]
    print("\n".join(lines))


def _count(
    counts: dict[tuple[str, str], Counter[str]],
    reasons: Counter[str],
    source: str,
    target: str,
    outcome: Outcome | None,
) -> None:
    if outcome is None:
        return
    counts.setdefault((source, target), Counter())["unexplained" if outcome.unexplained else outcome.word] += 1
    for note in [outcome.refused] if outcome.refused else outcome.notes:
        reasons[re.sub(r"(messages|tools|contents|input)\[\d+\]", r"\1[…]", note)] += 1


if __name__ == "__main__":
    main()
