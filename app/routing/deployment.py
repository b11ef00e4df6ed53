"""A deployment as routing sees it: one way to serve a model."""

from __future__ import annotations

import msgspec

from app.core.price import Price


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """`alias` is the name clients use. `formats` are the wire formats it speaks, those of chat first, then those of
    other operations. `capabilities` None is unknown. Only what an admin declared refuses a request:
    a catalogue may be behind the model."""

    id: str
    provider_id: str
    provider: str
    kind: str
    model: str
    alias: str
    formats: tuple[str, ...]
    priority: int = 100
    price: Price | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] | None = None
    declared: bool = False  # the capabilities are the admin's word
    demo: bool = False

    def __str__(self) -> str:
        return f"{self.model} at {self.provider}"


DEFAULT_OUTPUT = 4096


def output_limit(max_tokens: int | None, deployment: Deployment) -> int:
    """Tokens: the client's maximum, else the smaller of the model's maximum and 4,096."""
    if max_tokens is not None:
        return max_tokens
    return min(deployment.max_output_tokens or DEFAULT_OUTPUT, DEFAULT_OUTPUT)


def by_priority(deployment: Deployment) -> tuple[int, str, str]:
    """The order where nothing else is said: priority, then names."""
    return (deployment.priority, deployment.provider, deployment.model)
