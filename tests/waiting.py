"""Waiting for what happens elsewhere: on a condition, never for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], T], seconds: float = 5.0) -> T:
    """The first true value of the condition. It may block, so it runs in a thread."""
    async with asyncio.timeout(seconds):
        while not (found := await asyncio.to_thread(condition)):
            await asyncio.sleep(0.005)
    return found
