"""What clients send that makes no sense: refused soon, in their own format, and with nobody asked upstream."""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from app.api.gateway.bodies import Pace
from tests.api.gateway.clients import TEXT, Client, both_ways, every_client, every_pair, provide
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream

MEGABYTE = 2**20
DEEP = 100_000
COUNTS = {"anthropic-messages": "/v1/messages/count_tokens", "gemini": "/v1beta/models/demo/echo:countTokens"}

# what stands in place of a sound body, made from it
MALFORMED = {
    "two objects": lambda body: body + body,
    "text behind": lambda body: body + b"x",
    "half": lambda body: body[: len(body) // 2],
    "a text around": lambda body: json.dumps(body.decode()).encode(),
    "a list around": lambda body: b"[" + body + b"]",
    "single quotes": lambda body: body.replace(b'"', b"'"),
    "no number": lambda body: body[:-1] + b',"temperature":NaN}',
    "endless number": lambda body: body[:-1] + b',"temperature":1e}',
    "another encoding": lambda body: body.decode().encode("utf-16"),
    "NUL between": lambda body: body[:-1] + b"\0}",
    "NUL in a text": lambda body: body.replace(b"hello", b"hel\0lo"),
    "control characters": lambda body: body[:-1] + b',"x":"a\x01\x1f"}',
    "invalid UTF-8 in a text": lambda body: body.replace(b"hello", b"hel\xfflo"),
    "invalid UTF-8 in a key": lambda body: body[:-1] + b',"\xc3\x28":1}',
    "invalid UTF-8 where nobody looks": lambda body: body[:-1] + b',"x":[{"y":"\xed\xa0\x80"}]}',
    "half a surrogate": lambda body: body.replace(b"hello", b"hel\\ud800lo"),
    "nothing": lambda body: b"",
}


def sound(client: Client, model: str = "demo/echo", **fields: Any) -> bytes:
    return json.dumps(client.body(model, False, "Say hello.", **fields)).encode()


async def send(
    http: httpx.AsyncClient, client: Client, content: Any, model: str = "demo/echo", **headers: str
) -> httpx.Response:
    return await http.post(client.path(model, False), content=content, headers=headers)


@every_client
@pytest.mark.parametrize("name", MALFORMED)
async def test_400_for_a_body_that_is_no_json(server: AppServer, client: Client, name: str) -> None:
    async with server.client() as http:
        answer = await send(http, client, MALFORMED[name](sound(client)))
        assert answer.status_code == 400, answer.text
        assert client.refusal(answer)
        assert (await send(http, client, sound(client))).status_code == 200, "the connection goes on"


@every_client
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json; charset=utf-8", "application/vnd.api+json", "nonsense"]
)
async def test_json_is_read_whatever_it_is_called(server: AppServer, client: Client, content_type: str) -> None:
    async with server.client() as http:
        answer = await send(http, client, sound(client), **{"content-type": content_type})
    assert answer.status_code == 200, answer.text


@every_client
@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"content-type": "application/x-www-form-urlencoded"}, "x-www-form-urlencoded; send JSON"),
        ({"content-type": "Multipart/Form-Data; boundary=x"}, "multipart/form-data; send JSON"),
        ({"content-encoding": "gzip"}, "packed (gzip)"),
    ],
)
async def test_400_for_a_body_that_says_it_is_no_json(
    server: AppServer, client: Client, headers: dict[str, str], words: str
) -> None:
    paths = [client.path("demo/echo", False), *([COUNTS[client.name]] if client.name in COUNTS else [])]
    async with server.client() as http:
        for path in paths:
            answer = await http.post(path, content=sound(client), headers=headers)
            assert answer.status_code == 400, answer.text
            assert words in client.refusal(answer)


NESTED = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "lists without end": b"[" * DEEP,
    "objects without end": b'{"a":' * DEEP,
    "lists in a message": b'[{"role":"user","content":' + b"[" * DEEP + b"]" * DEEP + b"}]",
}


@every_client
@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("field", ["x", "messages", "input", "contents", "tools"])
async def test_400_for_a_body_that_is_nested_without_end_and_nobody_waits_for_it(
    server: AppServer, client: Client, field: str, name: str
) -> None:
    body = json.dumps({key: value for key, value in json.loads(sound(client)).items() if key != field}).encode()
    busy: list[float] = []
    async with server.client() as http:
        while len(busy) < 5 and min(busy, default=1.0) > 0.05:  # a garbage collection may fall into one
            async with Lag(server) as lag:
                answer = await send(http, client, body[:-1] + b', "%b": %b}' % (field.encode(), NESTED[name]))
            assert answer.status_code == 400, answer.text
            assert client.refusal(answer)
            busy.append(lag.worst)
    assert min(busy) < 0.05


@every_pair
@pytest.mark.parametrize("depth", [100, 500, 5000])
async def test_nesting_is_passed_on_as_it_came_or_refused(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str, depth: int
) -> None:
    model = provide(server, upstream, provider, f"split-{9000 + depth}")
    upstream.forget()
    nested = b"[" * depth + b"]" * depth
    body = sound(client, model)[:-1] + b', "x_unknown": ' + nested + b"}"
    async with server.client() as http:
        answer = await send(http, client, body, model)
    seen = upstream.seen(f"split-{9000 + depth}")
    if answer.status_code == 200:
        relayed = client.name.removesuffix("-array") == provider
        assert not relayed or nested in seen[0]["raw"].encode()
        assert depth < 5000
    else:
        assert answer.status_code in (400, 422), answer.text
        assert not seen


@every_client
@pytest.mark.parametrize("how", ["with its length", "in chunks"])
async def test_413_for_64_megabytes_and_most_of_them_are_never_kept(
    server: AppServer, client: Client, how: str
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"x":"'
        for _ in range(64):
            yield b"x" * MEGABYTE
        yield b'"}'

    headers = {"content-length": str(64 * MEGABYTE + 8)} if how == "with its length" else {}
    async with server.client() as http:
        tracemalloc.start()
        try:
            started = time.monotonic()
            answer = await send(http, client, body(), **headers)
            took = time.monotonic() - started
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert answer.status_code == 413, answer.text
        assert "max_body_mb" in client.refusal(answer)
        assert peak < (4 if headers else 38) * MEGABYTE, f"{peak / MEGABYTE:.0f} MB, with the client's own piece"
        assert took < 10
        assert (await send(http, client, sound(client))).status_code == 200, "the connection goes on"


@every_client
async def test_413_before_the_first_byte_of_a_body_that_says_it_is_too_large(server: AppServer, client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
    writer.write(_head(server, client, f"content-length: {64 * MEGABYTE}\r\nexpect: 100-continue"))
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"}}")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 "), "and no 100 Continue before it"


@every_client
@both_ways
async def test_a_body_just_within_the_limit_passes(
    server: AppServer, upstream: RunningUpstream, client: Client, stream: bool
) -> None:
    server.run(server.services.runtime.set("test", {"max_body_mb": 1}))
    try:
        model = provide(server, upstream, "openai-chat")
        text = "x" * (MEGABYTE - 400)
        async with server.client() as http:
            answer = await http.post(client.path(model, stream), json=client.body(model, stream, text))
            over = await http.post(client.path(model, stream), json=client.body(model, stream, "x" * MEGABYTE))
    finally:
        server.run(server.services.runtime.set("test", {"max_body_mb": 32}))
    assert client.text(answer, stream) == TEXT
    assert over.status_code == 413 or client.name in ("openai-chat", "anthropic-messages"), "their text is fixed"


@every_pair
async def test_a_nul_in_a_text_arrives_as_it_was_meant(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str
) -> None:
    model = provide(server, upstream, provider, "split-9101")
    upstream.forget()
    body = sound(client, model).replace(b"hello", b"hel\\u0000lo")
    async with server.client() as http:
        answer = await send(http, client, body, model)
    assert client.text(answer, False) == TEXT
    assert "hel\\u0000lo" in json.dumps(upstream.seen("split-9101")[0]["body"])


@every_client
async def test_a_nul_in_a_name_is_refused_or_written_down(server: AppServer, client: Client) -> None:
    async with server.client() as http:
        if not client.name.startswith("gemini"):
            answer = await send(http, client, sound(client, "demo\0/echo"))
            assert answer.status_code == 400
            assert "printable" in client.refusal(answer)
        answer = await http.post(client.path("demo%00/echo", False), content=sound(client, "demo\0/echo"))
        assert answer.status_code in (400, 404)
        noted = {"user": "a\0b", "metadata": {"tags": ["c\0d"]}} if client.name.startswith("openai") else {}
        answer = await send(http, client, sound(client, **noted))
        assert answer.status_code == 200, answer.text
        assert server.ledger(answer.headers["x-request-id"]).row.status == 200


@every_client
async def test_a_nul_in_a_header_is_no_request(server: AppServer, client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
    # in one piece: what arrives after the answer would reset the connection, and the answer with it
    writer.write(_head(server, client, "x-anygpt-tags: a\0b\r\ncontent-length: 2") + b"{}")
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")


# two names of a model in one body, in every spelling that some parser takes for the same key
TWICE = {
    "twice": '"model": "{first}", "model": "{second}"',
    "escaped": '"mod\\u0065l": "{first}", "model": "{second}"',
    "escaped last": '"model": "{first}", "m\\u006fdel": "{second}"',
    "large": '"Model": "{first}", "model": "{second}"',
    "large last": '"model": "{first}", "MODEL": "{second}"',
    "large and escaped": '"model": "{first}", "\\u004dodel": "{second}"',
    "nested": '"x": {{"model": "{first}"}}, "model": "{second}"',
}


@every_pair
@pytest.mark.parametrize("name", TWICE)
async def test_only_the_model_that_was_admitted_is_named_upstream(
    server: AppServer, upstream: RunningUpstream, client: Client, provider: str, name: str
) -> None:
    allowed = provide(server, upstream, provider, "split-9201", model={"id": "allowed-model"})
    key = server.add_key(models=[allowed])
    upstream.forget()
    rest = sound(client, "-").partition(b'"model": "-", ')[2] or sound(client)[1:]
    async with server.client(key) as http:
        for first, second in ((allowed, "secret-model"), ("secret-model", allowed)):
            named = TWICE[name].format(first=first, second=second).encode()
            answer = await send(http, client, b"{" + named + b", " + rest, allowed)
            assert answer.status_code in (200, 403, 404), answer.text
            if client.name.startswith("gemini"):
                assert answer.status_code == 200, "its address decides"
    for entry in upstream.seen("split-9201"):
        body = dict(entry["body"])
        if name == "nested":  # no name of the model, and not ours to change
            body.pop("x", None)
        assert "secret-model" not in json.dumps(body)
        named = body.get("model") or entry["path"]
        assert "allowed-model" in named


@every_client
@pytest.mark.parametrize("field", ["stream", "max_tokens", "max_output_tokens"])
async def test_of_two_values_the_same_one_counts_here_and_upstream(
    server: AppServer, upstream: RunningUpstream, client: Client, field: str
) -> None:
    for first, second in ((True, False), (False, True)) if field == "stream" else ((1, 50), (50, 1)):
        if field == "stream" and client.name.startswith("gemini"):
            continue  # it stands in the address
        model = provide(server, upstream, client.name.removesuffix("-array"), "split-9301")
        upstream.forget()
        twice = f'"{field}": {json.dumps(first)}, "{field}": {json.dumps(second)}'
        body = json.loads(sound(client, model))
        rest = json.dumps({key: value for key, value in body.items() if key != field})[1:]
        async with server.client() as http:
            answer = await send(http, client, f"{{{twice}, {rest}".encode(), model)
        assert answer.status_code == 200, answer.text
        (entry,) = upstream.seen("split-9301")
        assert entry["body"][field] is second or entry["body"][field] == second
        if field == "stream":
            assert client.text(answer, second) == TEXT


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """Waits tenths of a second for bodies where others wait for 30 and 60 seconds."""
    pace = Pace(idle_s=0.3, grace_s=0.5, least_rate=100_000)
    with running_app(tmp_path_factory.mktemp("app"), pace=pace) as started:
        yield started


@every_client
@pytest.mark.parametrize("framing", ["content-length: 100000", "transfer-encoding: chunked"])
@pytest.mark.parametrize("sent", [b"", b'1\r\n{\r\n1\r\n"\r\n'])
async def test_408_for_a_body_that_stops(impatient: AppServer, client: Client, framing: str, sent: bytes) -> None:
    answer = await _upload(impatient, client, framing, [sent], 1)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"No part of the body came for 0.3 s" in answer


@every_client
@pytest.mark.parametrize("framing", ["content-length: 100000", "transfer-encoding: chunked"])
async def test_408_for_a_body_that_trickles(impatient: AppServer, client: Client, framing: str) -> None:
    piece = b"x" if framing.startswith("content-length") else b"1\r\nx\r\n"
    answer = await _upload(impatient, client, framing, [piece] * 500, 0.02)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too slowly" in answer


async def test_408_for_a_form_that_trickles(impatient: AppServer) -> None:
    head = "content-type: multipart/form-data; boundary=x\r\ncontent-length: 100000"
    form = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    path = "/v1/audio/transcriptions"
    answer = await _upload(impatient, Client("openai-chat"), head, [form, *[b"x"] * 500], 0.02, path)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not list(impatient.services.folder.uploads.iterdir())


async def test_a_quick_body_is_not_held_to_its_pace(impatient: AppServer) -> None:
    client = Client("openai-chat")
    async with impatient.client() as http:
        assert (await send(http, client, sound(client))).status_code == 200


class Lag:
    """The longest that the server's loop was busy without looking at anything else, in processor seconds: other
    processes and this test's own thread do not count."""

    def __init__(self, server: AppServer) -> None:
        self._server = server
        self.worst = 0.0

    async def __aenter__(self) -> Lag:
        self._stop = False
        self._task = asyncio.get_running_loop().run_in_executor(None, self._server.run, self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        await self._task

    async def _watch(self) -> None:
        while not self._stop:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            self.worst = max(self.worst, time.thread_time() - before)


def _head(server: AppServer, client: Client, fields: str, path: str = "") -> bytes:
    path = path or client.path("demo/echo", False)
    return f"POST {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {server.key}\r\n{fields}\r\n\r\n".encode()


async def _upload(
    server: AppServer, client: Client, framing: str, pieces: list[bytes], pause_s: float, path: str = ""
) -> bytes:
    """What comes back while a body is sent with pauses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
    writer.write(_head(server, client, framing, path))
    reading = asyncio.create_task(reader.readuntil(b"}}"))
    async with asyncio.timeout(20):
        for piece in pieces:
            writer.write(piece)
            done, _ = await asyncio.wait([reading], timeout=pause_s)
            if done:
                break
        answer = await reading
    writer.close()
    return answer
