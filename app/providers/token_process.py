"""Counts tokens in a process of its own.

The tokenizer's vocabulary takes 60 MB, and building it holds the interpreter for a quarter of a second: in this
process, all streams would stand still meanwhile."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import structlog

from app.providers.token_worker import SIZE

log = structlog.get_logger()

IDLE_S = 600.0  # without a question, after which the process is let go
AT_ONCE = 256  # texts in one exchange; the answers fit into the pipe
MODULE = "app.providers.token_worker"
A_TOKEN = 4  # bytes: what is said where the process cannot be had


class TokenProcess:
    """Started with the first text. What comes while it counts is asked together next."""

    def __init__(self, *, idle_s: float = IDLE_S, command: tuple[str, ...] = (sys.executable, "-m", MODULE)) -> None:
        self._idle_s, self._command = idle_s, command
        self._waiting: list[tuple[bytes, asyncio.Future[int]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, text: str) -> asyncio.Future[int]:
        """Tokens of a text, later; a fourth of its bytes where no process can be had."""
        loop = asyncio.get_running_loop()
        counted: asyncio.Future[int] = loop.create_future()
        self._waiting.append((text.encode("utf-8", "replace"), counted))
        if self._asking is None:
            self._asking = loop.create_task(self._ask_all(), name="count tokens")
        return counted

    async def aclose(self) -> None:
        """What still waits is told by its length."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        left, self._waiting = self._waiting, []
        _tell(left, [_by_length(data) for data, _ in left])
        process = self._process
        self._let_go()
        if process is not None:
            await process.wait()

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                asked = self._waiting[:AT_ONCE]
                counts = await self._ask([data for data, _ in asked])
                del self._waiting[: len(asked)]
                _tell(asked, counts)
            self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._let_go)
        finally:
            self._asking = None

    async def _ask(self, texts: list[bytes]) -> list[int]:
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the server, which may still have something to count
                )
            questions, answers = self._process.stdin, self._process.stdout
            assert questions is not None
            assert answers is not None
            questions.write(b"".join([len(text).to_bytes(SIZE) + text for text in texts]))
            await questions.drain()
            found = await answers.readexactly(SIZE * len(texts))
        except (OSError, asyncio.IncompleteReadError) as error:
            log.warning("tokens are estimated by length: the process that counts them ended", reason=str(error))
            self._let_go()
            return [_by_length(text) for text in texts]
        return [int.from_bytes(found[at : at + SIZE]) for at in range(0, len(found), SIZE)]

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()


def _by_length(data: bytes) -> int:
    return -(-len(data) // A_TOKEN)


def _tell(asked: list[tuple[bytes, asyncio.Future[int]]], counts: list[int]) -> None:
    for (_, counted), count in zip(asked, counts, strict=True):
        if not counted.done():
            counted.set_result(count)
