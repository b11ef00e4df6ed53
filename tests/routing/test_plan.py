"""Plans: who is asked in which order, who is not and why, and what follows a failure."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.price import FREE
from app.routing.decision import kept, shown
from app.routing.deployment import Deployment
from app.routing.plan import Blocked, Plan, make_plan
from app.routing.question import Question
from tests.routing.samples import deployment, meant, order, plan, question, reasons, router, standing, target

NEAR, FAR, THIRD = deployment("near/llama"), deployment("far/llama", priority=200), deployment("third/llama")
BLIND = frozenset({"chat"})


def test_without_targets_the_asked_deployments_come_by_priority_and_name() -> None:
    assert order(plan([FAR, THIRD, NEAR])) == ["near/llama", "third/llama", "far/llama"]


def test_targets_come_as_they_are_written_and_in_place_of_what_was_asked() -> None:
    rule = {"targets": [target("far/llama"), target("near/llama")]}
    assert order(plan([THIRD], rule, known=[NEAR, FAR])) == ["far/llama", "near/llama"]


def test_a_target_that_is_not_there_is_left_out() -> None:
    rule = {"targets": [target("gone/llama"), target("near/llama")]}
    assert order(plan([THIRD], rule, known=[NEAR])) == ["near/llama"]


def test_a_rule_whose_targets_are_all_gone_does_not_fall_back_on_what_was_asked() -> None:
    found = plan([THIRD], {"name": "gone", "targets": [target("gone/llama")], "on_failure": "stop"})
    assert (found.order, found.dropped, found.rule) == ([], [], "gone")


def test_the_first_rule_that_matches_decides_and_is_named() -> None:
    rules: list[dict[str, Any]] = [
        {"name": "pictures", "when": {"capabilities": ["vision"]}},
        {"name": "llamas", "when": {"models": ["llama"]}},
        {"name": "all"},
    ]
    found = plan([NEAR], *rules)
    assert found.rule == "llamas"
    assert [planned.rule for planned in found.order] == ["llamas"]


def test_a_rule_without_a_name_is_named_by_its_id() -> None:
    assert plan([NEAR], {"id": "rule_7"}).rule == "rule_7"


def test_where_no_rule_matches_nobody_is_asked() -> None:
    found = plan([NEAR], {"when": {"models": ["gpt-*"]}})
    assert (found.order, found.rule, found.missing) == ([], None, frozenset())


def test_a_declared_lack_drops_a_deployment_and_says_what_lacks() -> None:
    blind = deployment("near/llama", capabilities=BLIND, declared=True)
    found = plan([blind, FAR], ask=question(needs=frozenset({"vision"})))
    assert order(found) == ["far/llama"]
    assert reasons(found) == {"near/llama": "no vision, which the request needs"}
    assert found.missing == frozenset()  # somebody can


def test_what_nobody_can_is_missing() -> None:
    blind = deployment("near/llama", capabilities=BLIND, declared=True)
    assert plan([blind], ask=question(needs=frozenset({"vision", "chat"}))).missing == {"vision"}


@pytest.mark.parametrize("fields", [{"capabilities": BLIND}, {"capabilities": None, "declared": True}], ids=str)
def test_a_lack_that_no_admin_declared_drops_nobody(fields: dict[str, Any]) -> None:
    doubtful = deployment("near/llama", **fields)
    assert order(plan([doubtful], ask=question(needs=frozenset({"vision"})))) == ["near/llama"]


def test_an_input_that_is_too_long_beyond_doubt_drops_a_deployment() -> None:
    small = deployment("near/llama", context_window=1000)
    assert order(plan([small], ask=question(input_tokens=1600))) == ["near/llama"]
    found = plan([small], ask=question(input_tokens=1700))
    assert order(found) == []
    assert reasons(found) == {"near/llama": "input of about 1,700 tokens is over its 1,000"}


def test_an_unknown_price_drops_a_deployment_only_where_the_key_refuses_it() -> None:
    priced = deployment("far/llama", price=FREE)
    assert order(plan([NEAR, priced])) == ["far/llama", "near/llama"]
    found = plan([NEAR, priced], ask=question(refuse_unknown_price=True))
    assert order(found) == ["far/llama"]
    assert reasons(found) == {"near/llama": "price unknown, and the key has a budget"}


def test_an_unwell_deployment_is_passed_over() -> None:
    found = plan([NEAR, FAR], unwell={"near/llama": "breaker open: timed out"})
    assert order(found) == ["far/llama"]
    assert reasons(found) == {"near/llama": "breaker open: timed out"}


def test_unwell_ones_are_asked_where_nothing_else_is_left() -> None:
    blind = deployment("blind/llama", capabilities=BLIND, declared=True)
    unwell = {"near/llama": "breaker open", "far/llama": "every key cools"}
    found = plan([NEAR, FAR, blind], unwell=unwell, ask=question(needs=frozenset({"tools"})))
    assert order(found) == ["near/llama", "far/llama"]
    assert list(reasons(found)) == ["blind/llama"]
    assert found.missing == frozenset()


def test_an_unwell_deployment_of_the_first_rule_waits_until_a_later_rule_has_none_either() -> None:
    rules = [{"targets": [target("near/llama")]}, {"targets": [target("far/llama")]}]
    assert order(plan([], *rules, known=[NEAR, FAR], unwell={"near/llama": "breaker open"})) == ["far/llama"]


def test_next_rule_adds_the_candidates_of_the_rules_that_follow_and_match() -> None:
    rules: list[dict[str, Any]] = [
        {"name": "first", "targets": [target("near/llama")]},
        {"name": "other", "when": {"models": ["gpt-*"]}, "targets": [target("third/llama")]},
        {"name": "last", "targets": [target("near/llama"), target("far/llama")]},
    ]
    found = plan([], *rules, known=[NEAR, FAR, THIRD])
    assert [(planned.deployment.id, planned.rule) for planned in found.order] == [
        ("near/llama", "first"),
        ("far/llama", "last"),
    ]
    assert found.rule == "first"


def test_stop_asks_nobody_else() -> None:
    rules: list[dict[str, Any]] = [
        {"targets": [target("near/llama")], "on_failure": "stop"},
        {"targets": [target("far/llama")]},
    ]
    assert order(plan([], *rules, known=[NEAR, FAR])) == ["near/llama"]


def test_a_rule_that_does_not_match_stops_nobody() -> None:
    rules: list[dict[str, Any]] = [{"when": {"models": ["gpt-*"]}, "on_failure": "stop"}, {}]
    assert order(plan([NEAR], *rules)) == ["near/llama"]


def test_another_router_goes_on_with_its_own_rules_in_place_of_those_that_follow() -> None:
    spare = router({"name": "spare rule", "targets": [target("far/llama")]}, name="spare", known=[FAR])
    rules: list[dict[str, Any]] = [
        {"name": "first", "targets": [target("near/llama")], "on_failure": "router:spare"},
        {"name": "never", "targets": [target("third/llama")]},
    ]
    found = plan([], *rules, known=[NEAR, THIRD], routers=[spare])
    assert [(planned.deployment.id, planned.rule) for planned in found.order] == [
        ("near/llama", "first"),
        ("far/llama", "spare rule"),
    ]
    assert (found.router, found.rule) == ("team", "first")


def test_another_router_that_was_deleted_ends_the_plan() -> None:
    assert order(plan([NEAR], {"on_failure": "router:gone"}, {"targets": [target("far/llama")]}, known=[FAR])) == [
        "near/llama"
    ]


def test_routers_that_go_round_in_a_circle_end() -> None:
    back = router({"targets": [target("far/llama")], "on_failure": "router:team"}, name="back", known=[FAR])
    found = plan([NEAR], {"on_failure": "router:back"}, routers=[back])
    assert order(found) == ["near/llama", "far/llama"]


def test_the_decision_has_every_candidate_kept_or_dropped_with_its_reason() -> None:
    ask = question(needs=frozenset({"tools", "json"}))
    found = plan([NEAR, FAR], {"name": "all"}, unwell={"far/llama": "breaker open"}, ask=ask)
    assert shown(kept(found, ask)) == {
        "router": "team",
        "version": 1,
        "rule": "all",
        "strategy": "priority",
        "needs": ["json", "tools"],
        "candidates": [
            {"provider": "near", "model": "llama", "kept": True, "reason": "1st by priority", "numbers": {}},
            {"provider": "far", "model": "llama", "kept": False, "reason": "breaker open", "numbers": {}},
        ],
        "order": [{"provider": "near", "model": "llama"}],
    }


# --- whatever the routers, the deployments and the state of the world

PROVIDERS = ("a", "b", "c", "d")
NEEDS = some.frozensets(some.sampled_from(("vision", "tools")))


@some.composite
def worlds(draw: Any) -> tuple[Question, list[Deployment], list[dict[str, Any]], dict[str, str], list[dict[str, Any]]]:
    known = [
        deployment(
            f"{provider}/llama",
            priority=draw(some.integers(1, 3)),
            capabilities=draw(some.none() | NEEDS),
            declared=draw(some.booleans()),
            context_window=draw(some.sampled_from((None, 100, 10_000))),
            price=draw(some.sampled_from((None, FREE))),
        )
        for provider in PROVIDERS
    ]
    rules = some.lists(
        some.fixed_dictionaries(
            {
                "targets": some.lists(
                    some.sampled_from(PROVIDERS).map(lambda name: target(f"{name}/llama")), max_size=4
                ),
                "on_failure": some.sampled_from(("next_rule", "stop", "router:other", "router:team", "router:gone")),
            },
            optional={"when": some.sampled_from(({"models": ["llama"]}, {"stream": True}))},
        ),
        max_size=4,
    )
    unwell = dict.fromkeys(draw(some.sets(some.sampled_from([each.id for each in known]))), "breaker open")
    ask = question(
        needs=draw(NEEDS),
        input_tokens=draw(some.sampled_from((10, 1000, 100_000))),
        stream=draw(some.booleans()),
        refuse_unknown_price=draw(some.booleans()),
    )
    return ask, known, draw(rules), unwell, draw(rules)


def unwell_one(unwell: dict[str, str]) -> Blocked:
    return lambda each: unwell.get(each.id)


def planned(world: tuple[Any, ...]) -> Plan:
    ask, known, rules, unwell, others = world
    first, other = router(*rules, known=known), router(*others, name="other", known=known)
    return make_plan(ask, first, {"team": first, "other": other}, [meant(known)], unwell_one(unwell), standing())


def fits(each: Deployment, ask: Question) -> bool:
    lacks = each.declared and each.capabilities is not None and not ask.needs <= each.capabilities
    too_long = each.context_window is not None and ask.input_tokens * 0.6 > each.context_window
    return not lacks and not too_long and not (ask.refuse_unknown_price and each.price is None)


@given(worlds())
def test_every_candidate_stands_once_in_the_order_or_among_the_dropped(world: tuple[Any, ...]) -> None:
    found = planned(world)
    ids = order(found) + [dropped.deployment.id for dropped in found.dropped]
    assert len(ids) == len(set(ids))
    assert set(ids) <= {each.id for each in world[1]}


@given(worlds())
def test_none_that_is_unfit_is_in_the_order_and_all_that_were_dropped_have_a_reason(world: tuple[Any, ...]) -> None:
    found = planned(world)
    assert all(fits(each.deployment, world[0]) for each in found.order)
    assert all(dropped.reason for dropped in found.dropped)
    assert all(not fits(each.deployment, world[0]) or each.deployment.id in world[3] for each in found.dropped)


@given(worlds())
def test_the_same_question_gives_the_same_plan(world: tuple[Any, ...]) -> None:
    assert kept(planned(world), world[0]) == kept(planned(world), world[0])


@given(worlds())
def test_unwell_ones_are_in_the_order_only_alone(world: tuple[Any, ...]) -> None:
    found = planned(world)
    unwell = [each.deployment.id in world[3] for each in found.order]
    assert all(unwell) or not any(unwell)
    if not found.order:
        assert not any(fits(each.deployment, world[0]) for each in found.dropped)


@given(worlds())
def test_missing_is_said_only_where_nobody_is_left(world: tuple[Any, ...]) -> None:
    found = planned(world)
    assert not (found.missing and found.order)
    assert found.missing <= world[0].needs


def test_planning_costs_next_to_nothing() -> None:
    asked = [meant([deployment(f"p{number}/llama", capabilities=BLIND, context_window=8000) for number in range(5)])]
    team = router({"when": {"models": ["gpt-*"]}}, {"when": {"hours": "00-24"}}, {"name": "all"})
    ask, routers, memory = question(needs=frozenset({"chat"})), {"team": team}, standing()

    def seconds() -> float:
        started = time.perf_counter()
        make_plan(ask, team, routers, asked, None, memory)
        return time.perf_counter() - started

    assert statistics.median(seconds() for _ in range(3000)) < 25e-6
