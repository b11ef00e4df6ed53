"""What a client asks of routing: who may answer and in which order, within what its key and router allow.

The words of `provider` are OpenRouter's (its documentation, «Provider Routing»)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from app.core.errors import BadRequest
from app.core.money import parse_usd
from app.routing.deployment import Deployment

SUFFIXES = {":floor": "price", ":nitro": "throughput", ":free": "free"}
SORTS = {"price": "cheapest", "throughput": "fastest", "latency": "fastest"}  # to the strategy that does it


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """`order`, `only` and `ignore` are names or kinds of providers. `strategy` takes the place of the rule's.
    Prices are nano-dollars per million tokens, `max_cost` nano-dollars."""

    models: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    only: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    strategy: str | None = None
    free: bool = False
    max_input_price: int | None = None
    max_output_price: int | None = None
    allow_fallbacks: bool = True
    require_parameters: bool = False
    max_cost: int | None = None
    max_latency_ms: int | None = None

    def refuses(self, deployment: Deployment) -> str | None:
        """Why the client does not want this deployment."""
        names = (deployment.provider.lower(), deployment.kind)
        if self.only and self.only.isdisjoint(names):
            return "not among the providers that the request allows"
        if not self.ignore.isdisjoint(names):
            return "the request leaves this provider out"
        price = deployment.price
        if self.free and (price is None or price.input or price.output or price.request):
            return "not free, and the request asks for what is"
        for most, name in ((self.max_input_price, "input"), (self.max_output_price, "output")):
            if most is not None and (price is None or getattr(price, name) > most):
                return f"its {name} price is over what the request allows" if price else "price unknown"
        return None

    def place(self, deployment: Deployment) -> int:
        """Where `order` names the provider; all that it does not name come after."""
        for place, name in enumerate(self.order):
            if name in (deployment.provider.lower(), deployment.kind):
                return place
        return len(self.order)


def read_wishes(
    extensions: Mapping[str, Any], sort: str | None = None, known: Collection[str] | None = None
) -> Wishes | None:
    """From a request's own fields and the suffix of its model's name; None where it wishes nothing. `known` are the
    names and kinds of providers there are, in lower case: other names are those of somebody else's providers, as
    OpenRouter's own, and say nothing here. Raises BadRequest naming the field."""
    provider = extensions.get("provider")
    models = _names(extensions.get("models"), "models")
    max_cost = _usd(extensions.get("max_cost_usd"), "max_cost_usd")
    max_latency = extensions.get("max_latency_ms")
    if max_latency is not None and (type(max_latency) not in (int, float) or not 0 < max_latency < 1e9):
        raise BadRequest("max_latency_ms: milliseconds, more than 0.", field="max_latency_ms")
    if provider is None and not models and sort is None and max_cost is None and max_latency is None:
        return None
    if provider is None:
        provider = {}
    if not isinstance(provider, Mapping):
        raise BadRequest("provider: an object such as {order, only, ignore, sort}.", field="provider")
    prices = provider.get("max_price") or {}  # dollars per million tokens
    if not isinstance(prices, Mapping):
        raise BadRequest("provider.max_price: an object with prompt and completion.", field="provider.max_price")
    wanted = provider.get("sort")
    if isinstance(wanted, Mapping):
        wanted = wanted.get("by")
    if wanted is not None and wanted not in SORTS:
        raise BadRequest(f"provider.sort: one of {', '.join(SORTS)}.", field="provider.sort")
    return Wishes(
        models=models,
        order=_providers(provider, "order", known),
        only=frozenset(_providers(provider, "only", known)),
        ignore=frozenset(_providers(provider, "ignore", known)),
        strategy=SORTS.get(wanted or sort or ""),
        free=sort == "free",
        max_input_price=_usd(prices.get("prompt"), "provider.max_price.prompt"),
        max_output_price=_usd(prices.get("completion"), "provider.max_price.completion"),
        allow_fallbacks=_flag(provider.get("allow_fallbacks"), "provider.allow_fallbacks", default=True),
        require_parameters=_flag(provider.get("require_parameters"), "provider.require_parameters", default=False),
        max_cost=max_cost,
        max_latency_ms=None if max_latency is None else int(max_latency),
    )


def _providers(provider: Mapping[str, Any], field: str, known: Collection[str] | None) -> tuple[str, ...]:
    names = [name.lower() for name in _names(provider.get(field), f"provider.{field}")]
    return tuple(name for name in names if known is None or name in known)


def _names(value: Any, field: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 100 or not all(isinstance(name, str) for name in value):
        raise BadRequest(f"{field}: a list of names.", field=field)
    return tuple(value)


def _flag(value: Any, field: str, *, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise BadRequest(f"{field}: true or false.", field=field)
    return value


def _usd(value: Any, field: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadRequest(f"{field}: dollars, such as 0.5.", field=field)
    return parse_usd(value if isinstance(value, str) else f"{value:.9f}", field)
