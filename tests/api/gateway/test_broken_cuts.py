"""Recorded streams that break off after an event, through the whole gateway: never an end, and what came is counted."""

from __future__ import annotations

import itertools

import pytest

from tests.api.gateway.clients import CLIENTS, PROVIDERS, Client
from tests.app_server import AppServer
from tests.formats.test_cutting import STREAMS, Stream
from tests.recordings import needs_recordings
from tests.upstream.fixtures import RunningUpstream

MOST = 40_000  # bytes of a stream, and a byte each is written by itself
KINDS = {
    **{name: str(fields["kind"]) for name, fields in PROVIDERS.items()},
    "ollama": "ollama",
    "cohere-chat": "cohere",
}


def _sample() -> list[Stream]:
    """Of each format one recording of each provider, the longest that is not too long."""
    chosen: dict[tuple[str, str], Stream] = {}
    for stream in sorted(STREAMS, key=lambda stream: len(stream.body)):
        recorded = "/" in stream.name and not stream.array and len(stream.body) < MOST
        if recorded and stream.format in KINDS:
            chosen[stream.format, stream.name.partition("/")[0]] = stream
    return list(chosen.values())


SAMPLE = _sample()
_NUMBERS = itertools.count()


def _provide(server: AppServer, upstream: RunningUpstream, stream: Stream, *modifiers: str) -> str:
    kind = KINDS[stream.format]
    fields = {"formats": [stream.format]} if kind == "openai-compatible" else {}
    url = "/".join([upstream.url, *modifiers, "r", stream.name])
    ending = {"anthropic-messages": "", "gemini": "/v1beta", "ollama": "", "cohere-chat": "/v2"}
    model = f"cut-{stream.name}-{'-'.join(modifiers)}-{next(_NUMBERS)}"
    server.add_provider(url + ending.get(stream.format, "/v1"), model, kind=kind, **fields)
    return model


def _clients(stream: Stream) -> list[Client]:
    """Who is passed the bytes on, where there is one, and one who is not."""
    own = [client for client in CLIENTS if client.name == stream.format]
    return [*own, next(client for client in CLIENTS if client.name != stream.format)]


@needs_recordings
@pytest.mark.parametrize("stream", SAMPLE, ids=[stream.name for stream in SAMPLE])
async def test_a_recorded_stream_that_is_cut_never_looks_finished(
    server: AppServer, upstream: RunningUpstream, stream: Stream
) -> None:
    ends = stream.ends()
    chosen = sorted({ends[0], ends[len(ends) // 3], ends[2 * len(ends) // 3], *ends[-3:-1]})
    for cut in chosen:
        model = _provide(server, upstream, stream, f"cut-{cut}")
        for client in _clients(stream):
            async with server.client() as http:
                answer = await client.ask(http, model, stream=True)
            row = server.ledger(answer.headers["x-request-id"]).row
            if stream.whole_at(cut) and row.status == 200:
                assert client.finished(answer), (cut, answer.text[-300:])
            elif stream.whole_at(cut):  # Together says a finish for each call of a tool, and goes on
                assert "broke off" in client.error(answer)
            else:
                assert row.status == 502, (cut, row.error)
                assert answer.status_code == 502 or not client.finished(answer), (cut, answer.text[-300:])
                assert answer.status_code == 502 or row.input_tokens > 0


@needs_recordings
@pytest.mark.parametrize("stream", SAMPLE, ids=[stream.name for stream in SAMPLE])
async def test_a_recorded_stream_arrives_the_same_in_any_pieces(
    server: AppServer, upstream: RunningUpstream, stream: Stream
) -> None:
    for client in _clients(stream):
        told: set[str] = set()
        for size in (1, 7, 1000):
            model = _provide(server, upstream, stream, f"split-{size}")
            async with server.client() as http:
                answer = await client.ask(http, model, stream=True)
            assert client.finished(answer)
            row = server.ledger(answer.headers["x-request-id"]).row
            told.add(repr((client.text(answer, True), row.input_tokens, row.output_tokens, row.cost)))
        assert len(told) == 1
