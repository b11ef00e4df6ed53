"""Every model that is known: those that are served here, and the rest of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.core.price import Price
from app.providers.catalog import Catalog
from app.providers.kinds import Kind, kinds
from app.routing.deployment import Deployment
from app.routing.document import all_targets
from app.services.snapshot import Model, Provider, Snapshot

CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model at one provider. `deployment` None: it is only known from the catalogue, and `provider` is that one's
    name. `rules` are the live rules that name it, as "router: rule". `price_from` as in snapshot.Model."""

    id: str
    model: str
    alias: str
    name: str
    provider: str
    kind: str
    accent: str
    monogram: str
    price: Price | None
    price_from: str
    context_window: int | None
    max_output_tokens: int | None
    capabilities: tuple[str, ...] | None
    released: str | None
    text: str  # what a search looks at
    deployment: Deployment | None = None
    provider_id: str | None = None
    enabled: bool = False
    listed: bool = False
    rules: tuple[str, ...] = ()

    @property
    def free(self) -> bool:
        return self.price is not None and not (self.price.input or self.price.output)


def all_entries(snapshot: Snapshot, catalog: Catalog) -> tuple[ModelEntry, ...]:
    """Those that are served first; the catalogue's entry of a served model does not stand there again."""
    used = _rules_by_deployment(snapshot)
    found: list[ModelEntry] = []
    served: set[tuple[str, str]] = set()
    for provider in snapshot.providers.values():
        for model in provider.models:
            facts = catalog.find(provider.kind, model.deployment.model)
            if facts is not None:
                served.add((facts.provider, facts.id))
            found.append(_served(provider, model, facts.released if facts else None, used))
    found.extend(_of_catalogue(catalog, served))
    return tuple(found)


def _served(provider: Provider, model: Model, released: str | None, used: dict[str, list[str]]) -> ModelEntry:
    deployment = model.deployment
    return ModelEntry(
        id=deployment.id,
        model=deployment.model,
        alias=deployment.alias,
        name=model.name,
        provider=provider.name,
        kind=provider.kind.name,
        accent=provider.kind.accent,
        monogram=provider.kind.monogram,
        price=deployment.price,
        price_from=model.price_from,
        context_window=deployment.context_window,
        max_output_tokens=deployment.max_output_tokens,
        capabilities=tuple(sorted(deployment.capabilities)) if deployment.capabilities is not None else None,
        released=released,
        text=f"{provider.name} {provider.kind.label} {deployment.alias} {deployment.model} {model.name}".lower(),
        deployment=deployment,
        provider_id=provider.id,
        enabled=provider.usable and model.enabled,
        listed=model.listed,
        rules=tuple(used.get(deployment.id, ())),
    )


def _of_catalogue(catalog: Catalog, served: set[tuple[str, str]]) -> Iterator[ModelEntry]:
    known = kinds_by_catalogue()
    for provider, models in catalog.rows.items():
        kind = known.get(provider)
        monogram = kind.monogram if kind else provider[:2].upper()
        for model_id, row in models.items():
            if (provider, model_id) in served:
                continue
            price = row.price()
            yield ModelEntry(
                id=f"{CATALOGUE}/{provider}/{model_id}",
                model=model_id,
                alias=model_id,
                name=row.name,
                provider=provider,
                kind=kind.name if kind else "",
                accent=kind.accent if kind else "custom",
                monogram=monogram,
                price=price,
                price_from=CATALOGUE if price is not None else "",
                context_window=row.context,
                max_output_tokens=row.max_output,
                capabilities=row.capabilities,
                released=row.released,
                text=f"{provider} {model_id} {row.name}".lower(),
            )


def kinds_by_catalogue() -> dict[str, Kind]:
    """The first kind whose models are in the catalogue under that name."""
    found: dict[str, Kind] = {}
    for kind in kinds().values():
        if kind.catalogue is not None:
            found.setdefault(kind.catalogue, kind)
    return found


def _rules_by_deployment(snapshot: Snapshot) -> dict[str, list[str]]:
    used: dict[str, list[str]] = {}
    for name, router in snapshot.routers.items():
        for field, target in all_targets(router.document):
            deployment = snapshot.find_target(target.provider, target.model)
            if deployment is not None:
                words = f"{name}: {_place(router.document.rules, field)}"
                rules = used.setdefault(deployment.id, [])
                if words not in rules:
                    rules.append(words)
    return used


def _place(rules: Sequence[object], field: str) -> str:
    """The rule that a field of a document lies in, by its name; or the fallback."""
    head, _, rest = field.partition("[")
    if head != "rules":
        return head.replace("fallbacks.", "fallback for ").replace("_", " ")
    number = int(rest.partition("]")[0])
    return str(getattr(rules[number], "shown", "")) or f"rule {number + 1}"
