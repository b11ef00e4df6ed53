"""An upstream made from a row: it answers only where, and only to whom, the row says.

A provider gets `/with-key/<case>` or `/open/<case>` and what its own address ends with. The models `limited` and
`missing` are refused with 429 and as unknown; every other one answers.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from app.providers.kinds import Auth, Kind
from tests.kinds import answers
from tests.kinds.cases import CASES, KEY, Case
from tests.upstream.samples import Sample

_KEY_HEADERS = {"authorization", *(auth.value for auth in Auth if auth not in (Auth.BEARER, Auth.NONE))}


class FakeUpstream:
    """Where cases are served."""

    def __init__(self, url: str) -> None:
        self.url = url

    def base_url(self, case: Case, *, locked: bool = True, below: str = "") -> str:
        return f"{self.url}/{'with-key' if locked else 'open'}/{case.id}{below}{case.given}"


@contextmanager
def serving() -> Iterator[FakeUpstream]:
    """A free port, in a thread with its own loop, until the end of the block."""
    loop = asyncio.new_event_loop()
    started: list[str] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/{door}/{case}{rest:.*}", _respond)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        started.append(f"http://{host}:{port}")
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="fake-kinds", daemon=True)
    thread.start()
    assert ready.wait(10), "The upstream of the contract suite did not start."
    yield FakeUpstream(started[0])
    loop.call_soon_threadsafe(stop.set)
    thread.join(5)
    loop.close()


async def _respond(request: web.Request) -> web.StreamResponse:
    case = CASES[request.match_info["case"]]
    sample = _sample(case, request, await request.read())
    headers = {"content-type": sample.content_type} | ({"retry-after": "2"} if sample.status == 429 else {})
    response = web.StreamResponse(status=sample.status, headers=headers)
    await response.prepare(request)
    for at in range(0, len(sample.body), 700):
        await response.write(sample.body[at : at + 700])
    await response.write_eof()
    return response


def _sample(case: Case, request: web.Request, raw: bytes) -> Sample:
    kind, path = case.kind, request.match_info["rest"]
    query = dict(request.query)
    fault = _fault(kind, request, query)
    if fault:
        return answers.refusal(kind, kind.formats[0], 400, fault, "malformed")
    locked = request.match_info["door"] == "with-key"
    if request.method == "GET" and path == case.list_path:
        if locked and not (kind.models and kind.models.public) and not _shows_key(kind, request):
            return _unauthorized(kind, kind.formats[0])
        return answers.model_list(kind, query)
    if request.method == "GET" and path == case.probe_path:
        return answers.whole({"data": {}}) if _shows_key(kind, request) else _unauthorized(kind, kind.formats[0])
    for name in kind.formats:
        model, stream = _asked(case, name, path, raw)
        if request.method != "POST" or model is None:
            continue
        if locked and not _shows_key(kind, request):
            return _unauthorized(kind, name)
        if path.endswith(":countTokens"):
            return answers.whole({"totalTokens": 2})
        return _answer(kind, name, model, stream, raw)
    return answers.whole({"error": {"code": "404", "message": "Resource not found"}}, 404)


def _answer(kind: Kind, name: str, model: str, stream: bool, raw: bytes) -> Sample:
    if model == "limited":
        return answers.refusal(kind, name, 429, "Too many requests.", "rate_limit_exceeded")
    if model == "missing":
        status = 400 if name == "openai-responses" else 404
        return answers.refusal(kind, name, status, "The model missing does not exist.", "model_not_found")
    body = json.loads(raw)
    if name == "openai-chat" and (refused := _refused(kind, body)):
        return answers.refusal(kind, name, 422, f"{refused}: Extra inputs are not permitted.", "extra_forbidden")
    asks = (body.get("stream_options") or {}).get("include_usage") is True
    return answers.answer(kind, name, stream=stream, with_usage=asks or not kind.ask_usage)


def _asked(case: Case, name: str, path: str, raw: bytes) -> tuple[str | None, bool]:
    """The model and whether to stream, or None where the path is not the format's."""
    place = case.call_path(name)
    if name == "gemini":
        model, _, verb = path.removeprefix(place).partition(":")
        verbs = ("generateContent", "streamGenerateContent", "countTokens")
        return (model if path.startswith(place) and verb in verbs else None), verb == "streamGenerateContent"
    if path != place:
        return None, False
    body = json.loads(raw)
    return body["model"], body.get("stream", name == "ollama") is True


def _refused(kind: Kind, body: dict[str, Any]) -> str | None:
    """What the kind's dialect has no word for."""
    if "stream_options" in body and not kind.ask_usage:
        return "stream_options"
    for name in (*kind.dialect.rename, *kind.dialect.leave_out):
        if name in body:
            return name
    for message in body["messages"]:
        if message["role"] in kind.dialect.roles:
            return f"role {message['role']}"
        ids = [call["id"] for call in message.get("tool_calls") or ()] + [message.get("tool_call_id")]
        for each in ids:
            if each is not None and kind.dialect.tool_ids == "nine" and not (len(each) == 9 and each.isalnum()):
                return f"tool call id {each}"
    return None


def _fault(kind: Kind, request: web.Request, query: dict[str, str]) -> str | None:
    for name, value in kind.headers.items():
        if request.headers.get(name) != value:
            return f"{name}: must be {value}"
    for name, value in parse_qsl(kind.query):
        if query.get(name) != value:
            return f"{name}: must be {value}"
    elsewhere = _KEY_HEADERS - {"authorization" if kind.auth is Auth.BEARER else kind.auth.value}
    shown = [name for name in elsewhere if name in request.headers]
    return f"{shown[0]}: a key where none belongs" if shown else None


def _shows_key(kind: Kind, request: web.Request) -> bool:
    if kind.auth is Auth.BEARER:
        return request.headers.get("authorization") == f"Bearer {KEY}"
    return request.headers.get(kind.auth.value) == KEY


def _unauthorized(kind: Kind, name: str) -> Sample:
    return answers.refusal(kind, name, 401, "Incorrect API key provided.", "invalid_api_key")
