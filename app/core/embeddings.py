"""What the formats of embeddings meet in: texts asked for, vectors answered."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.chat import Usage


class EmbeddingRequest(msgspec.Struct, kw_only=True):
    """One question for embeddings. Either `inputs` or `tokens` is filled: one vector is due for each.

    `task` is Gemini's word ("RETRIEVAL_QUERY" …); `titles` stand beside `inputs`, or are empty. `encoding` ("float"
    or "base64") and `batch` say how the client wants the answer written. `extra` keeps what only the client's own
    format knows, by its name there."""

    model: str
    inputs: list[str] = []
    tokens: list[list[int]] = []  # ids of one tokenizer: only OpenAI's family reads them
    dimensions: int | None = None
    encoding: str = "float"
    batch: bool = True  # Gemini's embedContent asks for one vector and gets it bare
    task: str | None = None
    titles: list[str | None] = []
    user: str | None = None
    extra: dict[str, Any] = {}


class EmbeddingResult(msgspec.Struct, kw_only=True):
    """`vectors` in the order of the inputs. Their numbers are of 32 bits, as every provider computes them: read from
    base64 and read from decimals they are the same."""

    vectors: list[list[float]]
    model: str = ""
    usage: Usage | None = None
    asked: EmbeddingRequest | Any = None  # the question it answers
    finish: None = None
