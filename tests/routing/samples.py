"""Deployments, questions and routers for the tests of routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.routing.checks import read_document
from app.routing.compiled import Asked, CompiledRouter
from app.routing.deployment import Deployment
from app.routing.plan import Plan, make_plan
from app.routing.question import Question
from app.routing.standing import Standing

FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MATCH_ALL: dict[str, Any] = {"name": "all"}


def deployment(name: str, **fields: Any) -> Deployment:
    """`near/llama` is the model llama at the provider near; its id is the name."""
    provider, _, model = name.partition("/")
    values: dict[str, Any] = {
        "id": name,
        "provider_id": f"prov_{provider}",
        "provider": provider,
        "kind": "openai-compatible",
        "model": model,
        "alias": model,
        "formats": ("openai-chat",),
    }
    return Deployment(**{**values, **fields})


def question(**fields: Any) -> Question:
    return Question(**{"model": "llama", "now": FRIDAY, **fields})


def target(name: str) -> dict[str, str]:
    provider, _, model = name.partition("/")
    return {"provider": provider, "model": model}


def router(
    *rules: dict[str, Any], name: str = "team", known: Sequence[Deployment] = (), **fields: Any
) -> CompiledRouter:
    document = read_document({"name": name, "rules": list(rules), **fields})
    by_name = {(each.provider, each.model): each for each in known}
    return CompiledRouter(document, 1, lambda provider, model: by_name.get((provider, model)))


def plan(
    asked: Sequence[Deployment],
    *rules: dict[str, Any],
    unwell: Mapping[str, str] | None = None,
    routers: Sequence[CompiledRouter] = (),
    ask: Question | None = None,
    known: Sequence[Deployment] = (),
) -> Plan:
    """`unwell` are deployments that cannot be called now, by id, with the reason."""
    blocked = unwell or {}
    first = router(*(rules or (MATCH_ALL,)), known=known)
    others = {each.name: each for each in (first, *routers)}
    return make_plan(ask or question(), first, others, [meant(asked)], lambda each: blocked.get(each.id), standing())


def meant(deployments: Sequence[Deployment]) -> Asked:
    return Asked(tuple(deployments), "llama")


def standing(seed: int = 1) -> Standing:
    """Nothing is known yet, and the clock stands still."""
    return Standing(lambda: 0.0, seed)


def order(found: Plan) -> list[str]:
    return [planned.deployment.id for planned in found.order]


def reasons(found: Plan) -> dict[str, str]:
    return {dropped.deployment.id: dropped.reason for dropped in found.dropped}
