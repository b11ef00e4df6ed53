"""/api/models and /api/user-models: what can be asked for, and what is known of all models."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Query

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.core.money import parse_usd
from app.security.permissions import Permission
from app.services.container import Services
from app.services.model_browser import ORDERS, FoundModel, ModelFilter

ROUTER = Endpoints(prefix="/api", tags=["models"])

Word = Literal[
    "chat", "vision", "tools", "json", "reasoning", "files", "audio_in", "audio_out", "image_out", "embeddings"
]


@ROUTER.on("GET", "/models", needs=Permission.READ_SHARED)
async def list_models(services: ServicesOf, paged: Paged, search: str = "", provider: str = "") -> dict[str, Any]:
    """Every deployment, also those switched off, with price and capabilities."""
    found = [
        {**shapes.model(model), "cursor": f"{view.name}/{model.id}"}
        for view in services.providers.list()
        if not provider or provider in (view.name, view.id)
        for model in view.models
        if search.lower() in f"{model.alias} {model.id} {model.name}".lower()
    ]
    page = paged.page(found, "cursor")
    for item in page["items"]:
        del item["cursor"]
    return page


@ROUTER.on("GET", "/models/providers", needs=Permission.READ_SHARED)
async def models_by_provider(services: ServicesOf, paged: Paged) -> dict[str, Any]:
    """How many models each provider has, and the catalogue's age."""
    return {**paged.page(_counts(services), "provider"), "catalogue": _catalogue(services)}


@ROUTER.on("GET", "/user-models/global", needs=Permission.READ_SHARED)
async def search_models(
    services: ServicesOf,
    paged: Paged,
    search: str = Query("", max_length=200, description="words of the name, the id or the provider"),
    provider: str = Query("", max_length=200),
    capability: list[Word] = Query([], description="any of these; repeat it for several"),
    max_price: str | None = Query(None, description="USD per 1M tokens of input"),
    min_context: int | None = Query(None, ge=1, description="tokens"),
    free: bool = False,
    usable: bool = False,
    price_unknown: bool = False,
    sort: str = Query("model", description=f"one of {', '.join(ORDERS)}"),
    descending: bool = False,
) -> dict[str, Any]:
    """Every model that is known: those that are served here, with what was measured of them, and the rest of the
    catalogue. What is unknown comes last in every order."""
    wanted = ModelFilter(
        text=search,
        provider=provider,
        capabilities=tuple(capability),
        price_up_to=parse_usd(max_price, "max_price") if max_price is not None else None,
        context_at_least=min_context,
        free=free,
        usable=usable,
        unpriced=price_unknown,
    )
    found = await services.models.search(wanted, sort, descending=descending)
    ids = [{"id": each.entry.id, "place": place} for place, each in enumerate(found.items)]
    page = paged.page(ids)
    return {**page, "items": [_shape(found.items[item["place"]]) for item in page["items"]], "known": found.total}


@ROUTER.on("GET", "/user-models/stats", needs=Permission.READ_SHARED)
async def model_stats(services: ServicesOf) -> dict[str, Any]:
    """Counts over all models that are known, and how old the catalogue is."""
    return {**await services.models.stats(), "catalogue": _catalogue(services)}


@ROUTER.on("POST", "/admin/models/refresh-provider-counts", needs=Permission.MANAGE_GATEWAY)
async def refresh_provider_counts(services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """Asks every enabled provider for its models now, and says how many each has. Those whose models are listed by hand
    are counted, not asked."""
    asked, failed = await services.providers.refresh_all(actor)
    return {"asked": asked, "failed": failed, "items": _counts(services)}


def _counts(services: Services) -> list[dict[str, Any]]:
    return [
        {
            "provider": view.name,
            "kind": view.kind,
            "enabled": view.enabled,
            "models": len(view.models),
            "models_enabled": sum(model.enabled for model in view.models),
        }
        for view in services.providers.list()
    ]


def _catalogue(services: Services) -> dict[str, Any]:
    catalog = services.catalog
    return {"models": catalog.size, "made_at": catalog.made_at, "source": catalog.source}


def _shape(found: FoundModel) -> dict[str, Any]:
    entry, measured = found.entry, found.measured
    return {
        "id": entry.model,
        "alias": entry.alias,
        "name": entry.name,
        "provider": entry.provider,
        "kind": entry.kind or None,
        "served": entry.deployment is not None,
        "enabled": entry.enabled,
        "state": found.state,
        "price": shapes.price(entry.price),
        "price_from": entry.price_from or None,
        "context_window": entry.context_window,
        "max_output_tokens": entry.max_output_tokens,
        "capabilities": list(entry.capabilities) if entry.capabilities is not None else None,
        "released": entry.released,
        "tokens_per_s": round(measured.rate, 1) if measured.rate is not None else None,
        "first_token_ms": round(measured.first_token_ms) if measured.first_token_ms is not None else None,
        "score": round(measured.score, 3) if measured.score is not None else None,
        "used_in": list(entry.rules),
    }
