"""Cohere's /v2/embed (https://docs.cohere.com/reference/embed): spoken by providers only."""

from __future__ import annotations

from typing import Any

from app.core.chat import Usage
from app.core.embeddings import EmbeddingRequest, EmbeddingResult
from app.core.errors import UnreadableAnswer
from app.formats.base import UpstreamCall
from app.formats.cohere_chat.words import failure
from app.formats.embeddings.base import EMBED, EmbeddingFormat, left_out, texts_of
from app.formats.embeddings.tasks import DEFAULT_INPUT_TYPE, input_type_of
from app.formats.embeddings.vectors import read_vectors
from app.formats.payload import as_count, as_dict, as_text, dump, read_answer

PATH = "/v2/embed"
MOST_INPUTS = 96
_NAME = "Cohere's format of embeddings"
_KINDS = ("float", "int8", "uint8")


class CohereEmbeddings:
    name = "cohere-embeddings"
    family = "cohere"
    operation = EMBED

    def encode_request(self, request: EmbeddingRequest, model: str) -> UpstreamCall:
        """An input type must be given: what is not asked for otherwise is a document to be found."""
        notes = left_out(request, _NAME, "titles", "user")
        input_type = input_type_of(request.task)
        if input_type is None:
            input_type = DEFAULT_INPUT_TYPE
            if request.task is not None:
                notes.append(f"task: {request.task} said as {input_type}; {_NAME} has no such word.")
        body: dict[str, Any] = {
            "model": model,
            "texts": texts_of(request, _NAME, MOST_INPUTS),
            "input_type": input_type,
            "embedding_types": ["float"],
        }
        if request.dimensions is not None:
            body["output_dimension"] = request.dimensions
        return UpstreamCall(path=PATH, body=dump(body), approximated=notes)

    def decode_result(self, body: bytes) -> EmbeddingResult:
        """The first API's answer, a bare list of vectors, is read too."""
        value = read_answer(body)
        if (error := failure(value, body[:65536])) is not None:
            raise error
        found = value.get("embeddings")
        if isinstance(found, dict):
            found = next((found[kind] for kind in _KINDS if found.get(kind)), None)
        if not found:
            raise UnreadableAnswer("The provider's answer has no embeddings.", body=body[:2000])
        return EmbeddingResult(
            vectors=read_vectors(found), model=as_text(value.get("model")), usage=_usage(as_dict(value.get("meta")))
        )


def _usage(meta: dict[str, Any]) -> Usage | None:
    tokens = as_dict(meta.get("tokens")) or as_dict(meta.get("billed_units"))
    if "input_tokens" not in tokens:
        return None
    return Usage(input=as_count(tokens["input_tokens"]))


EMBEDDINGS: EmbeddingFormat = CohereEmbeddings()
