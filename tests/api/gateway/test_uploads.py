"""Transcriptions: forms with a file that pass through the disk, never through memory, and arrive as they were sent."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.api.gateway.asking import CHAT
from tests.api.gateway.test_errors import check
from tests.app_server import AppServer, running_app
from tests.upstream import operations
from tests.upstream.fixtures import RunningUpstream

PATH = "/v1/audio/transcriptions"
BOUNDARY = "sample--boundary"
TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'
SOUND = operations.SOUND
MEGABYTE = 2**20


def field(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(content: bytes = SOUND, name: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="grüße.mp3"\r\n'
    return head.encode() + b"Content-Type: audio/mpeg\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def send(client: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    return await client.post(PATH, content=body, headers={"content-type": TYPE, **headers})


async def in_pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]
        await asyncio.sleep(0)


@pytest.mark.parametrize("last", [False, True], ids=["model first", "model after the file"])
@pytest.mark.parametrize("size", [0, 7, 4096], ids=["at once", "pieces of 7", "pieces of 4096"])
async def test_a_form_arrives_as_it_was_sent_but_for_the_models_name(
    server: AppServer, upstream: RunningUpstream, size: int, last: bool
) -> None:
    model = server.provide(upstream, "openai/chat", "split-9998")
    parts = [field("prompt", f"model {model} ü"), file(SOUND[:5000]), field("language", "de")]
    named = field("model", model)
    body = form(*parts, named) if last else form(named, *parts)
    async with server.client() as client:
        answer = await send(client, in_pieces(body, size) if size else body)
    assert answer.status_code == 200, answer.text
    assert answer.content == operations.OPERATIONS["audio/transcriptions", False].body
    expected = body.replace(named, field("model", "upstream-model"))
    seen = upstream.seen("split-9998")[-1]
    assert (seen["sha256"], seen["size"]) == (hashlib.sha256(expected).hexdigest(), len(expected))
    assert seen["headers"]["content-type"] == TYPE
    assert seen["headers"]["content-length"] == str(len(expected))
    assert seen["path"].endswith("/v1/audio/transcriptions")


async def test_the_ledger_has_the_tokens_and_the_headers_tell_the_cost(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(**{"x-anygpt-metadata": "enabled"}) as client:
        answer = await send(client, form(field("model", model), file()))
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens, row.estimated, row.cost) == (9, 6, False, 21_000)
    assert answer.headers["x-anygpt-cost-usd"] == "0.000021"
    assert answer.json()["anygpt"]["model"] == "upstream-model"


@pytest.mark.parametrize("shape", ["text", "srt"])
async def test_answers_that_are_no_json_keep_their_bytes_and_type(
    server: AppServer, upstream: RunningUpstream, shape: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(**{"x-anygpt-metadata": "enabled"}) as client:
        answer = await send(client, form(field("model", model), field("response_format", shape), file()))
    sample = operations.TRANSCRIPTS[shape]
    assert (answer.content, answer.headers["content-type"]) == (sample.body, sample.content_type)
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.estimated, row.status) == (True, 200)


async def test_the_size_of_the_sound_has_nothing_to_do_with_the_models_window(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", model={"context_window": 448})
    async with server.client() as client:
        answer = await send(client, form(field("model", model), file(SOUND * 10)))
    assert answer.status_code == 200


async def test_a_form_that_finds_no_place_on_the_disk_is_refused(tmp_path: Path, upstream: RunningUpstream) -> None:
    with running_app(tmp_path) as server:
        model = server.provide(upstream, "openai/chat")
        server.services.folder.uploads.rmdir()
        async with server.client() as client:
            answer = await send(client, form(field("model", model), file()))
            check(answer, CHAT, 503, "disk")
            assert int(answer.headers["retry-after"]) >= 1
            assert (await client.get("/health")).status_code == 200


async def test_a_transcription_that_is_paid_by_the_minute_has_no_price_in_tokens(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        answer = await send(client, form(field("model", model), field("response_format", "verbose_json"), file()))
    assert "x-anygpt-cost-usd" not in answer.headers
    assert server.ledger(answer.headers["x-request-id"]).row.cost is None


async def test_transcriptions_are_streamed_as_events(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        answer = await send(client, form(file(), field("stream", "true"), field("model", model)))
    assert answer.content == operations.OPERATIONS["audio/transcriptions", True].body
    assert answer.headers["content-type"] == "text/event-stream"
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens, row.stream) == (9, 6, True)


@pytest.mark.parametrize("shape", ["verbose_json", "text"])
async def test_a_model_that_does_not_stream_may_answer_whole(
    server: AppServer, upstream: RunningUpstream, shape: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    parts = (field("model", model), field("stream", "true"), field("response_format", shape), file())
    async with server.client() as client:
        answer = await send(client, form(*parts))
    assert answer.content == operations.TRANSCRIPTS[shape].body
    assert server.ledger(answer.headers["x-request-id"]).row.status == 200


async def test_after_a_500_the_whole_form_is_sent_again(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "status-500", "split-777", priority=1, model={"id": "first"})
    server.provide(upstream, "openai/chat", "split-778", alias=model, priority=2, model={"id": "second-model"})
    body = form(file(), field("model", model))
    async with server.client() as client:
        answer = await send(client, body)
    assert (answer.status_code, answer.headers["x-anygpt-attempts"]) == (200, "2")
    for name, model_there in (("split-777", "first"), ("split-778", "second-model")):
        expected = body.replace(model.encode(), model_there.encode())
        assert upstream.seen(name)[-1]["sha256"] == hashlib.sha256(expected).hexdigest()


async def test_a_key_without_the_scope_is_refused(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(server.add_key(scopes=["chat", "images"])) as client:
        check(await send(client, form(field("model", model), file())), CHAT, 403, '"audio"')


async def test_a_provider_that_lacks_transcriptions_is_not_called(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "anthropic/chat", "delay-5")
    async with server.client() as client:
        check(await send(client, form(field("model", model), file())), CHAT, 422, "transcriptions")
    assert not upstream.seen("delay-5")


async def test_a_large_file_stays_out_of_memory(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "sink")
    piece = SOUND * 10
    count = 20 * MEGABYTE // len(piece)
    start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()

    async def body() -> AsyncIterator[bytes]:
        yield start
        for _ in range(count):
            yield piece
        yield b"\r\n" + form(field("model", model))

    hashed = hashlib.sha256(start)
    for _ in range(count):
        hashed.update(piece)
    hashed.update(b"\r\n" + form(field("model", "upstream-model")))
    async with server.client() as client:
        tracemalloc.start()
        try:
            answer = await send(client, body())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.status_code == 200, answer.text
    seen = upstream.seen("sink")[-1]
    assert seen["size"] > 19 * MEGABYTE
    assert seen["sha256"] == hashed.hexdigest()
    assert peak < 8 * MEGABYTE, f"{peak / MEGABYTE:.1f} MB with client, gateway and provider together"
    uploads = server.services.folder.uploads
    assert not list(uploads.iterdir()), "the file dies with its request"


async def test_a_file_over_the_limit_is_refused(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "delay-6")
    server.run(server.services.runtime.set("test", {"max_body_mb": 1}))
    try:
        async with server.client() as client:
            body = form(field("model", model), file(b"x" * MEGABYTE))
            check(await send(client, body), CHAT, 413, "max_body_mb")
            assert (await client.get("/health")).status_code == 200
    finally:
        server.run(server.services.runtime.set("test", {"max_body_mb": 32}))
    assert not upstream.seen("delay-6")


MALFORMED = {
    "no boundary": (form(field("model", "m"), file()), "multipart/form-data", "boundary"),
    "another type": (b'{"model": "m"}', "application/json", "multipart/form-data"),
    "no type": (b"model=m", "", "multipart/form-data"),
    "endless boundary": (form(field("model", "m")), f"multipart/form-data; boundary={'x' * 300}", "boundary"),
    "other boundary": (form(field("model", "m")), "multipart/form-data; boundary=other", "malformed"),
    "no form": (b"not a form at all", TYPE, "malformed"),
    "nothing": (b"", TYPE, "breaks off"),
    "no end": (field("model", "m") + file(), TYPE, "breaks off"),
    "no model": (form(file()), TYPE, "model"),
    "an empty model": (form(field("model", ""), file()), TYPE, "model"),
    "two models": (form(field("model", "m"), file(), field("model", "n")), TYPE, "once"),
    "a file as model": (form(file(b"m", "model"), field("model", "n")), TYPE, "once"),
    "long fields": (form(field("model", "m"), field("prompt", "x" * 70_000)), TYPE, "shorten"),
    "many fields": (form(field("model", "m"), *[field(f"field-{n:010}", "") for n in range(5000)]), TYPE, "shorten"),
    "a long header": (
        form(b"--" + BOUNDARY.encode() + b"\r\nX: " + b"x" * 100_000 + b"\r\n\r\n\r\n"),
        TYPE,
        "malformed",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_400_for_a_form_that_makes_no_sense(server: AppServer, name: str) -> None:
    body, content_type, words = MALFORMED[name]
    async with server.client() as client:
        check(await client.post(PATH, content=body, headers={"content-type": content_type}), CHAT, 400, words)
        assert (await client.get("/health")).status_code == 200


async def test_a_form_whose_client_leaves_in_the_middle_goes_nowhere(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", "delay-7")

    async def body() -> AsyncIterator[bytes]:
        yield field("model", model)
        yield file()
        raise ConnectionAbortedError

    async with server.client() as client:
        with pytest.raises(ConnectionAbortedError):
            await send(client, body())
        assert (await client.get("/health")).status_code == 200
    assert not upstream.seen("delay-7")


async def test_what_the_official_sdk_sends_arrives(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    async with openai.AsyncOpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0) as client:
        made = await client.audio.transcriptions.create(model=model, file=("a.mp3", SOUND), response_format="json")
        assert made.text == operations.TEXT
        plain = await client.audio.transcriptions.create(model=model, file=("a.mp3", SOUND), response_format="text")
        assert plain.strip() == operations.TEXT
        sound = await client.audio.speech.create(model=model, input="Grüße", voice="alloy")
        assert sound.content == SOUND
        picture = await client.images.generate(model=model, prompt="An owl")
        assert picture.data[0].b64_json == "iVBORw0="
        judged = await client.moderations.create(model=model, input="Grüße")
        assert not judged.results[0].flagged
        vector = await client.embeddings.create(model=model, input="Grüße", encoding_format="float")
        assert json.dumps(vector.data[0].embedding) == "[0.25, -0.5, 0.125]"
