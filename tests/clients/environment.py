"""The clients' own virtual environment, made once in a folder that is kept, and a process that runs in it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

FOLDER = "CLIENTS_VENV"
_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements.txt"
_WAIT_S = 600  # for the packages to be fetched


def needed() -> None:
    """Skips the whole module where no folder is named: these suites run where they are asked for."""
    if not os.environ.get(FOLDER):
        pytest.skip(f"{FOLDER} names no folder for the clients' packages", allow_module_level=True)


def python() -> Path:
    """The environment's interpreter."""
    folder = Path(os.environ[FOLDER]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # each worker of pytest-xdist comes here
        return _made(folder)


def _made(folder: Path) -> Path:
    note, wanted = folder / "made", hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    found = folder / "bin" / "python"
    if not note.is_file() or note.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=_WAIT_S)
        install = [found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", _REQUIREMENTS]
        subprocess.run(install, check=True, timeout=_WAIT_S)
        note.write_text(wanted)
    return found


class Worker:
    """The program `asking.py` in that environment: a question in, what the client read out, as lines of JSON."""

    def __init__(self, interpreter: Path, folder: Path) -> None:
        self._asked = 0
        known = {"PATH", "SYSTEMROOT", "LANG", "LC_ALL"}  # no key or proxy of this machine
        environment = {name: value for name, value in os.environ.items() if name in known}
        self._process = subprocess.Popen(
            [interpreter, _HERE / "asking.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env={**environment, "LLM_USER_PATH": str(folder), "HOME": str(folder), "PYTHONUTF8": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def ask(self, **question: Any) -> dict[str, Any]:
        """`pieces` that the client gave, and the `error` that it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked += 1
        self._process.stdin.write(json.dumps({"number": self._asked, **question}) + "\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            read = dict(json.loads(line))
            if read.pop("number") == self._asked:  # and not of a question whose test gave up
                return read
        raise AssertionError("the client's process is gone")
