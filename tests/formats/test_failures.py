"""Errors in every shape that providers write them in."""

from __future__ import annotations

import pytest

from app.core.errors import (
    BadCredential,
    ContentPolicy,
    ContextTooLong,
    RequestRefused,
    Throttled,
    UpstreamDown,
    UpstreamTimeout,
)
from app.formats.failures import classify, in_band, read_error


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"m","type":"t","param":null,"code":"c"}}', "m", "c"),
        (b'{"error":{"message":"m","type":"t","code":null}}', "m", "t"),
        (b'{"error":{"message":"m","code":404}}', "m", "404"),
        (b'{"error":{"code":"401","message":"m"}}', "m", "401"),
        (b'{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}', "m", "INVALID_ARGUMENT"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', "m", "overloaded_error"),
        (b'{"code":"c","error":"m"}', "m", "c"),
        (b'{"error":"m"}', "m", None),
        (b'{"id":"x","message":"m"}', "m", None),
        (b'{"detail":"m"}', "m", None),
        (b'{"message":"m","request_id":"r"}', "m", None),
        (
            b'{"detail":[{"loc":["body","messages"],"msg":"Field required","type":"missing"}]}',
            "body.messages: Field required",
            None,
        ),
        (b'[{\n "error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}]', "m", "RESOURCE_EXHAUSTED"),
        (b"plain text\n", "plain text", None),
        (b'"quoted"', "quoted", None),
        (b"", "The provider gave no reason.", None),
        (b"{}", "The provider gave no reason.", None),
        (b"[]", "[]", None),
        (b"\xff\xfe", "\ufffd\ufffd", None),
    ],
)
def test_message_and_code_are_found(body: bytes, message: str, code: str | None) -> None:
    assert read_error(body) == (message, code)


def test_a_long_message_is_shortened() -> None:
    message, _ = read_error(b"x" * 100_000)
    assert len(message) == 2001


@pytest.mark.parametrize(
    ("status", "names", "message", "expected"),
    [
        (401, [], "", BadCredential),
        (402, [], "", BadCredential),
        (429, [], "", Throttled),
        (408, [], "", UpstreamTimeout),
        (529, [], "", UpstreamDown),
        (400, [], "bad field", RequestRefused),
        (400, ["context_length_exceeded"], "", ContextTooLong),
        (400, [], "prompt is too long: 3333404 tokens > 200000 maximum", ContextTooLong),
        (400, [], "This model's maximum context length is 1048565 tokens.", ContextTooLong),
        (400, ["content_filter"], "", ContentPolicy),
        (0, ["rate_limit_error"], "", Throttled),
        (0, ["RESOURCE_EXHAUSTED"], "", Throttled),
        (0, ["authentication_error"], "", BadCredential),
        (0, ["INVALID_ARGUMENT"], "", RequestRefused),
        (0, ["overloaded_error"], "", UpstreamDown),
        (0, [], "", UpstreamDown),
    ],
)
def test_status_decides_first(status: int, names: list[str | None], message: str, expected: type[Exception]) -> None:
    assert type(classify(status, names, message)) is expected


def test_an_error_inside_a_200_keeps_its_own_status() -> None:
    error = in_band(
        {"error": {"message": "m", "type": "invalid_request_error", "code": "tool_use_failed", "status_code": 400}}
    )
    assert type(error) is RequestRefused
    assert (error.upstream_status, error.upstream_code, error.status) == (400, "tool_use_failed", 400)
