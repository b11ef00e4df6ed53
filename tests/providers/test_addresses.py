"""Where calls go, and which addresses are refused."""

import pytest

from app.core.errors import BadRequest
from app.providers.addresses import base_url_of, call_url, check_base_url, host_of, lookup_url
from app.providers.kinds import kind_named

OPENAI, ANTHROPIC, GEMINI = "openai-chat", "anthropic-messages", "gemini"


@pytest.mark.parametrize(
    ("format_name", "base", "path", "url"),
    [
        (OPENAI, "https://h/v1", "/chat/completions", "https://h/v1/chat/completions"),
        (OPENAI, "https://h/v1/", "/chat/completions", "https://h/v1/chat/completions"),
        (OPENAI, "https://h", "/chat/completions", "https://h/chat/completions"),
        (OPENAI, "https://h/openai/deployments/x", "/chat/completions", "https://h/openai/deployments/x/chat/completions"),
        (ANTHROPIC, "https://h", "/messages", "https://h/v1/messages"),
        (ANTHROPIC, "https://h", "/v1/messages", "https://h/v1/messages"),
        (ANTHROPIC, "https://h/v1", "/messages", "https://h/v1/messages"),
        (ANTHROPIC, "https://h/v1/", "/v1/messages", "https://h/v1/messages"),
        (ANTHROPIC, "https://h/anthropic", "/messages", "https://h/anthropic/v1/messages"),
        (GEMINI, "https://h", "/models/m:generateContent", "https://h/v1beta/models/m:generateContent"),
        (GEMINI, "https://h", "/v1beta/models/m:generateContent", "https://h/v1beta/models/m:generateContent"),
        (GEMINI, "https://h/v1", "/models/m:generateContent", "https://h/v1/models/m:generateContent"),
        (GEMINI, "https://h/v1beta/", "/models/m:generateContent", "https://h/v1beta/models/m:generateContent"),
        (GEMINI, "https://h/v1", "/v1beta/models/m:countTokens", "https://h/v1/models/m:countTokens"),
    ],
)  # fmt: skip
def test_a_call_is_put_on_the_base_url_as_the_format_wants(format_name: str, base: str, path: str, url: str) -> None:
    assert call_url(base, format_name, path) == url


@pytest.mark.parametrize(
    "text",
    ["api.openai.com/v1", "ftp://h/v1", "https://", "https:///v1", "https://user:pw@h/v1", "https://h/v1?key=1",
     "https://h/v1#x", "https://h/v 1", "https://h/\nv1", "https://h:port/", "https://h:99999/", "https://[::1/", "",
     "file:///etc/passwd", "javascript:alert(1)"],
)  # fmt: skip
def test_a_bad_base_url_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(BadRequest, match=r"^base_url: ") as caught:
        check_base_url(text)
    assert caught.value.field == "base_url"


def test_a_password_in_an_address_is_not_repeated_in_the_message() -> None:
    with pytest.raises(BadRequest) as caught:
        check_base_url("https://user:hunter22@h/v1")
    assert "hunter22" not in caught.value.message


def test_final_slashes_and_spaces_around_an_address_do_not_count() -> None:
    assert check_base_url(" http://127.0.0.1:9900/v1// ") == "http://127.0.0.1:9900/v1"


def test_a_kind_without_an_address_of_its_own_needs_one() -> None:
    with pytest.raises(BadRequest, match="openai-compatible needs its address"):
        base_url_of(kind_named("openai-compatible"), None)
    assert base_url_of(kind_named("ollama"), None) == "http://127.0.0.1:11434/v1"


@pytest.mark.parametrize(
    ("kind", "given", "whole"),
    [
        ("azure-openai", "https://n.openai.azure.com", "https://n.openai.azure.com/openai/v1"),
        ("azure-openai", "https://n.services.ai.azure.com/", "https://n.services.ai.azure.com/openai/v1"),
        ("azure-openai", "https://n.openai.azure.com/openai", "https://n.openai.azure.com/openai/v1"),
        ("azure-openai", "https://n.openai.azure.com/openai/v1/", "https://n.openai.azure.com/openai/v1"),
        ("azure-openai", "https://h/openai/deployments/prod", "https://h/openai/deployments/prod"),
        ("azure-openai", "https://h/team/openai/v1", "https://h/team/openai/v1"),
        ("azure-openai", "https://openai/", "https://openai/openai/v1"),
        ("vertex", "https://aiplatform.googleapis.com", "https://aiplatform.googleapis.com/v1/publishers/google"),
        ("vertex", "https://aiplatform.googleapis.com/v1", "https://aiplatform.googleapis.com/v1/publishers/google"),
        ("vertex", "https://h/v1beta1/publishers/google", "https://h/v1beta1/publishers/google"),
        ("openai", "https://h", "https://h"),
    ],
)
def test_a_base_url_is_completed_where_the_kind_has_one_place(kind: str, given: str, whole: str) -> None:
    assert base_url_of(kind_named(kind), given) == whole


@pytest.mark.parametrize(
    ("kind", "base", "path", "url"),
    [
        ("cohere", "https://h", "/v1/models", "https://h/v1/models"),
        ("cohere", "https://h/v2", "/v1/models", "https://h/v1/models"),
        ("cohere", "https://h/v2", "/v1/models?page_size=1", "https://h/v1/models?page_size=1"),
        ("github-models", "https://h/inference", "/catalog/models", "https://h/catalog/models"),
        ("github-models", "https://inference", "/catalog/models", "https://inference/catalog/models"),
        ("azure-openai", "https://h/openai/deployments/x", "/models", "https://h/openai/models?api-version=2024-10-21"),
        ("vertex", "https://h/v1/publishers/google", "/models/m:x", "https://h/v1/publishers/google/models/m:x"),
        ("ollama", "http://h", "/api/tags", "http://h/api/tags"),
        ("ollama", "http://h/api", "/api/tags", "http://h/api/tags"),
    ],
)
def test_lists_and_probes_lie_where_the_kind_says(kind: str, base: str, path: str, url: str) -> None:
    assert lookup_url(base, kind_named(kind).located(base), path) == url


def test_a_version_in_the_query_stands_beside_what_a_call_asks() -> None:
    base = "https://h/openai/deployments/x"
    assert call_url(base, OPENAI, "/chat/completions", "api-version=1") == f"{base}/chat/completions?api-version=1"
    assert call_url(base, OPENAI, "/x?a=b", "api-version=1") == f"{base}/x?a=b&api-version=1"


def test_a_host_is_shown_without_credentials() -> None:
    assert host_of("https://a:b@h:81/v1?x") == "h:81"
