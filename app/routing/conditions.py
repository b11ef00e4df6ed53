"""When a rule holds: its conditions, and the same prepared once per snapshot so that a request only compares."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import msgspec

from app.core.errors import BadRequest
from app.routing.question import Question

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Test = Callable[[Question], bool]


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that are set must hold; an empty list says nothing."""

    models: list[str] = []
    capabilities: list[str] = []
    min_input_tokens: int | None = None
    max_input_tokens: int | None = None
    keys: list[str] = []
    users: list[str] = []
    teams: list[str] = []
    tiers: list[str] = []
    tags: list[str] = []
    intents: list[str] = []
    complexity: list[str] = []
    hours: str | None = None
    weekdays: list[str] = []
    stream: bool | None = None
    budget_left_below: float | None = None


def compile_conditions(conditions: Conditions) -> list[Test]:
    """One test for each condition that is set, the cheap ones first."""
    c, tests = conditions, list[Test]()
    if c.stream is not None:
        stream = c.stream
        tests.append(lambda q: q.stream is stream)
    if c.min_input_tokens is not None:
        least = c.min_input_tokens
        tests.append(lambda q: q.input_tokens >= least)
    if c.max_input_tokens is not None:
        most = c.max_input_tokens
        tests.append(lambda q: q.input_tokens <= most)
    if c.capabilities:
        needed = frozenset(c.capabilities)
        tests.append(lambda q: needed <= q.needs)
    if c.keys:
        keys = frozenset(c.keys)
        tests.append(lambda q: q.key in keys)
    if c.users:
        users = frozenset(user.lower() for user in c.users)
        tests.append(lambda q: q.person in users)
    if c.teams:
        teams = frozenset(c.teams)
        tests.append(lambda q: not teams.isdisjoint(q.teams))
    if c.tiers:
        tiers = frozenset(c.tiers)
        tests.append(lambda q: q.tier in tiers)
    if c.tags:
        tags = frozenset(c.tags)
        tests.append(lambda q: not tags.isdisjoint(q.tags))
    if c.models:
        if any("*" in glob or "?" in glob for glob in c.models):
            pattern = glob_pattern(c.models)
            tests.append(lambda q: pattern.fullmatch(q.model) is not None)
        else:
            models = frozenset(c.models)
            tests.append(lambda q: q.model in models)
    if c.hours is not None:
        start, end = read_hours(c.hours)
        tests.append(lambda q: _within(q.local, start, end))
    if c.weekdays:
        days = frozenset(WEEKDAYS.index(day) for day in c.weekdays)
        tests.append(lambda q: q.local.weekday() in days)
    if c.intents:
        intents = frozenset(c.intents)
        tests.append(lambda q: q.intent is not None and q.intent.name in intents)
    if c.complexity:
        levels = frozenset(c.complexity)
        tests.append(lambda q: q.intent is not None and q.intent.complexity in levels)
    if c.budget_left_below is not None:
        below = c.budget_left_below
        tests.append(lambda q: q.budget_left is not None and q.budget_left < below)
    return tests


def glob_pattern(globs: list[str] | tuple[str, ...]) -> re.Pattern[str]:
    """Shell-style globs as one pattern; `*` also crosses slashes."""
    return re.compile("|".join(re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs) or r"\b\B")


def read_hours(text: str, where: str = "when") -> tuple[int, int]:
    """ "08-20" → (8, 20); the end hour is not included; "22-06" crosses midnight."""
    match = re.fullmatch(r"(\d{1,2})-(\d{1,2})", text)
    if match is None or not (int(match[1]) <= 23 and int(match[2]) <= 24):
        raise BadRequest(f'{where}.hours: "{text}" is not a span such as "08-20".', field=f"{where}.hours")
    return int(match[1]), int(match[2])


def _within(now: datetime, start: int, end: int) -> bool:
    return start <= now.hour < end if start <= end else now.hour >= start or now.hour < end
