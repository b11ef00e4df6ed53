"""A plan as it is kept with its request, and as it is shown: short when written, in sentences when read."""

from __future__ import annotations

from typing import Any

from app.routing.automatic import AUTOMATIC
from app.routing.plan import Plan
from app.routing.question import Question
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Strategy

_STRATEGIES = {**STRATEGIES, AUTOMATIC.name: AUTOMATIC}


def kept(plan: Plan, question: Question) -> dict[str, Any]:
    """What JSON can hold; `shown` makes sentences of it."""
    numbers = plan.numbers or [None] * len(plan.order)
    value: dict[str, Any] = {
        "router": plan.router,
        "version": plan.version,
        "rule": plan.rule,
        "strategy": plan.strategy,
        "needs": sorted(question.needs),
        "kept": [
            (each.deployment.provider, each.deployment.model, each.rule, number)
            for each, number in zip(plan.order, numbers, strict=True)
        ],
    }
    if plan.dropped:
        value["dropped"] = [
            (each.deployment.provider, each.deployment.model, each.because, each.values) for each in plan.dropped
        ]
    if plan.stuck:
        value["stuck"] = True
    if (intent := question.intent) is not None:
        value["intent"] = {
            "name": intent.name,
            "confidence": round(intent.confidence, 3),
            "complexity": intent.complexity,
            "complexity_confidence": round(intent.complexity_confidence, 3),
        }
    return value


def shown(value: dict[str, Any]) -> dict[str, Any]:
    """With `candidates` (`provider`, `model`, `kept`, `reason`, `numbers`) and `order`."""
    strategy = _STRATEGIES.get(value.get("strategy", ""))
    candidates: list[dict[str, Any]] = []
    order = []
    for place, (provider, model, rule, number) in enumerate(value.get("kept", ())):
        said = strategy.show(number) if strategy is not None and number is not None else ""
        first_rule = rule == value.get("rule")
        candidates.append(
            {
                "provider": provider,
                "model": model,
                "kept": True,
                "reason": _reason(place, strategy.label if strategy is not None else "", said, rule, first_rule),
                "numbers": _numbers(strategy, number, said),
            }
        )
        order.append({"provider": provider, "model": model})
    for provider, model, because, values in value.get("dropped", ()):
        reason = because.format(*values) if values else because
        candidates.append({"provider": provider, "model": model, "kept": False, "reason": reason, "numbers": {}})
    rest = {name: part for name, part in value.items() if name not in ("kept", "dropped")}
    return {**rest, "candidates": candidates, "order": order}


def _numbers(strategy: Strategy | None, number: float | None, said: str) -> dict[str, Any]:
    """As a program wants it, and as a person reads it."""
    if number is None:
        return {}
    return {"value": number, strategy.label: said} if strategy is not None and said else {"value": number}


def _reason(place: int, label: str, said: str, rule: str, first_rule: bool) -> str:
    """«2nd by price, $0.00042»; «1st of rule spare» where an earlier rule had nobody left."""
    by = f"by {label.lower()}" if label and first_rule else f"in rule {rule}"
    words = f"{_ordinal(place + 1)} {by}"
    return f"{words}, {said}" if said else words


def _ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
