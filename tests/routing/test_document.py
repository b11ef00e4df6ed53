"""Router documents: conditions, and what is refused when one is saved."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.errors import BadRequest
from app.routing.checks import CAPABILITIES, check_document, check_on_failure, read_document
from app.routing.conditions import WEEKDAYS, Conditions, compile_conditions, glob_pattern
from app.routing.document import BUILT_IN, RouterDocument
from app.routing.intent import Intent
from app.routing.strategies import STRATEGIES
from tests.routing.samples import FRIDAY, question, router

CODE = Intent("code", 0.9, "high", 0.6)

# a condition, a question for which it holds, one for which it does not
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"models": ["gpt-*"]}, {"model": "gpt-4o"}, {"model": "claude"}),
    ({"models": ["a", "b"]}, {"model": "b"}, {"model": "ab"}),
    ({"models": ["gpt-?"]}, {"model": "gpt-4"}, {"model": "gpt-4o"}),
    ({"models": ["a.b"]}, {"model": "a.b"}, {"model": "axb"}),
    ({"capabilities": ["vision"]}, {"needs": frozenset({"vision", "tools"})}, {"needs": frozenset({"tools"})}),
    (
        {"capabilities": ["vision", "tools"]},
        {"needs": frozenset({"vision", "tools"})},
        {"needs": frozenset({"vision"})},
    ),
    ({"min_input_tokens": 100}, {"input_tokens": 100}, {"input_tokens": 99}),
    ({"max_input_tokens": 100}, {"input_tokens": 100}, {"input_tokens": 101}),
    ({"min_input_tokens": 0}, {"input_tokens": 0}, {"input_tokens": -1}),
    ({"keys": ["app"]}, {"key": "app"}, {"key": "other"}),
    ({"keys": ["app"]}, {"key": "app"}, {"key": None}),
    ({"users": ["Ada@Example.org"]}, {"person": "ada@example.org"}, {"person": "grace@example.org"}),
    ({"users": ["ada@example.org"]}, {"person": "ada@example.org"}, {"person": None}),
    ({"teams": ["a", "b"]}, {"teams": frozenset({"b", "c"})}, {"teams": frozenset({"c"})}),
    ({"tags": ["batch", "night"]}, {"tags": frozenset({"night"})}, {"tags": frozenset()}),
    ({"tiers": ["pro"]}, {"tier": "pro"}, {"tier": "free"}),
    ({"tiers": ["pro"]}, {"tier": "pro"}, {"tier": None}),
    ({"intents": ["code", "math"]}, {"intent": CODE}, {"intent": None}),
    ({"intents": ["math"]}, {"intent": msgspec.structs.replace(CODE, name="math")}, {"intent": CODE}),
    ({"complexity": ["high"]}, {"intent": CODE}, {"intent": msgspec.structs.replace(CODE, complexity="low")}),
    ({"stream": True}, {"stream": True}, {"stream": False}),
    ({"stream": False}, {"stream": False}, {"stream": True}),
    ({"budget_left_below": 0.2}, {"budget_left": 0.19}, {"budget_left": 0.2}),
    ({"budget_left_below": 1}, {"budget_left": 0.0}, {"budget_left": None}),
    ({"weekdays": ["fri"]}, {"now": FRIDAY}, {"now": FRIDAY + timedelta(days=1)}),
    ({"hours": "08-20"}, {"now": FRIDAY.replace(hour=8)}, {"now": FRIDAY.replace(hour=20)}),
    ({"hours": "22-06"}, {"now": FRIDAY.replace(hour=23)}, {"now": FRIDAY.replace(hour=21, minute=59)}),
]

NAMES = [f"{conditions} {position}" for position, (conditions, _, _) in enumerate(CASES)]


def holds(conditions: dict[str, Any], **asked: Any) -> bool:
    tests = compile_conditions(msgspec.convert(conditions, Conditions))
    return all(test(question(**asked)) for test in tests)


@pytest.mark.parametrize(("conditions", "held", "not_held"), CASES, ids=NAMES)
def test_a_condition_holds_where_it_says(
    conditions: dict[str, Any], held: dict[str, Any], not_held: dict[str, Any]
) -> None:
    assert holds(conditions, **held)
    assert not holds(conditions, **not_held)


@pytest.mark.parametrize(("conditions", "held", "not_held"), CASES, ids=NAMES)
def test_unless_is_the_opposite_of_when(
    conditions: dict[str, Any], held: dict[str, Any], not_held: dict[str, Any]
) -> None:
    [rule] = router({"unless": conditions}).rules
    assert not rule.matches(question(**held))
    assert rule.matches(question(**not_held))


def test_every_condition_is_tested_here() -> None:
    assert {name for conditions, _, _ in CASES for name in conditions} == set(Conditions.__struct_fields__)


@given(some.lists(some.sampled_from(CASES), min_size=1, max_size=6), some.randoms())
def test_all_conditions_together_hold_where_each_does(cases: list[Any], random: Any) -> None:
    conditions = {name: value for case in cases for name, value in case[0].items()}
    asked = {name: value for case in cases for name, value in random.choice(case[1:]).items()}
    assert holds(conditions, **asked) == all(holds({name: value}, **asked) for name, value in conditions.items())


def test_no_conditions_hold_always() -> None:
    assert holds({})
    assert holds({"models": [], "keys": [], "tags": [], "weekdays": []})


def test_empty_conditions_hold_always_so_an_empty_unless_leaves_the_rule_out() -> None:
    assert router({"when": {}}).rules[0].matches(question())
    assert not router({"unless": {}}).rules[0].matches(question())


def test_a_rule_with_when_and_unless_needs_the_one_without_the_other() -> None:
    [rule] = router({"when": {"models": ["gpt-*"]}, "unless": {"tags": ["slow"]}}).rules
    assert rule.matches(question(model="gpt-4o"))
    assert not rule.matches(question(model="gpt-4o", tags=frozenset({"slow"})))
    assert not rule.matches(question(model="claude"))


@given(some.integers(0, 23), some.integers(0, 24), some.datetimes(timezones=some.just(UTC)))
def test_hours_are_counted_from_the_first_up_to_the_second_also_across_midnight(
    start: int, end: int, now: datetime
) -> None:
    span = {hour % 24 for hour in range(start, end if start <= end else end + 24)}
    assert holds({"hours": f"{start:02}-{end:02}"}, now=now) == (now.hour in span)


@given(some.datetimes(timezones=some.just(UTC)))
def test_the_hours_of_a_whole_day_hold_at_any_time(now: datetime) -> None:
    assert holds({"hours": "00-24"}, now=now)


@pytest.mark.parametrize(("position", "day"), enumerate(WEEKDAYS))
def test_a_weekday_holds_on_its_day_only(position: int, day: str) -> None:
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    assert [holds({"weekdays": [day]}, now=monday + timedelta(days=at)) for at in range(7)].index(True) == position


@pytest.mark.parametrize(
    ("glob", "name", "matches"),
    [
        ("*", "anthropic/claude/4", True),
        ("anthropic/*", "anthropic/claude/4", True),
        ("*/4", "anthropic/claude/4", True),
        ("a*c", "a/b/c", True),
        ("a?c", "a/c", True),
        ("anthropic", "anthropic/claude", False),
        ("gpt-*", "my-gpt-4", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("GPT", "gpt", False),
        ("a|b", "a", False),
        ("", "a", False),
    ],
)
def test_a_glob_matches_the_whole_name_and_crosses_slashes(glob: str, name: str, matches: bool) -> None:
    assert (glob_pattern([glob]).fullmatch(name) is not None) == matches


@given(some.text("ab/.-_:(+$", min_size=1))
def test_a_name_without_stars_matches_itself_alone(name: str) -> None:
    assert glob_pattern([name]).fullmatch(name)
    assert not glob_pattern([name]).fullmatch(name + "x")
    assert glob_pattern([name, "other"]).fullmatch("other")


@pytest.mark.parametrize("name", ["a.c", "abc", "a\nc", "a|b", "(", "[a]", "a+"])
def test_a_glob_takes_everything_but_its_two_signs_as_it_stands(name: str) -> None:
    assert glob_pattern([name]).fullmatch(name)
    assert (glob_pattern(["a.c"]).fullmatch(name) is not None) == (name == "a.c")


def test_no_globs_match_nothing() -> None:
    assert not glob_pattern([]).fullmatch("a")
    assert not glob_pattern([]).fullmatch("")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "name"),
    ({"name": ""}, "name"),
    ({"name": "no spaces"}, "name"),
    ({"name": "-first"}, "name"),
    ({"name": "a" * 65}, "name"),
    ({"name": 3}, "name"),
    ({"colour": "red"}, "colour"),
    ({"strategy": "magic"}, "strategy"),
    ({"max_attempts": 0}, "max_attempts"),
    ({"max_attempts": 21}, "max_attempts"),
    ({"max_attempts": "3"}, "max_attempts"),
    ({"timeout_s": 0}, "timeout_s"),
    ({"timeout_s": 3601}, "timeout_s"),
    ({"timeout_s": math.nan}, "timeout_s"),
    ({"first_token_timeout_s": -1}, "first_token_timeout_s"),
    ({"idle_timeout_s": math.inf}, "idle_timeout_s"),
    ({"rules": {}}, "rules"),
    ({"rules": [None]}, "rules[0]"),
    ({"rules": [{}, {"x": 1}]}, "rules[1].x"),
    ({"rules": [{"strategy": "magic"}]}, "rules[0].strategy"),
    ({"rules": [{"on_failure": "retry"}]}, "rules[0].on_failure"),
    ({"rules": [{"on_failure": "router:"}]}, "rules[0].on_failure"),
    ({"rules": [{"when": {"modles": ["a"]}}]}, "rules[0].when.modles"),
    ({"rules": [{"when": {"models": [1]}}]}, "rules[0].when.models[0]"),
    ({"rules": [{"when": {"capabilities": ["sight"]}}]}, "rules[0].when.capabilities"),
    ({"rules": [{"unless": {"capabilities": ["sight"]}}]}, "rules[0].unless.capabilities"),
    ({"rules": [{"when": {"weekdays": ["Friday"]}}]}, "rules[0].when.weekdays"),
    ({"rules": [{"when": {"hours": "8 to 20"}}]}, "rules[0].when.hours"),
    ({"rules": [{"when": {"hours": "08-25"}}]}, "rules[0].when.hours"),
    ({"rules": [{"unless": {"hours": "24-06"}}]}, "rules[0].unless.hours"),
    ({"rules": [{"when": {"budget_left_below": 0}}]}, "rules[0].when.budget_left_below"),
    ({"rules": [{"when": {"budget_left_below": 1.5}}]}, "rules[0].when.budget_left_below"),
    ({"rules": [{"targets": [{"provider": "p"}]}]}, "rules[0].targets[0].model"),
    ({"rules": [{"targets": [{"provider": "p", "model": "m", "weight": -1}]}]}, "rules[0].targets[0].weight"),
    ({"rules": [{"targets": [{"provider": "p", "model": "m", "weight": math.nan}]}]}, "rules[0].targets[0].weight"),
    ({"rules": [{"targets": [{"provider": "p", "model": "m", "weight": math.inf}]}]}, "rules[0].targets[0].weight"),
]


@pytest.mark.parametrize(("change", "field"), REFUSED, ids=str)
def test_a_refusal_names_the_field(change: dict[str, Any], field: str) -> None:
    value = {name: given for name, given in {"name": "team", **change}.items() if given is not None}
    with pytest.raises(BadRequest) as refusal:
        read_document(value)
    assert refusal.value.field == field
    assert field.rsplit(".", 1)[-1].split("[")[0] in refusal.value.message


def test_a_refusal_of_one_of_several_says_which_there_are() -> None:
    for rule, known in (
        ({"when": {"capabilities": ["sight"]}}, CAPABILITIES),
        ({"when": {"weekdays": ["Friday"]}}, WEEKDAYS),
        ({"strategy": "magic"}, tuple(STRATEGIES)),
        ({"on_failure": "retry"}, ("next_rule", "stop", "router:NAME")),
    ):
        with pytest.raises(BadRequest) as refusal:
            read_document({"name": "team", "rules": [rule]})
        assert all(word in refusal.value.message for word in known)


def test_a_document_with_only_a_name_has_the_defaults() -> None:
    document = read_document({"name": "team"})
    assert document == RouterDocument(name="team")
    assert msgspec.to_builtins(document) == {"name": "team"}
    assert (document.strategy, document.max_attempts, document.timeout_s) == ("priority", 4, 120)


def test_what_was_read_reads_the_same_again() -> None:
    rule = {
        "name": "nights",
        "id": "rule_1",
        "when": {"hours": "22-06", "models": ["*"], "stream": False},
        "unless": {"budget_left_below": 0.5},
        "targets": [{"provider": "p", "model": "m", "weight": 2.5}],
        "strategy": "priority",
        "on_failure": "router:other",
    }
    document = read_document({"name": "team", "max_attempts": 7, "rules": [rule]})
    assert read_document(msgspec.to_builtins(document)) == document


def test_the_built_in_router_passes_its_own_checks() -> None:
    check_document(BUILT_IN)
    check_on_failure({BUILT_IN.name: BUILT_IN})


def following(*pairs: tuple[str, str | None]) -> dict[str, RouterDocument]:
    """Routers by name, each with a rule that goes on with another."""
    rules = {name: [{"on_failure": f"router:{after}"}] if after else [] for name, after in pairs}
    return {name: read_document({"name": name, "rules": found}) for name, found in rules.items()}


def test_a_router_may_go_on_with_another() -> None:
    check_on_failure(following(("a", "b"), ("b", "c"), ("c", None)))
    check_on_failure(following(("a", "c"), ("b", "c"), ("c", None)))


@pytest.mark.parametrize(
    "pairs",
    [
        (("a", "a"),),
        (("a", "b"), ("b", "a")),
        (("a", "b"), ("b", "c"), ("c", "a")),
        (("a", "b"), ("b", "c"), ("c", "b")),
    ],
    ids=str,
)
def test_a_circle_is_refused(pairs: tuple[tuple[str, str | None], ...]) -> None:
    with pytest.raises(BadRequest, match="come back to itself") as refusal:
        check_on_failure(following(*pairs))
    assert refusal.value.field == "on_failure"


def test_a_router_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match='"nowhere", which does not exist') as refusal:
        check_on_failure(following(("a", "nowhere")))
    assert refusal.value.field == "on_failure"
