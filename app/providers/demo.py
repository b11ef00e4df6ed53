"""The demo provider: answers inside this process, without key or network, in the OpenAI chat format."""

from __future__ import annotations

import asyncio
import itertools
import math
import re
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from app.core.errors import UnreadableAnswer
from app.providers.transport import UpstreamAnswer, UpstreamRequest

_JSON = {"content-type": "application/json"}
_STREAM = {"content-type": "text/event-stream"}
_WORD = re.compile(r"\S+\s*|\s+")
_ids = itertools.count(1)


class Manner(msgspec.Struct, frozen=True):
    """How a demo model answers. A pace of 0 words a second is all at once."""

    name: str
    say: Callable[[str], str]
    words_per_s: float = 0
    starts_after_s: float = 0
    fails: bool = False


class DemoTransport:
    """`pace` is a factor on all waiting: 0 in tests that do not look at time."""

    def __init__(self, *, pace: float = 1.0) -> None:
        self._pace = pace

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        path = request.url.partition("?")[0]
        if request.method == "GET" and path.endswith("/models"):
            return _whole(200, {"object": "list", "data": [_listed(manner) for manner in _MANNERS.values()]})
        if request.method == "POST" and path.endswith("/chat/completions"):
            body = request.body
            return await self._chat(body if isinstance(body, bytes) else b"".join([piece async for piece in body]))
        return _error(404, f"The demo provider has nothing at {request.method} {path}.", "not_found")

    async def aclose(self) -> None:
        pass

    async def _chat(self, body: bytes) -> UpstreamAnswer:
        try:
            question = msgspec.json.decode(body, type=_Question)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _error(400, f"The request cannot be read: {error}.", "invalid_request")
        manner = _MANNERS.get(question.model)
        if manner is None:
            return _error(
                404, f'There is no demo model "{question.model}"; choose {", ".join(_MANNERS)}.', "model_not_found"
            )
        if manner.fails:
            return _error(503, "demo/failing always answers 503, to show what a failure looks like.", "demo_failing")
        reply = _Reply(manner.name, question.prompt_text(), manner.say(question.last_user_text()), question.limit())
        if question.stream:
            include = bool((question.stream_options or {}).get("include_usage"))
            return _StreamedAnswer(self._stream(reply, manner, include))
        await asyncio.sleep(self._pace * manner.starts_after_s)
        return _whole(200, reply.completion())

    async def _stream(self, reply: _Reply, manner: Manner, include_usage: bool) -> AsyncIterator[bytes]:
        await asyncio.sleep(self._pace * manner.starts_after_s)
        yield reply.chunk({"role": "assistant", "content": ""})
        pause = self._pace / manner.words_per_s if manner.words_per_s else 0
        words = reply.words if manner.words_per_s else [reply.text]
        for word in words:
            if pause:
                await asyncio.sleep(pause)
            yield reply.chunk({"content": word})
        yield reply.chunk({}, reply.finish)
        if include_usage:
            yield reply.usage_chunk()
        yield b"data: [DONE]\n\n"


class _Message(msgspec.Struct):
    role: str
    content: Any = None

    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        parts = self.content if isinstance(self.content, list) else []
        texts = (part.get("text") for part in parts if isinstance(part, dict))
        return "\n".join(text for text in texts if isinstance(text, str))


class _Question(msgspec.Struct):
    """What the demo reads of a request; tools, pictures and everything else are politely ignored."""

    model: str
    messages: list[_Message]
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None

    def last_user_text(self) -> str:
        return next((message.text() for message in reversed(self.messages) if message.role == "user"), "")

    def prompt_text(self) -> str:
        return "\n".join(message.text() for message in self.messages)

    def limit(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


class _Reply:
    """One answer, cut where the client's token limit falls (a word counts as at least one token)."""

    def __init__(self, model: str, prompt: str, text: str, limit: int | None) -> None:
        self.id = f"chatcmpl-demo-{next(_ids)}"
        self.created = int(time.time())
        self.model = model
        words = _WORD.findall(text)
        kept, spent = [], 0
        for word in words:
            spent += _tokens(word)
            if limit is not None and spent > limit:
                break
            kept.append(word)
        self.words = kept
        self.text = "".join(kept)
        self.finish = "stop" if len(kept) == len(words) else "length"
        prompt_tokens, output = _tokens(prompt), sum(_tokens(word) for word in kept)
        self.usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": output,
            "total_tokens": prompt_tokens + output,
        }

    def completion(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return self._head("chat.completion") | {"choices": [choice], "usage": self.usage}

    def chunk(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _event(self._head("chat.completion.chunk") | {"choices": [choice]})

    def usage_chunk(self) -> bytes:
        return _event(self._head("chat.completion.chunk") | {"choices": [], "usage": self.usage})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


class _WholeAnswer:
    complete = True

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.headers = dict(_JSON)
        self._body = body

    async def read(self, limit: int) -> bytes:
        if len(self._body) > limit:
            raise UnreadableAnswer(f"The demo provider answered with more than {limit} bytes.")
        return self._body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._body

    def close(self) -> None:
        pass


class _StreamedAnswer:
    complete = False  # who reads on finds out

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self.status = 200
        self.headers = dict(_STREAM)
        self._events = events
        self._closed = False

    async def read(self, limit: int) -> bytes:
        body = b"".join([event async for event in self.chunks()])
        if len(body) > limit:
            raise UnreadableAnswer(f"The demo provider answered with more than {limit} bytes.")
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        async for event in self._events:
            if self._closed:
                return
            yield event

    def close(self) -> None:
        self._closed = True


@cache
def _prepared() -> tuple[list[tuple[frozenset[str], str]], str]:
    """(keywords, text) of each prepared answer, and the one for everything else."""
    text = resources.files("data").joinpath("demo_answers.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    answers = [(frozenset(answer["keywords"]), str(answer["text"]).strip()) for answer in document["answers"]]
    return answers, str(document["fallback"]).strip()


def _prepared_answer(question: str) -> str:
    answers, fallback = _prepared()
    asked = set(re.findall(r"[\w']+", question.lower()))
    best = max(answers, key=lambda answer: len(answer[0] & asked))
    return best[1] if best[0] & asked else fallback


def _echo(question: str) -> str:
    return question or "(there was no text to echo)"


_MANNERS = {
    manner.name: manner
    for manner in (
        Manner("demo/chat", _prepared_answer, words_per_s=40),
        Manner("demo/echo", _echo),
        Manner("demo/slow", _prepared_answer, words_per_s=8, starts_after_s=3),
        Manner("demo/failing", _echo, fails=True),
    )
}


def _listed(manner: Manner) -> dict[str, Any]:
    return {
        "id": manner.name,
        "object": "model",
        "owned_by": "anygpt",
        "name": f"Demo: {manner.name.removeprefix('demo/')}",
        "context_length": 128_000,
        "pricing": {"prompt": "0", "completion": "0"},
    }


def _tokens(text: str) -> int:
    return math.ceil(len(text.strip().encode()) / 4) if text.strip() else 0


def _whole(status: int, value: Any) -> UpstreamAnswer:
    return _WholeAnswer(status, msgspec.json.encode(value))


def _error(status: int, message: str, code: str) -> UpstreamAnswer:
    return _whole(status, {"error": {"message": message, "type": "demo_error", "param": None, "code": code}})


def _event(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
