"""What a job is: a module of this package that holds one is found by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from app.services.container import Services


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """`run` returns one sentence: what came of it. `every` is asked again when settings change."""

    name: str
    about: str
    every: Callable[[Services], timedelta]
    first_after: timedelta
    run: Callable[[Services], Awaitable[str]]
