"""What models.dev says of prices, in the catalogue's classes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.price import Price, PriceTier
from app.providers.price_models_dev import LEAST_MODELS, models_dev_rows

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


def test_two_zeros_are_free_only_where_the_name_says_so() -> None:
    assert price_of({"input": 0, "output": 0, "cache_read": 0}) is None
    assert price_of({"input": 0, "output": 0}, "m:free") == Price(input=0, output=0)
