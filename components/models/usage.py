"""The request that costs are shown for: tokens in and out, and how much of the input is cached."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.chat import Usage
from app.core.errors import BadRequest
from app.core.money import show_usd
from app.core.price import Price
from components.format import tokens

MOST = 100_000_000


@dataclass(frozen=True, slots=True)
class ExampleUse:
    input: int = 10_000
    output: int = 1_000
    cached: float = 0.0  # 0…1, of the input

    def cost(self, price: Price | None) -> int | None:
        """Nano-dollars; None where the price is unknown."""
        if price is None:
            return None
        return price.cost(Usage(input=self.input, output=self.output, cache_read=round(self.input * self.cached)))

    @property
    def words(self) -> str:
        """`10k in, 1k out`"""
        cached = f", {self.cached:.0%} cached" if self.cached else ""
        return f"{_short(self.input)} in{cached}, {_short(self.output)} out"

    @staticmethod
    def show(cost: int | None) -> str:
        return show_usd(cost)


def example_use(input: object, output: object, cached_percent: object) -> ExampleUse:
    """Of what was typed. Raises BadRequest naming the field."""
    return ExampleUse(
        _whole(input, "input", MOST), _whole(output, "output", MOST), _whole(cached_percent, "cached", 100) / 100
    )


def _whole(value: object, field: str, most: int) -> int:
    try:
        number = int(float(str(value or 0)))
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise BadRequest(f"{field}: a whole number from 0 to {most:,}.", field=field)
    return number


def _short(number: int) -> str:
    return f"{number // 1000}k" if number >= 1000 and number % 1000 == 0 and number < 1_000_000 else tokens(number)
