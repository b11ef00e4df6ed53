"""What differs between two documents of a router, as a person would say it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from app.routing.checks import read_document
from app.routing.conditions import Conditions
from app.routing.document import ROUTER, Cache, Fallbacks, RouterDocument, Rule, Target
from app.routing.strategies.base import Weights
from app.services.router_documents import plain
from app.services.router_views import DocChange

_SETTINGS = {
    "strategy": "strategy",
    "max_attempts": "attempts at most",
    "timeout_s": "time-out in seconds",
    "first_token_timeout_s": "time-out of the first token in seconds",
    "idle_timeout_s": "time-out between two pieces in seconds",
    "min_tokens_per_s": "least tokens per second",
    "hedge": "a second attempt when the first is slow to begin",
    "sticky": "conversations stay with one deployment",
}
_CAUSES = {"context_too_long": "too long input", "content_policy": "content policy"}


def changes_between(before: dict[str, Any], after: dict[str, Any]) -> tuple[DocChange, ...]:
    """Of the router itself first, then rule by rule in the order of `after`, those that are gone last. Raises
    BadRequest where one of the documents is none."""
    old, new = read_document(before), read_document(after)
    return (*_router_changes(old, new), *_rules_changes(old.rules, new.rules))


def _router_changes(old: RouterDocument, new: RouterDocument) -> Iterator[DocChange]:
    for field, label in _SETTINGS.items():
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            yield _router_change(field, was, now, f"{label}: {_said(now)} instead of {_said(was)}")
    yield from _parts("weights", old.weights, new.weights, Weights(), "weight of {} in the score")
    if (old.cache is None) != (new.cache is None):
        was, now = _value(old.cache), _value(new.cache)
        yield _router_change(
            "cache", was, now, "exact answers are kept" if new.cache is not None else "exact answers are no longer kept"
        )
    else:
        yield from _parts("cache", old.cache, new.cache, Cache(), "cache, {}")
    for field, cause in _CAUSES.items():
        was, now = (getattr(each.fallbacks or Fallbacks(), field) for each in (old, new))
        for path, one, other, said in _target_changes(was, now, f"fallbacks.{field}"):
            yield _router_change(path, one, other, f"instead of a {cause} refusal, {said}")


def _parts(field: str, old: Any, new: Any, default: Any, label: str) -> Iterator[DocChange]:
    """Of a table that has a default for each of its fields."""
    was, now = (msgspec.structs.asdict(each if each is not None else default) for each in (old, new))
    for name in was:
        if was[name] != now[name]:
            said = f"{label.format(name)}: {_said(now[name])} instead of {_said(was[name])}"
            yield _router_change(f"{field}.{name}", was[name], now[name], said)


def _rules_changes(old: Sequence[Rule], new: Sequence[Rule]) -> Iterator[DocChange]:
    pairs = _pairs(old, new)
    moved = _moved([pairs[at] for at in range(len(new)) if at in pairs])
    for at, rule in enumerate(new):
        if at not in pairs:
            yield _rule_change("added", rule, "", None, _value(rule), f"new, in place {at + 1}")
            continue
        place = pairs[at]
        if place in moved:
            yield _rule_change("moved", rule, "", place + 1, at + 1, f"in place {at + 1} instead of {place + 1}")
        yield from _rule_changes(old[place], rule)
    kept = set(pairs.values())
    for at, rule in enumerate(old):
        if at not in kept:
            yield _rule_change("removed", rule, "", _value(rule), None, f"taken out of place {at + 1}")


def _rule_changes(old: Rule, new: Rule) -> Iterator[DocChange]:
    if old.name != new.name:
        yield _rule_change("changed", new, "name", old.name, new.name, f"was called {old.shown} before")
    for part in ("when", "unless"):
        yield from _condition_changes(new, part, getattr(old, part), getattr(new, part))
    for path, was, now, said in _target_changes(old.targets, new.targets, "targets"):
        yield _rule_change("changed", new, path, was, now, said)
    if old.strategy != new.strategy:
        now, was = (each.strategy or "the router's" for each in (new, old))
        yield _rule_change("changed", new, "strategy", old.strategy, new.strategy, f"strategy {now} instead of {was}")
    if old.on_failure != new.on_failure:
        now, was = (_on_failure(each.on_failure) for each in (new, old))
        said = f"when all of it failed, {now} instead of {was}"
        yield _rule_change("changed", new, "on_failure", old.on_failure, new.on_failure, said)


def _condition_changes(rule: Rule, part: str, old: Conditions | None, new: Conditions | None) -> Iterator[DocChange]:
    was, now = (msgspec.structs.asdict(each or Conditions()) for each in (old, new))
    if part == "unless" and (old is None) != (new is None) and was == now:
        said = "unless without conditions: it never holds" if new is not None else "no empty unless any more"
        yield _rule_change("changed", rule, part, _value(old), _value(new), said)
    for field in was:
        one, other = was[field], now[field]
        if one == other:
            continue
        label = f"{part} {field.replace('_', ' ')}"
        if one in (None, []):
            said = f"new condition: {label} {_said(other)}"
        elif other in (None, []):
            said = f"condition gone: {label} {_said(one)}"
        else:
            said = f"{label} {_said(other)} instead of {_said(one)}"
        yield _rule_change("changed", rule, f"{part}.{field}", one, other, said)


Difference = tuple[str, Any, Any, str]  # path, before, after, words


def _target_changes(old: Sequence[Target], new: Sequence[Target], path: str, group: str = "") -> Iterator[Difference]:
    """By what targets name, not by their places; groups are known by their number among the groups."""
    was, now = _named(old), _named(new)
    inside = f" in {group}" if group else ""
    for name, target in now.items():
        if name not in was:
            yield path, None, _value(target), f"new target {name}{inside}"
        elif target.weight != was[name].weight:
            one, other = was[name].weight, target.weight
            yield f"{path}.weight", one, other, f"weight of {name}{inside} {other:g} instead of {one:g}"
    for name, target in was.items():
        if name not in now:
            yield path, _value(target), None, f"without target {name}{inside}"
    one_order = [name for name in was if name in now]
    other_order = [name for name in now if name in was]
    if one_order != other_order:
        said = f"targets{inside} in another order: {', '.join(other_order)}"
        yield path, one_order, other_order, said
    for name, target in now.items():
        earlier = was.get(name)
        if earlier is None or not target.targets:
            continue
        if earlier.strategy != target.strategy:
            one_name, other_name = (each.strategy or "the rule's" for each in (earlier, target))
            said = f"strategy of {name}{inside} {other_name} instead of {one_name}"
            yield f"{path}.strategy", earlier.strategy, target.strategy, said
        yield from _target_changes(earlier.targets, target.targets, f"{path}.targets", f"{name}{inside}")


def _named(targets: Sequence[Target]) -> dict[str, Target]:
    found: dict[str, Target] = {}
    groups = 0
    for target in targets:
        if target.targets:
            groups += 1
            name = f"group {groups}"
        else:
            name = f"{target.model} at {target.provider}"
        again = 1
        while (unique := name if again == 1 else f"{name} (number {again})") in found:
            again += 1
        found[unique] = target
    return found


def _pairs(old: Sequence[Rule], new: Sequence[Rule]) -> dict[int, int]:
    """From the place in `new` to the place in `old` of what is the same rule: by id, else by name."""
    by_id = {rule.id: at for at, rule in enumerate(old) if rule.id}
    pairs = {at: by_id[rule.id] for at, rule in enumerate(new) if rule.id in by_id}
    taken = set(pairs.values())
    by_name = {rule.name: at for at, rule in enumerate(old) if rule.name and at not in taken}
    for at, rule in enumerate(new):
        if at not in pairs and rule.name in by_name:
            pairs[at] = by_name.pop(rule.name)
    return pairs


def _moved(places: Sequence[int]) -> set[int]:
    """The fewest that have to move for the order to come about: all but a longest increasing run."""
    ends: list[int] = []  # the smallest last place of a run, by its length
    ends_at: list[int] = []
    before: list[int] = []
    for at, place in enumerate(places):
        length = bisect_left(ends, place)
        before.append(ends_at[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            ends_at.append(at)
        else:
            ends[length], ends_at[length] = place, at
    stays = set()
    at = ends_at[-1] if ends_at else -1
    while at >= 0:
        stays.add(places[at])
        at = before[at]
    return set(places) - stays


def _router_change(field: str, before: Any, after: Any, said: str) -> DocChange:
    return DocChange("changed", None, None, field, _value(before), _value(after), f"Router: {said}.")


def _rule_change(kind: str, rule: Rule, field: str, before: Any, after: Any, said: str) -> DocChange:
    shown = rule.name or "without a name"
    return DocChange(kind, rule.id or None, rule.shown, field, before, after, f"Rule {shown}: {said}.")


def _on_failure(value: str) -> str:
    if value.startswith(ROUTER):
        return f"router {value.removeprefix(ROUTER)} goes on"
    return "nobody else is asked" if value == "stop" else "the next rule goes on"


def _said(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def _value(value: Any) -> Any:
    """As JSON can hold it."""
    return plain(value) if isinstance(value, RouterDocument) else msgspec.to_builtins(value)
