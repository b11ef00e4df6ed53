"""Questions and deployments for the tests of routing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.routing.deployment import Deployment
from app.routing.document import read_document
from app.routing.plan import CompiledRouter
from app.routing.question import Question

FRIDAY_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def question(**fields: Any) -> Question:
    return Question(**{"model": "gpt-4o", "now": FRIDAY_NOON, **fields})


def deployment(name: str, **fields: Any) -> Deployment:
    """ "a/m": the model m at the provider a."""
    provider, _, model = name.partition("/")
    values = {"id": name, "provider_id": provider, "provider": provider, "kind": "openai", "model": model or "m"}
    return Deployment(**{**values, "alias": model or "m", "formats": ("openai-chat",), **fields})


def router(deployments: list[Deployment] | None = None, name: str = "default", **fields: Any) -> CompiledRouter:
    """A router over these deployments; without rules it has one for everything."""
    known = {(each.provider, each.model): each for each in deployments or ()}
    document = read_document({"name": name, "rules": [{"name": "all"}], **fields})
    return CompiledRouter(document, 1, lambda provider, model: known.get((provider, model)))
