"""What error answers mean: each status, each provider's wording, and every recorded one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from app.core.errors import (
    BadCredential,
    ContentPolicy,
    ContextTooLong,
    RequestRefused,
    Throttled,
    UpstreamDown,
    UpstreamError,
    UpstreamTimeout,
)
from app.providers.failures import DEFAULT_COOLDOWN_S, failure_of, read_any_error, retry_after_of

SECRET = "sk-proj-Abcdef0123456789Abcdef"


def failure(
    status: int, body: object = b"", headers: dict[str, str] | None = None, secret: str = SECRET
) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure_of(status, headers or {}, raw, read_any_error, secret)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(301, UpstreamDown), (302, UpstreamDown), (304, UpstreamDown), (400, RequestRefused), (401, BadCredential),
     (402, BadCredential), (403, BadCredential), (404, RequestRefused), (405, UpstreamDown), (408, UpstreamTimeout),
     (409, UpstreamDown), (413, RequestRefused), (418, RequestRefused), (421, UpstreamDown), (422, RequestRefused),
     (429, Throttled), (498, Throttled), (500, UpstreamDown), (502, UpstreamDown), (503, UpstreamDown),
     (504, UpstreamTimeout), (529, UpstreamDown)],
)  # fmt: skip
def test_the_status_decides_first(status: int, kind: type[UpstreamError]) -> None:
    error = failure(status, {"error": {"message": "Something went wrong."}})
    assert type(error) is kind
    assert error.upstream_status == status


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "x", "code": "context_length_exceeded"}, ContextTooLong),
        (400, {"message": "prompt is too long: 3 tokens > 2 maximum", "type": "invalid_request_error"}, ContextTooLong),
        (400, {"message": "The input token count (9) exceeds the maximum number (5).", "code": 400}, ContextTooLong),
        (413, {"type": "request_too_large", "message": "Request exceeds the maximum size"}, ContextTooLong),
        (400, {"message": "x", "code": "content_policy_violation"}, ContentPolicy),
        (400, {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, ContentPolicy),
        (403, {"message": "Input was flagged", "metadata": {"flagged_input": "…"}}, ContentPolicy),
        (400, {"message": "Not valid.", "code": 400, "details": [{"reason": "API_KEY_INVALID"}]}, BadCredential),
        (400, {"message": "Incorrect API key provided.", "code": "invalid-argument"}, BadCredential),
        (400, {"message": "Your credit balance is too low to access the API."}, BadCredential),
        (404, {"message": "model 'x' not found"}, RequestRefused),
        (400, {"message": "This model does not support the context you describe."}, RequestRefused),
    ],
)
def test_code_and_words_tell_the_rest(status: int, body: object, kind: type[UpstreamError]) -> None:
    assert type(failure(status, {"error": body})) is kind


def test_a_refused_request_keeps_its_status_for_the_client_and_is_not_repeated() -> None:
    error = failure(422, {"detail": "messages: field required"})
    assert (error.status, error.retry, error.blames_deployment) == (422, False, False)
    assert error.body == b'{"detail": "messages: field required"}'


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("12", 12),
        ("0.5", 0.5),
        ("73187", 300),
        ("-5", 0),
        ("0", 0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", 300),
    ],
)
def test_a_retry_after_is_read_and_capped(header: str, seconds: float | None) -> None:
    assert retry_after_of({"retry-after": header}) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    wait = retry_after_of({"retry-after": moment})
    assert wait is not None
    assert 55 < wait <= 60
    assert retry_after_of({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_only_429_and_503_cool_down() -> None:
    wait = {"retry-after": "7"}
    assert failure(429, headers=wait).retry_after == 7
    assert failure(503, headers=wait).retry_after == 7
    assert failure(500, headers=wait).retry_after is None
    assert failure(400, headers=wait).retry_after is None


@pytest.mark.parametrize("headers", [{}, {"retry-after": "0"}])
def test_a_rate_limit_that_names_no_wait_gets_the_default(headers: dict[str, str]) -> None:
    assert failure(429, headers=headers).retry_after == DEFAULT_COOLDOWN_S


def test_a_redirect_points_at_the_base_url() -> None:
    error = failure(301, b"", {"location": "https://www.example.org/login?token=abc"})
    assert error.message == (
        "The provider redirects (301) to https://www.example.org/login; check base_url, its API is not there."
    )


def test_a_web_page_is_reduced_to_its_title() -> None:
    page = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>" + b"x" * 9000
    assert failure(502, page).message == (
        'The provider failed (502): a web page "502 Bad Gateway" instead of an API answer; check base_url'
    )


def test_long_plain_text_is_shortened() -> None:
    message = failure(500, b"no healthy upstream " * 1000).message
    assert len(message) < 450
    assert message.endswith("…")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 418, 429, 500, 503])
@pytest.mark.parametrize(
    "text",
    [f"Incorrect API key provided: {SECRET}.", "Bad key AIzaSyA0123456789abcdefghij given",
     "Use Bearer abcdef123456789",
     "key gsk_abcdef0123456789 expired", "sk-abc*****xyz9 is wrong", "xoxb-my-own-secret-value in use"],
)  # fmt: skip
def test_no_key_is_ever_repeated(status: int, text: str) -> None:
    secret = SECRET if SECRET in text else "xoxb-my-own-secret-value"
    for body in ({"error": {"message": text, "code": text}}, text.encode(), f"<html><title>{text}</title>".encode()):
        error = failure(status, body, {"location": f"https://h/{secret}"}, secret)
        shown = f"{error.message} {error.upstream_code} {error.body!r} {error!r}"
        for part in (SECRET, "AIzaSy", "abcdef", "xyz9", "my-own-secret"):
            assert part not in shown


def test_a_placeholder_key_is_no_secret() -> None:
    assert "ollama" in failure(404, {"error": "ollama has no such model"}, secret="ollama").message


EXPECTED = {
    401: BadCredential, 403: BadCredential, 404: RequestRefused, 421: UpstreamDown, 422: RequestRefused,
    429: Throttled, 500: UpstreamDown, 503: UpstreamDown, 400: RequestRefused,
}  # fmt: skip
EXCEPTIONS = {
    "anthropic/anthropic-messages__error-400__claude-haiku-4-5-20251001__01": ContextTooLong,
    "cohere/cohere-chat__error-400__command-a-03-2025__01": ContextTooLong,
    "deepseek/openai-chat__error-400__deepseek-chat__01": ContextTooLong,
    "gemini/embeddings__error-400__gemini-embedding-001__01": BadCredential,
    "ollama/openai-chat__error-400__gpt-oss-120b__01": ContextTooLong,
    "openrouter/openai-chat__error-400__anthropic-claude-haiku-4-5__01": ContextTooLong,
    "openrouter/openai-chat__error-403__x-ai-grok-3-mini__01": ContentPolicy,
    "perplexity/openai-chat__error-400__sonar__01": ContextTooLong,
    "xai/openai-responses__error-400__grok-4-3__01": BadCredential,
}


def test_every_recorded_error_is_what_it_should_be(recordings: Path) -> None:
    wrong, count = [], 0
    for path in sorted(recordings.glob("*/*.json")):
        answer = json.loads(path.read_text(encoding="utf-8"))["response"]
        if answer["status"] < 300:
            continue
        count += 1
        name = str(path.relative_to(recordings))[:-5]
        headers = {key.lower(): value for key, value in (answer["headers"] or {}).items()}
        error = failure_of(answer["status"], headers, answer["body"].encode(), read_any_error)
        expected = EXCEPTIONS.get(name, EXPECTED[answer["status"]])
        if type(error) is not expected or error.upstream_status != answer["status"] or len(error.message) < 20:
            wrong.append(f"{name}: {type(error).__name__}, not {expected.__name__}: {error.message}")
    assert count >= 70
    assert not wrong, "\n".join(wrong)
