"""What a router document must be before it is saved."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from app.core.errors import BadRequest
from app.routing.conditions import WEEKDAYS, Conditions, read_hours
from app.routing.document import ROUTER, RouterDocument, Rule, Target, leads_to
from app.routing.intent import COMPLEXITY, INTENTS
from app.routing.strategies import STRATEGIES

CAPABILITIES = (
    "chat",
    "vision",
    "tools",
    "json",
    "reasoning",
    "files",
    "audio_in",
    "audio_out",
    "image_out",
    "embeddings",
)
MAX_DEPTH = 4  # of groups in groups
MAX_RULES = 500
MAX_TARGETS = 1000  # of one rule, groups included

_VOCABULARIES = {
    "capabilities": CAPABILITIES,
    "weekdays": WEEKDAYS,
    "intents": INTENTS,
    "complexity": COMPLEXITY,
}


def read_document(value: dict[str, Any]) -> RouterDocument:
    """A checked document. Raises BadRequest naming the field and what it accepts."""
    try:
        document = msgspec.convert(value, RouterDocument)
    except msgspec.ValidationError as error:
        raise BadRequest(f"router: {error}.", field=_field_of(str(error))) from None
    check_document(document)
    return document


def check_document(document: RouterDocument) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", document.name):
        raise BadRequest(
            f'name: "{document.name}" is not a router name; use letters, digits, dots, dashes and underscores.',
            field="name",
        )
    _check_strategy(document.strategy, "strategy")
    if not 1 <= document.max_attempts <= 20:
        raise BadRequest("max_attempts: a number from 1 to 20.", field="max_attempts")
    for field in ("timeout_s", "first_token_timeout_s", "idle_timeout_s"):
        if not 0 < getattr(document, field) <= 3600:
            raise BadRequest(f"{field}: seconds, more than 0 and at most 3600.", field=field)
    if document.min_tokens_per_s is not None and not 0 < document.min_tokens_per_s <= 10_000:
        raise BadRequest("min_tokens_per_s: more than 0 and at most 10000.", field="min_tokens_per_s")
    _check_weights(document)
    _check_cache(document)
    if len(document.rules) > MAX_RULES:
        raise BadRequest(f"rules: at most {MAX_RULES}.", field="rules")
    for position, rule in enumerate(document.rules):
        _check_rule(rule, f"rules[{position}]")
    if document.fallbacks is not None:
        for cause, targets in msgspec.structs.asdict(document.fallbacks).items():
            _check_targets(targets, f"fallbacks.{cause}")


def check_on_failure(documents: dict[str, RouterDocument]) -> None:
    """Refuses `on_failure = "router:NAME"` with an unknown name, or in a circle."""
    follows = {name: leads_to(document) for name, document in documents.items()}
    for name, next_names in follows.items():
        for unknown in next_names - documents.keys():
            raise BadRequest(
                f'on_failure: router "{name}" names "{unknown}", which does not exist.', field="on_failure"
            )
    for start in follows:
        seen, reach = set(), set(follows[start])
        while reach:
            name = reach.pop()
            if name == start:
                raise BadRequest(
                    f'on_failure: router "{start}" would come back to itself. Let one of the routers stop.',
                    field="on_failure",
                )
            if name not in seen:
                seen.add(name)
                reach |= follows[name]


def _check_rule(rule: Rule, where: str) -> None:
    if rule.strategy is not None:
        _check_strategy(rule.strategy, f"{where}.strategy")
    if rule.on_failure not in ("next_rule", "stop") and not re.fullmatch(ROUTER + ".+", rule.on_failure):
        raise BadRequest(
            f'{where}.on_failure: "{rule.on_failure}" is not one of next_rule, stop, router:NAME.',
            field=f"{where}.on_failure",
        )
    for part, conditions in (("when", rule.when), ("unless", rule.unless)):
        if conditions is not None:
            _check_conditions(conditions, f"{where}.{part}")
    _check_targets(rule.targets, where + ".targets")
    if _count(rule.targets) > MAX_TARGETS:
        raise BadRequest(f"{where}.targets: at most {MAX_TARGETS}, groups included.", field=f"{where}.targets")


def _check_targets(targets: Iterable[Target], where: str, depth: int = 0) -> None:
    for position, target in enumerate(targets):
        field = f"{where}[{position}]"
        if not 0 <= target.weight < math.inf:
            raise BadRequest(f"{field}.weight: a number, 0 or more.", field=f"{field}.weight")
        named = bool(target.provider or target.model)
        if named and (target.targets or target.strategy is not None):
            raise BadRequest(
                f"{field}: either a provider and a model, or a group with targets and a strategy.", field=field
            )
        if not named and not target.targets:
            raise BadRequest(f"{field}: needs a provider and a model, or targets of its own.", field=field)
        for part in ("provider", "model"):
            if named and not getattr(target, part):
                raise BadRequest(f"{field}.{part}: is missing.", field=f"{field}.{part}")
        if target.strategy is not None:
            _check_strategy(target.strategy, f"{field}.strategy")
        if target.targets and depth + 1 >= MAX_DEPTH:
            raise BadRequest(f"{field}.targets: groups lie at most {MAX_DEPTH} deep.", field=f"{field}.targets")
        _check_targets(target.targets, f"{field}.targets", depth + 1)


def _count(targets: Iterable[Target]) -> int:
    return sum(1 + _count(target.targets) for target in targets)


def _check_conditions(conditions: Conditions, where: str) -> None:
    for field, words in _VOCABULARIES.items():
        for word in getattr(conditions, field):
            if word not in words:
                raise BadRequest(
                    f'{where}.{field}: "{word}" is not one of {", ".join(words)}.', field=f"{where}.{field}"
                )
    if conditions.hours is not None:
        read_hours(conditions.hours, where)
    if conditions.budget_left_below is not None and not 0 < conditions.budget_left_below <= 1:
        raise BadRequest(
            f"{where}.budget_left_below: a share, more than 0 and at most 1.", field=f"{where}.budget_left_below"
        )


def _check_weights(document: RouterDocument) -> None:
    if document.weights is None:
        return
    weights = msgspec.structs.asdict(document.weights)
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise BadRequest(f"weights.{name}: a number, 0 or more.", field=f"weights.{name}")
    if not any(weights.values()):
        raise BadRequest("weights: at least one must be more than 0.", field="weights")


def _check_cache(document: RouterDocument) -> None:
    cache = document.cache
    if cache is not None and not 0 < cache.ttl_s <= 30 * 86400:
        raise BadRequest("cache.ttl_s: seconds, more than 0 and at most 30 days.", field="cache.ttl_s")
    if cache is not None and not 1 <= cache.max_entries <= 1_000_000:
        raise BadRequest("cache.max_entries: from 1 to 1000000.", field="cache.max_entries")


def _check_strategy(name: str, field: str) -> None:
    if name not in STRATEGIES:
        raise BadRequest(f'{field}: "{name}" is not one of {", ".join(sorted(STRATEGIES))}.', field=field)


def _field_of(message: str) -> str | None:
    """Where msgspec found the fault: the path, and the field that is missing or unknown there."""
    path = re.search(r"at `\$\.?([^`]*)`", message)
    name = re.search(r"(?:required|unknown) field `([^`]*)`", message)
    return ".".join(found[1] for found in (path, name) if found) or None
