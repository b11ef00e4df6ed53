"""What a model's name means, among the deployments that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from app.routing.compiled import Asked
from app.routing.deployment import Deployment, by_priority
from app.routing.wishes import SUFFIXES

AUTO = "auto"


class Names:
    """`deployments` are those that are switched on, in any order; `routers` the names that `router/NAME` may have."""

    def __init__(self, deployments: Iterable[Deployment], routers: Collection[str]) -> None:
        enabled = sorted(deployments, key=by_priority)
        self._routers = routers
        self.by_alias = _grouped((each.alias, each) for each in enabled)
        self._by_model = _grouped((each.model, each) for each in enabled)
        self._by_provider = _grouped(
            (f"{each.provider}/{name}", each) for each in enabled for name in dict.fromkeys((each.alias, each.model))
        )
        self.automatic = _fit_for_auto(enabled)

    def resolve(self, model: str) -> Asked | None:
        """In the order of the contract; None where it means nothing."""
        if (asked := self._named(model)) is not None:
            return asked
        name, colon, suffix = model.rpartition(":")
        if (sort := SUFFIXES.get(colon + suffix)) is not None and (asked := self._named(name)) is not None:
            return msgspec.structs.replace(asked, sort=sort)
        return None

    def find_target(self, provider: str, model: str) -> Deployment | None:
        """A rule's target: the provider's own id first, else an alias where it is unambiguous."""
        found = self._by_provider.get(f"{provider}/{model}", ())
        exact = [each for each in found if each.model == model]
        if exact:
            return exact[0]
        return found[0] if len(found) == 1 else None

    def _named(self, model: str) -> Asked | None:
        if found := self.by_alias.get(model):
            return Asked(found, model)
        if found := self._by_model.get(model):
            return Asked(found, found[0].alias)
        if model.startswith("router/") and model[7:] in self._routers:
            return Asked(self.automatic, model, router=model[7:], automatic=True)
        if model == AUTO:
            return Asked(self.automatic, AUTO, automatic=True)
        if found := self._by_provider.get(model):
            return Asked(found, found[0].alias)
        return None


def _fit_for_auto(enabled: list[Deployment]) -> tuple[Deployment, ...]:
    """All that can chat; the demo only where there is nothing else, and then its helpful model."""
    real = [each for each in enabled if not each.demo and (each.capabilities is None or "chat" in each.capabilities)]
    if real:
        return tuple(real)
    return tuple(each for each in enabled if each.demo and each.model == "demo/chat")


def _grouped(pairs: Iterable[tuple[str, Deployment]]) -> dict[str, tuple[Deployment, ...]]:
    groups: dict[str, list[Deployment]] = {}
    for name, deployment in pairs:
        groups.setdefault(name, []).append(deployment)
    return {name: tuple(group) for name, group in groups.items()}
