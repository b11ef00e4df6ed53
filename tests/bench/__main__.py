"""Loads a bare relay and AnyGPT in turn and prints what AnyGPT costs, beside the limits it has to keep.

Servers run on the first core, upstream and load on the second. AnyGPT has everything on: key, limits, budget, decision
and a ledger row committed before each answer ends. Nothing but this machine's loopback is loaded, for a bounded time.
docs/performance.md says what the lines mean.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections.abc import Callable, Iterator

from tests.bench.endurance import endurance
from tests.bench.kernel import LOAD_CPU, SERVER_CPU, allow_many_files
from tests.bench.load import wrk_is_here
from tests.bench.options import QUICK, Options
from tests.bench.person import person
from tests.bench.slow_streams import slow_streams
from tests.bench.throughput import CELLS, measure_cells
from tests.bench.verdict import Verdict

SECTIONS: dict[str, Callable[[Options], Iterator[Verdict]]] = {
    "slow streams": slow_streams,
    "endurance": endurance,
    "person": person,
}
NAMES = [*(cell.name for cell in CELLS), *SECTIONS]


def main() -> None:
    options, wanted = _read()
    allow_many_files()
    os.sched_setaffinity(0, {LOAD_CPU})
    print(f"servers on core {SERVER_CPU}, upstream and load on core {LOAD_CPU}, client {options.client}")
    verdicts: list[Verdict] = []
    started = time.monotonic()
    for section in _sections(options, wanted):
        print()
        for verdict in section:
            print(verdict, flush=True)
            verdicts.append(verdict)
    met = sum(verdict.met for verdict in verdicts)
    print(f"\n{met} of {len(verdicts)} limits met, in {time.monotonic() - started:.0f} s")


def _sections(options: Options, wanted: list[str]) -> Iterator[Iterator[Verdict]]:
    cells = [cell for cell in CELLS if cell.name in wanted]
    if cells:
        yield measure_cells(cells, options)
    for name, section in SECTIONS.items():
        if name in wanted:
            yield section(options)


def _read() -> tuple[Options, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").splitlines()[0])
    parts = "; ".join(NAMES)
    parser.add_argument(
        "--only", action="append", help=f"parts whose name holds this; may be repeated. There are {parts}"
    )
    parser.add_argument(
        "--quick", action="store_true", help="less than two minutes instead of six: for a look, not for a figure"
    )
    parser.add_argument("--seconds", type=float, help="of each server in each round")
    parser.add_argument("--rounds", type=int, help="the median counts")
    parser.add_argument(
        "--pieces", type=int, choices=range(1, 101), metavar="1-100", help="writes of a stream upstream"
    )
    parser.add_argument("--streams", type=int, help="slow ones at once")
    parser.add_argument("--requests", type=int, help="of the endurance run")
    parser.add_argument("--client", choices=("wrk", "own"), default="wrk" if wrk_is_here() else "own")
    given = vars(parser.parse_args())
    only, quick = given.pop("only"), given.pop("quick")
    changed = {name: value for name, value in given.items() if value is not None}
    options = dataclasses.replace(QUICK if quick else Options(), **changed)
    wanted = [name for name in NAMES if any(part in name for part in only or [""])]
    if not wanted:
        parser.error(f"no part is called so; there are {parts}")
    return options, wanted


if __name__ == "__main__":
    main()
