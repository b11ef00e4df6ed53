"""What models.dev says of prices, in the catalogue's classes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.price import Price, PriceTier
from app.providers.catalog import Rows
from app.providers.price_litellm import litellm_rows
from app.providers.price_models_dev import LEAST_MODELS, models_dev_rows
from app.providers.price_openrouter import openrouter_rows

USD = 1_000_000_000


def price_of(cost: dict[str, Any], name: str = "m") -> Price | None:
    models = {f"other-{number}": {"name": "x"} for number in range(LEAST_MODELS)} | {name: {"cost": cost}}
    return models_dev_rows(json.dumps({"p": {"models": models}}).encode())["p"][name].price()


def test_each_class_of_use_is_read() -> None:
    cost = {"input": 1, "output": 2, "cache_read": 0.1, "cache_write": 1.25, "reasoning": 3}
    assert price_of({**cost, "input_audio": 4, "output_audio": 5}) == Price(
        input=USD,
        output=2 * USD,
        cache_read=USD // 10,
        cache_write=USD * 5 // 4,
        reasoning=3 * USD,
        audio_input=4 * USD,
        audio_output=5 * USD,
    )


@pytest.mark.parametrize(
    "said",
    [
        {"tiers": [{"input": 2, "tier": {"type": "context", "size": 300_000}}], "context_over_200k": {"input": 9}},
        {"tiers": [{"input": 2, "tier": {"type": "context", "size": 300_000}}, {"input": 7, "tier": {"type": "hour"}}]},
        {"tiers": ["odd", {"input": 2, "tier": {"type": "context", "size": 300_000}}, {"tier": "odd"}]},
    ],
)
def test_a_tier_of_the_prompts_size_is_read(said: dict[str, Any]) -> None:
    price = price_of({"input": 1, "output": 2, **said})
    assert price is not None
    assert price.tiers == (PriceTier(above=300_000, input=2 * USD),)


def test_the_older_word_for_a_tier_is_read() -> None:
    price = price_of({"input": 1, "output": 2, "context_over_200k": {"input": 2, "output": 3}})
    assert price is not None
    assert price.tiers == (PriceTier(above=200_000, input=2 * USD, output=3 * USD),)


@pytest.mark.parametrize("odd", [-1, "1", True, None, 10**12, [1]])
def test_what_is_no_price_is_left_out(odd: Any) -> None:
    assert price_of({"input": 1, "output": 2, "reasoning": odd}) == Price(input=USD, output=2 * USD)
    assert price_of({"input": odd, "output": 2}) is None


def test_two_zeros_are_read_as_they_stand() -> None:
    assert price_of({"input": 0, "output": 0, "cache_read": 0}) == Price(input=0, output=0, cache_read=0)


def litellm(**models: dict[str, Any]) -> Rows:
    many = {f"m-{number}": {"litellm_provider": "openai", "mode": "chat"} for number in range(LEAST_MODELS)}
    return litellm_rows(json.dumps({"sample_spec": {"mode": "one of: chat"}, **many, **models}).encode())


def test_litellms_prices_are_by_the_token() -> None:
    rows = litellm(
        **{
            "gemini/gemini-x": {
                "litellm_provider": "gemini",
                "mode": "chat",
                "input_cost_per_token": 1.25e-06,
                "output_cost_per_token": 1e-05,
                "cache_read_input_token_cost": 3.1e-07,
                "input_cost_per_token_above_200k_tokens": 2.5e-06,
                "max_input_tokens": 1048576,
                "max_output_tokens": 65535,
                "supports_vision": True,
                "supports_function_calling": True,
            }
        }
    )
    row = rows["google"]["gemini-x"]
    assert row.price() == Price(
        input=1_250_000_000,
        output=10 * USD,
        cache_read=310_000_000,
        tiers=(PriceTier(above=200_000, input=2_500_000_000),),
    )
    assert (row.context, row.max_output) == (1_048_576, 65_535)
    assert row.capabilities == ("chat", "tools", "vision")


def test_litellms_unknown_providers_and_other_modes_are_left_out() -> None:
    rows = litellm(
        picture={"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.06},
        other={"litellm_provider": "aiml", "mode": "chat"},
        vector={"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 2e-08},
    )
    assert set(rows) == {"openai"}
    assert "picture" not in rows["openai"]
    assert rows["openai"]["vector"].price() == Price(input=20_000_000, output=0)
    assert rows["openai"]["vector"].capabilities == ("embeddings",)


def test_openrouters_prices_are_strings_by_the_token_and_odd_rows_are_left_out() -> None:
    entries: list[Any] = [{"id": f"lab/m-{number}"} for number in range(200)]
    entries += [
        {
            "id": "lab/good",
            "name": "Good",
            "context_length": 128000,
            "pricing": {"prompt": "0.0000003", "completion": "0.0000025"},
        },
        {"id": "lab/dear", "pricing": {"prompt": "1", "completion": "1"}},
        {"name": "without an id"},
        "odd",
    ]
    rows = openrouter_rows(json.dumps({"data": entries}).encode())["openrouter"]
    assert rows["lab/good"].price() == Price(input=300_000_000, output=2_500_000_000)
    assert rows["lab/dear"].price() is None
    assert len(rows) == 202
