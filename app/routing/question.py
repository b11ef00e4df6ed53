"""What routing needs to know of one request."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Question(msgspec.Struct, kw_only=True):
    """`now` is in the team's time zone; `budget_left` is the share (0…1) of the tightest budget, None without one.
    `formats` are the wire formats that can serve the request, for what is not chat: that is served by all."""

    model: str
    needs: frozenset[str] = frozenset()
    input_tokens: int = 0
    max_tokens: int | None = None
    stream: bool = False
    key: str | None = None
    person: str | None = None
    teams: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    now: datetime
    budget_left: float | None = None
    refuse_unknown_price: bool = False
    asks: str = "chat"
    formats: frozenset[str] | None = None
