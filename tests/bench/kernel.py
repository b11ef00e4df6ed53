"""What the kernel says of a process and of the cores: processor time, memory, open files, time without work."""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CPU, LOAD_CPU = _CORES[0], _CORES[1 % len(_CORES)]


def cpu_seconds(pid: int) -> float:
    """Of all threads of the process, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_files(pid: int) -> Counter[str]:
    """What the process has open: how many sockets, pipes and files of each name."""
    found: Counter[str] = Counter()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            target = entry.readlink()
            found[target.name.partition(":")[0]] += 1
    return found


class Idle:
    """The share of the time that the load's core had nothing to do, from 0 to 1; known when the block has ended."""

    share = 0.0


@contextmanager
def load_idle() -> Iterator[Idle]:
    found = Idle()
    before = _ticks()
    yield found
    after = _ticks()
    found.share = (after[0] - before[0]) / max(after[1] - before[1], 1)


def _ticks() -> tuple[int, int]:
    """Ticks of the load's core: without work, and all (proc_stat(5))."""
    lines = Path("/proc/stat").read_text().splitlines()
    fields = next(line.split() for line in lines if line.startswith(f"cpu{LOAD_CPU} "))
    ticks = [int(field) for field in fields[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def allow_many_files() -> None:
    """A thousand streams are two thousand sockets; what is started from here may open them too."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
