"""What a format of embeddings is: the seam that each file beside this one fills."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from app.core.embeddings import EmbeddingRequest, EmbeddingResult
from app.core.errors import UnreadableAnswer, Unsupported
from app.formats.base import Peek, UpstreamCall

EMBED = "embeddings"
_FAMILY = "family"  # in `extra`, beside the fields: whose they are


class EmbeddingFormat(Protocol):
    """The provider's side."""

    name: str  # "openai-embeddings"
    family: str
    operation: str

    def encode_request(self, request: EmbeddingRequest, model: str) -> UpstreamCall:
        """Raises Unsupported, naming the field, for what cannot be said; advice that cannot is left out and named in
        `approximated`."""
        ...

    def decode_result(self, body: bytes) -> EmbeddingResult:
        """Raises UnreadableAnswer, or the UpstreamError of an error in a 200."""
        ...


class EmbeddingClientFormat(EmbeddingFormat, Protocol):
    """The client's side too. `batch` says which of Gemini's two methods was called; OpenAI has one for both."""

    def peek(self, body: bytes, path_model: str | None = None) -> Peek: ...

    def decode_request(self, body: bytes, path_model: str | None = None, batch: bool = True) -> EmbeddingRequest:
        """Raises BadRequest, or Unsupported."""
        ...

    def encode_result(self, result: EmbeddingResult, request: EmbeddingRequest) -> bytes:
        """Written as the request wants it, under the name the result bears."""
        ...


def check_count(result: EmbeddingResult, request: EmbeddingRequest) -> None:
    """A vector too few would be taken for another text's. Raises UnreadableAnswer."""
    asked = len(request.inputs) or len(request.tokens)
    if len(result.vectors) != asked:
        raise UnreadableAnswer(f"The provider answered with {len(result.vectors)} embeddings where {asked} were due.")


def texts_of(request: EmbeddingRequest, format_name: str, most: int | None = None) -> list[str]:
    """The texts, for a format that takes nothing else. Raises Unsupported."""
    if request.tokens:
        raise Unsupported(f"input: {format_name} takes texts, not tokens; send the text itself.", field="input")
    if most is not None and len(request.inputs) > most:
        raise Unsupported(f"input: {format_name} takes {most} texts at most; send fewer at once.", field="input")
    return request.inputs


def own_fields(request: EmbeddingRequest, family: str) -> dict[str, Any]:
    """The client's own fields, for a provider of the same family."""
    if request.extra.get(_FAMILY) != family:
        return {}
    return {key: value for key, value in request.extra.items() if key != _FAMILY}


def left_out(request: EmbeddingRequest, format_name: str, *fields: str, said: Collection[str] = ()) -> list[str]:
    """One sentence for each of these fields, and of the client's own ones, that is given and stays behind."""
    given = [field for field in fields if getattr(request, field)]
    given += [key for key in request.extra if key != _FAMILY and key not in said][:20]
    return [f"{field}: left out; {format_name} has no such field." for field in given]
