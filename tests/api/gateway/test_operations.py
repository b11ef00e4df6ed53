"""Images, speech, moderations and embeddings: relayed as they came, accounted for, and refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.gateway.asking import CHAT, events
from tests.api.gateway.test_errors import check
from tests.app_server import AppServer
from tests.upstream import operations, samples
from tests.upstream.fixtures import RunningUpstream

IMAGES, SPEECH, MODERATIONS = "/v1/images/generations", "/v1/audio/speech", "/v1/moderations"
EMBEDDINGS, TRANSCRIPTIONS = "/v1/embeddings", "/v1/audio/transcriptions"
BODIES: dict[str, dict[str, Any]] = {
    IMAGES: {"prompt": "An owl"},
    SPEECH: {"input": "Grüße", "voice": "alloy"},
    MODERATIONS: {"input": "Grüße"},
    EMBEDDINGS: {"input": "Grüße"},
}
ANSWERS = {
    IMAGES: operations.OPERATIONS["images/generations", False],
    SPEECH: operations.OPERATIONS["audio/speech", False],
    MODERATIONS: operations.OPERATIONS["moderations", False],
    EMBEDDINGS: samples.OPENAI["embeddings"],
}
SCOPES = {IMAGES: "images", SPEECH: "audio", MODERATIONS: "moderations", EMBEDDINGS: "embeddings"}
every_path = pytest.mark.parametrize("path", BODIES)


def asked(path: str, model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, **BODIES[path], **fields}


@every_path
async def test_only_the_models_name_changes_on_the_way(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat", "split-9999")
    body = f'{{ "seed": 12345678901234567890, "input":"ü", "prompt" : "x", "model" : "{model}", "new": 1.0 }}'
    async with server.client(**{"content-type": "application/json"}) as client:
        assert (await client.post(path, content=body.encode())).status_code == 200
    seen = upstream.seen("split-9999")[-1]
    assert seen["path"].endswith(path)
    assert seen["raw"] == body.replace(model, "upstream-model")
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["authorization"] == "Bearer sk-test"
    assert server.key not in json.dumps(seen)


@every_path
async def test_the_answer_comes_as_the_provider_wrote_it(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        answer = await client.post(path, json=asked(path, model))
    assert answer.content == ANSWERS[path].body
    assert answer.headers["content-type"] == ANSWERS[path].content_type
    assert answer.headers["x-anygpt-model"] == "upstream-model"
    assert (answer.headers["x-anygpt-attempts"], answer.headers["x-anygpt-router"]) == ("1", "default")
    assert ("x-anygpt-cost-usd" in answer.headers) == (path != SPEECH), "a file is passed on before its cost is known"


@pytest.mark.parametrize(
    ("path", "tokens", "cost"),
    [(IMAGES, (9, 6), "0.000021"), (EMBEDDINGS, (4, 0), "0.000004")],
    ids=[IMAGES, EMBEDDINGS],
)
async def test_the_ledger_has_the_tokens_that_the_provider_counted(
    server: AppServer, upstream: RunningUpstream, path: str, tokens: tuple[int, int], cost: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        answer = await client.post(path, json=asked(path, model))
        value = (await client.get("/v1/generation", params={"id": answer.headers["x-request-id"]})).json()
    assert (value["input_tokens"], value["output_tokens"], value["estimated"]) == (*tokens, False)
    assert (value["cost_usd"], answer.headers["x-anygpt-cost-usd"]) == (cost, cost)
    assert (value["model_asked"], value["model"], value["status"]) == (model, "upstream-model", 200)


@pytest.mark.parametrize("path", [SPEECH, MODERATIONS])
async def test_the_ledger_says_that_it_estimated_where_the_provider_counted_nothing(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        answer = await client.post(path, json=asked(path, model, input="word " * 100))
    row = server.ledger(answer.headers["x-request-id"]).row
    assert row.estimated
    assert 80 < row.input_tokens < 250
    assert row.status == 200


async def test_pictures_are_streamed_as_events(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client() as client:
        answer = await client.post(IMAGES, json=asked(IMAGES, model, stream=True, partial_images=1))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content == operations.OPERATIONS["images/generations", True].body
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens, row.estimated) == (9, 6, False)


@every_path
async def test_a_key_without_the_scope_is_refused(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat", "delay-2")
    others = ["chat", "models", *(scope for scope in SCOPES.values() if scope != SCOPES[path])]
    async with server.client(server.add_key(scopes=others)) as client:
        check(await client.post(path, json=asked(path, model)), CHAT, 403, f'"{SCOPES[path]}"')
    assert not upstream.seen("delay-2/r/openai/chat" + path)
    async with server.client(server.add_key(scopes=[SCOPES[path]])) as client:
        assert (await client.post(path, json=asked(path, model))).status_code == 200


@every_path
async def test_a_provider_that_lacks_the_operation_is_not_called(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "anthropic/chat", "delay-3")
    async with server.client() as client:
        message = check(await client.post(path, json=asked(path, model)), CHAT, 422, "lacks what the request needs")
    assert f'"{model}"' in message
    assert not upstream.seen("/delay-3/")


@every_path
async def test_who_has_the_operation_answers_in_place_of_who_has_not(
    server: AppServer, upstream: RunningUpstream, path: str
) -> None:
    model = server.provide(upstream, "anthropic/chat", "delay-4", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as client:
        answer = await client.post(path, json=asked(path, model))
    assert (answer.status_code, answer.headers["x-anygpt-attempts"]) == (200, "1")
    assert not upstream.seen("delay-4")


@every_path
async def test_the_next_provider_is_asked_after_a_500(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat", "status-500", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as client:
        answer = await client.post(path, json=asked(path, model))
    assert answer.content == ANSWERS[path].body
    assert answer.headers["x-anygpt-attempts"] == "2"
    assert [each.status for each in server.ledger(answer.headers["x-request-id"]).attempts] == [500, 200]


@every_path
async def test_a_refusal_passes_as_it_came(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/error-400")
    async with server.client() as client:
        answer = await client.post(path, json=asked(path, model))
    assert (answer.status_code, answer.content) == (400, samples.OPENAI["error-400"].body)


@pytest.mark.parametrize("path", [IMAGES, MODERATIONS, EMBEDDINGS])
async def test_who_asks_for_it_is_told_who_answered(server: AppServer, upstream: RunningUpstream, path: str) -> None:
    model = server.provide(upstream, "openai/chat")
    async with server.client(**{"x-anygpt-metadata": "enabled"}) as client:
        value = (await client.post(path, json=asked(path, model))).json()
    assert value.pop("anygpt")["model"] == "upstream-model"
    assert value == json.loads(ANSWERS[path].body)


@pytest.mark.parametrize(("path", "default"), [(IMAGES, "gpt-image-1"), (MODERATIONS, "omni-moderation-latest")])
async def test_openais_own_default_model_counts_where_none_is_named(
    server: AppServer, upstream: RunningUpstream, path: str, default: str
) -> None:
    server.provide(upstream, "openai/chat", "split-5000", alias=default)
    async with server.client() as client:
        answer = await client.post(path, json=BODIES[path])
    assert answer.status_code == 200
    assert upstream.seen("split-5000")[-1]["body"] == {**BODIES[path], "model": "upstream-model"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"model": 5}', b'{"model": ""}'])
@pytest.mark.parametrize("path", [SPEECH, EMBEDDINGS])
async def test_400_for_a_body_that_makes_no_sense(server: AppServer, path: str, content: bytes) -> None:
    async with server.client() as client:
        check(await client.post(path, content=content), CHAT, 400)


async def test_embeddings_reach_either_makers_models_from_either_format(
    server: AppServer, upstream: RunningUpstream
) -> None:
    openai = server.provide(upstream, "openai/chat")
    gemini = server.provide(upstream, "gemini/chat", kind="gemini-compatible")
    asked = {"content": {"parts": [{"text": "Grüße"}]}}
    async with server.client() as client:
        for model in (openai, gemini):
            value = (await client.post(EMBEDDINGS, json={"model": model, "input": "Grüße"})).json()
            assert value["data"][0]["embedding"] == [0.25, -0.5, 0.125]
            one = await client.post(f"/v1beta/models/{model}:embedContent", json=asked)
            assert one.json()["embedding"]["values"] == [0.25, -0.5, 0.125]
            many = await client.post(f"/gemini/v1beta/models/{model}:batchEmbedContents", json={"requests": [asked]})
            assert [each["values"] for each in many.json()["embeddings"]] == [[0.25, -0.5, 0.125]]


# --- speech ----------------------------------------------------------------------------------------------------


async def test_speech_is_passed_on_while_it_grows(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "stall-4096")
    async with (
        server.client() as client,
        client.stream("POST", SPEECH, json=asked(SPEECH, model)) as answer,
    ):
        assert answer.headers["content-type"] == "audio/mpeg"
        got = b""
        async for piece in answer.aiter_raw():
            got += piece
            if len(got) == 4096:  # and the rest never comes
                break
    assert got == operations.SOUND[:4096]


async def test_speech_that_is_cut_never_looks_finished(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", "cut-5000")
    got, request_id = b"", ""
    async with server.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("POST", SPEECH, json=asked(SPEECH, model)) as answer:
                request_id = answer.headers["x-request-id"]
                async for piece in answer.aiter_raw():
                    got += piece
    assert got == operations.SOUND[:5000], "no error in the middle of the sound"
    assert server.ledger(request_id).row.status == 502


@pytest.mark.parametrize("sample", ["json-error", "empty"])
async def test_speech_that_is_none_leads_to_the_next_provider(
    server: AppServer, upstream: RunningUpstream, sample: str
) -> None:
    model = server.provide(upstream, f"openai/{sample}", "split-10", priority=1)
    async with server.client() as client:
        check(await client.post(SPEECH, json=asked(SPEECH, model)), CHAT, 502)
        server.provide(upstream, "openai/chat", alias=model, priority=2)
        answer = await client.post(SPEECH, json=asked(SPEECH, model))
    assert answer.content == operations.SOUND


@pytest.mark.parametrize("modifier", ["split-1", "pace-1", "delay-1"])
async def test_speech_as_events_keeps_its_bytes_and_counts(
    server: AppServer, upstream: RunningUpstream, modifier: str
) -> None:
    model = server.provide(upstream, "openai/chat", modifier)
    async with server.client() as client:
        answer = await client.post(SPEECH, json=asked(SPEECH, model, stream_format="sse"))
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.content == operations.OPERATIONS["audio/speech", True].body
    row = server.ledger(answer.headers["x-request-id"]).row
    assert (row.input_tokens, row.output_tokens, row.estimated, row.cost) == (9, 6, False, 21_000)


async def test_speech_as_events_that_stop_early_never_looks_finished(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/events-cut")
    got = b""
    async with server.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("POST", SPEECH, json=asked(SPEECH, model, stream_format="sse")) as answer:
                async for piece in answer.aiter_raw():
                    got += piece
    assert [event["type"] for event in events(got.decode())] == ["speech.audio.delta"]
