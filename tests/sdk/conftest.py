"""One running AnyGPT for the module, and the SDKs pointed at it or straight at the upstream."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from app.services.views import ModelSpec, ProviderSpec
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream

KINDS = {"openai-chat": "openai-compatible", "anthropic-messages": "anthropic-compatible"}
MODEL = "replayed"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    with running_app(tmp_path_factory.mktemp("app")) as started:
        for format, kind in KINDS.items():
            started.add_provider("http://127.0.0.1:9/v1", MODEL, name=format, kind=kind)
        yield started


class Sdks:
    """Clients of AnyGPT, whose provider is set to one sample or recording at a time."""

    def __init__(self, server: AppServer, upstream: RunningUpstream) -> None:
        self._server, self._upstream = server, upstream
        self.openai = openai.OpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0)
        self.anthropic = anthropic.Anthropic(api_key=server.key, base_url=server.url, max_retries=0)

    def close(self) -> None:
        self.openai.close()
        self.anthropic.close()

    def play(self, format: str, sample: str, *modifiers: str, model: str = "upstream-model") -> str:
        """Lets the provider of that format answer with a sample; returns the base URL for asking it directly."""
        providers = self._server.services.providers
        for name, kind in KINDS.items():
            spec = ProviderSpec(
                name=name,
                kind=kind,
                base_url=self._upstream.provider_url(sample, *modifiers),
                api_keys=["sk-test"],
                enabled=name == format,
                models=[ModelSpec(id=model, alias=MODEL)],
            )
            if name == format or providers.get(name).enabled:
                self._server.run(providers.update("test", name, spec))
        return self._upstream.provider_url(sample, *modifiers)


@pytest.fixture(scope="module")
def sdks(server: AppServer, upstream: RunningUpstream) -> Iterator[Sdks]:
    made = Sdks(server, upstream)
    yield made
    made.close()
