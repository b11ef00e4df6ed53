"""Whatever arrives broken, from clients or providers, every format answers with an error of the one tree, and soon."""

from __future__ import annotations

import functools
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.chat import ChatRequest, Ended, Event, StreamFailed, UsageReport
from app.core.errors import AnyGPTError, ClientError, UnreadableAnswer, UpstreamError
from app.formats.base import ClientFormat, Peek, StreamDecoder, UpstreamFormat
from app.formats.failures import read_error
from app.formats.operations.embeddings import GEMINI_BATCH_EMBED, GEMINI_EMBED, OPENAI_EMBEDDINGS
from app.formats.registry import CLIENT_FORMATS, FORMATS, OPERATIONS
from tests.formats import samples, test_cohere_chat, test_ollama
from tests.formats.mutations import broken, pieces
from tests.recordings import recordings
from tests.upstream import operations
from tests.upstream import samples as upstream

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
fuzz = settings(
    max_examples=EXAMPLES, deadline=None, derandomize="CI" in os.environ, suppress_health_check=list(HealthCheck)
)
SLOW_S = 1.0  # of processor time, for one example; thousands of times what a sound one takes
MOST = 60_000  # bytes of a recording: longer ones say nothing new

CLIENTS: dict[str, ClientFormat] = {
    **CLIENT_FORMATS,
    **OPERATIONS,
    "openai-embeddings": OPENAI_EMBEDDINGS,
    "gemini-embeddings": GEMINI_EMBED,
    "gemini-embeddings-batch": GEMINI_BATCH_EMBED,
}
HANDWRITTEN = {
    "openai-chat": upstream.OPENAI,
    "openai-completions": upstream.OPENAI,
    "anthropic-messages": upstream.ANTHROPIC,
    "gemini": upstream.GEMINI,
}
every_client = pytest.mark.parametrize("name", CLIENTS)
every_provider = pytest.mark.parametrize("name", FORMATS)


@every_client
@fuzz
@given(data=st.data())
def test_a_broken_question_is_the_clients_error(name: str, data: st.DataObject) -> None:
    client = CLIENTS[name]
    body = data.draw(broken(data.draw(st.sampled_from(questions(name)))))
    with quickly():
        peek = _only(ClientError, lambda: client.peek(body, "small-1", True))
        if isinstance(peek, Peek):
            _only(ClientError, lambda: client.relay_request(body, "other", peek, True))
        asked = _only(ClientError, lambda: client.decode_request(body, "small-1", True))
        for other in FORMATS.values():
            if isinstance(asked, ChatRequest) == (other.operation == "chat") and not isinstance(asked, AnyGPTError):
                _only(ClientError, lambda other=other: other.encode_request(asked, "other"))  # type: ignore[misc]


@every_provider
@fuzz
@given(data=st.data())
def test_a_broken_whole_answer_is_the_providers_error(name: str, data: st.DataObject) -> None:
    wire = FORMATS[name]
    body = data.draw(broken(data.draw(st.sampled_from(_wholes(name)))))
    with quickly():
        message, code = read_error(body)
        assert isinstance(message, str)
        assert code is None or isinstance(code, str)
        result = _only(UpstreamError, lambda: wire.decode_result(body))
        if isinstance(result, AnyGPTError):
            return
        if wire.operation == "embeddings":
            result.asked = OPENAI_EMBEDDINGS.decode_request(_QUESTIONS["openai-embeddings"][0])
        for client in _clients_of(wire):
            _only(UpstreamError, lambda client=client: client.encode_result(result))  # type: ignore[misc]


@every_client
@fuzz
@given(data=st.data())
def test_a_broken_whole_answer_on_its_way_through_is_the_providers_error(name: str, data: st.DataObject) -> None:
    client = CLIENTS[name]
    body = data.draw(broken(data.draw(st.sampled_from(_wholes(name)))))
    with quickly():
        read = _only(UpstreamError, lambda: client.result_usage(body))
        if not isinstance(read, AnyGPTError):
            client.add_to_result(body, {"anygpt": {"cost_usd": None}})


@pytest.mark.parametrize("name", [name for name, wire in FORMATS.items() if wire.operation == "chat"])
@fuzz
@given(data=st.data())
def test_a_broken_stream_is_the_providers_error(name: str, data: st.DataObject) -> None:
    wire = FORMATS[name]
    body = data.draw(broken(data.draw(st.sampled_from(_streams(name)))))
    chunks = data.draw(pieces(body))
    for client in CLIENT_FORMATS.values():
        decoder, encoder = wire.decoder(), client.encoder(Peek(model="m", stream=True, include_usage=True))
        ended = False
        with quickly():
            try:
                for events in itertools.chain(map(decoder.feed, chunks), map(_close, [decoder])):
                    for event in events:
                        assert not ended or isinstance(event, UsageReport), "only its cost follows the end"
                        ended = ended or isinstance(event, Ended | StreamFailed)
                        encoder.encode(event)
            except UnreadableAnswer as error:
                encoder.fail(error)
            else:
                assert ended, "a stream ends one way or the other"
                encoder.end({"anygpt": {}})


@every_client
@fuzz
@given(data=st.data())
def test_a_broken_stream_on_its_way_through_loses_no_byte(name: str, data: st.DataObject) -> None:
    client = CLIENTS[name]
    body = data.draw(broken(data.draw(st.sampled_from(_streams(name)))))
    chunks = data.draw(pieces(body))
    tap = client.tap(strip_usage=False)
    out = bytearray()
    left = b""
    with quickly():
        try:
            for chunk in chunks:
                out += tap.feed(chunk)
            left = tap.close()
        except UnreadableAnswer:
            assert body.startswith(bytes(out)), "what went out before is as it came"
            return
        _ = (tap.content, tap.usage, tap.finish, tap.events, tap.said, tap.output_text, tap.text_rate(body))
        tap.tail_with({"anygpt": {"cost_usd": None}})
        whole = bytes(out) + left + tap.tail
        assert body.startswith((whole, bytes(out) + left.removesuffix(b"\n\n")))
        if tap.ended:
            rest = body[len(whole) :].strip()
            assert b"\n\n" not in rest.replace(b"\r", b""), "only a last event that was cut is left out"


@contextmanager
def quickly() -> Iterator[None]:
    started = time.thread_time()
    yield
    assert time.thread_time() - started < SLOW_S


def _only(errors: type[AnyGPTError], act: Callable[[], Any]) -> Any:
    """What came of it: the value, or the error where it is one of these."""
    try:
        return act()
    except errors as raised:
        error = raised
    assert error.message
    assert len(error.message) < 5000
    return error


def _close(decoder: StreamDecoder) -> list[Event]:
    return decoder.close()


def _clients_of(wire: UpstreamFormat) -> list[ClientFormat]:
    return [client for client in CLIENTS.values() if client.asks == wire.operation]


def _dialect(name: str) -> str:
    return name.removesuffix("-batch")


@functools.cache
def questions(name: str) -> list[bytes]:
    own = [samples.request(name)] if name in samples.REQUESTS else []
    found = [upstream.json.dumps(item.request).encode() for item in recordings(dialect=_recorded(name)) if item.request]
    return own + [*_QUESTIONS.get(name, ())] + [body for body in found if len(body) < MOST]


@functools.cache
def _wholes(name: str) -> list[bytes]:
    own = [samples.RESULTS[name]] if name in samples.RESULTS else []
    more = [item.body for item in HANDWRITTEN.get(name, {}).values() if item.content_type == upstream.JSON]
    found = [item.body for item in recordings(dialect=_recorded(name), stream=False) if len(item.body) < MOST]
    return own + more + [*_WHOLES.get(name, ())] + found


@functools.cache
def _streams(name: str) -> list[bytes]:
    own = [samples.STREAMS[name]] if name in samples.STREAMS else []
    more = [item.body for item in HANDWRITTEN.get(name, {}).values() if item.content_type == upstream.SSE]
    found = [item.body for item in recordings(dialect=_recorded(name), stream=True) if len(item.body) < MOST]
    return own + more + [*_STREAMS.get(name, ())] + found or [b"data: {}\n\n"]


def _recorded(name: str) -> str:
    """Under what dialect recordings of a format are kept."""
    if "embeddings" in name:
        return "embeddings"
    return {"openai-images": "images", "openai-moderations": "moderations", "openai-speech": "audio"}.get(name, name)


_EMBED = {"content": {"parts": [{"text": "Hello"}]}, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 3}
_QUESTIONS = {
    "openai-completions": [b'{"model":"m","prompt":["Say hello"],"max_tokens":5,"stream":true}'],
    "openai-images": [b'{"model":"m","prompt":"a fox","n":1,"size":"1024x1024"}'],
    "openai-moderations": [b'{"model":"m","input":[{"type":"text","text":"x"}]}'],
    "openai-speech": [b'{"model":"m","input":"Hello","voice":"alloy","stream_format":"sse"}'],
    "openai-transcriptions": [b'{"model":"m","language":"de","stream":true,"file_bytes":4000}'],
    "openai-embeddings": [b'{"model":"m","input":["a","b"],"dimensions":3,"encoding_format":"base64","user":"u"}'],
    "gemini-embeddings": [upstream.json.dumps(_EMBED).encode()],
    "gemini-embeddings-batch": [upstream.json.dumps({"requests": [{"model": "models/m", **_EMBED}]}).encode()],
}
_WHOLES: dict[str, list[bytes]] = {
    "ollama": [upstream.json.dumps(test_ollama.WHOLE).encode(), b'{"error":"no such model"}'],
    "cohere-chat": [upstream.json.dumps(test_cohere_chat.WHOLE).encode(), b'{"id":"x","message":"no"}'],
    "openai-embeddings": [upstream.OPENAI["embeddings"].body],
    "gemini-embeddings": [upstream.GEMINI["embedding"].body, upstream.GEMINI["embeddings"].body],
    "gemini-embeddings-batch": [upstream.GEMINI["embeddings"].body],
    "ollama-embeddings": [b'{"model":"m","embeddings":[[0.25,-0.5]],"prompt_eval_count":4}'],
    "cohere-embeddings": [
        b'{"id":"x","embeddings":{"float":[[0.25,-0.5]]},"meta":{"billed_units":{"input_tokens":4}}}'
    ],
}
_STREAMS: dict[str, list[bytes]] = {
    "ollama": [test_ollama.STREAM],
    "cohere-chat": [test_cohere_chat.STREAM],
    "gemini": [upstream.GEMINI["stream-array"].body],
}
for (_path, _streamed), _sample in operations.OPERATIONS.items():
    _kind = {
        "completions": "openai-completions",
        "responses": "openai-responses",
        "images/generations": "openai-images",
        "moderations": "openai-moderations",
        "audio/speech": "openai-speech",
        "audio/transcriptions": "openai-transcriptions",
    }[_path.removesuffix("+usage")]
    (_STREAMS if _streamed else _WHOLES).setdefault(_kind, []).append(_sample.body)
