"""The difference of two documents, in sentences that a person would say."""

from __future__ import annotations

from typing import Any

import pytest

from app.services.router_changes import changes_between

SMALL, LARGE, OTHER = ({"provider": "near", "model": model} for model in ("small", "large", "other"))


def rule(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"rule_{name}", "name": name, **fields}


def router(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "r", "rules": list(rules), **fields}


def said(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [change.sentence for change in changes_between(before, after)]


def test_equal_documents_do_not_differ() -> None:
    document = router(rule("a", targets=[SMALL], when={"models": ["x"]}), max_attempts=3)
    assert changes_between(document, document) == ()
    assert changes_between(document, {**document, "strategy": "priority"}) == (), "a default that is written out"


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"strategy": "weighted"}, "strategy", "Router: strategy: weighted instead of priority."),
        ({"max_attempts": 2}, "max_attempts", "Router: attempts at most: 2 instead of 4."),
        ({"timeout_s": 30}, "timeout_s", "Router: time-out in seconds: 30 instead of 120."),
        ({"hedge": True}, "hedge", "Router: a second attempt when the first is slow to begin: yes instead of no."),
        ({"sticky": False}, "sticky", "Router: conversations stay with one deployment: no instead of yes."),
        ({"weights": {"cost": 0.5}}, "weights.cost", "Router: weight of cost in the score: 0.5 instead of 0.3."),
        ({"cache": {}}, "cache", "Router: exact answers are kept."),
        (
            {"min_tokens_per_s": 5},
            "min_tokens_per_s",
            "Router: least tokens per second: 5 instead of none.",
        ),
        (
            {"fallbacks": {"content_policy": [SMALL]}},
            "fallbacks.content_policy",
            "Router: instead of a content policy refusal, new target small at near.",
        ),
    ],
)
def test_what_changed_of_the_router_itself(fields: dict[str, Any], field: str, sentence: str) -> None:
    (change,) = changes_between(router(), router(**fields))
    assert (change.kind, change.rule_id, change.field, change.sentence) == ("changed", None, field, sentence)


def test_a_part_of_the_cache_that_was_there_already() -> None:
    before, after = router(cache={"ttl_s": 60}), router(cache={"ttl_s": 90})
    assert said(before, after) == ["Router: cache, ttl_s: 90 instead of 60."]
    assert said(after, router()) == ["Router: exact answers are no longer kept."]


def test_rules_that_come_and_go() -> None:
    before, after = router(rule("a"), rule("b")), router(rule("b"), rule("c", targets=[SMALL]))
    added, removed = changes_between(before, after)
    assert (added.kind, added.rule_id, added.before) == ("added", "rule_c", None)
    assert added.after == rule("c", targets=[SMALL])
    assert (removed.kind, removed.rule_id, removed.after) == ("removed", "rule_a", None)
    assert [added.sentence, removed.sentence] == ["Rule c: new, in place 2.", "Rule a: taken out of place 1."]


@pytest.mark.parametrize(
    ("order", "moved"), [("bcda", "a"), ("dabc", "d"), ("acbd", "b"), ("abcd", ""), ("badc", "ac"), ("dcba", "dcb")]
)
def test_only_those_rules_have_moved_that_had_to(order: str, moved: str) -> None:
    changes = changes_between(router(*map(rule, "abcd")), router(*map(rule, order)))
    assert {change.kind for change in changes} <= {"moved"}
    assert len(changes) == len(moved)
    if len(moved) == 1:
        (change,) = changes
        assert change.rule in (moved, "c"), "of two neighbours either one may be said to have moved"
        assert (change.before, change.after) == ("abcd".index(change.rule) + 1, order.index(change.rule) + 1)


def test_a_rule_without_an_id_is_known_by_its_name() -> None:
    before = router({"name": "a", "strategy": "weighted"}, {"name": "b"})
    after = router({"id": "rule_1", "name": "b"}, {"id": "rule_2", "name": "a", "strategy": "priority"})
    assert sorted(change.kind for change in changes_between(before, after)) == ["changed", "moved"]


def test_a_rule_with_another_name_is_still_that_rule() -> None:
    (change,) = changes_between(router(rule("a")), router({**rule("a"), "name": "b"}))
    assert (change.kind, change.field, change.before, change.after) == ("changed", "name", "a", "b")
    assert change.sentence == "Rule b: was called a before."


@pytest.mark.parametrize(
    ("before", "after", "field", "words"),
    [
        ({}, {"when": {"models": ["gpt-*"]}}, "when.models", "new condition: when models gpt-*"),
        ({"when": {"models": ["gpt-*"]}}, {}, "when.models", "condition gone: when models gpt-*"),
        (
            {"when": {"hours": "08-20"}},
            {"when": {"hours": "09-17"}},
            "when.hours",
            "when hours 09-17 instead of 08-20",
        ),
        ({}, {"unless": {"stream": False}}, "unless.stream", "new condition: unless stream no"),
        (
            {"when": {"min_input_tokens": 10}},
            {"when": {"min_input_tokens": 20}},
            "when.min_input_tokens",
            "when min input tokens 20 instead of 10",
        ),
        ({}, {"strategy": "weighted"}, "strategy", "strategy weighted instead of the router's"),
        (
            {},
            {"on_failure": "stop"},
            "on_failure",
            "when all of it failed, nobody else is asked instead of the next rule goes on",
        ),
        (
            {"on_failure": "router:x"},
            {},
            "on_failure",
            "when all of it failed, the next rule goes on instead of router x goes on",
        ),
    ],
)
def test_what_changed_of_a_rule(before: dict[str, Any], after: dict[str, Any], field: str, words: str) -> None:
    (change,) = changes_between(router(rule("a", **before)), router(rule("a", **after)))
    assert (change.rule_id, change.rule, change.field) == ("rule_a", "a", field)
    assert change.sentence == f"Rule a: {words}."


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([SMALL], [SMALL, LARGE], ["new target large at near"]),
        ([SMALL, LARGE], [LARGE], ["without target small at near"]),
        ([SMALL, LARGE], [LARGE, SMALL], ["targets in another order: large at near, small at near"]),
        ([SMALL], [{**SMALL, "weight": 3}], ["weight of small at near 3 instead of 1"]),
        ([SMALL, SMALL], [SMALL], ["without target small at near (number 2)"]),
        (
            [{"targets": [SMALL, LARGE]}],
            [{"targets": [SMALL, OTHER], "strategy": "cheapest", "weight": 2}],
            [
                "weight of group 1 2 instead of 1",
                "strategy of group 1 cheapest instead of the rule's",
                "new target other at near in group 1",
                "without target large at near in group 1",
            ],
        ),
    ],
)
def test_what_changed_of_the_targets(before: list[Any], after: list[Any], words: list[str]) -> None:
    found = said(router(rule("a", targets=before)), router(rule("a", targets=after)))
    assert found == [f"Rule a: {each}." for each in words]
