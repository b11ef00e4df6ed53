"""Ollama's /api/embed (https://docs.ollama.com/api/embed): spoken by providers only."""

from __future__ import annotations

from typing import Any

from app.core.chat import Usage
from app.core.embeddings import EmbeddingRequest, EmbeddingResult
from app.formats.base import UpstreamCall
from app.formats.embeddings.base import EMBED, EmbeddingFormat, left_out, texts_of
from app.formats.embeddings.vectors import read_vectors
from app.formats.failures import in_band
from app.formats.payload import as_count, as_text, dump, read_answer

PATH = "/api/embed"
_NAME = "Ollama's format of embeddings"


class OllamaEmbeddings:
    name = "ollama-embeddings"
    family = "ollama"
    operation = EMBED

    def encode_request(self, request: EmbeddingRequest, model: str) -> UpstreamCall:
        """A text that is too long is an error, as elsewhere, and not cut."""
        body: dict[str, Any] = {"model": model, "input": texts_of(request, _NAME), "truncate": False}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        notes = left_out(request, _NAME, "task", "titles", "user")
        return UpstreamCall(path=PATH, body=dump(body), approximated=notes)

    def decode_result(self, body: bytes) -> EmbeddingResult:
        value = read_answer(body)
        if value.get("error"):
            raise in_band(value, body[:65536])
        counted = "prompt_eval_count" in value
        return EmbeddingResult(
            vectors=read_vectors(value.get("embeddings") or [value.get("embedding")]),
            model=as_text(value.get("model")),
            usage=Usage(input=as_count(value["prompt_eval_count"])) if counted else None,
        )


EMBEDDINGS: EmbeddingFormat = OllamaEmbeddings()
