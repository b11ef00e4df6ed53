"""What is too slow: a beginning, held back until it is fast enough, and whatever a time-out ended."""

from __future__ import annotations

from app.core.errors import AnyGPTError, SlowClient, UpstreamTimeout
from app.services.gateway.alarm import Alarm, Deadline
from app.services.gateway.call import AttemptRecord
from app.services.gateway.readers import Reader

LOOK_S = 1.0  # how long a beginning is held back at most
A_TOKEN = 4  # characters


class SlowStart:
    """`least` is tokens per second, `now` monotonic seconds."""

    def __init__(self, least: float, provider: str) -> None:
        self._least, self._provider = least, provider
        self._began: float | None = None
        self._bytes = 0

    @property
    def began(self) -> bool:
        return self._began is not None

    def left(self, now: float) -> float:
        """Seconds until it must be fast enough."""
        return max((self._began or now) + LOOK_S - now, 0.0)

    def fast_enough(self, reader: Reader, chunk: bytes, now: float) -> bool:
        """Whether the client may have it; False: not yet. Raises UpstreamTimeout where it is too slow."""
        self._bytes += len(chunk)
        if self._began is None:
            self._began = now
        tokens = reader.text_estimate(self._bytes, chunk) / A_TOKEN
        if tokens >= self._least * LOOK_S:
            return True
        if now >= self._began + LOOK_S:
            raise self.too_slow()
        return False

    def too_slow(self) -> UpstreamTimeout:
        return UpstreamTimeout(f"{self._provider} began with less than {self._least:g} tokens a second.")


def late_error(record: AttemptRecord, deadline: Deadline, alarm: Alarm, slow: SlowStart | None) -> AnyGPTError:
    """Why an attempt's time was over."""
    if alarm.client:
        return SlowClient("The client did not read its answer in time, so it was given up.")
    if slow is not None and slow.began and record.status == 0 and not deadline.over():
        return slow.too_slow()
    waited = (
        "whole answer" if deadline.over() else "next part of its answer" if record.first_content else "first content"
    )
    return UpstreamTimeout(f"{record.deployment.provider} took too long over the {waited}.")
