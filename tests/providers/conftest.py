"""Every test here may call the test upstream and read the recordings."""

from tests.upstream.fixtures import recordings, upstream

__all__ = ["recordings", "upstream"]
