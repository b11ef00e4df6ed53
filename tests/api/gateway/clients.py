"""The clients of chat in every shape that they come in, and the providers that may answer them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.gateway import asking
from tests.app_server import AppServer
from tests.upstream import operations, samples
from tests.upstream.fixtures import RunningUpstream
from tests.upstream.samples import Sample

TEXT = "Grüße vom Muster 🦉."
FIRST_WORD = "Grüße".encode()


@dataclass(frozen=True)
class Client:
    """One wire format, whole and streamed; Gemini's stream has two shapes."""

    name: str

    def path(self, model: str, stream: bool) -> str:
        match self.name:
            case "openai-chat":
                return asking.CHAT
            case "openai-responses":
                return "/v1/responses"
            case "anthropic-messages":
                return asking.MESSAGES
        if not stream:
            return f"/v1beta/models/{model}:generateContent"
        return f"/v1beta/models/{model}:streamGenerateContent" + ("?alt=sse" if self.name == "gemini" else "")

    def body(self, model: str, stream: bool, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
        match self.name:
            case "openai-chat":
                return {**asking.chat(model), "stream": stream, **fields}
            case "openai-responses":
                return {"model": model, "input": text, "stream": stream, **fields}
            case "anthropic-messages":
                return {**asking.messages(model), "stream": stream, **fields}
        return {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}

    async def ask(self, http: httpx.AsyncClient, model: str, *, stream: bool, **fields: Any) -> httpx.Response:
        return await http.post(self.path(model, stream), json=self.body(model, stream, **fields))

    def events(self, answer: httpx.Response) -> list[Any]:
        """The values of a stream; Gemini's array whether or not it was closed."""
        if self.name != "gemini-array":
            return asking.events(answer.text)
        text = answer.text.strip()
        return list(json.loads(text)) if text else []

    def text(self, answer: httpx.Response, stream: bool) -> str:
        values = self.events(answer) if stream else [answer.json()]
        return "".join(self._text(value) for value in values if isinstance(value, dict))

    def finished(self, answer: httpx.Response) -> bool:
        """Whether a stream looks like a whole answer to this client."""
        marks = {
            "openai-chat": ("[DONE]", '"finish_reason":"', '"finish_reason": "'),
            "openai-responses": ("response.completed", "response.incomplete"),
            "anthropic-messages": ("message_stop", '"stop_reason":"', '"stop_reason": "'),
        }.get(self.name, ('"finishReason"',))
        return any(mark in answer.text for mark in marks)

    def error(self, answer: httpx.Response) -> str:
        """The message of an error that came in-band, as the last event."""
        last = self.events(answer)[-1]
        if last.get("type") == "response.failed":
            last = last["response"]
        found = last.get("error") or last
        return str(found["message"])

    def refusal(self, answer: httpx.Response) -> str:
        """The message of an error in the format's own shape, in place of an answer."""
        assert answer.headers["content-type"] == "application/json"
        value = answer.json()
        assert ("type" in value) is (self.name == "anthropic-messages")
        return str(value["error"]["message"])

    def _text(self, value: dict[str, Any]) -> str:
        match self.name:
            case "openai-chat":
                deltas = (choice.get("delta") or choice.get("message") or {} for choice in value.get("choices", ()))
                return "".join(delta.get("content") or "" for delta in deltas)
            case "openai-responses":
                if value.get("type") == "response.output_text.delta":
                    return str(value["delta"])
                contents = (item.get("content", ()) for item in value.get("output", ()))
                return "".join(part.get("text", "") for content in contents for part in content)
            case "anthropic-messages":
                if value.get("type") == "content_block_delta":
                    return str(value["delta"].get("text", ""))
                return "".join(block.get("text", "") for block in value.get("content", ()))
        parts = (each.get("content", {}).get("parts", ()) for each in value.get("candidates", ()))
        return "".join(part.get("text", "") for found in parts for part in found)


CLIENTS = [Client(name) for name in ("openai-chat", "openai-responses", "anthropic-messages", "gemini", "gemini-array")]
PROVIDERS: dict[str, dict[str, Any]] = {
    "openai-chat": {"kind": "openai-compatible"},
    "openai-responses": {"kind": "openai-compatible", "formats": ["openai-responses"]},
    "anthropic-messages": {"kind": "anthropic-compatible"},
    "gemini": {"kind": "gemini-compatible"},
}
STREAMS: dict[str, Sample] = {
    "openai-chat": samples.OPENAI["stream"],
    "openai-responses": operations.OPERATIONS["responses", True],
    "anthropic-messages": samples.ANTHROPIC["stream"],
    "gemini": samples.GEMINI["stream"],
}
# behind the first word, in the middle of the event after it
CUT = {
    name: body.index(b"data:", body.index(FIRST_WORD)) + 30
    for name, body in ((name, sample.body) for name, sample in STREAMS.items())
}

every_client = pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
every_provider = pytest.mark.parametrize("provider", PROVIDERS)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def every_pair(function: Any) -> Any:
    """Each client at each provider: four are relayed, the rest translated."""
    return every_client(every_provider(function))


def provide(server: AppServer, upstream: RunningUpstream, provider: str, *modifiers: str, **fields: Any) -> str:
    """A model at the test upstream, answered in the provider's format; returns what clients ask for."""
    family = provider.partition("-")[0]
    return server.provide(upstream, f"{family}/chat", *modifiers, **{**PROVIDERS[provider], **fields})
