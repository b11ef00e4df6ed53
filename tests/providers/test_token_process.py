"""The process that counts tokens: there when it is needed, gone when it is not, and never in the way."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from app.providers.token_process import TokenProcess
from app.providers.tokens import count_tokens
from tests.waiting import until

TEXTS = ["Hello, world!", "Grüße aus Zürich 🦉", "x " * 50_000, "", "\ud83d alone"]


@pytest.fixture
async def tokens() -> AsyncIterator[TokenProcess]:
    process = TokenProcess()
    yield process
    await process.aclose()


async def test_it_counts_what_the_tokenizer_counts(tokens: TokenProcess) -> None:
    found = await asyncio.gather(*(tokens(text) for text in TEXTS))
    assert found[:4] == [count_tokens(text) for text in TEXTS[:4]]
    assert found[4] > 0


async def test_a_question_that_is_given_up_does_not_shift_the_answers(tokens: TokenProcess) -> None:
    given_up = tokens("This is not waited for.")
    await asyncio.sleep(0)
    given_up.cancel()
    assert await tokens("Hello, world!") == 4


async def test_where_there_is_no_process_the_length_tells(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ((sys.executable, "-c", "pass"), ("/nowhere/at/all",)):
        tokens = TokenProcess(command=command)
        assert await tokens("twelve bytes") == 3
        assert await tokens("") == 0
        await tokens.aclose()


async def test_a_process_that_nobody_asks_is_let_go() -> None:
    tokens = TokenProcess(idle_s=0.05)
    assert await tokens("Hello, world!") == 4
    process = tokens._process
    assert process is not None
    await until(lambda: process.returncode is not None)
    assert await tokens("Hello, world!") == 4, "and started again"
    await tokens.aclose()


async def test_what_waits_when_it_closes_is_told_by_its_length(tokens: TokenProcess) -> None:
    waiting = [tokens("twelve bytes") for _ in range(3)]
    await asyncio.sleep(0)
    await tokens.aclose()
    assert await asyncio.gather(*waiting) == [3, 3, 3]


async def test_closing_ends_the_process(tokens: TokenProcess) -> None:
    await tokens("Hello, world!")
    process = tokens._process
    assert process is not None
    await tokens.aclose()
    assert process.returncode is not None
    await tokens.aclose()
