"""Time as the product sees it: a seam for tests, always UTC-aware."""

import time
from datetime import UTC, datetime


class Clock:
    """The real clock. Tests pass their own with the same two methods."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)  # seconds that never go back, for durations and limits


def rfc3339(moment: datetime) -> str:
    """`2026-11-20T14:31:02.911Z`"""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
