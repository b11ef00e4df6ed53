"""The API describes itself, and never says a secret."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from app.api.management.access import ACCESS
from app.services.container import Services
from app.services.views import ModelSpec, ProviderSpec
from tests.api.management.conftest import As

SECRETS = ("sk-provider-secret-0123456789", "correct horse")


async def test_the_document_lists_every_endpoint(client: Callable[..., httpx.AsyncClient]) -> None:
    document = (await client().get("/api/openapi.json")).json()
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert set(ACCESS) == listed
    assert (await client().get("/api/docs")).status_code == 200


async def test_no_answer_holds_a_secret(services: Services, api_as: As) -> None:
    spec = ProviderSpec(name="p", kind="openai", api_keys=[SECRETS[0]], models=[ModelSpec(id="m")])
    await services.providers.add("test", spec)
    api = await api_as("owner")
    made = (await api.post("/api/keys", json={"name": "k"})).json()["secret"]
    hashed = next(iter(services.state.current.keys))
    for method, path in sorted(ACCESS):
        if method == "GET":
            for name in ("p", "k", "ada@example.org", "default"):
                text = (await api.get(path.replace("{id}", name))).text
                assert not any(secret in text for secret in (*SECRETS, made, hashed)), path
