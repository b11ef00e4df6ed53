"""Pictures in streams, each in one event of several megabytes: relayed, translated, and no text to be paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.gateway.clients import Client
from tests.api.gateway.scripted import Scripted
from tests.app_server import AppServer, running_app

DATA = "QUFB" * 1_500_000  # 6 MB
PIECE = 1_000_000


def event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def choice(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return event({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}
CHAT = choice({"content": "Here:"}) + choice({"images": [PICTURE]}) + choice({}, "stop") + b"data: [DONE]\n\n"
GEMINI = event({"candidates": [{"content": {"parts": [{"text": "Here:"}]}, "index": 0}]}) + event(
    {
        "candidates": [
            {
                "content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": DATA}}]},
                "finishReason": "STOP",
                "index": 0,
            }
        ]
    }
)
BODIES = {"openai-chat": CHAT, "gemini": GEMINI}


def provide(server: AppServer, format: str) -> None:
    server.add_provider(
        "http://scripted.test/v1", "painter", kind=f"{format.split('-')[0]}-compatible", model={"id": "m"}
    )


def in_pieces(body: bytes) -> list[bytes]:
    return [body[at : at + PIECE] for at in range(0, len(body), PIECE)]


@pytest.mark.parametrize("provider", BODIES)
@pytest.mark.parametrize("client", ["openai-chat", "openai-responses", "gemini", "gemini-array"])
async def test_a_picture_of_six_megabytes_arrives(tmp_path: Path, client: str, provider: str) -> None:
    body = BODIES[provider]
    with running_app(tmp_path, network=Scripted(m=in_pieces(body))) as server:
        provide(server, provider)
        async with server.client() as http:
            answer = await Client(client).ask(http, "painter", stream=True)
        assert DATA in answer.text
        assert Client(client).finished(answer)
        if client == provider:
            assert answer.content == body
        assert server.ledger(answer.headers["x-request-id"]).row.output_tokens < 100, "five characters, and no count"


async def test_a_budget_is_not_spent_on_the_length_of_a_picture(tmp_path: Path) -> None:
    with running_app(tmp_path, network=Scripted(m=in_pieces(CHAT))) as server:
        provide(server, "openai-chat")
        secret = server.add_key(budgets=[{"usd": "0.05", "window": "day"}])
        async with server.client(secret) as http:
            answer = await Client("openai-chat").ask(http, "painter", stream=True)
        assert answer.content == CHAT
