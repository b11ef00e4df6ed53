"""What a model costs, by class of use, and what a use of it cost."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import Usage

MILLION = 1_000_000
_MINUTE = 60 * MILLION  # tokens are paid by the million, sound by the minute: the denominator of both

TOKEN_CLASSES = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
)
"""Paid by the million tokens; a tier may change them."""
UNIT_CLASSES = ("image", "minute", "request")
"""Paid by the piece: a picture made, a minute of sound, a call."""


class PriceTier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The prices that differ where the prompt is longer than `above` tokens, cached ones included."""

    above: int
    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    image_input: int | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Nano-dollars: per million tokens, and per piece for `image` (a picture made), `minute` (of sound), `request`.

    What is left out costs what it is a part of: cached, audio and image input as input, an hour's cache write as any
    cache write, reasoning and audio output as output. A tier holds for the whole request, not for the tokens beyond
    its size, and only changes the classes it names: so do Anthropic, Google and OpenAI price long prompts.
    """

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    image_input: int | None = None
    image: int | None = None
    minute: int | None = None
    request: int = 0
    tiers: tuple[PriceTier, ...] = ()

    def cost(self, usage: Usage) -> int | None:
        """Nano-dollars of a use, rounded once, half up. None where it is measured in a unit that has no price here."""
        if self.tiers:
            return self.at(usage.input).cost(usage)
        read, write = usage.cache_read, usage.cache_write
        plain = usage.input - read - write
        if plain < 0 or usage.audio_input or usage.image_input or usage.cache_write_1h:
            total = self._input(usage)
        else:
            total = plain * self.input
            if read:
                total += read * (self.input if self.cache_read is None else self.cache_read)
            if write:
                total += write * (self.input if self.cache_write is None else self.cache_write)
        if self.reasoning is None and not usage.audio_output:
            total += usage.output * self.output
        else:
            total += self._output(usage)
        if usage.images or usage.seconds or self.image or self.minute:
            return self._with_pieces(usage, total)
        return (total * 2 + MILLION) // (2 * MILLION) + self.request

    def ceiling(self, input_tokens: int, output_tokens: int, *, images: int = 0, seconds: int = 0) -> int:
        """The most that a use within these counts may cost, whatever class its tokens are of: for reservations."""
        most = self._ceiling(input_tokens, output_tokens)
        for tier in self.tiers:
            if input_tokens > tier.above:  # a tier may also be cheaper
                most = max(most, self.at(tier.above + 1)._ceiling(input_tokens, output_tokens))
        if images or seconds:
            most += images * (self.image or 0) - (-seconds * (self.minute or 0) // 60)
        return most + self.request

    def at(self, input_tokens: int) -> Price:
        """The prices that hold for a prompt of this size, without tiers."""
        differing: dict[str, int] = {}
        for tier in sorted(self.tiers, key=_size):
            if input_tokens > tier.above:
                differing |= {name: value for name in TOKEN_CLASSES if (value := getattr(tier, name)) is not None}
        return msgspec.structs.replace(self, tiers=(), **differing)

    def _input(self, usage: Usage) -> int:
        """Of each token once. Where classes overlap (cached audio), what was cached is priced as cached."""
        rest = usage.input
        rest -= (read := min(usage.cache_read, rest))
        rest -= (write := min(usage.cache_write, rest))
        hour = min(usage.cache_write_1h, write)
        rest -= (audio := min(usage.audio_input, rest))
        rest -= (image := min(usage.image_input, rest))
        plain = self.input
        write_price = plain if self.cache_write is None else self.cache_write
        return (
            rest * plain
            + read * (plain if self.cache_read is None else self.cache_read)
            + (write - hour) * write_price
            + hour * (write_price if self.cache_write_1h is None else self.cache_write_1h)
            + audio * (plain if self.audio_input is None else self.audio_input)
            + image * (plain if self.image_input is None else self.image_input)
        )

    def _output(self, usage: Usage) -> int:
        rest = usage.output
        rest -= (reasoning := min(usage.reasoning, rest))
        rest -= (audio := min(usage.audio_output, rest))
        plain = self.output
        return (
            rest * plain
            + reasoning * (plain if self.reasoning is None else self.reasoning)
            + audio * (plain if self.audio_output is None else self.audio_output)
        )

    def _with_pieces(self, usage: Usage, total: int) -> int | None:
        """Also pictures and sound. Pictures that were counted in tokens too, and have no price of their own, are paid
        by the tokens."""
        by_piece = bool(self.image or self.minute)
        by_token = bool(self.input or self.output)
        told = usage.input or usage.output
        if by_token or by_piece:
            if (usage.seconds and self.minute is None) or (usage.images and self.image is None and not told):
                return None
            if told and not by_token and not usage.seconds and not usage.images:
                return None
        total = total * 60 + usage.seconds * (self.minute or 0) * MILLION
        return (total * 2 + _MINUTE) // (2 * _MINUTE) + usage.images * (self.image or 0) + self.request

    def _ceiling(self, input_tokens: int, output_tokens: int) -> int:
        dearest_input = max(
            self.input,
            self.cache_read or 0,
            self.cache_write or 0,
            self.cache_write_1h or 0,
            self.audio_input or 0,
            self.image_input or 0,
        )
        dearest_output = max(self.output, self.reasoning or 0, self.audio_output or 0)
        return -(-(input_tokens * dearest_input + output_tokens * dearest_output) // MILLION)


FREE = Price(input=0, output=0)


def stored_price(price: Price) -> dict[str, Any]:
    """As rows keep it: the fields that are set, in nano-dollars. `read_stored_price` reads it again."""
    values: dict[str, Any] = msgspec.to_builtins(price)
    if price.tiers:
        values["tiers"] = list(values["tiers"])  # what JSON gives back, so that the same price is no change
    return values


def read_stored_price(values: dict[str, Any]) -> Price:
    return msgspec.convert(values, Price)


def _size(tier: PriceTier) -> int:
    return tier.above
