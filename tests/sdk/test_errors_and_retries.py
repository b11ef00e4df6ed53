"""What the SDKs raise for the gateway's own refusals and for providers' failures, and how they try again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.sdk.answers import Said, answer, refusal
from tests.sdk.conftest import MODEL, Sdks
from tests.sdk.scripted import ScriptedUpstream

TEXT = "Grüße vom Muster 🦉."
UNKNOWN_KEY = "gw_live_" + "x" * 43


@dataclass(frozen=True)
class Asker:
    """One SDK: how it asks, which format that is, and what it raises."""

    name: str
    format: str
    ask: Callable[[str, str, str, int], str]  # url, key, model, retries → the text
    errors: type[Exception]


def _openai(url: str, key: str, model: str, retries: int) -> str:
    with openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=retries) as client:
        answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Weather?"}])
        return answer.choices[0].message.content or ""


def _responses(url: str, key: str, model: str, retries: int) -> str:
    with openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=retries) as client:
        return client.responses.create(model=model, input="Weather?").output_text


def _anthropic(url: str, key: str, model: str, retries: int) -> str:
    with anthropic.Anthropic(api_key=key, base_url=url, max_retries=retries) as client:
        message: Any = client.messages.create(
            model=model, max_tokens=100, messages=[{"role": "user", "content": "Weather?"}]
        )
        return str(message.content[0].text)


def _google(url: str, key: str, model: str, retries: int) -> str:
    with httpx.Client(trust_env=False, timeout=20) as http:
        again = types.HttpRetryOptions(attempts=retries + 1, initial_delay=0.01, jitter=0)
        options = types.HttpOptions(base_url=url, httpx_client=http, retry_options=again)
        client = genai.Client(api_key=key, vertexai=False, http_options=options)
        return client.models.generate_content(model=model, contents="Weather?").text or ""


ASKERS = [
    Asker("openai", "openai-chat", _openai, openai.APIStatusError),
    Asker("responses", "openai-responses", _responses, openai.APIStatusError),
    Asker("anthropic", "anthropic-messages", _anthropic, anthropic.APIStatusError),
    Asker("google", "gemini", _google, errors.APIError),
]
TYPED = {  # of OpenAI's and Anthropic's SDKs alike; those that only one has are a subclass
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "APIStatusError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
    502: "InternalServerError",
    504: "InternalServerError",
}
every_sdk = pytest.mark.parametrize("sdk", ASKERS, ids=lambda sdk: sdk.name)


@pytest.fixture
def played(sdk: Asker, sdks: Sdks, script: ScriptedUpstream) -> ScriptedUpstream:
    sdks.point(sdk.format, script.base_url(sdk.format))
    return script


def raised(sdk: Asker, url: str, key: str, model: str = MODEL, retries: int = 0) -> Any:
    with pytest.raises(sdk.errors) as caught:
        sdk.ask(url, key, model, retries)
    return caught.value


def check(sdk: Asker, error: Any, status: int, words: str) -> None:
    assert words in str(error)
    if sdk.name == "google":
        assert error.code == status
        assert isinstance(error, errors.ClientError if status < 500 else errors.ServerError)
    else:
        assert error.status_code == status
        assert TYPED[status] in [base.__name__ for base in type(error).__mro__]
        assert error.response.headers["x-request-id"].startswith("req_")


@every_sdk
def test_the_gateways_own_refusals_are_typed(sdk: Asker, sdks: Sdks, played: ScriptedUpstream) -> None:
    server = sdks.server
    check(sdk, raised(sdk, server.url, UNKNOWN_KEY), 401, "not known")
    check(sdk, raised(sdk, server.url, server.key, "nothing"), 404, "nothing")
    check(sdk, raised(sdk, server.url, server.add_key(models=["other-*"])), 403, MODEL)
    check(sdk, raised(sdk, server.url, server.add_key(scopes=["embeddings"])), 403, "scope")
    poor = server.add_key(budgets=[{"usd": "0.000001", "window": "total"}], unknown_price="allow")
    priced = server.add_provider(played.base_url(sdk.format), f"priced-{sdk.name}", kind="openai-compatible")
    check(sdk, raised(sdk, server.url, poor, f"{priced}/priced-{sdk.name}"), 402, "budget")
    assert played.seen == [], "nothing of this goes to a provider"


@every_sdk
@pytest.mark.parametrize(
    ("told", "status"),
    [(400, 400), (404, 404), (422, 422), (401, 502), (402, 502), (403, 502), (429, 429), (500, 502), (503, 502)],
)
def test_a_providers_failure_is_typed(sdk: Asker, sdks: Sdks, played: ScriptedUpstream, told: int, status: int) -> None:
    played.line_up(refusal(told), retry_after="0")
    check(sdk, raised(sdk, sdks.server.url, sdks.server.key), status, "The sample is not well.")
    assert len(played.seen) == 1, "without retries, one request is one"


@every_sdk
def test_the_sdk_tries_again_after_what_passes(sdk: Asker, sdks: Sdks, played: ScriptedUpstream) -> None:
    played.line_up(refusal(503))
    played.line_up(answer(sdk.format, Said(TEXT), stream=False))
    assert sdk.ask(sdks.server.url, sdks.server.key, MODEL, 2) == TEXT
    assert len(played.seen) == 2


@every_sdk
def test_the_sdk_waits_as_long_as_the_provider_says(sdk: Asker, sdks: Sdks, played: ScriptedUpstream) -> None:
    played.line_up(refusal(429), retry_after="1")
    played.line_up(answer(sdk.format, Said(TEXT), stream=False))
    started = time.monotonic()
    assert sdk.ask(sdks.server.url, sdks.server.key, MODEL, 200 if sdk.name == "google" else 2) == TEXT
    if sdk.name != "google":  # which looks at no header, and is refused here until the time has come
        assert time.monotonic() - started >= 1
    assert len(played.seen) == 2, "no provider is asked while it wants to be left alone"


@every_sdk
def test_the_sdk_waits_for_a_limit_of_its_key(sdk: Asker, sdks: Sdks, played: ScriptedUpstream) -> None:
    played.line_up(*[answer(sdk.format, Said(TEXT), stream=False)] * 2)
    key = sdks.server.add_key(limits={"rps": 1})
    assert sdk.ask(sdks.server.url, key, MODEL, 0) == TEXT
    if sdk.name == "google":
        check(sdk, raised(sdk, sdks.server.url, key), 429, "limit")
        return
    error = raised(sdk, sdks.server.url, key)
    check(sdk, error, 429, "limit")
    assert int(error.response.headers["retry-after"]) == 1
    assert sdk.ask(sdks.server.url, key, MODEL, 2) == TEXT


@pytest.mark.parametrize("format", ["openai-chat", "anthropic-messages", "gemini"])
def test_a_cut_stream_is_an_error_in_every_sdk(format: str, sdks: Sdks, script: ScriptedUpstream) -> None:
    sdks.point(format, script.base_url(format))
    said = answer(format, Said(TEXT), stream=True)
    after = said.body.rindex("Grüße".encode()) + len("Grüße".encode())
    cut = said.body.index(b"\n\n", after) + 2
    question: Any = [{"role": "user", "content": "Weather?"}]

    script.line_up(said, cut=cut)
    words: list[str] = []
    with pytest.raises(openai.APIError, match="broke off"):
        for chunk in sdks.openai.chat.completions.create(model=MODEL, messages=question, stream=True):
            words += [choice.delta.content or "" for choice in chunk.choices]
    assert "".join(words).startswith("Grüße")

    script.line_up(said, cut=cut)
    with pytest.raises(openai.APIError, match="broke off"):
        for _ in sdks.openai.responses.create(model=MODEL, input="Weather?", stream=True):
            pass

    script.line_up(said, cut=cut)
    with (
        pytest.raises(anthropic.APIStatusError, match="broke off"),
        sdks.anthropic.messages.stream(model=MODEL, max_tokens=100, messages=question) as stream,
    ):
        stream.until_done()

    script.line_up(said, cut=cut)
    with pytest.raises(errors.APIError, match="broke off"):
        list(sdks.google.models.generate_content_stream(model=MODEL, contents="Weather?"))
    assert len(script.seen) == 4, "what has begun is not asked again"


def test_who_does_not_wait_times_out(sdks: Sdks) -> None:
    sdks.play("openai-chat", "openai/chat", "hang")
    question: Any = [{"role": "user", "content": "Weather?"}]
    with pytest.raises(openai.APITimeoutError):
        sdks.openai.chat.completions.create(model=MODEL, messages=question, timeout=0.3)
    with pytest.raises(anthropic.APITimeoutError):
        sdks.anthropic.messages.create(model=MODEL, max_tokens=9, messages=question, timeout=0.3)


def test_a_provider_that_does_not_answer_in_time_is_a_504(sdks: Sdks) -> None:
    router = sdks.server.add_router(timeout_s=1, first_token_timeout_s=1)
    key = sdks.server.add_key(router=router)
    for sdk in ASKERS:
        sdks.play(sdk.format, "openai/chat", "hang")
        check(sdk, raised(sdk, sdks.server.url, key), 504, "")


def test_what_is_no_question_is_a_bad_request(sdks: Sdks) -> None:
    question: Any = [{"role": "user", "content": "Weather?"}]
    with pytest.raises(openai.BadRequestError, match="messages"):
        sdks.openai.chat.completions.create(model=MODEL, messages=[])
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        sdks.anthropic.messages.create(model=MODEL, messages=question, max_tokens=-1)
    with pytest.raises(openai.NotFoundError):
        sdks.openai.models.retrieve("nothing")
    with pytest.raises(anthropic.NotFoundError):
        sdks.anthropic.models.retrieve("nothing")
    with pytest.raises(errors.ClientError):
        sdks.google.models.get(model="nothing")
