"""The conditions of a rule for people: what each is called, how it is chosen, how it reads on a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.routing.checks import CAPABILITIES
from app.routing.conditions import WEEKDAYS
from app.routing.intent import COMPLEXITY, INTENTS
from components.format import window

DAY_NAMES = dict(zip(WEEKDAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))


@dataclass(frozen=True, slots=True)
class ConditionField:
    """`kind` is the control: words (a list, free or of `choices`), number, percent, hours, yes_no. `known` names what
    the editor offers beside free text: models, keys, people, teams, tiers."""

    name: str
    label: str
    chip: str
    kind: str
    hint: str = ""
    choices: Mapping[str, str] | None = None
    known: str = ""
    example: str = ""


def _plain(words: tuple[str, ...]) -> dict[str, str]:
    return {word: word.replace("_", " ") for word in words}


FIELDS = {
    field.name: field
    for field in (
        ConditionField("models", "Model asked for", "model", "words", "* stands for anything: gpt-4o*", known="models"),
        ConditionField("capabilities", "Needs", "needs", "words", "All of them.", _plain(CAPABILITIES)),
        ConditionField("intents", "Intent", "intent", "words", "What the request is about.", _plain(INTENTS)),
        ConditionField("complexity", "Complexity", "complexity", "words", "", _plain(COMPLEXITY)),
        ConditionField("min_input_tokens", "Input of at least", "input", "number", "Tokens, estimated."),
        ConditionField("max_input_tokens", "Input of at most", "input", "number", "Tokens, estimated."),
        ConditionField("keys", "Key", "key", "words", "The gateway key that asks.", known="keys"),
        ConditionField("users", "Person", "person", "words", "The owner of the key, or who chats.", known="people"),
        ConditionField("teams", "Team", "team", "words", known="teams"),
        ConditionField("tiers", "Tier", "tier", "words", known="tiers"),
        ConditionField("tags", "Tag", "tag", "words", "From the client's metadata or header."),
        ConditionField("hours", "Hour of the day", "hours", "hours", "08-20; 22-06 crosses midnight.", example="08-20"),
        ConditionField("weekdays", "Weekday", "days", "words", "", DAY_NAMES),
        ConditionField("stream", "Streamed", "stream", "yes_no"),
        ConditionField(
            "budget_left_below", "Budget left below", "budget left", "percent", "Percent of the key's budget."
        ),
    )
}


def chips(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What stands on the card: a word and its value. Exceptions hold together: `unless tag batch` `and key ci`."""
    yield from _of_part(rule.get("when") or {})
    exceptions = list(_of_part(rule.get("unless") or {}))
    if len(exceptions) == 1:
        word, value = exceptions[0]
        opposite = {"yes": "no", "no": "yes"}.get(value) if word == FIELDS["stream"].chip else None
        yield (word, opposite) if opposite else (f"not {word}", value)
    else:
        for at, (word, value) in enumerate(exceptions):
            yield f"{'and' if at else 'unless'} {word}", value


def sentence(rule: Mapping[str, Any]) -> str:
    """The same in one line, for those who do not see chips: `needs vision, not tag batch`."""
    return ", ".join(f"{word} {value}" for word, value in chips(rule)) or "always"


def _of_part(conditions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    least, most = conditions.get("min_input_tokens"), conditions.get("max_input_tokens")
    for name, field in FIELDS.items():
        value = conditions.get(name)
        if value in (None, []):
            continue
        if name == "min_input_tokens":
            yield "input", f"{window(least)} to {window(most)}" if most is not None else f"from {_size(least)}"
        elif name == "max_input_tokens":
            if least is None:
                yield "input", f"up to {_size(most)}"
        else:
            yield field.chip, value_text(field, value)


def value_text(field: ConditionField, value: Any) -> str:
    if field.kind == "yes_no":
        return "yes" if value else "no"
    if field.kind == "percent":
        return f"below {value * 100:g}%"
    if field.kind == "words":
        shown = [str((field.choices or {}).get(word, word)) for word in value]
        return ", ".join(shown) if len(shown) <= 3 else f"{', '.join(shown[:2])} and {len(shown) - 2} more"
    return str(value)


def _size(tokens: int | None) -> str:
    return window(tokens) if tokens else "0"
