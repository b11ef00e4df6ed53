"""Prices as people read them: a line for lists, and every class of use where there is room."""

from __future__ import annotations

from app.core.money import show_usd
from app.core.price import Price, PriceTier
from components.format import window

_CLASSES = {
    "cache_read": "cached",
    "cache_write": "cache write",
    "cache_write_1h": "cache write for 1 h",
    "reasoning": "reasoning",
    "audio_input": "audio in",
    "audio_output": "audio out",
    "image_input": "images in",
}
_PIECES = {"image": "a picture", "minute": "a minute", "request": "a request"}


def price_line(price: Price | None) -> str:
    """`$0.30 in, $2.50 out` per million tokens; what is paid by the piece says its unit."""
    if price is None:
        return "price unknown"
    parts = []
    if price.input or price.output:
        parts += [f"{show_price(price.input)} in", f"{show_price(price.output)} out"]
    parts += [f"{show_usd(value)} {words}" for name, words in _PIECES.items() if (value := getattr(price, name))]
    return ", ".join(parts) or "free"


def price_details(price: Price | None) -> str:
    """What `price_line` leaves out: the classes priced apart, and long prompts. Empty where there is none."""
    if price is None:
        return ""
    tiers = []
    for tier in price.tiers:
        main = [(tier.input, "in"), (tier.output, "out")]
        changed = [f"{show_price(amount)} {words}" for amount, words in main if amount is not None] + _apart(tier)
        tiers.append(f"above {window(tier.above + 1)}: {', '.join(changed)}")
    return "; ".join(part for part in (", ".join(_apart(price)), *tiers) if part)


def show_price(nano: int) -> str:
    """Per million tokens, two decimals where that says it."""
    usd = nano / 1_000_000_000
    return f"${usd:,.2f}" if nano == 0 or (usd >= 0.01 and nano % 10_000_000 == 0) else show_usd(nano)


def _apart(source: Price | PriceTier) -> list[str]:
    return [
        f"{words} {show_price(value)}"
        for name, words in _CLASSES.items()
        if (value := getattr(source, name)) is not None
    ]
