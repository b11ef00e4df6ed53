"""What a rule's targets may be: every deployment with its price and its health, as the editor shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.services.views import ModelView, ProviderView
from components.badges import STATE_DOTS
from components.format import duration, window
from components.prices import price_line


@dataclass(frozen=True, slots=True)
class Offer:
    """One deployment. `dot` is the class of its health's dot, `health` the same in words."""

    provider: str
    model: str
    alias: str
    monogram: str
    accent: str
    price: str
    price_known: bool
    usable: bool
    dot: str
    health: str
    detail: str

    @property
    def id(self) -> str:
        return f"{self.provider}/{self.model}"


class Offers:
    """The deployments of one moment, found by what a target names: a provider and its model's id or alias."""

    def __init__(self, providers: Sequence[ProviderView]) -> None:
        self.all = tuple(_offer(provider, model) for provider in providers for model in provider.models)
        self._known = {(offer.provider, offer.alias): offer for offer in self.all}
        self._known |= {(offer.provider, offer.model): offer for offer in self.all}
        self._providers = {provider.name: provider for provider in providers}

    def of(self, target: dict[str, Any]) -> Offer:
        """The deployment, or what stands for one that does not exist."""
        named = (str(target.get("provider", "")), str(target.get("model", "")))
        return self._known.get(named) or self._missing(*named)

    def by_id(self, offer_id: str) -> Offer | None:
        return next((offer for offer in self.all if offer.id == offer_id), None)

    def search(self, text: str) -> list[Offer]:
        """Usable ones first."""
        words = text.lower().split()
        found = [
            offer
            for offer in self.all
            if all(word in f"{offer.alias} {offer.model} {offer.provider} {offer.detail}".lower() for word in words)
        ]
        return sorted(found, key=lambda offer: (not offer.usable, offer.provider, offer.alias))

    def _missing(self, provider: str, model: str) -> Offer:
        known = self._providers.get(provider)
        words = f"{provider} has no model {model}" if known else f"There is no provider {provider}"
        return Offer(
            provider,
            model,
            model,
            known.monogram if known else provider[:2].upper(),
            known.accent if known else "custom",
            "price unknown",
            False,
            False,
            "er",
            words,
            "",
        )


def _offer(provider: ProviderView, model: ModelView) -> Offer:
    on = provider.enabled and model.enabled
    wait = duration(provider.first_token_p50_ms) if provider.first_token_p50_ms else ""
    parts = (
        f"{window(model.context_window)} context" if model.context_window else "",
        " ".join(model.capabilities),
        f"first token {wait}" if wait else "",
    )
    return Offer(
        provider=provider.name,
        model=model.id,
        alias=model.alias,
        monogram=model.monogram,
        accent=model.accent,
        price="demo" if model.demo else price_line(model.price),
        price_known=model.demo or model.price is not None,
        usable=on and provider.state not in ("no_key", "no_models"),
        dot=STATE_DOTS.get(provider.state, "") if on else "er",
        health=provider.status_text if on else ("The provider is off." if model.enabled else "The model is off."),
        detail=", ".join(part for part in parts if part),
    )
