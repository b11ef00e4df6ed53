"""Each class of use at its own price, tiers for the whole request, and a ceiling that holds for every use within it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.chat import Usage
from app.core.errors import BadRequest
from app.core.price import FREE, TOKEN_CLASSES, Price, PriceTier, read_stored_price, stored_price
from app.core.price_text import read_price, write_price

MILLION = 1_000_000
USD = 1_000_000_000  # a price of USD per million tokens in nano-dollars: a token then costs 1,000

amounts = st.integers(0, 10**13)
some = st.none() | amounts
counts = st.integers(0, 10**7)
parts = {name: some for name in TOKEN_CLASSES if name not in ("input", "output")}
tiers = st.lists(
    st.builds(PriceTier, above=st.integers(1, 10**7), input=some, output=some, **parts),
    max_size=3,
    unique_by=lambda tier: tier.above,
).map(lambda found: tuple(sorted(found, key=lambda tier: tier.above)))
prices = st.builds(
    Price, input=amounts, output=amounts, image=some, minute=some, request=amounts, tiers=st.just(()) | tiers, **parts
)
usages = st.builds(
    Usage,
    **dict.fromkeys(
        ("input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output"),
        counts,
    ),
    image_input=counts,
    images=st.integers(0, 10),
    seconds=st.integers(0, 10_000),
)


@given(prices, usages, counts, counts, counts)
def test_the_ceiling_holds_for_every_use_within_its_counts(
    price: Price, usage: Usage, more_in: int, more_out: int, more_seconds: int
) -> None:
    ceiling = price.ceiling(
        usage.input + more_in, usage.output + more_out, images=usage.images, seconds=usage.seconds + more_seconds
    )
    assert ceiling >= (price.cost(usage) or 0)


@given(prices)
def test_a_price_written_and_read_again_is_the_same(price: Price) -> None:
    told = tuple(tier for tier in price.tiers if any(getattr(tier, name) is not None for name in TOKEN_CLASSES))
    price = Price(**{name: getattr(price, name) for name in Price.__struct_fields__ if name != "tiers"}, tiers=told)
    assert read_price(write_price(price)) == price
    assert read_stored_price(stored_price(price)) == price


@pytest.mark.parametrize(
    ("used", "nano"),
    [
        ({"input": 100}, 100 * 1000),
        ({"output": 100}, 100 * 2000),
        ({"input": 100, "cache_read": 60}, 40 * 1000 + 60 * 100),
        ({"input": 100, "cache_write": 60}, 40 * 1000 + 60 * 1250),
        ({"input": 100, "cache_write": 60, "cache_write_1h": 50}, 40 * 1000 + 10 * 1250 + 50 * 2500),
        ({"input": 100, "audio_input": 60}, 40 * 1000 + 60 * 5000),
        ({"input": 100, "image_input": 60, "audio_input": 10}, 30 * 1000 + 10 * 5000 + 60 * 7000),
        ({"input": 100, "cache_read": 80, "audio_input": 60}, 80 * 100 + 20 * 5000),  # what is both was cached
        ({"output": 100, "reasoning": 90}, 10 * 2000 + 90 * 3000),
        ({"output": 100, "audio_output": 90}, 10 * 2000 + 90 * 9000),
        ({"output": 100, "reasoning": 20, "audio_output": 70}, 10 * 2000 + 20 * 3000 + 70 * 9000),
        ({"images": 3}, 3 * USD // 25),
        ({"seconds": 90}, 9_000_000),
        ({}, 0),
    ],
)
def test_each_class_has_its_own_price(used: dict[str, int], nano: int) -> None:
    price = read_price(
        {
            "input": "1",
            "output": "2",
            "cache_read": "0.1",
            "cache_write": "1.25",
            "cache_write_1h": "2.5",
            "reasoning": "3",
            "audio_input": "5",
            "audio_output": "9",
            "image_input": "7",
            "image": "0.04",
            "minute": "0.006",
        }
    )
    assert price.cost(Usage(**used)) == nano


def test_what_has_no_price_of_its_own_costs_what_it_is_a_part_of() -> None:
    used = {"input": 100, "output": 50, "cache_read": 10, "cache_write": 20, "cache_write_1h": 5, "reasoning": 30}
    used |= {"audio_input": 40, "image_input": 10, "audio_output": 20}
    assert Price(input=USD, output=2 * USD).cost(Usage(**used)) == 100 * 1000 + 50 * 2000
    written = Price(input=USD, output=USD, cache_write=3 * USD)
    assert written.cost(Usage(input=10, cache_write=10, cache_write_1h=10)) == 10 * 3000


def test_a_call_costs_its_own_price_on_top() -> None:
    assert Price(input=USD, output=0, request=12_000_000).cost(Usage(input=1)) == 12_001_000


def test_a_tier_holds_for_the_whole_request_once_the_prompt_is_longer() -> None:
    price = read_price(
        {
            "input": "1",
            "output": "2",
            "cache_read": "0.5",
            "tiers": [
                {"above": 1000, "input": "10", "output": "20"},
                {"above": 100, "input": "3", "cache_read": "0.7"},
            ],
        }
    )
    assert price.cost(Usage(input=100, output=9)) == 100 * 1000 + 9 * 2000
    assert price.cost(Usage(input=101, output=9)) == 101 * 3000 + 9 * 2000
    assert price.cost(Usage(input=101, cache_read=101)) == 101 * 700, "cached tokens are part of the prompt's size"
    assert price.cost(Usage(input=1001, cache_read=1, output=9)) == 1000 * 10_000 + 700 + 9 * 20_000
    assert price.ceiling(50, 10) == 50 * 1000 + 10 * 2000
    assert price.ceiling(1001, 10) == 1001 * 10_000 + 10 * 20_000


def test_tokens_and_sound_are_rounded_together_once() -> None:
    price = Price(input=500_000, output=0, minute=30)
    assert price.cost(Usage(input=1)) == 1
    assert price.cost(Usage(seconds=1)) == 1
    assert price.cost(Usage(input=1, seconds=1)) == 1
    assert price.cost(Usage(input=1, seconds=2)) == 2


@pytest.mark.parametrize(
    ("price", "used", "nano"),
    [
        (Price(input=USD, output=USD), {"images": 1}, None),
        (Price(input=USD, output=USD), {"seconds": 60}, None),
        (Price(input=USD, output=USD), {"images": 1, "output": 10}, 10_000),  # the picture was counted in tokens
        (Price(input=0, output=0, minute=USD), {"input": 10}, None),
        (Price(input=0, output=0, minute=USD), {"seconds": 60}, USD),
        (Price(input=0, output=0, image=USD), {"seconds": 60}, None),
        (FREE, {"images": 1}, 0),
        (FREE, {"seconds": 60, "input": 5}, 0),
    ],
)
def test_a_use_in_a_unit_without_a_price_is_unknown_not_zero(price: Price, used: dict[str, int], nano: int) -> None:
    assert price.cost(Usage(**used)) == nano


@pytest.mark.parametrize(
    ("change", "field", "accepts"),
    [
        ({"colour": "1"}, "colour", "is not one of input, output, cache_read"),
        ({"input": None}, "input", "is missing"),
        ({"minute": "-1"}, "minute", "between 0 and"),
        ({"tiers": "1"}, "tiers", "a list of up to 20"),
        ({"tiers": [{"above": n + 1, "input": "1"} for n in range(21)]}, "tiers", "a list of up to 20"),
        ({"tiers": ["1"]}, "tiers[0]", "a table such as"),
        ({"tiers": [{"input": "1"}]}, "tiers[0].above", "a whole number, 1 or more"),
        ({"tiers": [{"above": 0, "input": "1"}]}, "tiers[0].above", "a whole number, 1 or more"),
        ({"tiers": [{"above": True, "input": "1"}]}, "tiers[0].above", "a whole number, 1 or more"),
        ({"tiers": [{"above": 9}]}, "tiers[0]", "name at least one price"),
        ({"tiers": [{"above": 9, "input": "x"}]}, "tiers[0].input", "decimal string"),
        ({"tiers": [{"above": 9, "image": "1"}]}, "tiers[0].image", "is not one of above, input"),
        ({"tiers": [{"above": 9, "input": "1"}, {"above": 9, "output": "1"}]}, "tiers", "two tiers above 9"),
    ],
)
def test_a_wrong_price_is_refused_by_its_field(change: dict[str, Any], field: str, accepts: str) -> None:
    with pytest.raises(BadRequest, match=accepts.replace("[", r"\[")) as refused:
        read_price({"input": "1", "output": "2", **change}, "models[0].price")
    assert refused.value.field == f"models[0].price.{field}"


def test_a_row_from_before_the_other_classes_still_loads() -> None:
    stored = {"input": 150_000_000, "output": 600_000_000, "cache_read": 75_000_000, "request": 0}
    assert read_stored_price(stored) == Price(input=150_000_000, output=600_000_000, cache_read=75_000_000)
