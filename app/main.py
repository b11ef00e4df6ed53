"""The composition root: wires services, finds pages, endpoints and jobs, mounts them, serves."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
import watchfiles
from fastapi import FastAPI, HTTPException, Request
from starlette.responses import HTMLResponse
from starlette.routing import compile_path

import app.api.management
import app.jobs
import pages
from app.api.gateway.app import GatewayApp
from app.api.gateway.bodies import PACE, Pace
from app.api.gateway.client_side import KEEP_ALIVE_S
from app.api.http_protocol import HttpProtocol
from app.api.management import problems
from app.api.management.access import ACCESS, Endpoints
from app.api.session_guard import SessionGuard, bind_socket_events, end_lost_sessions
from app.api.web import POLICY, Web
from app.core.discover import instances
from app.core.errors import NotFound, StartError
from app.core.log import set_up_logging
from app.core.settings import Settings
from app.jobs.base import ScheduledJob
from app.services.container import Services
from app.services.job_board import Job
from app.services.startup import open_services
from components import frame
from components.api_pages import api_page
from components.page import PageSpec

log = structlog.get_logger()

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
DRAIN_S = 30
FLUSH_S = 5
COLLECT = (10_000, 20, 20)  # the default looks at young objects every 700: 5 % of a request's time
Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


def serve(settings: Settings, *, reload: bool = False) -> None:
    """Runs until SIGTERM or Ctrl+C. Raises StartError with one sentence."""
    if reload:
        folders = [Path(__file__).parent, *(Path(each) for each in (*pages.__path__, *frame_folder()))]
        watchfiles.run_process(*folders, target=_serve_once, args=(settings,))
    else:
        _serve_once(settings)


def version() -> str:
    try:
        return metadata.version("anygpt")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"


class Application:
    """One running AnyGPT: a dispatcher in front of the gateway on one side, pages and management on the other."""

    def __init__(self, services: Services, *, keep_alive_s: float = KEEP_ALIVE_S, pace: Pace = PACE) -> None:
        self.services = services
        self.gateway = GatewayApp(services, version(), keep_alive_s, pace)
        self.parent = FastAPI(
            title="AnyGPT",
            version=version(),
            openapi_url="/api/openapi.json" if services.settings.enable_admin_routes else None,
            docs_url=None,
            redoc_url=None,
            lifespan=self._lifespan,
        )
        self.parent.state.services = services
        problems.register(self.parent)
        if services.settings.enable_admin_routes:
            for router in instances(app.api.management, Endpoints):
                self.parent.include_router(router)
            self.parent.add_api_route("/api/docs", self._api_page, include_in_schema=False)
            # whatever else lies there is answered here: the pages' own 404 is for people
            self.parent.add_api_route("/api/{rest:path}", _nothing_there, methods=METHODS, include_in_schema=False)
        if services.settings.enable_ui_routes:
            Web(services).register(self.parent)
            frame.mount(self.parent, services, instances(pages, PageSpec))
            bind_socket_events()
            services.state.on_change(partial(end_lost_sessions, services))
        self._guarded: Asgi = SessionGuard(self.parent, services, to_login=services.settings.enable_ui_routes)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and self.gateway.owns(scope["path"]):
            await self.gateway(scope, receive, send)
        else:
            await self._guarded(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, parent: FastAPI) -> AsyncIterator[None]:
        services = self.services
        services.jobs.start([_bound(job, services) for job in instances(app.jobs, ScheduledJob)])
        services.live.subscribe(services.jobs.follow_settings)
        watching = asyncio.create_task(services.state.watch(), name="watch the generation")
        # what was built at start stays for ever: the collector need not look at it again
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT)
        yield
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        self.gateway.close()

    async def _api_page(self) -> HTMLResponse:
        return HTMLResponse(api_page(self.parent.openapi()), headers={"content-security-policy": POLICY})


def _serve_once(settings: Settings) -> None:
    set_up_logging(settings.log_level, settings.log_format)
    listener = _listen(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> None:
    async with open_services(settings, serving=True) as services:
        config = uvicorn.Config(
            Application(services),
            http=HttpProtocol,
            ws="websockets-sansio",
            lifespan="on",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
        await _Server(config, partial(_greet, services, listener)).serve(sockets=[listener])
        # streams that outlasted the drain were cancelled: their rows are still to be written
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await services.gateway.settled()


class _Server(uvicorn.Server):
    """Greets once it answers, and leaves the signal at that: uvicorn's own would raise it again at the end and kill
    the process before the ledger is flushed."""

    def __init__(self, config: uvicorn.Config, greet: Callable[[], None]) -> None:
        super().__init__(config)
        self._greet = greet

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._greet()


def _greet(services: Services, listener: socket.socket) -> None:
    """What a person who just started the server needs to know."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    address = services.settings.base_url or f"http://{shown}:{port}"
    print(f"AnyGPT {version()} serves on {address}", flush=True)
    token = services.people.setup_token()
    if token is not None:
        print(
            f"Nobody has an account yet. Make the owner's here (the link works once):\n  {address}/setup?token={token}",
            flush=True,
        )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartError(
            f"AnyGPT cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Stop what uses that port, or choose another with --port or ANYGPT_PORT."
        ) from None
    listener.set_inheritable(True)
    return listener


async def _nothing_there(request: Request) -> None:
    path = request.url.path
    methods = {method for method, template in ACCESS if compile_path(template)[0].match(path)}
    if methods:
        allowed = ", ".join(sorted(methods))
        raise HTTPException(405, f"{path} takes {allowed}, not {request.method}.", {"allow": allowed})
    raise NotFound(f"{request.method} {path} is no endpoint of this API; /api/docs lists them.")


def _bound(job: ScheduledJob, services: Services) -> Job:
    return Job(job.name, job.about, partial(job.every, services), job.first_after, partial(job.run, services))


def frame_folder() -> list[str]:
    return [str(Path(frame.__file__).parent)]
