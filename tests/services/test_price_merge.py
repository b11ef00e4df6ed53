"""Newer prices over the known ones: what is taken over, what jumped, what stays."""

from __future__ import annotations

import pytest

from app.core.price import Price
from app.providers.catalog import Row
from app.services.price_merge import Merged, jumped, merge

USD = 1_000_000_000


def row(input: str | None = None, output: str | None = None, **fields: str) -> Row:
    return Row(name="M", input=input, output=output, **fields)


def merged(known: Row | None, newer: Row, model: str = "m") -> Merged:
    return merge({"p": {model: known} if known is not None else {}}, {"p": {model: newer}})


def test_a_price_that_moved_a_little_is_taken_over() -> None:
    found = merged(row("1", "2"), row("1.5", "3"))
    assert found.rows["p"]["m"].input == "1.50"
    assert [(move.before, move.after) for move in found.moves] == [
        (Price(input=USD, output=2 * USD), Price(input=USD * 3 // 2, output=3 * USD))
    ]
    assert found.jumps == []


@pytest.mark.parametrize("new", [("10.1", "2"), ("1", "21"), ("0.09", "2"), ("0", "0"), ("0", "2")])
def test_a_price_that_jumped_more_than_tenfold_or_became_free_is_kept_back(new: tuple[str, str]) -> None:
    found = merged(row("1", "2"), row(*new))
    assert found.rows["p"]["m"].price() == Price(input=USD, output=2 * USD)
    assert found.moves == []
    assert len(found.jumps) == 1


def test_exactly_tenfold_is_no_jump() -> None:
    assert not jumped(Price(input=1, output=1), Price(input=10, output=10))


def test_a_free_model_that_is_to_cost_something_is_kept_back() -> None:
    assert len(merged(row("0", "0"), row("1", "1")).jumps) == 1


def test_unknown_never_takes_the_place_of_what_is_known() -> None:
    found = merged(row("1", "2", cache_read="0.1"), Row(name="M", context=8000))
    assert found.rows["p"]["m"].price() == Price(input=USD, output=2 * USD, cache_read=USD // 10)
    assert found.rows["p"]["m"].context == 8000


def test_a_class_that_only_the_older_list_knows_stays_where_the_rest_agrees() -> None:
    assert merged(row("1", "2", cache_read="0.1"), row("1", "2")).rows["p"]["m"].cache_read == "0.10"
    assert merged(row("1", "2", cache_read="0.1"), row("2", "2")).rows["p"]["m"].cache_read is None


@pytest.mark.parametrize("known", [None, row()])
def test_two_zeros_are_free_only_where_the_name_says_so(known: Row | None) -> None:
    assert merged(known, row("0", "0")).rows["p"]["m"].price() is None
    assert merged(known, row("0", "0"), "m:free").rows["p"]["m:free"].price() == Price(input=0, output=0)


def test_what_the_newer_list_lacks_stays() -> None:
    found = merge({"p": {"old": row("1", "2")}, "q": {"x": row("3", "4")}}, {"p": {"new": row("5", "6")}})
    assert set(found.rows["p"]) == {"old", "new"}
    assert found.rows["q"]["x"].input == "3"


def test_a_list_in_which_many_prices_jump_is_not_trusted() -> None:
    known = {"p": {f"m{number}": row("1", "2") for number in range(300)}}
    newer = {"p": {f"m{number}": row("1000", "2000") for number in range(61)}}
    assert merge(known, newer).distrusted
    assert not merge(known, {"p": {"m1": row("1000", "2000")}}).distrusted


def test_a_price_that_a_person_confirmed_is_taken_over() -> None:
    price = Price(input=100 * USD, output=200 * USD)
    found = merge({"p": {"m": row("1", "2")}}, {"p": {"m": row("100", "200")}}, {("p", "m"): price})
    assert found.rows["p"]["m"].price() == price
