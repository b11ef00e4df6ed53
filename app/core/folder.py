"""The data folder: its rights, its parts, and the lock that keeps it to one server."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from app.core.errors import StartError

TRIES, PAUSE_S = 5, 0.05


class DataFolder:
    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self.database = self.root / "anygpt.db"
        self.bodies = self.root / "bodies.db"
        self.master_key = self.root / "master.key"
        self.backups = self.root / "backups"
        self.logs = self.root / "logs"
        self.uploads = self.root / "uploads"
        self._lock: IO[str] | None = None

    def prepare(self) -> None:
        """Makes what is missing. Raises StartError where the folder cannot be written."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)  # what lies here is nobody else's business
            self.logs.mkdir(exist_ok=True)
            self.uploads.mkdir(exist_ok=True)
            probe = self.root / ".write-test"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StartError(
                f"The data folder {self.root} cannot be written ({error.strerror}). "
                "Give this user rights to it, or name another with ANYGPT_DATA_DIR or --data-dir."
            ) from None

    def lock(self) -> None:
        """Keeps the folder to this process until `unlock`. Raises StartError when a server already has it."""
        path = self.root / "anygpt.lock"
        try:
            handle = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StartError(f"{path} cannot be opened ({error.strerror}). Check the folder's rights.") from None
        if not _taken(handle):
            handle.seek(0)
            holder = handle.read().strip()
            handle.close()
            raise StartError(
                f"The data folder {self.root} is in use by another AnyGPT{f' (process {holder})' if holder else ''}. "
                "Stop it, or name another folder with --data-dir."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._lock = handle

    def is_locked(self) -> bool:
        """Whether a server (of any process) holds the folder now."""
        path = self.root / "anygpt.lock"
        if not path.exists():
            return False
        with path.open("a+", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
            return False

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _taken(handle: IO[str]) -> bool:
    """Takes the lock; a command that only looks holds it for an instant, so it is asked for more than once."""
    for _ in range(TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(PAUSE_S)
    return False
