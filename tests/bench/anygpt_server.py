"""AnyGPT as it is served, which also tells how many tasks it has: SIGUSR1 writes their number to BENCH_TASKS."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from app.core.settings import load_settings
from app.main import serve


def _tell(*_: object) -> None:
    path = Path(os.environ["BENCH_TASKS"])
    unfinished = path.with_suffix(".part")
    unfinished.write_text(str(len(asyncio.all_tasks())))
    unfinished.replace(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _tell)
    serve(load_settings())
