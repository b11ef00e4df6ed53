"""The process that counts tokens: texts come in, numbers go out, until its input ends."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import BinaryIO

from app.providers.tokens import count_tokens

SIZE = 4  # bytes of a length before each text, and of each number; both big-endian


def answer(questions: BinaryIO, answers: BinaryIO) -> None:
    while len(head := questions.read(SIZE)) == SIZE:
        text = questions.read(int.from_bytes(head)).decode("utf-8", "replace")
        answers.write(count_tokens(text).to_bytes(SIZE))
        answers.flush()


if __name__ == "__main__":
    with suppress(OSError, AttributeError):
        os.nice(10)  # whoever asks for an estimate can wait; requests cannot
    with suppress(KeyboardInterrupt, BrokenPipeError):
        answer(sys.stdin.buffer, sys.stdout.buffer)
