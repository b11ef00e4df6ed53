"""The shipped classifier behind the services: of a client's bytes and of a decoded question."""

from __future__ import annotations

import json

import pytest

from app.core.chat import ChatRequest, Image, Message, Role, Text
from app.formats.registry import CLIENT_FORMATS
from app.routing.intent import COMPLEXITY, INTENTS, NOTHING
from app.services.intents import Intents

ASKED = "Write a Python function that merges two sorted lists, with tests."


@pytest.fixture
async def intents() -> Intents:
    made = Intents()
    await made.prepare()
    return made


async def test_bytes_and_the_decoded_question_are_about_the_same(intents: Intents) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": ASKED}]}).encode()
    told = intents.of_body("openai-chat", body, len(body) // 3)
    assert (told.name, told.complexity) == ("code", "medium")
    assert told == intents.of_request(CLIENT_FORMATS["openai-chat"].decode_request(body), len(body) // 3)


async def test_a_picture_beside_the_words_is_seen(intents: Intents) -> None:
    parts = [Text(ASKED), Image(url="https://example.org/a.png")]
    request = ChatRequest(model="m", messages=[Message(Role.USER, [*parts])])
    assert intents.of_request(request, 1700).name == "vision"


async def test_what_has_no_messages_is_about_nothing(intents: Intents) -> None:
    assert intents.of_body("openai-embeddings", b'{"input":"x"}', 5) == NOTHING


def test_without_preparation_the_first_question_reads_the_model() -> None:
    told = Intents().of_body("openai-responses", b'{"model":"m","input":"hola"}', 10)
    assert told.name in INTENTS
    assert told.complexity in COMPLEXITY
