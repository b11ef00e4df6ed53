"""Edits of a router document as plain JSON values: every function gives a new document and leaves the old one alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from app.core.ids import new_id

Document = dict[str, Any]
Rule = dict[str, Any]
Target = dict[str, Any]
Path = tuple[int, ...]  # where a target stands: (1, 0) is the first of the group that is second

MAX_STEPS = 100  # that can be undone


class History:
    """What undo and redo walk through; the oldest steps are forgotten."""

    def __init__(self, document: Document) -> None:
        self.now = document
        self._past: deque[Document] = deque(maxlen=MAX_STEPS)
        self._future: list[Document] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def change(self, document: Document) -> bool:
        """The next step; False where nothing is different."""
        if document == self.now:
            return False
        self._past.append(self.now)
        self._future.clear()
        self.now = document
        return True

    def undo(self) -> bool:
        if not self._past:
            return False
        self._future.append(self.now)
        self.now = self._past.pop()
        return True

    def redo(self) -> bool:
        if not self._future:
            return False
        self._past.append(self.now)
        self.now = self._future.pop()
        return True


def rules_of(document: Document) -> list[Rule]:
    return list(document.get("rules", ()))


def rule_of(document: Document, rule_id: str) -> Rule | None:
    return next((rule for rule in rules_of(document) if rule.get("id") == rule_id), None)


def with_fields(document: Document, **fields: Any) -> Document:
    """The router's own fields changed; None leaves a field out, which means its default."""
    return {key: value for key, value in {**document, **fields}.items() if value is not None}


def with_rule(document: Document, rule_id: str, **fields: Any) -> Document:
    """One rule's fields changed; None, and what is empty, is left out."""
    rules = [
        {key: value for key, value in {**rule, **fields}.items() if value not in (None, [], {})}
        if rule.get("id") == rule_id
        else rule
        for rule in rules_of(document)
    ]
    return {**document, "rules": rules}


def add_rule(document: Document, name: str) -> tuple[Document, str]:
    """A rule without conditions yet, at the end; but before a last one that always holds, where it can be reached."""
    rules, rule_id = rules_of(document), new_id("rule")
    place = len(rules) - 1 if rules and not has_conditions(rules[-1]) else len(rules)
    rules.insert(place, {"name": _free_name(rules, name), "id": rule_id})
    return {**document, "rules": rules}, rule_id


def duplicate_rule(document: Document, rule_id: str) -> tuple[Document, str]:
    rules, made = rules_of(document), new_id("rule")
    for at, rule in enumerate(rules):
        if rule.get("id") == rule_id:
            copy = {**deepcopy(rule), "id": made, "name": _free_name(rules, f"{shown_name(rule, at)} copy")}
            return {**document, "rules": [*rules[: at + 1], copy, *rules[at + 1 :]]}, made
    return document, rule_id


def delete_rule(document: Document, rule_id: str) -> Document:
    return {**document, "rules": [rule for rule in rules_of(document) if rule.get("id") != rule_id]}


def move_rule(document: Document, rule_id: str, to: int) -> Document:
    """To another place, counted from 0; beyond the ends it stays within."""
    rules = rules_of(document)
    moved = next((rule for rule in rules if rule.get("id") == rule_id), None)
    if moved is None:
        return document
    rules.remove(moved)
    rules.insert(min(max(to, 0), len(rules)), moved)
    return {**document, "rules": rules}


def place_of(document: Document, rule_id: str) -> int:
    return next((at for at, rule in enumerate(rules_of(document)) if rule.get("id") == rule_id), -1)


def shown_name(rule: Rule, place: int) -> str:
    return str(rule.get("name") or f"Rule {place + 1}")


def has_conditions(rule: Rule) -> bool:
    return bool(rule.get("when") or rule.get("unless"))


# targets: a deployment {provider, model, weight}, or a group {strategy, targets, weight}


def is_group(target: Target) -> bool:
    return bool(target.get("targets"))


def walk(targets: Sequence[Target], above: Path = ()) -> Iterator[tuple[Path, Target]]:
    """Every target and group with where it stands, a group before its members."""
    for at, target in enumerate(targets):
        yield (*above, at), target
        yield from walk(target.get("targets", ()), (*above, at))


def target_at(targets: Sequence[Target], path: Path) -> Target | None:
    found: Target | None = None
    for at in path:
        if at >= len(targets):
            return None
        found = targets[at]
        targets = found.get("targets", ())
    return found


def put_target(targets: Sequence[Target], path: Path, target: Target | None) -> list[Target]:
    """Another target in that place; None takes it out, and a group that it leaves empty as well."""
    made, at = list(targets), path[0]
    if len(path) > 1:
        members = put_target(made[at].get("targets", ()), path[1:], target)
        target = {**made[at], "targets": members} if members else None
    if target is None:
        del made[at]
    else:
        made[at] = target
    return made


def add_target(targets: Sequence[Target], group: Path, target: Target) -> list[Target]:
    """At the end of a group, or of the rule where the path is empty."""
    if not group:
        return [*targets, target]
    inside = target_at(targets, group) or {}
    return put_target(targets, group, {**inside, "targets": [*inside.get("targets", ()), target]})


def move_target(targets: Sequence[Target], path: Path, by: int) -> list[Target]:
    """Among its neighbours; at the ends nothing happens."""
    siblings = list(target_at(targets, path[:-1]).get("targets", ())) if len(path) > 1 else list(targets)  # type: ignore[union-attr]
    to = path[-1] + by
    if not 0 <= to < len(siblings):
        return list(targets)
    siblings[path[-1]], siblings[to] = siblings[to], siblings[path[-1]]
    if len(path) == 1:
        return siblings
    group = target_at(targets, path[:-1]) or {}
    return put_target(targets, path[:-1], {**group, "targets": siblings})


def group_target(targets: Sequence[Target], path: Path) -> list[Target]:
    """The target alone in a new group, which takes over its weight."""
    target = target_at(targets, path) or {}
    inside = {key: value for key, value in target.items() if key != "weight"}
    weight = {"weight": target["weight"]} if "weight" in target else {}
    return put_target(targets, path, {"strategy": "priority", "targets": [inside], **weight})


def ungroup(targets: Sequence[Target], path: Path) -> list[Target]:
    """A group's members in its place."""
    group = target_at(targets, path) or {}
    members = list(group.get("targets", ()))
    if len(path) == 1:
        return [*targets[: path[0]], *members, *targets[path[0] + 1 :]]
    above = target_at(targets, path[:-1]) or {}
    siblings = list(above.get("targets", ()))
    inside = [*siblings[: path[-1]], *members, *siblings[path[-1] + 1 :]]
    return put_target(targets, path[:-1], {**above, "targets": inside})


def path_text(path: Path) -> str:
    return ".".join(map(str, path))


def read_path(text: str) -> Path:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _free_name(rules: Sequence[Rule], wanted: str) -> str:
    taken = {rule.get("name") for rule in rules}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name
