"""Which rule takes all that another would, against requests of every sort."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from app.routing.conditions import Conditions, compile_conditions
from app.routing.document import Rule
from app.routing.question import Question
from app.services.router_conditions import Held, always, covers, why_never

WHEN: list[dict[str, Any]] = [
    {},
    {"models": ["gpt-*"]},
    {"models": ["gpt-4", "gpt-4o"]},
    {"models": ["gpt-?"]},
    {"capabilities": ["vision"]},
    {"capabilities": ["vision", "tools"]},
    {"min_input_tokens": 10},
    {"min_input_tokens": 10, "max_input_tokens": 100},
    {"max_input_tokens": 50},
    {"keys": ["ci"]},
    {"users": ["Ada@example.org"]},
    {"tags": ["a"]},
    {"tags": ["a", "b"]},
    {"hours": "08-20"},
    {"hours": "22-06"},
    {"hours": "23-02"},
    {"weekdays": ["fri", "sat"]},
    {"stream": True},
    {"budget_left_below": 0.5},
    {"budget_left_below": 0.2, "stream": True},
]


def rule(when: dict[str, Any] | None = None, unless: dict[str, Any] | None = None) -> Rule:
    return msgspec.convert({"id": "r", "when": when, "unless": unless}, Rule)


def questions() -> list[Question]:
    found = []
    for model, needs, size in itertools.product(
        ("gpt-4", "gpt-4o", "gpt-4o-mini", "claude"), ((), ("vision",), ("vision", "tools")), (5, 30, 70, 500)
    ):
        for hour, tags, left in itertools.product((1, 7, 12, 23), ((), ("a",), ("b",)), (None, 0.1, 0.3)):
            found.append(
                Question(
                    model=model,
                    needs=frozenset(needs),
                    input_tokens=size,
                    tags=frozenset(tags),
                    now=datetime(2026, 11, 20, hour, tzinfo=UTC),
                    budget_left=left,
                    stream=hour > 6,
                    key="ci" if size > 40 else None,
                    person="ada@example.org" if hour > 10 else None,
                )
            )
    return found


QUESTIONS = questions()


def takes(conditions: Conditions | None) -> set[int]:
    tests = compile_conditions(conditions or Conditions())
    return {at for at, question in enumerate(QUESTIONS) if all(test(question) for test in tests)}


def test_who_covers_another_takes_all_that_it_takes() -> None:
    covered = 0
    for wide, narrow in itertools.product(map(rule, WHEN), map(rule, WHEN)):
        if covers(Held(wide), Held(narrow)):
            covered += 1
            assert takes(narrow.when) <= takes(wide.when), (wide.when, narrow.when)
    assert covered > 2 * len(WHEN)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ({}, {"models": ["gpt-4"]}, True),
        ({"models": ["gpt-*"]}, {"models": ["gpt-4*"]}, True),
        ({"models": ["gpt-?"]}, {"models": ["gpt-*"]}, False),
        ({"models": ["gpt-4"]}, {"models": ["gpt-*"]}, False),
        ({"capabilities": ["vision"]}, {"capabilities": ["tools", "vision"]}, True),
        ({"capabilities": ["tools", "vision"]}, {"capabilities": ["vision"]}, False),
        ({"hours": "20-08"}, {"hours": "22-06"}, True),
        ({"hours": "22-06"}, {"hours": "20-08"}, False),
        ({"budget_left_below": 0.5}, {"budget_left_below": 0.2}, True),
        ({"users": ["ADA@example.org"]}, {"users": ["ada@example.org"]}, True),
        ({"stream": True}, {"stream": False}, False),
        ({"stream": True}, {}, False),
    ],
)
def test_whether_one_rule_covers_another(wide: dict[str, Any], narrow: dict[str, Any], covered: bool) -> None:
    assert covers(Held(rule(wide)), Held(rule(narrow))) is covered


def test_a_rule_with_an_unless_covers_none() -> None:
    assert not covers(Held(rule({}, {"tags": ["x"]})), Held(rule({"stream": True})))


@pytest.mark.parametrize(
    ("when", "unless", "words"),
    [
        ({"min_input_tokens": 100, "max_input_tokens": 10}, None, "at least 100 and at most 10"),
        ({"hours": "08-08"}, None, "are none"),
        ({}, {}, "without conditions leaves out every request"),
        ({"tags": ["a"]}, {"tags": ["a", "b"]}, "its unless leaves out"),
        ({"budget_left_below": 0.2}, {"budget_left_below": 0.5}, "its unless leaves out"),
    ],
)
def test_why_a_rule_never_holds(when: dict[str, Any], unless: dict[str, Any] | None, words: str) -> None:
    found = rule(when, unless)
    assert words in (why_never(found) or "")
    assert not takes(found.when) - (takes(found.unless) if found.unless is not None else set())


@pytest.mark.parametrize(
    ("when", "unless"), [({}, None), ({"min_input_tokens": 10}, {"tags": ["a"]}), ({"hours": "22-06"}, None)]
)
def test_a_rule_that_may_hold_is_left_in_peace(when: dict[str, Any], unless: dict[str, Any] | None) -> None:
    assert why_never(rule(when, unless)) is None


def test_what_always_holds() -> None:
    assert always(rule())
    assert always(rule({}))
    assert always(rule({"min_input_tokens": 0}))
    assert not always(rule({"stream": False}))
    assert not always(rule({}, {}))
