"""What is told of a document before it is published, and what keeps it from being."""

from __future__ import annotations

from typing import Any

import pytest

from app.services.container import Services
from app.services.views import KeySpec, ModelSpec, Person, ProviderSpec
from tests.published import published

PRICE = {"input": "1.00", "output": "2.00"}
SMALL, LARGE = {"provider": "near", "model": "small"}, {"provider": "far", "model": "large"}
ALL = {"name": "all"}


@pytest.fixture
async def team(services: Services, owner: Person) -> Services:
    """Two providers, a third one without a price, a key with a budget and one without."""
    address = "http://127.0.0.1:9/v1"
    for name, model, price in (("near", "small", PRICE), ("far", "large", PRICE), ("free", "gift", None)):
        spec = ProviderSpec(name, "openai-compatible", address, models=[ModelSpec(model, price=price)])
        await services.providers.add(owner, spec)
    await services.providers.add(
        owner, ProviderSpec("off", "openai-compatible", address, models=[ModelSpec("m")], enabled=False)
    )
    await services.providers.add(owner, ProviderSpec("keyless", "openai", models=[ModelSpec("m", price=PRICE)]))
    await services.keys.create(owner, KeySpec(name="rich", budgets=[{"usd": "5.00", "window": "day"}]))
    await services.keys.create(owner, KeySpec(name="free"))
    return services


def found(services: Services, *rules: dict[str, Any], **fields: Any) -> list[str]:
    """«level: message», in their order."""
    problems = services.routers.check_draft({"name": "r", "rules": list(rules), **fields})
    return [f"{problem.level}: {problem.message}" for problem in problems]


async def test_a_sound_document_has_no_problems(team: Services) -> None:
    rules = (
        {"name": "pictures", "when": {"capabilities": ["vision"]}, "targets": [LARGE, SMALL]},
        {"name": "poor", "when": {"keys": ["rich"], "budget_left_below": 0.2}, "targets": [SMALL, LARGE]},
        {"name": "small", "when": {"models": ["small", "near/small", "auto", "large*"]}},
        ALL,
    )
    assert found(team, *rules) == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], ["warning: Router: it has no rules, so it answers nobody. Add one without conditions."]),
        (
            [{"name": "a", "when": {"stream": True}}],
            [
                "warning: Router: requests that no rule matches are refused. Add a last rule without conditions to "
                "take them."
            ],
        ),
        (
            [{"name": "a", "on_failure": "stop"}, {"name": "b"}],
            [
                "warning: Rule b: it is never reached: rule a above takes every request that it would, and then asks "
                "nobody else."
            ],
        ),
        (
            [ALL, {"name": "b", "when": {"stream": True}}],
            [
                "warning: Rule b: it is only asked after failures: rule all above takes every request that it would. "
                "Move it up to let it decide."
            ],
        ),
        ([ALL, {"name": "spare", "targets": [SMALL, LARGE]}], []),
        (
            [{"name": "a", "when": {"tags": ["x"]}, "on_failure": "stop"}, {"name": "b", "when": {"tags": ["x"]}}, ALL],
            [
                "warning: Rule b: it is never reached: rule a above takes every request that it would, and then asks "
                "nobody else."
            ],
        ),
        (
            [{"name": "a", "when": {"min_input_tokens": 9, "max_input_tokens": 8}}, ALL],
            ["warning: Rule a: it never holds: the input would have to be at least 9 and at most 8 tokens."],
        ),
        (
            [{"name": "a", "targets": [{"provider": "gone", "model": "m"}]}, ALL],
            [
                "error: Rule a: there is no provider gone.",
                "warning: Rule a: none of its targets can answer.",
            ],
        ),
        (
            [{"name": "a", "targets": [{"provider": "off", "model": "m"}, SMALL, LARGE]}, ALL],
            ["warning: Rule a: the provider off is switched off."],
        ),
        (
            [{"name": "a", "targets": [{"provider": "keyless", "model": "m"}, SMALL]}, ALL],
            ["warning: Rule a: the provider keyless has no key."],
        ),
        (
            [{"name": "a", "targets": [{"provider": "near", "model": "none"}, SMALL, LARGE]}, ALL],
            ["warning: Rule a: nobody serves none at near."],
        ),
        (
            [{"name": "a", "targets": [{"provider": "free", "model": "gift"}, SMALL]}, ALL],
            ["warning: Rule a: the price of gift at free is unknown."],
        ),
        (
            [{"name": "a", "targets": [SMALL]}],
            [
                "warning: Router: everything goes to near; when it is down, nobody answers. Add a target at another "
                "provider."
            ],
        ),
        (
            [{"name": "a", "targets": [SMALL, {"targets": [LARGE], "strategy": "cheapest"}]}],
            ["warning: Rule a: target 2 is a group of one; name it without a group."],
        ),
        (
            [{"name": "a", "strategy": "weighted", "targets": [{**SMALL, "weight": 0}, {**LARGE, "weight": 0}]}],
            ["warning: Rule a: its targets all have weight 0, so the weights say nothing."],
        ),
        (
            [{"name": "a", "targets": [SMALL, {"targets": [SMALL, LARGE]}]}],
            ["warning: Rule a: small at near is among its targets 2 times; the first counts."],
        ),
        (
            [{"name": "a", "when": {"keys": ["free"], "budget_left_below": 0.2}}, ALL],
            ["warning: Rule a: it waits for a budget to run low, but none of its keys has one."],
        ),
        (
            [{"name": "a", "when": {"keys": ["none"], "users": ["x@example.org"], "teams": ["t"]}}, ALL],
            [
                "warning: Rule a: when: there is no key none.",
                "warning: Rule a: when: there is no team t.",
                "warning: Rule a: when: there is no person x@example.org.",
            ],
        ),
        (
            [{"name": "a", "unless": {"models": ["gpt-9*"]}}, ALL],
            ["warning: Rule a: unless: no model here is called gpt-9*."],
        ),
        (
            [{"name": "a", "on_failure": "router:gone"}],
            ["error: Rule a: it goes on with router gone, which does not exist."],
        ),
        (
            [{"name": "a", "on_failure": "router:r"}],
            ['error: Router: on_failure: router "r" would come back to itself. Let one of the routers stop.'],
        ),
    ],
)
async def test_what_is_wrong_or_looks_wrong(team: Services, rules: list[dict[str, Any]], expected: list[str]) -> None:
    assert found(team, *rules) == expected


async def test_two_rules_of_one_name_are_told_of(team: Services) -> None:
    both = {"name": "a", "when": {"tags": ["x"]}}, {"name": "a"}
    assert found(team, *both) == ["warning: Rule a: 2 rules have this name, so logs cannot tell them apart."] * 2


async def test_problems_carry_the_rule_they_are_about(team: Services) -> None:
    rules = [{"id": "rule_1", "name": "a", "targets": [{"provider": "gone", "model": "m"}, SMALL, LARGE]}, ALL]
    (problem,) = team.routers.check_draft({"name": "r", "rules": rules})
    assert (problem.level, problem.rule_id) == ("error", "rule_1")


async def test_a_fallback_that_nobody_serves_is_told_of(team: Services) -> None:
    fallbacks = {"content_policy": [{"provider": "gone", "model": "m"}, {"provider": "far", "model": "none"}]}
    assert found(team, ALL, fallbacks=fallbacks) == [
        "error: Fallbacks: there is no provider gone.",
        "warning: Fallbacks: nobody serves none at far.",
    ]


async def test_a_circle_over_another_router_is_an_error(team: Services) -> None:
    await published(team, {"name": "r", "rules": [ALL]})
    await published(team, {"name": "next", "rules": [{"name": "a", "on_failure": "router:r"}]})
    said = found(team, {"name": "a", "on_failure": "router:next"})
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert "come back to itself" in said[0]


async def test_what_is_no_document_is_an_error_too(team: Services) -> None:
    assert found(team, {"colour": "red"})[0].startswith("error: router: ")
