"""Answers nested without end, where no format of chat reads them: an error like any other, never a crash."""

from __future__ import annotations

import pytest

from app.core.errors import RequestRefused, UnreadableAnswer, UpstreamError
from app.providers.connections import Connections
from app.providers.dialect import in_dialect
from app.providers.failures import failure_of, read_any_error
from app.providers.kinds import kind_named
from app.providers.model_lists import SHAPES, read_page
from tests.upstream.fixtures import RunningUpstream

DEEP = [
    b"[" * 60_000,
    b"[" * 30_000 + b"]" * 30_000,
    b'{"error":' * 6000 + b"1" + b"}" * 6000,
    b'{"error":{"message":"no","param":' + b"[" * 3000 + b"]" * 3000 + b"}}",
    b'{"data":[{"id":' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}]}",
]
every_body = pytest.mark.parametrize("body", DEEP, ids=lambda body: repr(body[:12]))


@every_body
def test_a_refusal_is_still_a_refusal(body: bytes) -> None:
    error = failure_of(400, {}, body, read_any_error)
    assert isinstance(error, RequestRefused)
    assert len(error.message) < 1000


@every_body
@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_of_models_is_unreadable(body: bytes, shape: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read_page(shape, body)


@every_body
def test_a_request_for_a_dialect_stays_as_it_is(body: bytes) -> None:
    asked = b'{"messages":[{"role":"developer","content":' + body + b'}],"tool_call_id":"call_1","seed":1}'
    assert in_dialect(asked, kind_named("mistral").dialect) == asked


@pytest.mark.parametrize("status", ["", "status-400", "status-503"])
async def test_a_probe_and_a_look_for_models_end_with_an_error(upstream: RunningUpstream, status: str) -> None:
    connections = Connections()
    url = upstream.provider_url("openai/chat", "deep", *([status] if status else []))
    provider = connections.upstream("mine", kind_named("openai"), url)
    for attempt in (provider.probe, provider.list_models):
        with pytest.raises(UpstreamError):
            await attempt("sk-test-0123456789")
    await connections.aclose()
