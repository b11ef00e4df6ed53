"""One running AnyGPT for the module, and the SDKs pointed at it or straight at the upstream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types

from app.services.views import ModelSpec, ProviderSpec
from tests.app_server import AppServer, running_app
from tests.sdk.scripted import ScriptedUpstream
from tests.upstream.fixtures import RunningUpstream

# the kind that speaks a format, and the formats it is told to speak where its row says more
SPEAKERS: dict[str, tuple[str, list[str] | None]] = {
    "openai-chat": ("openai-compatible", None),
    "openai-responses": ("openai", ["openai-responses"]),
    "anthropic-messages": ("anthropic-compatible", None),
    "gemini": ("gemini-compatible", None),
    "ollama": ("ollama", None),
    "cohere-chat": ("cohere", None),
}
MODEL = "replayed"
NOWHERE = "http://127.0.0.1:9/x"
UNVERSIONED = ("ollama", "cohere-chat")  # with /v1 they are OpenAI's format, or have a version of their own


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("app")) as started:
        for format, (kind, formats) in SPEAKERS.items():
            started.add_provider(NOWHERE, MODEL, name=format, kind=kind, formats=formats, enabled=False)
        yield started


class Sdks:
    """Clients of AnyGPT, of which one provider answers at a time; and clients that ask a provider directly."""

    def __init__(self, server: AppServer, upstream: RunningUpstream) -> None:
        self.server, self._upstream = server, upstream
        self.openai = openai.OpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0, timeout=20)
        self.anthropic = anthropic.Anthropic(api_key=server.key, base_url=server.url, max_retries=0, timeout=20)
        self._google = httpx.Client(trust_env=False, timeout=20)
        options = types.HttpOptions(base_url=server.url, httpx_client=self._google)
        self.google = genai.Client(api_key=server.key, vertexai=False, http_options=options)

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()
        self._google.close()

    def play(self, format: str, sample: str, *modifiers: str, model: str = "upstream-model") -> str:
        """Lets the provider of that format answer with a sample; returns the base URL for asking it directly."""
        url = self._upstream.provider_url(sample, *modifiers)
        self.point(format, url.removesuffix("/v1") if format in UNVERSIONED else url, model=model)
        return url

    def point(self, format: str, base_url: str, model: str = "upstream-model") -> None:
        """Lets the provider of that format, and no other, answer from an address."""
        providers = self.server.services.providers
        for name, (kind, formats) in SPEAKERS.items():
            spec = ProviderSpec(
                name=name,
                kind=kind,
                formats=formats,
                base_url=base_url if name == format else NOWHERE,
                api_keys=["sk-test"],
                enabled=name == format,
                models=[ModelSpec(id=model, alias=MODEL)],
            )
            if name == format or providers.get(name).enabled:
                self.server.run(providers.update("test", name, spec))

    def direct_openai(self, url: str) -> openai.OpenAI:
        return self.openai.with_options(api_key="sk-test", base_url=url)

    def direct_anthropic(self, url: str) -> anthropic.Anthropic:
        return self.anthropic.with_options(api_key="sk-test", base_url=url.removesuffix("/v1"))

    @staticmethod
    def google_at(url: str) -> dict[str, Any]:
        """`http_options` of a call that go to another address: a client of its own costs a third of a second."""
        base, _, version = url.rpartition("/")
        return {"base_url": base, "api_version": version, "headers": {"x-goog-api-key": "sk-test"}}

    def async_openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(api_key=self.server.key, base_url=f"{self.server.url}/v1", max_retries=0)

    def async_anthropic(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(api_key=self.server.key, base_url=self.server.url, max_retries=0)


@pytest.fixture(scope="module")
def sdks(server: AppServer, upstream: RunningUpstream) -> Iterator[Sdks]:
    made = Sdks(server, upstream)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running_script() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream() as started:
        yield started


@pytest.fixture
def script(running_script: ScriptedUpstream) -> ScriptedUpstream:
    """A provider that answers what the test lines up, in turn."""
    running_script.clear()
    return running_script
