"""Client errors as JSON lines in logs/api-error.jsonl, rotated; never a secret, never a body."""

from __future__ import annotations

import logging
import queue
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

import orjson

MAX_BYTES = 10 * 2**20
KEPT = 5
QUEUE = 10_000  # lines waiting for the disk; more are dropped


class ErrorLog:
    """Lines are written by a thread of their own: a slow disk never holds up a request."""

    def __init__(self, path: Path) -> None:
        self._logger = logging.Logger("anygpt.api-error")
        lines: queue.Queue[logging.LogRecord] = queue.Queue(QUEUE)
        file = _Quiet(path, maxBytes=MAX_BYTES, backupCount=KEPT, delay=True, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(message)s"))
        self._logger.addHandler(_Dropping(lines))
        self._listener = QueueListener(lines, file)
        self._listener.start()

    def write(self, **fields: object) -> None:
        self._logger.info(orjson.dumps(fields).decode())

    def close(self) -> None:
        self._listener.stop()


class _Quiet(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must not fill the log on stderr as well, once for every request."""


class _Dropping(QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return
