"""Documents of routers as values: ids of rules, rules put in and taken out."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.errors import NotFound
from app.core.ids import new_id
from app.routing.document import BUILT_IN, ROUTER, RouterDocument, Rule, leads_to


def plain(document: RouterDocument) -> dict[str, Any]:
    """The document as JSON values, defaults left out."""
    value: dict[str, Any] = msgspec.to_builtins(document)
    return value


def with_rule_ids(document: RouterDocument) -> RouterDocument:
    """Every rule gets an id; two rules never share one."""
    seen: set[str] = set()
    rules: list[Rule] = []
    for rule in document.rules:
        rule_id = rule.id if rule.id and rule.id not in seen else new_id("rule")
        seen.add(rule_id)
        rules.append(msgspec.structs.replace(rule, id=rule_id))
    return msgspec.structs.replace(document, rules=rules)


def without_rule_ids(document: RouterDocument) -> RouterDocument:
    rules = [msgspec.structs.replace(rule, id="") for rule in document.rules]
    return msgspec.structs.replace(document, rules=rules)


def with_ids_of(known: RouterDocument, document: RouterDocument) -> RouterDocument:
    """Rules that come without an id keep the one they had, by name, else by what they say."""
    by_name = {rule.name: rule.id for rule in known.rules if rule.name}
    by_content = {msgspec.json.encode(msgspec.structs.replace(rule, id="")): rule.id for rule in known.rules}
    rules = [
        rule
        if rule.id
        else msgspec.structs.replace(rule, id=by_name.get(rule.name) or by_content.get(msgspec.json.encode(rule), ""))
        for rule in document.rules
    ]
    return with_rule_ids(msgspec.structs.replace(document, rules=rules))


def rule_in(document: dict[str, Any], rule_id: str) -> dict[str, Any]:
    """Raises NotFound."""
    for rule in document.get("rules", []):
        if rule.get("id") == rule_id:
            return dict(rule)
    raise NotFound(f'The router has no rule "{rule_id}".')


def with_rule(document: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    """One more rule: before those without conditions, else last."""
    rules = list(document.get("rules", []))
    open_at = next((at for at, each in enumerate(rules) if not _has_conditions(each)), len(rules))
    rules.insert(open_at if _has_conditions(rule) else len(rules), rule)
    return {**document, "rules": rules}


def with_rule_changed(document: dict[str, Any], rule_id: str, rule: dict[str, Any]) -> dict[str, Any]:
    rule_in(document, rule_id)
    rules = [{**rule, "id": rule_id} if each.get("id") == rule_id else each for each in document["rules"]]
    return {**document, "rules": rules}


def without_rule(document: dict[str, Any], rule_id: str) -> dict[str, Any]:
    rule_in(document, rule_id)
    return {**document, "rules": [each for each in document["rules"] if each.get("id") != rule_id]}


def leading_to(documents: dict[str, RouterDocument], name: str) -> list[str]:
    """The other routers with a rule that goes on there. The built-in one takes a deleted default's place."""
    if name == BUILT_IN.name:
        return []
    wanted = ROUTER + name
    return [
        other
        for other, document in documents.items()
        if other != name and any(rule.on_failure == wanted for rule in document.rules)
    ]


def reachable(start: RouterDocument, documents: dict[str, RouterDocument]) -> dict[str, RouterDocument]:
    """The router and those its failures lead to: a circle elsewhere is not this router's fault. A name that is not
    among the documents is left to the check of the one that names it."""
    found: dict[str, RouterDocument] = {}
    ahead = [start]
    while ahead:
        document = ahead.pop()
        if document.name not in found:
            found[document.name] = document
            ahead += [documents[name] for name in leads_to(document) if name in documents]
    return found


def _has_conditions(rule: dict[str, Any]) -> bool:
    return bool(rule.get("when") or rule.get("unless"))
