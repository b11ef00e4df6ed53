"""A clock that tests move by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from app.core.clock import Clock


class MovedClock(Clock):
    """Starts at a moment (else now) and runs on with real time; `skip` moves it ahead."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = (start - datetime.now(UTC)) if start is not None else timedelta()
        self._skipped = 0.0

    def skip(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)
        self._skipped += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped


class StillClock(Clock):
    """Stands still unless it is moved."""

    def __init__(self, start: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)) -> None:
        self._now, self._monotonic = start, 1000.0

    def skip(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic
