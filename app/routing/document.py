"""A router as a document: rules, conditions, targets; checked when it is saved."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from app.core.errors import BadRequest
from app.routing.question import Question
from app.routing.strategies import STRATEGIES

CAPABILITIES = (
    "chat",
    "vision",
    "tools",
    "json",
    "reasoning",
    "files",
    "audio_in",
    "audio_out",
    "image_out",
    "embeddings",
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    provider: str
    model: str
    weight: float = 1


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that are set must hold; an empty list says nothing."""

    models: list[str] = []
    capabilities: list[str] = []
    min_input_tokens: int | None = None
    max_input_tokens: int | None = None
    keys: list[str] = []
    users: list[str] = []
    teams: list[str] = []
    tags: list[str] = []
    hours: str | None = None
    weekdays: list[str] = []
    stream: bool | None = None
    budget_left_below: float | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str = ""
    id: str = ""
    when: Conditions | None = None
    unless: Conditions | None = None
    targets: list[Target] = []
    strategy: str | None = None
    on_failure: str = "next_rule"


class RouterDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a router, as it is stored, exported and applied."""

    name: str
    strategy: str = "priority"
    max_attempts: int = 4
    timeout_s: float = 120
    first_token_timeout_s: float = 60
    idle_timeout_s: float = 60
    rules: list[Rule] = []


BUILT_IN = RouterDocument(name="default", rules=[Rule(name="every model", id="rule_default")])


def read_document(value: dict[str, Any]) -> RouterDocument:
    """A checked document. Raises BadRequest naming the field and what it accepts."""
    try:
        document = msgspec.convert(value, RouterDocument)
    except msgspec.ValidationError as error:
        raise BadRequest(f"router: {error}.", field=_field_of(str(error))) from None
    check_document(document)
    return document


def check_document(document: RouterDocument) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", document.name):
        raise BadRequest(
            f'name: "{document.name}" is not a router name; use letters, digits, dots, dashes and underscores.',
            field="name",
        )
    _check_strategy(document.strategy, "strategy")
    if not 1 <= document.max_attempts <= 20:
        raise BadRequest("max_attempts: a number from 1 to 20.", field="max_attempts")
    for field in ("timeout_s", "first_token_timeout_s", "idle_timeout_s"):
        if not 0 < getattr(document, field) <= 3600:
            raise BadRequest(f"{field}: seconds, more than 0 and at most 3600.", field=field)
    for position, rule in enumerate(document.rules):
        _check_rule(rule, f"rules[{position}]")


def check_on_failure(documents: dict[str, RouterDocument]) -> None:
    """Refuses `on_failure = "router:NAME"` with an unknown name, or in a circle."""
    follows = {
        name: {rule.on_failure[7:] for rule in document.rules if rule.on_failure.startswith("router:")}
        for name, document in documents.items()
    }
    for name, next_names in follows.items():
        for unknown in next_names - documents.keys():
            raise BadRequest(
                f'on_failure: router "{name}" names "{unknown}", which does not exist.', field="on_failure"
            )
    for start in follows:
        seen, reach = set(), set(follows[start])
        while reach:
            name = reach.pop()
            if name == start:
                raise BadRequest(
                    f'on_failure: router "{start}" would come back to itself. Let one of the routers stop.',
                    field="on_failure",
                )
            if name not in seen:
                seen.add(name)
                reach |= follows[name]


class CompiledConditions:
    """Conditions prepared once per snapshot, so that a request only compares."""

    def __init__(self, conditions: Conditions) -> None:
        self._tests: list[Callable[[Question], bool]] = []
        c = conditions
        if c.models:
            pattern = glob_pattern(c.models)
            self._tests.append(lambda q: pattern.fullmatch(q.model) is not None)
        if c.capabilities:
            needed = frozenset(c.capabilities)
            self._tests.append(lambda q: needed <= q.needs)
        if c.min_input_tokens is not None:
            least = c.min_input_tokens
            self._tests.append(lambda q: q.input_tokens >= least)
        if c.max_input_tokens is not None:
            most = c.max_input_tokens
            self._tests.append(lambda q: q.input_tokens <= most)
        if c.keys:
            keys = frozenset(c.keys)
            self._tests.append(lambda q: q.key in keys)
        if c.users:
            users = frozenset(user.lower() for user in c.users)
            self._tests.append(lambda q: q.person in users)
        if c.teams:
            teams = frozenset(c.teams)
            self._tests.append(lambda q: not teams.isdisjoint(q.teams))
        if c.tags:
            tags = frozenset(c.tags)
            self._tests.append(lambda q: not tags.isdisjoint(q.tags))
        if c.hours is not None:
            start, end = _hours(c.hours)
            self._tests.append(lambda q: _within(q.now, start, end))
        if c.weekdays:
            days = frozenset(WEEKDAYS.index(day) for day in c.weekdays)
            self._tests.append(lambda q: q.now.weekday() in days)
        if c.stream is not None:
            stream = c.stream
            self._tests.append(lambda q: q.stream is stream)
        if c.budget_left_below is not None:
            below = c.budget_left_below
            self._tests.append(lambda q: q.budget_left is not None and q.budget_left < below)

    def hold(self, question: Question) -> bool:
        return all(test(question) for test in self._tests)


def glob_pattern(globs: list[str] | tuple[str, ...]) -> re.Pattern[str]:
    """Shell-style globs as one pattern; `*` also crosses slashes."""
    return re.compile("|".join(re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs) or r"\b\B")


def _check_rule(rule: Rule, where: str) -> None:
    if rule.strategy is not None:
        _check_strategy(rule.strategy, f"{where}.strategy")
    if rule.on_failure not in ("next_rule", "stop") and not re.fullmatch(r"router:.+", rule.on_failure):
        raise BadRequest(
            f'{where}.on_failure: "{rule.on_failure}" is not one of next_rule, stop, router:NAME.',
            field=f"{where}.on_failure",
        )
    for part, conditions in (("when", rule.when), ("unless", rule.unless)):
        if conditions is not None:
            _check_conditions(conditions, f"{where}.{part}")
    for position, target in enumerate(rule.targets):
        if not 0 <= target.weight < math.inf:
            field = f"{where}.targets[{position}].weight"
            raise BadRequest(f"{field}: a number, 0 or more.", field=field)


def _check_conditions(conditions: Conditions, where: str) -> None:
    for capability in conditions.capabilities:
        if capability not in CAPABILITIES:
            raise BadRequest(
                f'{where}.capabilities: "{capability}" is not one of {", ".join(CAPABILITIES)}.',
                field=f"{where}.capabilities",
            )
    for day in conditions.weekdays:
        if day not in WEEKDAYS:
            raise BadRequest(
                f'{where}.weekdays: "{day}" is not one of {", ".join(WEEKDAYS)}.', field=f"{where}.weekdays"
            )
    if conditions.hours is not None:
        _hours(conditions.hours, where)
    if conditions.budget_left_below is not None and not 0 < conditions.budget_left_below <= 1:
        raise BadRequest(
            f"{where}.budget_left_below: a share, more than 0 and at most 1.", field=f"{where}.budget_left_below"
        )


def _check_strategy(name: str, field: str) -> None:
    if name not in STRATEGIES:
        raise BadRequest(f'{field}: "{name}" is not one of {", ".join(sorted(STRATEGIES))}.', field=field)


def _hours(text: str, where: str = "when") -> tuple[int, int]:
    """ "08-20" → (8, 20); the end hour is not included; "22-06" crosses midnight."""
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
    if match is None or not (int(match[1]) <= 23 and int(match[2]) <= 24):
        raise BadRequest(f'{where}.hours: "{text}" is not a span such as "08-20".', field=f"{where}.hours")
    return int(match[1]), int(match[2])


def _within(now: datetime, start: int, end: int) -> bool:
    return start <= now.hour < end if start <= end else now.hour >= start or now.hour < end


def _field_of(message: str) -> str | None:
    """Where msgspec found the fault: the path, and the field that is missing or unknown there."""
    path = re.search(r"at `\$\.?([^`]*)`", message)
    name = re.search(r"(?:required|unknown) field `([^`]*)`", message)
    return ".".join(found[1] for found in (path, name) if found) or None
