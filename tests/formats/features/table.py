"""What every pair of formats says of every feature, found by doing it, as Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from app.core.chat import ChatRequest
from app.core.errors import ClientError
from app.formats.payload import dump
from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.asked import aspects
from tests.formats.comparison import Outcome, ask, decoded, encoded
from tests.formats.explained import differences
from tests.formats.features.answers import ANSWERS, as_events
from tests.formats.features.by_hand import BY_HAND
from tests.formats.features.questions import QUESTIONS
from tests.formats.meaning import full, read_events, read_result

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
CLIENTS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
PROVIDERS = (*CLIENTS, "ollama", "cohere-chat")
# one model each that can think, for what depends on the model
MODELS = {
    "openai-chat": "gpt-5",
    "openai-responses": "gpt-5",
    "anthropic-messages": "claude-opus-4-6",
    "gemini": "gemini-3-pro",
    "ollama": "qwen3",
    "cohere-chat": "command-a-reasoning",
}
_TITLES = {
    "openai-chat": "OpenAI chat",
    "openai-responses": "OpenAI Responses",
    "anthropic-messages": "Anthropic messages",
    "gemini": "Gemini",
    "ollama": "Ollama",
    "cohere-chat": "Cohere",
}


_NAMES = (
    "OpenAI's chat format",
    "OpenAI's Responses format",
    "Anthropic's format",
    "Gemini's format",
    "Ollama's format",
    "Cohere's format",
)


class Lost(AssertionError):
    """Something vanishes that no note names and no rule explains."""


def question_in(client: str, feature: str) -> ChatRequest | None:
    """The question as this client's format says it; None where it has no words for it."""
    wire = CLIENT_FORMATS[client]
    if (fields := BY_HAND[client].get(feature)) is not None:
        body = json.loads(wire.encode_request(QUESTIONS["text"](client), "some-model").body)
        return wire.decode_request(dump(body | fields), "some-model", False)
    wanted = QUESTIONS[feature](client)
    try:
        call = wire.encode_request(wanted, "some-model")
        said = wire.decode_request(call.body, "some-model", wanted.stream)
    except ClientError:
        return None
    before, after, plain = aspects(wanted), aspects(said), aspects(QUESTIONS["text"](client))
    told = [key for key in before if before[key] != plain[key]]
    if any(before[key] != after[key] for key in told) or (wanted.extra and not said.extra):
        return None
    return said


def question_cell(client: str, provider: str, feature: str) -> Outcome | None:
    question = question_in(client, feature)
    if question is None:
        return None
    outcome = ask(question, FORMATS[provider], MODELS[provider])
    if outcome.unexplained:
        raise Lost(f"{feature}: {client} → {provider}: {outcome.unexplained}")
    if feature != "no maximum of tokens":
        outcome.notes = [note for note in outcome.notes if not note.startswith("max_tokens: set")]
    return outcome


def answer_cell(client: str, feature: str) -> Outcome:
    """Whole and streamed must lose the same."""
    wire, result = CLIENT_FORMATS[client], ANSWERS[feature]
    again = wire.decode_result(wire.encode_result(result))
    whole = differences(client, full(read_result(result)), full(read_result(again)))
    events = as_events(result)
    stream = differences(client, full(read_events(events)), full(read_events(decoded(wire, encoded(wire, events)))))
    if whole[1] or stream[1]:
        raise Lost(f"{feature}: {client}: {whole[1]} {stream[1]}")
    rules = {rule.name: rule.reason for rule in (*whole[0], *stream[0])}
    return Outcome(notes=[f"{name}: {reason}." for name, reason in rules.items()])


class Notes:
    """Notes under a table, each with one number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def cell(self, outcome: Outcome | None) -> str:
        if outcome is None:
            return ""
        if outcome.refused:
            return f"422 {self._number(outcome.refused)}"
        if outcome.notes:
            return "≈ " + " ".join(self._number(note) for note in dict.fromkeys(outcome.notes))
        return "✓"

    def lines(self) -> list[str]:
        return [f"{number}. {note}" for note, number in self._numbers.items()]

    def _number(self, note: str) -> str:
        for name in _NAMES:
            note = note.replace(name, "this format")  # the column tells which
        note = re.sub(r"\[\d+\]", "[…]", note).replace("<", "&lt;").replace("|", "\\|")
        note = note[:1].upper() + note[1:] if note.startswith("this") else note
        return f"[{self._numbers.setdefault(note, len(self._numbers) + 1)}]"


def questions_table(client: str) -> list[str]:
    notes = Notes()
    lines = [f"### From a client of {_TITLES[client]}", "", _head("Question", PROVIDERS)]
    lines.append("|---" * (len(PROVIDERS) + 1) + "|")
    for feature in QUESTIONS:
        if question_in(client, feature) is None:
            continue
        cells = [
            "=" if provider == client else notes.cell(question_cell(client, provider, feature))
            for provider in PROVIDERS
        ]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    unsaid = [feature for feature in QUESTIONS if question_in(client, feature) is None]
    lines += ["", *notes.lines()]
    if unsaid:
        lines += ["", f"This format itself cannot ask for: {'; '.join(unsaid)}."]
    return [*lines, ""]


def answers_table() -> list[str]:
    notes = Notes()
    lines = ["### Answers, whole and streamed, for a client of", "", _head("Answer", CLIENTS)]
    lines.append("|---" * (len(CLIENTS) + 1) + "|")
    for feature in ANSWERS:
        cells = [notes.cell(answer_cell(client, feature)) for client in CLIENTS]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    return [*lines, "", *notes.lines(), ""]


def tables() -> str:
    lines: list[str] = []
    for client in CLIENTS:
        lines += questions_table(client)
    return "\n".join([*lines, *answers_table()]).rstrip()


def page(text: str) -> str:
    """The page with its tables made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def _head(title: str, names: Any) -> str:
    return f"| {title} | " + " | ".join(_TITLES[name] for name in names) + " |"
