"""What went wrong after the first word is told in-band: a cut answer never looks finished."""

from __future__ import annotations

import anthropic
import openai
import pytest

from tests.api.gateway.asking import CHAT, MESSAGES, anthropic_text, chat, events, messages, openai_text
from tests.app_server import AppServer
from tests.upstream import samples
from tests.upstream.fixtures import RunningUpstream

# behind the first word of each sample, in the middle of the next event
FAMILIES = {"openai": samples.OPENAI, "anthropic": samples.ANTHROPIC}
CUT = {name: family["stream"].body.index("Grüße".encode()) + 150 for name, family in FAMILIES.items()}
every_pair = pytest.mark.parametrize(("provider", "path"), [(p, path) for p in CUT for path in (CHAT, MESSAGES)])


def body(path: str, model: str) -> dict[str, object]:
    return chat(model, stream=True) if path == CHAT else messages(model, stream=True)


@every_pair
async def test_a_cut_stream_never_looks_finished(
    server: AppServer, upstream: RunningUpstream, provider: str, path: str
) -> None:
    model = server.provide(upstream, f"{provider}/chat", f"cut-{CUT[provider]}")
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model))
    assert answer.status_code == 200
    found = events(answer.text)
    if path == CHAT:
        assert openai_text(answer.text).startswith("Grüße")
        assert "broke off" in found[-1]["error"]["message"]
        assert "[DONE]" not in answer.text
        assert '"finish_reason":"stop"' not in answer.text.replace(" ", "")
    else:
        assert anthropic_text(answer.text).startswith("Grüße")
        assert (found[-1]["type"], found[-1]["error"]["type"]) == ("error", "api_error")
        assert "message_stop" not in answer.text
    row = server.ledger(answer.headers["x-request-id"]).row
    assert row.status == 502
    assert row.output_tokens > 0, "what was said is paid for"


@every_pair
async def test_a_stream_that_goes_silent_ends_with_an_error(
    server: AppServer, upstream: RunningUpstream, provider: str, path: str
) -> None:
    model = server.provide(upstream, f"{provider}/chat", f"stall-{CUT[provider]}")
    key = server.add_key(router=server.add_router(idle_timeout_s=0.1))
    async with server.client(key) as client:
        answer = await client.post(path, json=body(path, model))
    assert "took too long over the next part" in answer.text
    assert "[DONE]" not in answer.text
    assert "message_stop" not in answer.text
    assert server.ledger(answer.headers["x-request-id"]).row.status == 504


@every_pair
async def test_an_error_inside_the_providers_stream_is_passed_on_as_one(
    server: AppServer, upstream: RunningUpstream, provider: str, path: str
) -> None:
    model = server.provide(upstream, f"{provider}/stream-error", "pace-30")
    async with server.client() as client:
        answer = await client.post(path, json=body(path, model))
    assert "error" in events(answer.text)[-1]
    assert "[DONE]" not in answer.text
    assert server.ledger(answer.headers["x-request-id"]).row.status >= 400


async def test_an_error_that_comes_with_the_first_word_is_answered_elsewhere(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/stream-error", priority=1)
    server.provide(upstream, "openai/chat", alias=model, priority=2)
    async with server.client() as client:
        answer = await client.post(CHAT, json=chat(model, stream=True))
    assert openai_text(answer.text) == "Grüße vom Muster 🦉."


async def test_the_sdks_raise_where_a_stream_is_cut(server: AppServer, upstream: RunningUpstream) -> None:
    model = server.provide(upstream, "openai/chat", f"cut-{CUT['openai']}")
    text = ""
    with openai.OpenAI(api_key=server.key, base_url=f"{server.url}/v1", max_retries=0) as chats:
        stream = chats.chat.completions.create(**chat(model, stream=True))
        with pytest.raises(openai.APIError, match="broke off"):
            for chunk in stream:
                text += chunk.choices[0].delta.content or ""
    assert text.startswith("Grüße")
    with (
        anthropic.Anthropic(api_key=server.key, base_url=server.url, max_retries=0) as claude,
        claude.messages.stream(**messages(model)) as told,
        pytest.raises(anthropic.APIError, match="broke off"),
    ):
        told.until_done()


async def test_the_connection_can_be_used_again_after_a_broken_stream(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat", f"cut-{CUT['openai']}")
    async with server.client() as client:
        await client.post(CHAT, json=chat(model, stream=True))
        assert (await client.post(CHAT, json=chat("demo/echo"))).status_code == 200
