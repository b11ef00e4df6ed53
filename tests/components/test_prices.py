"""Prices in lists: short where it is usual, every class where there is room, unknown said as such."""

from __future__ import annotations

import pytest

from app.core.price import FREE, Price
from app.core.price_text import read_price
from components.prices import price_details, price_line

EVERYTHING = read_price(
    {
        "input": "3",
        "output": "15",
        "cache_read": "0.3",
        "cache_write": "3.75",
        "cache_write_1h": "6",
        "audio_input": "0",
        "request": "0.012",
        "tiers": [{"above": 200_000, "input": "6", "cache_read": "0.6"}, {"above": 999_999, "output": "30"}],
    }
)


@pytest.mark.parametrize(
    ("price", "line", "details"),
    [
        (None, "price unknown", ""),
        (FREE, "free", ""),
        (Price(input=300_000_000, output=2_500_000_000), "$0.30 in, $2.50 out", ""),
        (Price(input=0, output=0, minute=6_000_000), "$0.0060 a minute", ""),
        (Price(input=0, output=0, image=40_000_000), "$0.0400 a picture", ""),
        (
            EVERYTHING,
            "$3.00 in, $15.00 out, $0.0120 a request",
            "cached $0.30, cache write $3.75, cache write for 1 h $6.00, audio in $0.00; "
            "above 200k: $6.00 in, cached $0.60; above 1M: $30.00 out",
        ),
    ],
)
def test_a_price_reads_as_people_say_it(price: Price | None, line: str, details: str) -> None:
    assert price_line(price) == line
    assert price_details(price) == details
