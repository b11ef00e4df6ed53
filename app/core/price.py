"""What a model costs, and what a use of it cost."""

import msgspec

from app.core.chat import Usage

MILLION = 1_000_000


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars per million tokens. A cache price left out is the input price; `request` is nano-dollars a call."""

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    request: int = 0

    def cost(self, usage: Usage) -> int:
        """Nano-dollars of a use, rounded once, half up. Cached tokens are part of `usage.input`."""
        read, write = usage.cache_read, usage.cache_write
        plain = max(usage.input - read - write, 0)
        total = (
            plain * self.input
            + read * (self.input if self.cache_read is None else self.cache_read)
            + write * (self.input if self.cache_write is None else self.cache_write)
            + usage.output * self.output
        )
        return (total * 2 + MILLION) // (2 * MILLION) + self.request

    def ceiling(self, input_tokens: int, output_tokens: int) -> int:
        """The most such a request may cost: for reservations. A cache write may be dearer than plain input."""
        dearest = max(self.input, self.cache_write or 0, self.cache_read or 0)
        return -(-(input_tokens * dearest + output_tokens * self.output) // MILLION) + self.request


FREE = Price(input=0, output=0)
