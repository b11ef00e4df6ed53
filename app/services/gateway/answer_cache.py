"""Exact answers that a router keeps: the same question of the same person, answered again without a call."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from app.core.errors import AnyGPTError
from app.routing.deployment import Deployment
from app.routing.document import Cache
from app.services.gateway.call import CachedAnswer, Call, ClientSide, Header

MOST_BYTES = 64 * 2**20  # of all routers' answers together
LARGEST = 2**20  # of one answer
# who asks, and what it is called, changes no answer
_OF_NO_MATTER = ("user", "metadata", "session_id", "prompt_cache_key", "safety_identifier", "store")


@dataclass(slots=True)
class _Kept:
    answer: CachedAnswer
    until: float


class AnswerCache:
    """Bounded by each router's `max_entries` and by bytes in all; the one that was used longest ago goes first."""

    def __init__(self) -> None:
        self._kept: dict[str, OrderedDict[bytes, _Kept]] = {}  # by router
        self._bytes = 0

    def key(self, call: Call, cache: Cache, version: int) -> bytes | None:
        """What stands for a question; None where its answer may not be kept: it has another temperature than 0 and
        nobody asked for it, it is stored under its id, or cannot be read."""
        if call.format is None or call.upload is not None or call.context is not None:
            return None
        try:
            value = orjson.loads(call.body)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(value, dict):
            return None
        if call.stores and value.get("store") is not False:
            return None  # the same id would be stored for whoever asks next
        if _cold(value):
            value["temperature"] = 0  # however it is written
        elif not call.wants_cache:
            return None
        for name in _OF_NO_MATTER:
            value.pop(name, None)
        who = "" if cache.shared else call.key.id if call.key is not None else ""
        head = (call.format.name, call.path_model, call.path_stream, version, who)
        return sha256(orjson.dumps((head, value), option=orjson.OPT_SORT_KEYS)).digest()

    def get(self, router: str, key: bytes, now: float) -> CachedAnswer | None:
        kept = self._kept.get(router)
        found = kept.get(key) if kept is not None else None
        if kept is None or found is None:
            return None
        if found.until <= now:
            self._drop(kept, key)
            return None
        kept.move_to_end(key)
        return found.answer

    def put(self, router: str, key: bytes, answer: CachedAnswer, cache: Cache, now: float) -> None:
        kept = self._kept.setdefault(router, OrderedDict())
        if key in kept:
            self._drop(kept, key)
        kept[key] = _Kept(answer, now + cache.ttl_s)
        self._bytes += len(answer.body)
        while len(kept) > cache.max_entries:
            self._drop(kept, next(iter(kept)))
        while self._bytes > MOST_BYTES:
            fullest = max(self._kept.values(), key=len)
            self._drop(fullest, next(iter(fullest)))

    def forget(self, routers: set[str]) -> None:
        """Those that keep answers no more."""
        for router in self._kept.keys() - routers:
            for found in self._kept.pop(router).values():
                self._bytes -= len(found.answer.body)

    def _drop(self, kept: OrderedDict[bytes, _Kept], key: bytes) -> None:
        self._bytes -= len(kept.pop(key).answer.body)


class Recorder:
    """The client's side of a call whose answer may be kept: what passes is written down, up to a limit."""

    def __init__(self, client: ClientSide) -> None:
        self._client = client
        self._pieces: list[bytes] = []
        self._size = 0
        self._whole = False

    def answer(self, call: Call, deployment: Deployment) -> CachedAnswer | None:
        """What may be kept: an answer that came to its end."""
        if not self._whole or call.status != 200 or self._size > LARGEST:
            return None
        return CachedAnswer(b"".join(self._pieces), deployment, call.id, call.content_type)

    async def start(self, status: int, headers: list[Header]) -> None:
        await self._client.start(status, headers)

    async def write(self, data: Any) -> None:
        self._note(data)
        await self._client.write(data)

    async def finish(self, data: Any) -> None:
        self._note(data)
        self._whole = True
        await self._client.finish(data)

    async def fail(self, error: AnyGPTError) -> None:
        await self._client.fail(error)

    def _note(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= LARGEST:
            self._pieces.append(data)
        else:
            self._pieces.clear()


def _cold(value: dict[str, Any]) -> bool:
    """Whether the client asks for the likeliest words only."""
    config = value.get("generationConfig") or value.get("generation_config")
    temperature = config.get("temperature") if isinstance(config, dict) else value.get("temperature")
    return temperature == 0 and not isinstance(temperature, bool)
