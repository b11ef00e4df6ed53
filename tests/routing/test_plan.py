"""Plans: who is asked in which order, and why the others are not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from app.core.price import Price
from app.routing.deployment import Deployment
from app.routing.plan import CompiledRouter, Plan, make_plan
from app.routing.question import Question
from tests.routing.questions import deployment, question, router

A, B, C = deployment("a/m", priority=1), deployment("b/m", priority=2), deployment("c/m", priority=3)
EVERYONE = [A, B, C]


def plan(
    asked: list[Deployment],
    by: CompiledRouter | None = None,
    q: Question | None = None,
    others: dict[str, CompiledRouter] | None = None,
    **blocked: str,
) -> Plan:
    by = by or router()
    routers = {by.name: by, **(others or {})}
    return make_plan(q or question(), by, routers, asked, lambda each: blocked.get(each.provider))


def order(found: Plan) -> list[str]:
    return [each.deployment.provider for each in found.order]


def targets(*names: str) -> list[dict[str, Any]]:
    return [{"provider": name, "model": "m"} for name in names]


def test_without_targets_priority_decides_then_the_name() -> None:
    same = deployment("aa/m", priority=2)
    assert order(plan([C, B, same, A])) == ["a", "aa", "b", "c"]


def test_targets_answer_in_place_of_the_model_that_was_asked_for_as_written() -> None:
    found = plan([A], router(EVERYONE, rules=[{"name": "r", "targets": targets("c", "b")}]))
    assert order(found) == ["c", "b"]
    assert found.rule == "r"


def test_a_target_that_is_not_there_is_passed_over() -> None:
    assert order(plan([A], router(EVERYONE, rules=[{"targets": targets("gone", "b")}]))) == ["b"]
    assert order(plan([A], router(EVERYONE, rules=[{"targets": targets("gone")}]))) == []


def test_the_first_rule_that_matches_decides_and_the_next_ones_follow_on_failure() -> None:
    rules = [
        {"name": "no", "when": {"tags": ["x"]}, "targets": targets("a")},
        {"name": "yes", "targets": targets("b")},
        {"name": "after", "targets": targets("b", "c")},
    ]
    found = plan([A], router(EVERYONE, rules=rules))
    assert (found.rule, order(found)) == ("yes", ["b", "c"]), "nobody is asked twice"
    assert [each.rule for each in found.order] == ["yes", "after"]
    rules[1]["on_failure"] = "stop"
    assert order(plan([A], router(EVERYONE, rules=rules))) == ["b"]


def test_a_rule_may_go_on_in_another_router() -> None:
    side = router(EVERYONE, name="side", rules=[{"targets": targets("c")}])
    rules = [{"targets": targets("a"), "on_failure": "router:side"}, {"targets": targets("b")}]
    assert order(plan([A], router(EVERYONE, rules=rules), others={"side": side})) == ["a", "c"]


def test_a_circle_of_routers_ends() -> None:
    one = router(EVERYONE, name="one", rules=[{"targets": targets("a"), "on_failure": "router:two"}])
    two = router(EVERYONE, name="two", rules=[{"targets": targets("b"), "on_failure": "router:one"}])
    assert order(plan([A], one, others={"two": two})) == ["a", "b"]


def test_what_a_deployment_lacks_is_said() -> None:
    blind = deployment("blind/m", capabilities=frozenset({"chat"}), declared=True)
    needs = question(needs=frozenset({"vision"}))
    found = plan([blind, A], q=needs)
    assert order(found) == ["a"], "unknown capabilities are allowed"
    assert [each.reason for each in found.dropped] == ["no vision, which the request needs"]
    assert plan([blind], q=needs).missing == {"vision"}
    assumed = deployment("assumed/m", capabilities=frozenset({"chat"}))
    assert order(plan([assumed], q=needs)) == ["assumed"], "the catalogue's word refuses nobody"
    small = deployment("small/m", context_window=1000)
    found = plan([small], q=question(input_tokens=10_000))
    assert "10,000 tokens is over its 1,000" in found.dropped[0].reason
    assert order(plan([small], q=question(input_tokens=1500))) == ["small"], "the estimate overstates"
    priced = deployment("priced/m", price=Price(input=1, output=1))
    assert order(plan([A, priced], q=question(refuse_unknown_price=True))) == ["priced"]


def test_who_is_unwell_is_left_out_but_asked_where_nobody_else_is_left() -> None:
    found = plan(EVERYONE, a="breaker open: down")
    assert order(found) == ["b", "c"]
    assert [each.reason for each in found.dropped] == ["breaker open: down"]
    found = plan([A, B], a="cooling", b="cooling")
    assert order(found) == ["a", "b"]
    assert found.dropped == []


def test_the_decision_tells_everything() -> None:
    found = plan(EVERYONE, b="cooling", q=question(needs=frozenset({"tools"})))
    decision = found.decision(question(needs=frozenset({"tools"})))
    assert decision["order"] == [{"provider": "a", "model": "m"}, {"provider": "c", "model": "m"}]
    assert {each["provider"]: each["kept"] for each in decision["candidates"]} == {"a": True, "b": False, "c": True}
    assert (decision["router"], decision["rule"], decision["needs"]) == ("default", "all", ["tools"])


deployments = some.lists(
    some.builds(
        lambda provider, model, **fields: deployment(f"{provider}/{model}", **fields),
        some.sampled_from("abcdef"),
        some.sampled_from(["m", "n"]),
        priority=some.integers(0, 3),
        capabilities=some.none() | some.frozensets(some.sampled_from(["chat", "vision", "tools"])),
        declared=some.booleans(),
        context_window=some.none() | some.integers(1, 1000),
        price=some.none() | some.just(Price(input=1, output=1)),
    ),
    unique_by=lambda each: each.id,
    max_size=10,
)


@given(
    known=deployments,
    unwell=some.sets(some.sampled_from("abcdef")),
    needs=some.frozensets(some.sampled_from(["vision", "tools"])),
    tokens=some.integers(0, 2000),
    budget=some.booleans(),
    rules=some.lists(
        some.fixed_dictionaries(
            {
                "targets": some.lists(
                    some.sampled_from("abcdefx").map(lambda name: {"provider": name, "model": "m"}), max_size=5
                ),
                "on_failure": some.sampled_from(["next_rule", "stop", "router:side"]),
            }
        ),
        max_size=4,
    ),
)
def test_a_plan_is_an_order_over_allowed_candidates(
    known: list[Deployment], unwell: set[str], needs: frozenset[str], tokens: int, budget: bool, rules: list[Any]
) -> None:
    q = question(needs=needs, input_tokens=tokens, refuse_unknown_price=budget)
    main, side = router(known, rules=rules), router(known, name="side")
    found = plan(known, main, q, {"side": side}, **dict.fromkeys(unwell, "unwell"))
    ids = [each.deployment.id for each in found.order]
    assert len(ids) == len(set(ids)), "nobody twice"
    assert set(ids) <= {each.id for each in known}
    dropped = {each.deployment.id for each in found.dropped}
    assert not dropped & set(ids), "kept or dropped, never both"
    for each in found.order:
        fit = each.deployment
        assert not fit.declared or fit.capabilities is None or needs <= fit.capabilities
        assert not (budget and fit.price is None)
        assert fit.context_window is None or tokens * 0.6 <= fit.context_window
    well = [each for each in found.order if each.deployment.provider not in unwell]
    assert well == found.order or not well, "the unwell only where nobody else is left"
    assert bool(found.missing) <= (not found.order)
