"""OpenAI's embeddings, as OpenAI and all who followed speak them."""

from __future__ import annotations

from typing import Any

import msgspec

from app.core.embeddings import EmbeddingRequest, EmbeddingResult
from app.core.errors import BadRequest, UnreadableAnswer
from app.formats.base import Peek, UpstreamCall
from app.formats.embeddings.base import EMBED, EmbeddingClientFormat, left_out, own_fields
from app.formats.embeddings.tasks import task_of
from app.formats.embeddings.vectors import read_vector, write_base64
from app.formats.extras import keep_extras
from app.formats.fields import Fields, check_model
from app.formats.openai_chat.result import refuse_error
from app.formats.openai_chat.words import read_usage
from app.formats.payload import as_count, as_dicts, as_text, dump, kind, peek, read_answer, read_request

PATH = "/embeddings"
MOST_INPUTS = 2048
_NAME = "OpenAI's format of embeddings"
_READ = {"model", "input", "dimensions", "encoding_format", "user"}
_SMALL = "pplx-embed"  # Perplexity's vectors are of signed bytes


class _Head(msgspec.Struct):
    model: str
    input: msgspec.Raw
    user: str | None = None


_head = msgspec.json.Decoder(_Head)


class OpenAIEmbeddings:
    name = "openai-embeddings"
    family = "openai"
    operation = EMBED

    def peek(self, body: bytes, path_model: str | None = None) -> Peek:
        head = peek(body, _head)
        check_model(head.model)
        size = len(bytes(head.input))
        return Peek(model=head.model, needs=frozenset({EMBED}), input_bytes=size, user=head.user)

    def decode_request(self, body: bytes, path_model: str | None = None, batch: bool = True) -> EmbeddingRequest:
        root = Fields(read_request(body))
        model = root.needed_text("model")
        check_model(model)
        inputs, tokens = _inputs(root)
        encoding = root.text("encoding_format") or "float"
        if encoding not in ("float", "base64"):
            raise root.unknown("encoding_format", "float and base64")
        task = task_of(root.text("input_type"))
        return EmbeddingRequest(
            model=model,
            inputs=inputs,
            tokens=tokens,
            dimensions=_dimensions(root),
            encoding=encoding,
            task=task,
            user=root.text("user"),
            extra=keep_extras(root.value, _READ if task is None else _READ | {"input_type"}, self.family),
        )

    def encode_result(self, result: EmbeddingResult, request: EmbeddingRequest) -> bytes:
        base64 = request.encoding == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": write_base64(vector) if base64 else vector}
            for index, vector in enumerate(result.vectors)
        ]
        read = result.usage.input if result.usage is not None else 0
        usage = {"prompt_tokens": read, "total_tokens": read}
        return dump({"object": "list", "data": data, "model": result.model, "usage": usage})

    def encode_request(self, request: EmbeddingRequest, model: str) -> UpstreamCall:
        body: dict[str, Any] = {"model": model, "input": request.tokens or request.inputs}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        if request.user is not None:
            body["user"] = request.user
        own = own_fields(request, self.family)
        notes = left_out(request, _NAME, "task", "titles", said=own)
        return UpstreamCall(path=PATH, body=dump(body | own), approximated=notes)

    def decode_result(self, body: bytes) -> EmbeddingResult:
        value = read_answer(body)
        if value.get("error"):
            refuse_error(value, body)
        entries = as_dicts(value.get("data"))
        if not entries:
            raise UnreadableAnswer("The provider's answer has no embeddings.", body=body[:2000])
        if all("index" in entry for entry in entries):
            entries.sort(key=lambda entry: as_count(entry.get("index")))
        model = as_text(value.get("model"))
        small = _SMALL in model
        return EmbeddingResult(
            vectors=[read_vector(entry.get("embedding"), small=small) for entry in entries],
            model=model,
            usage=read_usage(value.get("usage")),
        )


def _inputs(root: Fields) -> tuple[list[str], list[list[int]]]:
    """Texts or tokens: one or a list of either."""
    value = root.get("input")
    if value is None:
        raise BadRequest("input: this field is missing; it takes a text or a list of texts.", field="input")
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise root.wrong("input", "a text or a list of texts")
    if value and all(_is_token(item) for item in value):
        value = [value]
    if not 1 <= len(value) <= MOST_INPUTS:
        raise BadRequest(f"input: expected 1 to {MOST_INPUTS} texts, got {len(value)}.", field="input")
    if all(isinstance(item, str) for item in value):
        if "" in value:
            raise BadRequest("input: a text is empty; leave it out.", field="input")
        return value, []
    for number, item in enumerate(value):
        if not isinstance(item, list) or not item or not all(_is_token(token) for token in item):
            place = f"input[{number}]"
            raise BadRequest(
                f"{place}: expected a text or a list of tokens like the others, got {kind(item)}.", field=place
            )
    return [], value


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _dimensions(root: Fields) -> int | None:
    found = root.whole("dimensions")
    if found is not None and found < 1:
        raise BadRequest(f"dimensions: expected a whole number from 1, got {found}.", field="dimensions")
    return found


EMBEDDINGS: EmbeddingClientFormat = OpenAIEmbeddings()
