"""An upstream that answers with samples or recordings, and misbehaves on demand.

A provider gets its base URL from `/r/<provider>/<sample>`, followed by what its own address ends with:
`/r/openai/chat/v1`, `/r/anthropic/chat`, `/r/gemini/chat/v1beta`. A provider that is neither `anthropic` nor
`gemini` speaks OpenAI's format. `chat` and `tools` answer whole or streamed as the request asks, `chat` also at the
paths beside chat (`operations`); the names in `samples` and `operations.ODD` always answer the same. A recording's id stands in the same place. `GET …/models` lists models.

Modifiers are path segments before `/r/`, as many as wanted:

    split-N    send the body N bytes at a time         status-CODE  a small JSON error (429 with Retry-After: 1)
    delay-MS   wait before the status line             hang         never answer
    pace-MS    wait between events                     reset        drop the connection before answering
    cut-N      drop the connection after N bytes       garbage      200 and JSON that ends too early
    stall-N    N bytes, then silence                   html         a web page (with status-CODE: under that status)
    key-TEXT   401 unless this key is shown            flaky-P      misbehave with P percent (seed-N: the dice)
    sink       keep nothing of a body but its size and hash
    pack-CODING  gzip, deflate, br or zstd, each piece readable at once
    claim-CODING  say so, and send it plain            fill-N       N letters in place of the first word
    comments-N N bytes, then comments without end      oops         the first word, then an error in the stream
    redirect   307 to the same place without it        flood-MB     the first word's event, over and over
    spoil-N    N bytes, then a web page                deep         lists in lists without end (or status-CODE's)

`GET /_seen` returns the latest requests; `DELETE /_seen` forgets them and lays the dice back.
"""

from __future__ import annotations

import asyncio
import collections
import hashlib
import json
import random
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.upstream import accidents, operations, samples
from tests.upstream.samples import JSON, Sample

_KEPT_HEADERS = ("content-type", "retry-after", "x-ratelimit", "request-id", "x-request-id", "anthropic-ratelimit")
_MISHAPS = ("status-429", "status-500", "status-503", "reset", "cut-200")
_PAGE = b"<!DOCTYPE html><html><head><title>It works!</title></head><body><h1>Welcome</h1></body></html>"
_FOREVER = 3600


class Upstream:
    def __init__(self, recordings: Path | None = None) -> None:
        self.recordings = recordings
        self.seen: collections.deque[dict[str, Any]] = collections.deque(maxlen=1000)
        self._dice: dict[str, random.Random] = {}

    def forget(self) -> None:
        self.seen.clear()
        self._dice.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        entry = await _describe(request)
        self.seen.append(entry)
        try:
            response = await self._answer(request, entry)
        except (asyncio.CancelledError, ConnectionResetError):  # the client left
            entry["left"], entry["left_at"] = True, time.monotonic()
            raise
        entry["done"] = True
        return response

    async def _answer(self, request: web.Request, entry: dict[str, Any]) -> web.StreamResponse:
        before, _, rest = request.path.partition("/r/")
        mods = {m.partition("-")[0]: m.partition("-")[2] for m in before.split("/") if m}
        self._roll(mods)
        await asyncio.sleep(int(mods.get("delay", 0)) / 1000)
        if "hang" in mods:
            await asyncio.sleep(_FOREVER)
        if "reset" in mods:
            return _drop(request)
        if "key" in mods and mods["key"] not in _keys(entry["headers"]):
            mods["status"] = "401"
        if "redirect" in mods:
            return web.Response(status=307, headers={"location": request.path_qs.replace("/redirect/", "/", 1)})
        sample, headers = self._find(request, rest, entry, mods)
        body = accidents.filled(sample.body, int(mods["fill"])) if "fill" in mods else sample.body
        body = accidents.failing(body) if "oops" in mods else body
        body = body[: int(mods["spoil"])] + _PAGE if "spoil" in mods else body
        if coding := mods.get("pack") or mods.get("claim"):
            headers = {**headers, "content-encoding": coding}
        response = web.StreamResponse(status=sample.status, headers={"content-type": sample.content_type, **headers})
        await response.prepare(request)
        await self._send(request, response, body, mods, entry)
        return response

    def _roll(self, mods: dict[str, str]) -> None:
        if "flaky" not in mods:
            return
        seed = mods.get("seed", "0")
        dice = self._dice.setdefault(seed, random.Random(seed))
        if dice.random() * 100 < float(mods["flaky"]):
            name, _, value = dice.choice(_MISHAPS).partition("-")
            mods[name] = value

    def _find(
        self, request: web.Request, rest: str, entry: dict[str, Any], mods: dict[str, str]
    ) -> tuple[Sample, dict[str, str]]:
        code = int(mods.get("status") or 200)
        if "html" in mods:
            return Sample(_PAGE, code, "text/html; charset=utf-8"), {}
        if "deep" in mods:
            return Sample(b'{"error": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", code), {}
        if "status" in mods:
            body = {"error": {"message": f"Misbehaving as asked: {code}.", "type": "error", "code": code}}
            return Sample(json.dumps(body).encode(), code), {"retry-after": "1"} if code == 429 else {}
        if "garbage" in mods:
            return Sample(b'{"choices": [ {"mess'), {}
        provider, _, after = rest.partition("/")
        name, _, path = after.partition("/")
        recorded = self._recording(f"{provider}/{name}")
        if recorded is not None:
            return recorded
        found = _sample(provider, name, request.method, path, request, entry["body"], entry["raw"].encode())
        return found or Sample(b'{"error": {"message": "There is no such sample."}}', 404), {}

    def _recording(self, name: str) -> tuple[Sample, dict[str, str]] | None:
        path = self.recordings / f"{name}.json" if self.recordings and "__" in name else None
        if path is None or not path.is_file():
            return None
        answer = json.loads(path.read_text(encoding="utf-8"))["response"]
        headers = {key.lower(): value for key, value in (answer.get("headers") or {}).items()}
        kept = {key: value for key, value in headers.items() if key.startswith(_KEPT_HEADERS)}
        return Sample(answer["body"].encode(), answer["status"], kept.pop("content-type", JSON)), kept

    @staticmethod
    async def _send(
        request: web.Request, response: web.StreamResponse, body: bytes, mods: dict[str, str], entry: dict[str, Any]
    ) -> None:
        stops = [int(mods[name]) for name in ("cut", "stall", "comments") if mods.get(name)]
        limit = min(stops, default=1 << 60)
        packer = accidents.packer(mods.get("pack", ""))
        sent = 0
        for piece in _pieces(body, mods):
            piece = (packer.pack(piece) if packer else piece)[: limit - sent]
            if not piece:
                break
            await response.write(piece)
            entry["sent"] = sent = sent + len(piece)
            await asyncio.sleep(int(mods.get("pace", 0)) / 1000)
        if "cut" in mods:
            await asyncio.sleep(0.01)
            _drop(request)
            return
        if "stall" in mods:
            await asyncio.sleep(_FOREVER)
        while "comments" in mods:
            await response.write(accidents.COMMENT)
            await asyncio.sleep(0.002)
        await response.write_eof(packer.end() if packer else b"")


def make_app(recordings: Path | None = None) -> web.Application:
    upstream = Upstream(recordings)

    async def seen(_: web.Request) -> web.Response:
        return web.json_response(list(upstream.seen))

    async def forget(_: web.Request) -> web.Response:
        upstream.forget()
        return web.json_response({"ok": True})

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_get("/_seen", seen)
    app.router.add_delete("/_seen", forget)
    app.router.add_route("*", "/{tail:.*}", upstream.answer)
    return app


def _sample(
    provider: str, name: str, method: str, path: str, request: web.Request, body: Any, raw: bytes
) -> Sample | None:
    if method == "GET" and path.endswith("models"):
        return _models(provider, request)
    if method == "GET" and path.endswith("/key"):
        return Sample(b'{"data": {"label": "sample", "usage": 0, "limit": null}}')
    table = {"anthropic": samples.ANTHROPIC, "gemini": samples.GEMINI}.get(provider, samples.OPENAI)
    if name not in ("chat", "tools"):
        return table.get(name) or operations.ODD.get(name)
    if table is samples.OPENAI and name == "chat" and (found := operations.find(path, body, raw)) is not None:
        return found
    asked = body if isinstance(body, dict) else {}
    whole, streamed = ("text", "stream") if name == "chat" else ("tools", "stream-tools")
    if path.endswith(("count_tokens", ":countTokens")):
        return table["count"]
    if path.endswith(":embedContent"):
        return table.get("embedding")
    if path.endswith(("/embeddings", ":batchEmbedContents")):
        return table.get("embeddings")
    if provider == "gemini" and path.endswith(":streamGenerateContent"):
        return table[streamed if request.query.get("alt") == "sse" else "stream-array"]
    if not asked.get("stream"):
        return table[whole]
    wants_usage = (asked.get("stream_options") or {}).get("include_usage")
    if table is samples.OPENAI and streamed == "stream" and not wants_usage:
        return table["stream-no-usage"]
    return table[streamed]


def _models(provider: str, request: web.Request) -> Sample:
    if provider == "anthropic":
        return samples.ANTHROPIC_MODELS[1 if "after_id" in request.query else 0]
    if provider == "gemini":
        return samples.GEMINI_MODELS[1 if "pageToken" in request.query else 0]
    return samples.OPENAI_MODELS


async def _describe(request: web.Request) -> dict[str, Any]:
    raw, hashed, size = b"", hashlib.sha256(), 0
    async for piece in request.content.iter_any():
        hashed.update(piece)
        size += len(piece)
        if "/sink/" not in request.path:
            raw += piece
    try:
        body = json.loads(raw) if raw else None
    except ValueError:
        body = raw.decode("utf-8", "replace")
    return {
        "method": request.method,
        "path": request.path_qs,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": body,
        "raw": raw.decode("utf-8", "replace"),
        "size": size,
        "sha256": hashed.hexdigest(),
        "sent": 0,
        "done": False,
        "left": False,
        "left_at": 0.0,
    }


def _keys(headers: dict[str, str]) -> set[str]:
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    return {bearer, headers.get("x-api-key", ""), headers.get("x-goog-api-key", "")}


def _pieces(body: bytes, mods: dict[str, str]) -> Iterable[bytes]:
    if "flood" in mods:
        return accidents.flooded(body, int(mods["flood"]) * 2**20)
    if "split" in mods:
        size = int(mods["split"])
        return [body[at : at + size] for at in range(0, len(body), size)]
    if "pace" in mods:
        return [piece for piece in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", body) if piece]
    return [body]


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
