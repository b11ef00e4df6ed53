"""How long and how much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Of one run; the defaults take five to six minutes."""

    client: str = "wrk"  # or "own"
    seconds: float = 2.0  # of each server in each round
    rounds: int = 5
    pieces: int = 1  # in which the upstream writes its streams
    streams: int = 1000
    slow_events: int = 120  # of each slow stream, ten a second
    requests: int = 200_000
    rows: int = 20_000  # in the ledger whose pages are opened
    visits: int = 3  # rounds with and without a person
    visit_s: float = 6.0


QUICK = Options(seconds=1, rounds=1, slow_events=30, requests=20_000, rows=2_000, visits=1, visit_s=5)
