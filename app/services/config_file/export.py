"""The present state as a file: defaults and secrets left out. Applying it changes nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.clock import rfc3339
from app.core.money import format_usd
from app.routing.document import RouterDocument
from app.services.config_file.specs import default_priority
from app.services.config_file.toml import table
from app.services.container import Services
from app.services.provider_rows import DEMO, DEMO_MODELS
from app.services.router_documents import plain, without_rule_ids
from app.services.router_rows import live_documents
from app.services.snapshot import DEFAULT_SCOPES, SCOPES, Key
from app.services.views import ModelSpec, Person, ProviderSpec

_HEAD = """\
# This AnyGPT as a file, its secrets left out. Put it in force with: anygpt apply FILE
"""


async def export(services: Services) -> str:
    """Stable in its order: settings, then providers, routers, keys and users by name."""
    snapshot = services.state.current
    documents = await services.db.read(live_documents)
    specs = [services.provider_views.spec_of(provider) for provider in snapshot.providers.values()]
    blocks: list[str] = []
    if snapshot.runtime.stored:
        blocks.append(table("[settings]", dict(sorted(snapshot.runtime.stored.items()))))
    blocks += [_provider(spec) for spec in sorted(specs, key=lambda spec: spec.name) if not _is_untouched_demo(spec)]
    blocks += [_router(documents[name]) for name in sorted(documents)]
    zone = services.settings.zone
    blocks += [_key(key, zone) for key in sorted(snapshot.keys.values(), key=lambda key: key.name)]
    blocks += [_user(person) for person in sorted(snapshot.people.values(), key=lambda person: person.email)]
    return "\n".join([_HEAD, *blocks])


def _is_untouched_demo(spec: ProviderSpec) -> bool:
    plain_demo = _provider(ProviderSpec(name=DEMO, kind=DEMO, priority=default_priority(DEMO)))
    return spec.kind == DEMO and _provider(spec) == plain_demo


def _provider(spec: ProviderSpec) -> str:
    head: dict[str, Any] = {"name": spec.name, "kind": spec.kind}
    head |= _unless(
        {"base_url": None, "api_key_env": None, "formats": None, "rate_limit": None},
        {
            "base_url": spec.base_url,
            "api_key_env": spec.api_key_env,
            "formats": spec.formats,
            "rate_limit": spec.rate_limit,
        },
    )
    head |= _unless(
        {"enabled": True, "priority": default_priority(spec.kind)},
        {"enabled": spec.enabled, "priority": spec.priority},
    )
    models = spec.models
    if models is not None and spec.kind == DEMO and _by_id(models) == _by_id(DEMO_MODELS):
        models = None
    if models == []:
        head["models"] = []
    tables = [table("[[providers.models]]", _model(model)) for model in models or ()]
    return "\n".join([table("[[providers]]", head), *tables])


def _model(model: ModelSpec) -> dict[str, Any]:
    values = {
        "alias": model.alias,
        "enabled": model.enabled,
        "price": model.price,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": model.capabilities,
    }
    return {"id": model.id} | _unless(dict.fromkeys(values) | {"enabled": True}, values)


def _by_id(models: list[ModelSpec]) -> dict[str, ModelSpec]:
    return {model.id: model for model in models}


def _router(document: RouterDocument) -> str:
    values = plain(without_rule_ids(document))
    rules = values.pop("rules", [])
    return "\n".join([table("[[routers]]", values), *(table("[[routers.rules]]", rule) for rule in rules)])


def _key(key: Key, zone: ZoneInfo) -> str:
    values: dict[str, Any] = {
        "owner": key.person.email if key.person is not None else None,
        "router": key.router,
        "models": list(key.models),
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "budgets": [{"usd": format_usd(budget["usd"]), "window": budget["window"]} for budget in key.budgets],
        "on_budget": key.on_budget,
        "unknown_price": key.unknown_price,
        "tier": key.tier,
        "limits": key.limits,
        "allowed_ips": list(key.allowed_ips),
        "allowed_referrers": list(key.allowed_referrers),
        "expires": _day_or_time(key.expires_at, zone),
        "enabled": not key.disabled,
    }
    defaults: dict[str, Any] = {
        "owner": None,
        "router": None,
        "models": ["*"],
        "scopes": list(DEFAULT_SCOPES),
        "budgets": [],
        "on_budget": "refuse",
        "unknown_price": "refuse",
        "tier": None,
        "limits": {},
        "allowed_ips": [],
        "allowed_referrers": [],
        "expires": None,
        "enabled": True,
    }
    return table("[[keys]]", {"name": key.name} | _unless(defaults, values))


def _user(person: Person) -> str:
    named = {} if person.name == person.email.split("@")[0] else {"name": person.name}
    off = {"enabled": False} if person.disabled else {}
    tier = {"tier": person.tier} if person.tier is not None else {}
    return table("[[users]]", {"email": person.email, **named, "role": str(person.role), **tier, **off})


def _day_or_time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """As people write it: a day begins at midnight in the team's zone."""
    if moment is None:
        return None
    local = moment.astimezone(zone)
    midnight = (local.hour, local.minute, local.second) == (0, 0, 0)
    return local.date().isoformat() if midnight else rfc3339(moment).replace(".000Z", "Z")


def _unless(defaults: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != defaults[name]}
