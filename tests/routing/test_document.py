"""Rules and conditions: each holds where it should, and not where it should not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.core.errors import BadRequest
from app.routing.document import CompiledConditions, Conditions, check_on_failure, glob_pattern, read_document
from tests.routing.questions import FRIDAY_NOON, question, router

# condition → (a question it holds for, one it does not)
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"models": ["gpt-4o*"]}, {"model": "gpt-4o-mini"}, {"model": "gpt-4"}),
    ({"models": ["a", "b?"]}, {"model": "b1"}, {"model": "ab"}),
    ({"models": ["*/chat"]}, {"model": "x/y/chat"}, {"model": "chat"}),
    ({"capabilities": ["vision"]}, {"needs": frozenset({"vision", "tools"})}, {"needs": frozenset({"tools"})}),
    ({"capabilities": ["vision", "tools"]}, {"needs": frozenset({"vision", "tools"})}, {"needs": frozenset({"vision"})}),
    ({"min_input_tokens": 100}, {"input_tokens": 100}, {"input_tokens": 99}),
    ({"min_input_tokens": 0}, {"input_tokens": 0}, {"input_tokens": -1}),
    ({"max_input_tokens": 100}, {"input_tokens": 100}, {"input_tokens": 101}),
    ({"keys": ["ci"]}, {"key": "ci"}, {"key": None}),
    ({"users": ["Ada@Example.org"]}, {"person": "ada@example.org"}, {"person": None}),
    ({"teams": ["red", "blue"]}, {"teams": frozenset({"blue"})}, {"teams": frozenset({"green"})}),
    ({"tags": ["x"]}, {"tags": frozenset({"x", "y"})}, {"tags": frozenset()}),
    ({"hours": "08-20"}, {}, {"now": FRIDAY_NOON.replace(hour=20)}),
    ({"hours": "22-06"}, {"now": FRIDAY_NOON.replace(hour=5)}, {"now": FRIDAY_NOON.replace(hour=6)}),
    ({"hours": "00-24"}, {"now": FRIDAY_NOON.replace(hour=23)}, {"hours": None}),
    ({"weekdays": ["fri"]}, {}, {"now": FRIDAY_NOON + timedelta(days=1)}),
    ({"stream": True}, {"stream": True}, {"stream": False}),
    ({"stream": False}, {"stream": False}, {"stream": True}),
    ({"budget_left_below": 0.2}, {"budget_left": 0.19}, {"budget_left": 0.2}),
    ({"budget_left_below": 1}, {"budget_left": 0.99}, {"budget_left": None}),
]


@pytest.mark.parametrize(("condition", "holds", "fails"), CASES, ids=[str(case[0]) for case in CASES])
def test_a_condition_and_its_negation(condition: dict[str, Any], holds: dict[str, Any], fails: dict[str, Any]) -> None:
    compiled = CompiledConditions(msgspec.convert(condition, Conditions))
    assert compiled.hold(question(**holds))
    unless = router(rules=[{"name": "r", "unless": condition}]).rules[0]
    when = router(rules=[{"name": "r", "when": condition}]).rules[0]
    assert (when.matches(question(**holds)), unless.matches(question(**holds))) == (True, False)
    if "hours" not in fails:
        assert (when.matches(question(**fails)), unless.matches(question(**fails))) == (False, True)


def test_every_condition_has_a_case() -> None:
    assert {name for case in CASES for name in case[0]} == set(Conditions.__struct_fields__)


def test_all_conditions_of_a_rule_must_hold() -> None:
    rule = router(rules=[{"when": {"models": ["gpt*"], "stream": True}, "unless": {"tags": ["no"]}}]).rules[0]
    assert rule.matches(question(stream=True))
    assert not rule.matches(question(stream=False))
    assert not rule.matches(question(stream=True, tags=frozenset({"no"})))


def test_an_empty_condition_says_nothing() -> None:
    assert router(rules=[{"when": {}}]).rules[0].matches(question())
    assert not router(rules=[{"unless": {}}]).rules[0].matches(question()), "without any condition `unless` always holds"


@pytest.mark.parametrize("model", ["a.c", "abc", "a\nc", "a|b", "(", "[a]", "a+"])
def test_a_glob_takes_everything_but_its_two_signs_as_it_stands(model: str) -> None:
    assert glob_pattern([model]).fullmatch(model)
    assert (glob_pattern(["a.c"]).fullmatch(model) is not None) is (model == "a.c")
    assert glob_pattern([]).fullmatch(model) is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"colour": 1}, None),
        ({"strategy": "luck"}, "strategy"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"idle_timeout_s": 4000}, "idle_timeout_s"),
        ({"rules": [{"strategy": "luck"}]}, "rules[0].strategy"),
        ({"rules": [{}, {"on_failure": "hope"}]}, "rules[1].on_failure"),
        ({"rules": [{"when": {"hours": "8 to 9"}}]}, "rules[0].when.hours"),
        ({"rules": [{"when": {"hours": "25-26"}}]}, "rules[0].when.hours"),
        ({"rules": [{"unless": {"weekdays": ["freitag"]}}]}, "rules[0].unless.weekdays"),
        ({"rules": [{"when": {"capabilities": ["magic"]}}]}, "rules[0].when.capabilities"),
        ({"rules": [{"when": {"budget_left_below": 2}}]}, "rules[0].when.budget_left_below"),
        ({"rules": [{"targets": [{"provider": "p", "model": "m", "weight": -1}]}]}, "rules[0].targets[0].weight"),
        ({"rules": [{"targets": [{"provider": "p"}]}]}, "rules[0].targets[0]"),
    ],
)
def test_what_is_wrong_with_a_document_is_named(change: dict[str, Any], field: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        read_document({"name": "r", **change})
    assert caught.value.field == field or field is None


def circle(**follows: str) -> None:
    documents = {
        name: read_document({"name": name, "rules": [{"on_failure": f"router:{other}"}] if other else []})
        for name, other in follows.items()
    }
    check_on_failure(documents)


def test_routers_may_follow_each_other_but_not_in_a_circle() -> None:
    circle(a="b", b="c", c="")
    for follows in ({"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "b"}):
        with pytest.raises(BadRequest, match="come back to itself"):
            circle(**follows)
    with pytest.raises(BadRequest, match="does not exist"):
        circle(a="nowhere")
