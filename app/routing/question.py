"""What routing needs to know of one request."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import msgspec

from app.routing.intent import Intent
from app.routing.wishes import Wishes


class Question(msgspec.Struct, kw_only=True):
    """`budget_left` is the share (0…1) of the tightest budget, None without one. `formats` are the wire formats that
    can serve the request, for what is not chat: that is served by all. `least_score` is what the tier asks of a
    provider, 0…1."""

    model: str
    needs: frozenset[str] = frozenset()
    input_tokens: int = 0
    max_tokens: int | None = None
    stream: bool = False
    key: str | None = None
    person: str | None = None
    teams: frozenset[str] = frozenset()
    tier: str | None = None
    tags: frozenset[str] = frozenset()
    now: datetime  # in any zone
    zone: tzinfo = UTC  # the team's
    intent: Intent | None = None
    budget_left: float | None = None
    refuse_unknown_price: bool = False
    least_score: float = 0.0
    asks: str = "chat"
    formats: frozenset[str] | None = None
    wishes: Wishes | None = None

    @property
    def local(self) -> datetime:
        """`now` as the team's clocks show it."""
        return self.now.astimezone(self.zone)
