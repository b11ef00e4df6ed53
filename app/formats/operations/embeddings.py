"""Embeddings: OpenAI's and Gemini's clients, relayed where the provider speaks the same, else translated."""

from __future__ import annotations

from typing import Any

from app.core.chat import FinishReason, Usage
from app.core.embeddings import EmbeddingResult
from app.core.errors import AnyGPTError
from app.formats.base import ClientFormat, Peek, UpstreamCall
from app.formats.embeddings import gemini, openai
from app.formats.embeddings.base import EMBED, EmbeddingClientFormat, check_count
from app.formats.failures import in_band
from app.formats.gemini.errors import encode_error
from app.formats.gemini.words import read_usage
from app.formats.payload import dump, read_answer
from app.formats.relay_only import RelayOnly
from app.formats.splice import may_name, set_member


class Embeddings(RelayOnly):
    """OpenAI's, and what all formats of embeddings share as a client's."""

    name = "openai-embeddings"
    asks = EMBED
    path = openai.PATH
    wire: EmbeddingClientFormat = openai.EMBEDDINGS

    def peek(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
        return self.wire.peek(body, path_model)

    def decode_request(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Any:
        return self.wire.decode_request(body, path_model)

    def encode_result(self, result: EmbeddingResult) -> bytes:
        check_count(result, result.asked)
        return self.wire.encode_result(result, result.asked)


class GeminiEmbeddings(Embeddings):
    """One text, or with `batch` a list of requests; the model's name stands in the path, and may stand in each."""

    name = "gemini-embeddings"
    family = "gemini"
    wire = gemini.EMBEDDINGS

    def __init__(self, *, batch: bool) -> None:
        self._batch = batch

    def decode_request(self, body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Any:
        return self.wire.decode_request(body, path_model, self._batch)

    def relay_request(self, body: bytes, model: str, peek: Peek, ask_usage: bool) -> UpstreamCall:
        name = model if "/" in model else f"models/{model}"
        if may_name(body, "model"):  # the path decides, but a name in the body must not contradict it
            body = set_member(body, "model", dump(name), each_of="requests")
        return UpstreamCall(path=f"/{name}:{'batchEmbedContents' if self._batch else 'embedContent'}", body=body)

    def result_usage(self, body: bytes) -> tuple[Usage | None, FinishReason | None]:
        value = read_answer(body)
        if value.get("error"):
            raise in_band(value, body[:65536])
        return read_usage(value.get("usageMetadata")), FinishReason.STOP

    def encode_error(self, error: AnyGPTError) -> bytes:
        return encode_error(error)


OPENAI_EMBEDDINGS: ClientFormat = Embeddings()
GEMINI_EMBED: ClientFormat = GeminiEmbeddings(batch=False)
GEMINI_BATCH_EMBED: ClientFormat = GeminiEmbeddings(batch=True)
