"""The real application under a real uvicorn on a free port, in a thread with its own loop, for tests from outside."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn

from app.api.gateway.bodies import PACE, Pace
from app.api.http_protocol import HttpProtocol
from app.core.clock import Clock
from app.core.ids import new_id
from app.core.settings import Settings
from app.main import Application
from app.providers.demo import DemoTransport
from app.providers.tokens import count_tokens
from app.providers.transport import Transport
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import KeySpec, ModelSpec, Person, ProviderSpec, RequestDetail
from tests.published import published
from tests.upstream.fixtures import RunningUpstream

T = TypeVar("T")
OWNER, PASSWORD = "ada@example.org", "correct horse battery"
PRICE = {"input": "1", "output": "2"}  # USD per million tokens
KINDS = {"openai": "openai-compatible", "anthropic": "anthropic-compatible"}


class AppServer:
    """A running AnyGPT. Its services live on another loop: reach them with `run`."""

    def __init__(self, url: str, services: Services, loop: asyncio.AbstractEventLoop) -> None:
        self.url, self.services, self._loop = url, services, loop
        self._numbers = itertools.count(1)
        self.key = self.add_key()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """A coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @property
    def owner(self) -> Person:
        return self.services.people.get(OWNER)

    def client(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with a key (one without limits where none is named)."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"authorization": f"Bearer {key or self.key}", **headers},
            trust_env=False,
            timeout=20,
        )

    def stranger(self, **headers: str) -> httpx.AsyncClient:
        """A client without a key."""
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=20)

    def add_key(self, name: str | None = None, **fields: Any) -> str:
        """A new key's secret; fields as in KeySpec."""
        spec = KeySpec(name=name or new_id("key"), **fields)
        return self.run(self.services.keys.create("test", spec))[1]

    def add_provider(self, base_url: str, alias: str = "model", **fields: Any) -> str:
        """A provider that serves one model, known to clients as `alias`; returns its name. `model` are the model's
        other fields, the rest as in ProviderSpec."""
        model = {"price": PRICE, **fields.pop("model", {})}
        name = fields.pop("name", None) or f"prov-{next(self._numbers)}"
        spec = ProviderSpec(
            name=name,
            kind=fields.pop("kind", "openai-compatible"),
            base_url=base_url,
            models=[ModelSpec(id=model.pop("id", "upstream-model"), alias=alias, **model)],
            **{"api_keys": ["sk-test"], **fields},
        )
        self.run(self.services.providers.add("test", spec))
        return name

    def provide(self, upstream: RunningUpstream, sample: str, *modifiers: str, **fields: Any) -> str:
        """A model of its own that the test upstream answers with a sample; returns what clients ask for."""
        alias = fields.pop("alias", None) or f"model-{next(self._numbers)}"
        kind = KINDS.get(sample.partition("/")[0], "openai-compatible")
        self.add_provider(upstream.provider_url(sample, *modifiers), alias, **{"kind": kind, **fields})
        return alias

    def add_router(self, name: str | None = None, **fields: Any) -> str:
        name = name or f"router-{next(self._numbers)}"
        self.run(published(self.services, {"name": name, "rules": [{"name": "all"}], **fields}))
        return name

    def ledger(self, request_id: str) -> RequestDetail:
        return self.run(self.services.ledger.request(request_id))


async def count(text: str) -> int:
    """In this process, where many servers share what is loaded once."""
    return await asyncio.to_thread(count_tokens, text)


@contextmanager
def running_app(
    folder: Path,
    *,
    clock: Clock | None = None,
    network: Transport | None = None,
    keep_alive_s: float = 15.0,
    pace: Pace = PACE,
    http: type[HttpProtocol] = HttpProtocol,
    **fields: Any,
) -> Iterator[AppServer]:
    """An installation with an owner, serving until the end of the block; `fields` are settings, the rest seams."""
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith("ANYGPT_") or name.endswith(("_API_KEY", "_TOKEN")):
                environment.delenv(name)
        values = {"enable_ui_routes": False, "admin_email": OWNER, "admin_password": PASSWORD, **fields}
        settings = Settings(data_dir=folder, port=0, **values)
    thread = _Thread(
        settings,
        {"keep_alive_s": keep_alive_s, "pace": pace},
        http,
        {"clock": clock, "network": network, "count": count},
    )
    thread.start()
    try:
        yield thread.wait()
    finally:
        thread.stop()


class _Thread(threading.Thread):
    def __init__(
        self, settings: Settings, waits: dict[str, Any], http: type[HttpProtocol], seams: dict[str, Any]
    ) -> None:
        super().__init__(name="app-server", daemon=True)
        self._settings, self._waits, self._http, self._seams = settings, waits, http, seams
        self._ready = threading.Event()
        self._told: tuple[str, Services, asyncio.AbstractEventLoop] | None = None
        self._error: BaseException | None = None
        self._server: uvicorn.Server | None = None

    def wait(self) -> AppServer:
        assert self._ready.wait(30), "the application did not start"
        if self._error is not None:
            raise self._error
        assert self._told is not None
        return AppServer(*self._told)

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self.join(30)

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  told to the test, which waits in another thread
            self._error = error
        self._ready.set()

    async def _serve(self) -> None:
        async with open_services(self._settings, serving=True, demo=DemoTransport(pace=0), **self._seams) as services:
            config = uvicorn.Config(
                Application(services, **self._waits),
                port=0,
                http=self._http,
                lifespan="on",
                access_log=False,
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
            self._server = server = _Server(config, self._greet(services))
            await server.serve()

    def _greet(self, services: Services) -> Any:
        def greet(port: int) -> None:
            self._told = (f"http://127.0.0.1:{port}", services, asyncio.get_running_loop())
            self._ready.set()

        return greet


class _Server(uvicorn.Server):
    """Says its port once it listens, and leaves signals to pytest."""

    def __init__(self, config: uvicorn.Config, greet: Any) -> None:
        super().__init__(config)
        self._greet = greet

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._greet(self.servers[0].sockets[0].getsockname()[1])
