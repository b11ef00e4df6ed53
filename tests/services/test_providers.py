"""Providers: added, changed, deleted and brought back, tested; their secrets are readable by nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.errors import BadRequest, Conflict, NotFound, UpstreamError
from app.services.container import Services
from app.services.views import ModelSpec, Person, ProviderSpec
from tests.upstream.fixtures import RunningUpstream

SECRET, OTHER = "sk-0123456789abcdefSECRET", "sk-zyxwvutsrqponmlkOTHER"


def spec(upstream: RunningUpstream, *modifiers: str, **fields: object) -> ProviderSpec:
    url = upstream.provider_url("openai/chat", *modifiers)
    return replace(ProviderSpec("p", "openai-compatible", url, [SECRET]), **fields)  # type: ignore[arg-type]


def secrets(services: Services, name: str = "p") -> list[str | None]:
    return [credential.secret for credential in services.providers.find(name).credentials]


def on_disk(services: Services) -> bytes:
    folder, name = services.folder.database.parent, services.folder.database.name
    return b"".join(path.read_bytes() for path in folder.glob(f"{name}*"))


async def test_a_new_provider_is_asked_for_its_models(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    view = await services.providers.add(owner, spec(upstream))
    assert [model.id for model in view.models] == ["sample-embedding", "sample-model", "sample-small"]
    assert (view.state, view.key_hints) == ("untested", (f"sk-…{SECRET[-4:]}",))
    assert services.state.current.resolve("sample-model").deployments[0].provider == "p"


async def test_named_models_are_all_there_is_and_nobody_is_asked(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    upstream.forget()
    models = [ModelSpec("sample-model", alias="small", price={"input": "0.15", "output": "0.6"})]
    view = await services.providers.add(owner, spec(upstream, models=models))
    assert [(model.id, model.alias) for model in view.models] == [("sample-model", "small")]
    assert view.models[0].price is not None
    assert view.models[0].price.input == 150_000_000
    assert upstream.seen() == []
    assert await services.providers.refresh_models(owner, "p") == 1
    assert len(services.providers.get("p").models) == 1


async def test_a_provider_that_does_not_list_its_models_is_added_all_the_same(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    view = await services.providers.add(owner, spec(upstream, "status-500"))
    assert (view.models, view.state) == ((), "no_models")
    with pytest.raises(UpstreamError, match="500"):
        await services.providers.refresh_models(owner, "p")


async def test_the_secret_lies_encrypted_in_the_database(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    await services.providers.add(owner, spec(upstream, api_keys=[SECRET, OTHER], models=[ModelSpec("m")]))
    assert secrets(services) == [SECRET, OTHER]
    kept = on_disk(services)
    assert upstream.url.encode() in kept
    for secret in (SECRET, OTHER):
        assert secret.encode() not in kept
        assert secret[3:-4].encode() not in kept


async def test_a_change_without_keys_keeps_the_stored_ones(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    first = spec(upstream, models=[ModelSpec("m")])
    before = await services.providers.add(owner, first)
    view = await services.providers.update(owner, "p", replace(first, name="q", api_keys=None, priority=5))
    assert (view.id, view.name, view.priority) == (before.id, "q", 5)
    assert secrets(services, "q") == [SECRET]
    await services.providers.update(owner, "q", replace(first, name="q", api_keys=[OTHER]))
    assert secrets(services, "q") == [OTHER]


async def test_a_model_that_stays_keeps_its_identity(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    first = spec(upstream, models=[ModelSpec("m1"), ModelSpec("m2")])
    await services.providers.add(owner, first)
    before = services.state.current.resolve("m1").deployments[0].id
    await services.providers.update(owner, "p", replace(first, models=[ModelSpec("m3"), ModelSpec("m1", alias="one")]))
    assert services.state.current.resolve("one").deployments[0].id == before
    assert {model.id for model in services.providers.get("p").models} == {"m1", "m3"}


async def test_a_deleted_provider_is_out_of_sight_and_comes_back_with_its_keys(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    first = spec(upstream, models=[ModelSpec("m")])
    view = await services.providers.add(owner, first)
    await services.providers.delete(owner, "p")
    with pytest.raises(NotFound):
        services.providers.get("p")
    with pytest.raises(NotFound):
        services.state.current.resolve("m")
    back = await services.providers.restore(owner, view.id)
    assert (back.id, back.name, secrets(services)) == (view.id, "p", [SECRET])
    with pytest.raises(NotFound, match="was not deleted"):
        await services.providers.restore(owner, view.id)


async def test_the_name_of_a_deleted_provider_is_free_and_then_taken(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    first = spec(upstream, models=[ModelSpec("m")])
    view = await services.providers.add(owner, first)
    await services.providers.delete(owner, "p")
    await services.providers.add(owner, first)
    with pytest.raises(Conflict, match='already is a provider "p"'):
        await services.providers.restore(owner, view.id)
    with pytest.raises(Conflict):
        await services.providers.add(owner, first)


async def test_a_provider_that_is_off_answers_nothing(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    await services.providers.add(owner, spec(upstream, models=[ModelSpec("m")]))
    assert (await services.providers.set_enabled(owner, "p", False)).state == "off"
    with pytest.raises(NotFound):
        services.state.current.resolve("m")
    await services.providers.set_enabled(owner, "p", True)
    assert services.state.current.resolve("m")


async def test_a_model_is_switched_off_alone(services: Services, owner: Person, upstream: RunningUpstream) -> None:
    await services.providers.add(owner, spec(upstream))
    await services.providers.set_model_enabled(owner, "p", "sample-small", False)
    with pytest.raises(NotFound):
        services.state.current.resolve("sample-small")
    assert "sample-small" not in [model.id for model in services.providers.models()]
    assert await services.providers.refresh_models(owner, "p") == 3
    with pytest.raises(NotFound):
        services.state.current.resolve("sample-small")
    with pytest.raises(NotFound, match='p has no model "other"'):
        await services.providers.set_model_enabled(owner, "p", "other", False)


async def test_a_form_is_tested_and_nothing_is_stored(services: Services, upstream: RunningUpstream) -> None:
    found = await services.providers.test(spec(upstream, f"key-{SECRET}"))
    assert (found.ok, found.models_found) == (True, 3)
    assert "It lists 3 models." in found.sentence
    refused = await services.providers.test(spec(upstream, "key-another"))
    assert not refused.ok
    assert "key" in refused.sentence
    assert [view.name for view in services.providers.list()] == ["demo"]
    assert SECRET.encode() not in on_disk(services)


async def test_each_key_of_a_form_is_tried(services: Services, upstream: RunningUpstream) -> None:
    found = await services.providers.test(spec(upstream, f"key-{SECRET}", api_keys=[SECRET, OTHER]))
    assert not found.ok


async def test_a_wrong_form_fails_its_test_with_the_sentence(services: Services, upstream: RunningUpstream) -> None:
    found = await services.providers.test(spec(upstream, base_url="nonsense"))
    assert (found.ok, found.sentence[:9]) == (False, "base_url:")


async def test_a_stored_provider_is_tested_with_its_own_key(
    services: Services, owner: Person, upstream: RunningUpstream
) -> None:
    first = spec(upstream, f"key-{SECRET}", models=[ModelSpec("m")])
    await services.providers.add(owner, first)
    assert (await services.providers.test("p")).ok
    assert (await services.providers.test(replace(first, api_keys=None))).ok, "a form without keys uses the stored"
    with pytest.raises(NotFound):
        await services.providers.test("nobody")


async def test_a_key_may_stay_in_the_environment(
    services: Services, owner: Person, upstream: RunningUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = spec(upstream, api_keys=None, api_key_env="TEAM_API_KEY", models=[ModelSpec("m")])
    assert "TEAM_API_KEY is not set" in (await services.providers.test(by_name)).sentence
    monkeypatch.setenv("TEAM_API_KEY", SECRET)
    await services.providers.add(owner, by_name)
    assert secrets(services) == [SECRET]
    assert SECRET.encode() not in on_disk(services)
    upstream.forget()
    assert (await services.providers.test("p")).ok
    assert upstream.seen()[0]["headers"]["authorization"] == f"Bearer {SECRET}"


async def test_keys_found_in_the_environment_are_offered(
    services: Services, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services.providers.found_in_environment() == []
    monkeypatch.setenv("GROQ_API_KEY", SECRET)
    (found,) = services.providers.found_in_environment()
    assert (found.kind, found.variable) == ("groq", "GROQ_API_KEY")
    named = ProviderSpec("groq", "groq", api_key_env="GROQ_API_KEY", models=[ModelSpec("m")])
    await services.providers.add(owner, named)
    assert services.providers.found_in_environment() == []


async def test_the_demo_is_built_in(services: Services, owner: Person) -> None:
    with pytest.raises(Conflict, match="built in; disable it"):
        await services.providers.delete(owner, "demo")
    with pytest.raises(BadRequest, match="there is only one"):
        await services.providers.add(owner, ProviderSpec("demo2", "demo"))
    with pytest.raises(BadRequest, match="keeps its kind"):
        await services.providers.update(owner, "demo", ProviderSpec("demo", "openai"))
    assert (await services.providers.set_enabled(owner, "demo", False)).state == "off"


async def test_a_kind_that_needs_a_key_waits_for_one(services: Services, owner: Person) -> None:
    view = await services.providers.add(owner, ProviderSpec("o", "openai", models=[ModelSpec("m")]))
    assert (view.state, view.status_text) == ("no_key", "No API key yet")
    with pytest.raises(NotFound):
        services.state.current.resolve("m")
    assert "m" not in [model.id for model in services.providers.models()]
