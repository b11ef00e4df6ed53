"""Fields of a provider: each refusal names the field and what it accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import BadRequest
from app.formats.registry import FORMATS
from app.providers.kinds import kinds
from app.services.provider_fields import check_provider, price_of
from app.services.views import ModelSpec, ProviderSpec

RIGHT = ProviderSpec("local", "openai-compatible", "http://127.0.0.1:9900/v1", ["sk-0123456789"])


@pytest.mark.parametrize(
    ("change", "field", "accepts"),
    [
        ({"name": ""}, "name", "up to 64 letters, digits, dots, dashes and underscores"),
        ({"name": "a b"}, "name", "is not a provider name"),
        ({"name": "a/b"}, "name", "is not a provider name"),
        ({"name": "a" * 65}, "name", "is not a provider name"),
        ({"kind": "opnai"}, "kind", "choose one of openai, azure-openai, anthropic"),
        ({"base_url": "ftp://example.org"}, "base_url", "http"),
        ({"base_url": None}, "base_url", "http"),
        ({"formats": ["openai"]}, "formats", "is not one of anthropic-messages"),
        ({"formats": []}, "formats", "name at least one of"),
        ({"priority": -1}, "priority", "from 0 to 1000000; lower answers first"),
        ({"priority": 1_000_001}, "priority", "from 0 to 1000000"),
        ({"rate_limit": {"rpm": 1}}, "rate_limit.rpm", "requests, tokens, window_s"),
        ({"rate_limit": {"requests": 0}}, "rate_limit.requests", "a whole number, 1 or more"),
        ({"rate_limit": {"window_s": 1.5}}, "rate_limit.window_s", "a whole number, 1 or more"),
        ({"rate_limit": {"tokens": True}}, "rate_limit.tokens", "a whole number, 1 or more"),
        ({"api_keys": [" "]}, "api_key", "one word of plain characters"),
        ({"api_keys": ["sk-1 sk-2"]}, "api_key", "one word of plain characters"),
        ({"api_keys": ["sk-“quoted”"]}, "api_key", "one word of plain characters"),
        ({"models": [ModelSpec("m"), ModelSpec("m")]}, "models[1].id", "stands there twice"),
    ],
)
def test_a_wrong_provider_is_refused_by_field(change: dict[str, Any], field: str, accepts: str) -> None:
    with pytest.raises(BadRequest, match=accepts) as refused:
        check_provider(replace(RIGHT, **change), set(FORMATS))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field", "accepts"),
    [
        ({"id": " "}, "id", "1 to 200 characters"),
        ({"id": "m" * 201}, "id", "1 to 200 characters"),
        ({"alias": " "}, "alias", "1 to 200 characters"),
        ({"alias": "auto"}, "alias", 'other than "auto"'),
        ({"price": {"input": "1", "output": "2", "video": "3"}}, "price.video", "input, output, cache_read"),
        ({"price": {"input": "1", "output": "2", "tiers": [{"input": "3"}]}}, "price.tiers[0].above", "in tokens"),
        ({"price": {"input": "1"}}, "price.output", "USD per 1M tokens"),
        ({"price": {"output": "1"}}, "price.input", "USD per 1M tokens"),
        ({"price": {"input": "-1", "output": "2"}}, "price.input", "between 0 and"),
        ({"price": {"input": "1", "output": "two"}}, "price.output", "decimal string"),
        ({"context_window": 0}, "context_window", "a whole number of tokens, 1 or more"),
        ({"max_output_tokens": 1.5}, "max_output_tokens", "a whole number of tokens"),
        ({"capabilities": ["smell"]}, "capabilities", "chat, vision, tools"),
    ],
)
def test_a_wrong_model_is_refused_by_its_place_and_field(change: dict[str, Any], field: str, accepts: str) -> None:
    wrong = replace(ModelSpec("other"), **change)
    with pytest.raises(BadRequest, match=accepts) as refused:
        check_provider(replace(RIGHT, models=[ModelSpec("m"), wrong]), set(FORMATS))
    assert refused.value.field == f"models[1].{field}"


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if not kind.in_process], ids=lambda kind: kind.name)
def test_every_kind_is_accepted_with_its_own_address(kind: Any) -> None:
    spec = ProviderSpec("p", kind.name, kind.base_url or "http://127.0.0.1:1/v1")
    assert check_provider(spec, set(FORMATS)) is kind


def test_prices_are_kept_in_nano_dollars_a_million_tokens() -> None:
    model = ModelSpec("m", price={"input": "0.15", "output": "0.60", "cache_read": "0"})
    assert price_of(model, "models[0]") == {"input": 150_000_000, "output": 600_000_000, "cache_read": 0}
    assert price_of(ModelSpec("m"), "models[0]") is None
    tiers = [{"above": 200_000, "input": "0.30"}]
    long = ModelSpec("m", price={"input": "0.15", "output": "0.60", "request": "0.01", "tiers": tiers})
    assert price_of(long, "models[0]") == {
        "input": 150_000_000,
        "output": 600_000_000,
        "request": 10_000_000,
        "tiers": [{"above": 200_000, "input": 300_000_000}],
    }
