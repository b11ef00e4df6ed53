"""Checks across the items of a file, and of those the database holds already."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.errors import BadRequest
from app.routing.checks import check_on_failure
from app.routing.document import BUILT_IN, RouterDocument, all_targets
from app.services.config_file.document import Document
from app.services.config_file.reading import near, within
from app.services.router_documents import plain, reachable, without_rule_ids


def check_once(document: Document) -> None:
    """Nothing stands in the file twice."""
    _check_distinct("providers", "name", (item.name for item in document.providers))
    _check_distinct("routers", "name", (item.name for item in document.routers))
    _check_distinct("keys", "name", (item.name.strip() for item in document.keys))
    _check_distinct("users", "email", (item.email.strip().lower() for item in document.users))
    _check_distinct("keys", "secret", (item.secret for item in document.keys), shown=False)


def check_routers(document: Document, live: dict[str, RouterDocument], providers: set[str]) -> None:
    """Targets and `on_failure` of changed routers. `providers` are the names there will be, `live` the routers
    that stay as they are."""
    routers = {BUILT_IN.name: BUILT_IN} | live | {router.name: router for router in document.routers}
    for position, router in enumerate(document.routers):
        present = live.get(router.name)
        if present is not None and plain(without_rule_ids(present)) == plain(router):
            continue
        for field, target in all_targets(router):
            if target.provider not in providers:
                where = f"routers[{position}].{field}.provider"
                raise _unknown(where, "provider", target.provider, providers)
        for at, rule in enumerate(router.rules):
            where = f"routers[{position}].rules[{at}]"
            following = rule.on_failure.removeprefix("router:")
            if following != rule.on_failure and following not in routers:
                raise _unknown(f"{where}.on_failure", "router", following, routers)
        with within(("routers", position)):
            check_on_failure(reachable(router, routers))


def unlisted_targets(document: Document) -> list[str]:
    """Targets that can never answer, since the file lists the provider's models without them."""
    listed = {
        provider.name: {name for model in provider.models for name in (model.id, model.alias) if name}
        for provider in document.providers
        if provider.models is not None
    }
    return [
        f'The router "{router.name}" names "{target.model}", which is not among the models of {target.provider}.'
        for router in document.routers
        for _, target in all_targets(router)
        if target.provider in listed and target.model not in listed[target.provider]
    ]


def _check_distinct(table: str, field: str, values: Iterable[str | None], shown: bool = True) -> None:
    seen: dict[str, int] = {}
    for position, value in enumerate(values):
        if value is None:
            continue
        if value in seen:
            where = f"{table}[{position}].{field}"
            quoted = f'"{value}"' if shown else "this secret"
            raise BadRequest(f"{where}: {quoted} stands already at {table}[{seen[value]}].", field=where)
        seen[value] = position


def _unknown(field: str, what: str, name: str, known: Iterable[str]) -> BadRequest:
    names = sorted(known)
    return BadRequest(
        f'{field}: there is no {what} "{name}"; known are {", ".join(names)}.{near(name, names)}', field=field
    )
