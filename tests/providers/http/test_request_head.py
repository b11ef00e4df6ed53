"""What goes out before a body, and what must never."""

from __future__ import annotations

import pytest

from app.core.errors import UpstreamDown
from app.providers.http.request_head import Origin, request_head


def head(url: str, method: str = "POST", **headers: str) -> list[str]:
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return request_head(method, url, given).message(b"{}").decode().split("\r\n")


def test_a_request_says_who_asks_and_wants_it_plain() -> None:
    assert head("https://api.example.org/v1/chat?alt=sse#part", authorization="Bearer k") == [
        "POST /v1/chat?alt=sse HTTP/1.1",
        "host: api.example.org",
        "user-agent: AnyGPT",
        "accept: */*",
        "accept-encoding: identity",
        "authorization: Bearer k",
        "content-length: 2",
        "",
        "{}",
    ]


def test_headers_of_the_caller_take_the_place_of_ours_but_do_not_frame_the_body() -> None:
    lines = head(
        "http://h/", User_Agent="Mine", Accept_Encoding="gzip", Content_Length="7", Transfer_Encoding="chunked",
        Connection="close", Expect="100-continue",
    )  # fmt: skip
    assert [line for line in lines if line.startswith(("user-agent", "accept-encoding"))] == [
        "user-agent: Mine",
        "accept-encoding: gzip",
    ]
    assert [line for line in lines if line.startswith(("content-", "transfer", "connection", "expect"))] == [
        "content-length: 2"
    ]


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("http://h", Origin(False, "h", 80), "h"),
        ("https://H:443/x", Origin(True, "h", 443), "h"),
        ("https://h:8443", Origin(True, "h", 8443), "h:8443"),
        ("http://[::1]:8080/v1", Origin(False, "::1", 8080), "[::1]:8080"),
        ("http://bücher.example/", Origin(False, "xn--bcher-kva.example", 80), "xn--bcher-kva.example"),
    ],
)
def test_the_host_is_told_as_the_address_has_it(url: str, origin: Origin, host: str) -> None:
    assert request_head("GET", url, ()).origin == origin
    assert head(url, "GET")[1] == f"host: {host}"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://h", "/"),
        ("http://h/v1/models/a%2Fb:generate?key=%20&x=1", "/v1/models/a%2Fb:generate?key=%20&x=1"),
        ("http://h/ä b?q=ü c", "/%C3%A4%20b?q=%C3%BC%20c"),
        ("http://h/a\r\nX: y", "/aX:%20y"),
    ],
)
def test_an_address_is_sent_as_written_and_what_cannot_be_is_escaped(url: str, target: str) -> None:
    assert head(url, "GET")[0] == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_a_request_without_body_says_no_length(method: str) -> None:
    assert b"content-length" not in request_head(method, "http://h/", ()).message(b"")


def test_an_empty_post_says_so() -> None:
    assert request_head("POST", "http://h/", ()).message(b"").endswith(b"\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-key", "a\r\nx-other: b"),
        ("x-key", "a\nb"),
        ("x-key", "a\0b"),
        ("x-key", "a\ud800"),
        ("x-key\r\nx", "a"),
        ("x key", "a"),
        ("", "a"),
    ],
)
def test_a_header_that_would_smuggle_in_another_is_refused_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(UpstreamDown, match="line break or another control character") as caught:
        request_head("POST", "http://h/", ((name, value),))
    assert value not in caught.value.message or value == "a"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/",
        "http://",
        "h/v1",
        "http://h:99999/",
        "http://u:secret@h/",
        "http://a b/",
        "http://h/\ud800",
        f"http://{'ä' * 80}/",
    ],
)
def test_what_is_no_address_is_said_so(url: str) -> None:
    with pytest.raises(UpstreamDown, match="is not a valid address") as caught:
        request_head("POST", url, ())
    assert "secret" not in caught.value.message


def test_a_head_is_printed_without_its_secrets() -> None:
    assert "sk-1" not in repr(request_head("POST", "http://h/", (("authorization", "Bearer sk-1"),)))
