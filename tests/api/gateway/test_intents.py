"""Rules by intent and complexity, and `auto`, which fits the model to the request."""

from __future__ import annotations

from pathlib import Path

from tests.api.gateway.asking import CHAT, MESSAGES, chat
from tests.app_server import AppServer, running_app
from tests.upstream.fixtures import RunningUpstream

CODE = "Write a Python function that parses ISO dates and add unit tests for it:\n```python\ndef parse(s): ...\n```"
EASY, HARD = (
    "hi there, how are you?",
    (
        "Prove that every continuous function on a compact metric space is uniformly continuous, then derive the modulus "
        "of continuity for f(x) = sqrt(x) on [0, 1] and discuss carefully whether the bound is sharp. Show every step."
    ),
)


async def test_a_rule_takes_requests_by_their_intent_and_the_log_says_it(
    server: AppServer, upstream: RunningUpstream
) -> None:
    model = server.provide(upstream, "openai/chat")
    coder = server.add_provider(upstream.provider_url("openai/chat"), "coder")
    targets = [{"provider": coder, "model": "upstream-model"}]
    rules = [{"name": "code", "when": {"intents": ["code"]}, "targets": targets}, {"name": "all"}]
    async with server.client(server.add_key(router=server.add_router(rules=rules))) as client:
        for path in (CHAT, MESSAGES):
            for text, answers in ((CODE, True), (EASY, False)):
                body = chat(model, messages=[{"role": "user", "content": text}], max_tokens=50)
                answer = await client.post(path, json=body)
                assert (answer.headers["x-anygpt-provider"] == coder) is answers, (path, text)
                detail = server.ledger(answer.headers["x-request-id"])
                assert detail.row.intent == ("code" if answers else "chat")
                assert 0 < detail.decision["intent"]["confidence"] <= 1


async def test_auto_asks_a_cheap_model_what_is_easy_and_a_dear_one_what_is_hard(
    tmp_path: Path, upstream: RunningUpstream
) -> None:
    with running_app(tmp_path) as server:
        url = upstream.provider_url("openai/chat")
        cheap = server.add_provider(url, "small", model={"price": {"input": "0.1", "output": "0.2"}}, priority=2)
        dear = server.add_provider(url, "large", model={"price": {"input": "15", "output": "75"}}, priority=1)
        async with server.client() as client:
            for text, who in ((EASY, cheap), (HARD, dear)):
                answer = await client.post(CHAT, json=chat("auto", messages=[{"role": "user", "content": text}]))
                assert answer.headers["x-anygpt-provider"] == who, text
                decision = server.ledger(answer.headers["x-request-id"]).decision
                assert decision["strategy"] == "auto"
                assert decision["candidates"][0]["reason"].startswith("1st by fit")
