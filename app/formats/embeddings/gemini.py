"""Gemini's embeddings: embedContent for one text, batchEmbedContents for many (https://ai.google.dev/api/embeddings)."""

from __future__ import annotations

from typing import Any, TypeVar

from app.core.embeddings import EmbeddingRequest, EmbeddingResult
from app.core.errors import BadRequest, UnreadableAnswer, Unsupported
from app.formats.base import Peek, UpstreamCall
from app.formats.embeddings.base import EMBED, EmbeddingClientFormat, left_out, texts_of
from app.formats.embeddings.vectors import read_vector
from app.formats.failures import in_band
from app.formats.fields import Fields, check_model
from app.formats.gemini.words import camel, read_usage
from app.formats.payload import as_dicts, dump, read_answer, read_request

T = TypeVar("T")
MOST_INPUTS = 100
_NAME = "Gemini's format of embeddings"


class GeminiEmbeddings:
    """Providers are always asked by batchEmbedContents."""

    name = "gemini-embeddings"
    family = "gemini"
    operation = EMBED

    def peek(self, body: bytes, path_model: str | None = None) -> Peek:
        model = _model(camel(read_request(body)), path_model)
        return Peek(model=model, needs=frozenset({EMBED}), input_bytes=len(body))

    def decode_request(self, body: bytes, path_model: str | None = None, batch: bool = True) -> EmbeddingRequest:
        value = camel(read_request(body))
        root = Fields(value)
        asked = list(root.objects("requests")) if batch else [root]
        if not asked:
            raise BadRequest("requests: the list is missing or empty; send at least one.", field="requests")
        titles = [one.text("title") for one in asked]
        return EmbeddingRequest(
            model=_model(value, path_model),
            inputs=[_text(one) for one in asked],
            dimensions=_dimensions(asked),
            batch=batch,
            task=_same(asked, "taskType", [_task(one) for one in asked]),
            titles=titles if any(titles) else [],
        )

    def encode_result(self, result: EmbeddingResult, request: EmbeddingRequest) -> bytes:
        written: dict[str, Any] = {}
        if request.batch:
            written["embeddings"] = [{"values": vector} for vector in result.vectors]
        else:
            written["embedding"] = {"values": result.vectors[0]}
        if result.usage is not None:
            read = result.usage.input
            written["usageMetadata"] = {"promptTokenCount": read, "totalTokenCount": read}
        return dump(written)

    def encode_request(self, request: EmbeddingRequest, model: str) -> UpstreamCall:
        texts = texts_of(request, _NAME, MOST_INPUTS)
        name = model if "/" in model else f"models/{model}"
        shared: dict[str, Any] = {"model": name}
        if request.task is not None:
            shared["taskType"] = request.task
        if request.dimensions is not None:
            shared["outputDimensionality"] = request.dimensions
        requests = [shared | {"content": {"parts": [{"text": text}]}} for text in texts]
        for one, title in zip(requests, request.titles, strict=False):
            if title is not None:
                one["title"] = title
        notes = left_out(request, _NAME, "user")
        return UpstreamCall(path=f"/{name}:batchEmbedContents", body=dump({"requests": requests}), approximated=notes)

    def decode_result(self, body: bytes) -> EmbeddingResult:
        value: dict[str, Any] = camel(read_answer(body))
        if value.get("error"):
            raise in_band(value, body[:65536])
        found = as_dicts(value.get("embeddings")) or as_dicts([value.get("embedding")])
        if not found:
            raise UnreadableAnswer("The provider's answer has no embeddings.", body=body[:2000])
        return EmbeddingResult(
            vectors=[read_vector(one.get("values")) for one in found], usage=read_usage(value.get("usageMetadata"))
        )


def _model(value: dict[str, Any], path_model: str | None) -> str:
    named = value.get("model") or next((one.get("model") for one in as_dicts(value.get("requests"))), None)
    model = path_model or (named if isinstance(named, str) else "")
    check_model(model)
    return model.removeprefix("models/")


def _text(one: Fields) -> str:
    content = one.object("content")
    if content is None:
        raise BadRequest(
            f"{one.at('content')}: this field is missing; it takes the text's parts.", field=one.at("content")
        )
    parts = list(content.objects("parts"))
    for part in parts:
        if any(part.get(key) is not None for key in ("inlineData", "fileData")):
            raise Unsupported(
                f"{part.place}: only texts can be embedded by this model; leave it out.", field=part.place
            )
    texts = [part.needed_text("text") for part in parts]
    if not any(texts):
        place = content.at("parts")
        raise BadRequest(f"{place}: there is no text; send one.", field=place)
    return "\n".join(texts)


def _task(one: Fields) -> str | None:
    task = one.text("taskType")
    return None if task == "TASK_TYPE_UNSPECIFIED" else task


def _dimensions(asked: list[Fields]) -> int | None:
    for one in asked:
        found = one.whole("outputDimensionality")
        if found is not None and found < 1:
            place = one.at("outputDimensionality")
            raise BadRequest(f"{place}: expected a whole number from 1, got {found}.", field=place)
    return _same(asked, "outputDimensionality", [one.whole("outputDimensionality") for one in asked])


def _same(asked: list[Fields], key: str, values: list[T]) -> T:
    """What all requests of a batch must agree in: other formats say it once."""
    for one, value in zip(asked, values, strict=True):
        if value != values[0]:
            raise Unsupported(f"{one.at(key)}: give all requests of a batch the same one.", field=one.at(key))
    return values[0]


EMBEDDINGS: EmbeddingClientFormat = GeminiEmbeddings()
