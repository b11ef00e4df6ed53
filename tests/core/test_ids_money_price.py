"""Ids that sort, money that does not lose a nano-dollar, prices that know what they do not know."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.chat import Usage
from app.core.errors import BadRequest
from app.core.ids import new_id
from app.core.money import NANO, format_usd, parse_usd, show_usd
from app.core.price import Price


def test_ids_carry_their_prefix_and_sort_by_time() -> None:
    made = [new_id("req") for _ in range(2000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(len(each) == 30 and each.startswith("req_") for each in made)


def test_ids_of_many_threads_never_collide() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id("x") for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000


@given(st.integers(min_value=0, max_value=10**18))
def test_money_written_and_read_again_is_the_same(nano: int) -> None:
    assert parse_usd(format_usd(nano)) == nano


@pytest.mark.parametrize("text", ["", "five", "-1", "NaN", "Infinity", "1e30", "0x10", None])
def test_what_is_no_amount_is_refused_with_the_field(text: object) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_usd(text, "budgets[0].usd")  # type: ignore[arg-type]
    assert caught.value.field == "budgets[0].usd"


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (None, "unknown"),
        (0, "$0.00"),
        (76_000, "$0.000076"),
        (230_000, "$0.00023"),
        (2_100_000, "$0.0021"),
        (45_000_000, "$0.0450"),
        (41_780_000_000, "$41.78"),
        (1_204 * NANO, "$1,204"),
    ],
)
def test_money_is_shown_as_the_visual_language_says(nano: int | None, shown: str) -> None:
    assert show_usd(nano) == shown


def test_cached_tokens_have_their_own_price_and_default_to_the_input_price() -> None:
    usage = Usage(input=1000, output=100, cache_read=600, cache_write=300)
    plain = Price(input=2_000, output=8_000)
    assert plain.cost(usage) == (1000 * 2_000 + 100 * 8_000 + 500_000) // 1_000_000
    cached = Price(input=2_000_000, output=8_000_000, cache_read=200_000, cache_write=2_500_000)
    assert cached.cost(usage) == 100 * 2 + 600 * 200_000 // 1_000_000 + 300 * 2_500_000 // 1_000_000 + 800


def test_cost_is_rounded_once_half_up() -> None:
    assert Price(input=500_000, output=0).cost(Usage(input=1)) == 1
    assert Price(input=499_999, output=0).cost(Usage(input=1)) == 0


@given(
    st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**11)
)
def test_a_reservation_is_never_less_than_the_cost(read: int, write: int, rest: int, output: int, price: int) -> None:
    """Whatever part of the input was cached."""
    table = Price(input=price, output=price * 4, cache_read=price // 10, cache_write=price * 5 // 4)
    usage = Usage(input=read + write + rest, output=output, cache_read=read, cache_write=write)
    assert table.ceiling(usage.input, usage.output) >= table.cost(usage)
