"""What a model's name means: the order in which a snapshot looks names up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from app.core.errors import ModelNotFound
from app.providers.demo import DemoTransport
from app.providers.kinds import kinds
from app.providers.upstream import Upstream
from app.routing.checks import read_document
from app.routing.deployment import Deployment
from app.routing.document import RouterDocument
from app.services.runtime import RuntimeSettings
from app.services.snapshot import Credential, Model, Provider, Snapshot
from tests.routing.samples import FRIDAY, deployment


def provider(name: str, *models: Deployment, enabled: bool = True, kind: str = "ollama", **fields: Any) -> Provider:
    """Its deployments, each switched on; no key is needed unless the kind says so."""
    row = kinds()[kind]
    return Provider(
        id=f"prov_{name}",
        name=name,
        kind=row,
        base_url="http://127.0.0.1:9900",
        formats=row.formats,
        enabled=enabled,
        priority=100,
        rate_limit=None,
        models_listed=True,
        models_asked_at=None,
        from_file=False,
        custom_base_url=None,
        custom_formats=None,
        upstream=Upstream(name, row, "http://127.0.0.1:9900", DemoTransport(), httpx.AsyncHTTPTransport()),
        models=tuple(
            Model(each, each.model, enabled=not each.id.startswith("off"), listed=True, stored={}) for each in models
        ),
        created_at=FRIDAY,
        updated_at=FRIDAY,
        **{"credentials": (Credential("cred", None, "", None),), **fields},
    )


def snapshot(*providers: Provider, routers: Iterable[RouterDocument] = ()) -> Snapshot:
    return Snapshot(
        generation=1,
        people={},
        teams={},
        keys={},
        keys_by_id={},
        providers={each.id: each for each in providers},
        documents={each.name: (each, 1) for each in routers},
        runtime=RuntimeSettings({}),
    )


def ids(state: Snapshot, name: str) -> list[str]:
    return [each.id for each in state.resolve(name).deployments]


def served(*names: str, **fields: Any) -> Snapshot:
    """Deployments such as near/llama, each at a provider of its own name."""
    by_provider: dict[str, list[Deployment]] = {}
    for name in names:
        by_provider.setdefault(name.partition("/")[0], []).append(deployment(name, **fields))
    return snapshot(*(provider(name, *models) for name, models in by_provider.items()))


def test_an_alias_means_every_deployment_that_has_it_by_priority_and_name() -> None:
    state = snapshot(
        provider("b", deployment("b/one", alias="best"), deployment("b/two", alias="best", priority=1)),
        provider("a", deployment("a/one", alias="best")),
    )
    asked = state.resolve("best")
    assert [each.id for each in asked.deployments] == ["b/two", "a/one", "b/one"]
    assert (asked.alias, asked.router) == ("best", None)


def test_a_providers_id_means_every_deployment_that_has_it_under_its_alias() -> None:
    state = served("a/model-2026", "b/model-2026", alias="model")
    assert ids(state, "model-2026") == ["a/model-2026", "b/model-2026"]
    assert state.resolve("model-2026").alias == "model"


def test_an_alias_goes_before_an_id() -> None:
    state = snapshot(provider("a", deployment("a/x", alias="y")), provider("b", deployment("b/y", alias="z")))
    assert ids(state, "y") == ["a/x"]


def test_an_alias_goes_before_a_router() -> None:
    rules = read_document({"name": "team"})
    assert snapshot(provider("a"), routers=[rules]).resolve("router/team").router == "team"
    taken = snapshot(provider("a", deployment("a/x", alias="router/team")), routers=[rules])
    assert (taken.resolve("router/team").router, ids(taken, "router/team")) == (None, ["a/x"])


def test_an_id_goes_before_a_provider_and_a_name() -> None:
    state = snapshot(provider("a", deployment("a/x")), provider("b", deployment("b/a/x", alias="other")))
    assert ids(state, "a/x") == ["b/a/x"]


def test_a_provider_and_an_alias_or_id_means_that_deployment_only() -> None:
    state = served("a/model-2026", "b/model-2026", alias="model")
    assert ids(state, "b/model") == ["b/model-2026"]
    assert ids(state, "b/model-2026") == ["b/model-2026"]
    assert state.resolve("b/model").alias == "model"


def test_a_router_by_name_decides_over_all_that_can_chat() -> None:
    state = snapshot(provider("a", deployment("a/x")), routers=[read_document({"name": "team"})])
    asked = state.resolve("router/team")
    assert (asked.router, asked.alias, [each.id for each in asked.deployments]) == ("team", "router/team", ["a/x"])


def test_the_built_in_router_can_be_named_without_having_been_made() -> None:
    assert served("a/x").resolve("router/default").router == "default"


def test_auto_means_all_that_can_chat_and_no_router() -> None:
    state = snapshot(
        provider(
            "a",
            deployment("a/chat", capabilities=frozenset({"chat"})),
            deployment("a/unknown"),
            deployment("a/vectors", capabilities=frozenset({"embeddings"})),
        ),
        provider("demo", deployment("demo/chat", demo=True)),
    )
    assert ids(state, "auto") == ["a/chat", "a/unknown"]
    assert state.resolve("auto").router is None


def test_auto_means_the_helpful_demo_where_there_is_nothing_else() -> None:
    demo = [deployment(f"demo/{name}", model=f"demo/{name}", demo=True) for name in ("echo", "chat", "failing")]
    assert ids(snapshot(provider("demo", *demo)), "auto") == ["demo/chat"]


@pytest.mark.parametrize("name", ["nobody", "a", "a/", "/x", "x ", "X", "router/gone", "router/", "c/x", "x:flour"])
def test_any_other_name_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound) as refusal:
        served("a/x").resolve(name)
    assert refusal.value.status == 404
    assert refusal.value.field == "model"
    assert f'"{name}"' in refusal.value.message


def test_what_is_switched_off_has_no_name() -> None:
    keyless = provider("keyless", deployment("keyless/x"), kind="openai")
    state = snapshot(
        provider("a", deployment("off/x", provider="a")),
        provider("b", deployment("b/x"), enabled=False),
        keyless,
    )
    assert not keyless.usable
    assert state.aliases() == {}
    for name in ("x", "a/x", "b/x", "keyless/x"):
        with pytest.raises(ModelNotFound):
            state.resolve(name)


def test_a_target_is_the_providers_own_id_before_an_alias() -> None:
    state = snapshot(provider("a", deployment("a/x", alias="y"), deployment("a/y", alias="z")))
    found = state.find_target("a", "y")
    assert found is not None
    assert found.id == "a/y"


def test_a_target_by_alias_counts_only_where_one_model_of_that_provider_has_it() -> None:
    state = snapshot(
        provider("a", deployment("a/x", alias="best"), deployment("a/y", alias="best")),
        provider("b", deployment("b/x", alias="best")),
    )
    assert state.find_target("a", "best") is None
    found = state.find_target("b", "best")
    assert found is not None
    assert found.id == "b/x"
    assert state.find_target("b", "gone") is None
