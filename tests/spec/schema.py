"""OpenAI's own description of its API (../shared/specs/openai.yaml) as validators of single JSON values."""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import referencing
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing.jsonschema import DRAFT202012

SPECIFICATION = Path(__file__).resolve().parents[3] / "shared" / "specs" / "openai.yaml"
_URI = "urn:openai"
_SCHEMAS = f"{_URI}#/components/schemas/"
_EVENTS = "ResponseStreamEvent"
_MOST_SHOWN = 200  # characters of a complaint

# where the file must be there (CI=true), a missing one fails the test instead of hiding it
needs_specification = pytest.mark.skipif(
    not SPECIFICATION.is_file() and not os.environ.get("CI"),
    reason="OpenAI's description of its API is not there (../shared/specs/openai.yaml)",
)

WHOLE = {
    "openai-chat": "CreateChatCompletionResponse",
    "openai-responses": "Response",
    "openai-completions": "CreateCompletionResponse",
    "openai-embeddings": "CreateEmbeddingResponse",
    "images": "ImagesResponse",
    "moderations": "CreateModerationResponse",
    "transcriptions": "CreateTranscriptionResponseJson",
    "models": "ListModelsResponse",
    "model": "Model",
    "error": "ErrorResponse",
}
STREAMED = {
    "openai-chat": "CreateChatCompletionStreamResponse",
    "openai-completions": "CreateCompletionResponse",
}


def complaints(format: str, body: bytes, *, stream: bool = False) -> list[str]:
    """What is wrong with an answer in one of OpenAI's formats, each fault once: "place: what"."""
    if not stream:
        return list(_complaints(WHOLE[format], json.loads(body)))
    return sorted({complaint for value in events(body) for complaint in _of_event(format, value)})


def events(body: bytes) -> Iterator[Any]:
    """The JSON of a stream's events; the end marker is none."""
    for line in re.split(rb"\r?\n", body):
        data = line.removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data != b"[DONE]":
            yield json.loads(data)


def _of_event(format: str, value: dict[str, Any]) -> Iterable[str]:
    if format != "openai-responses":
        return _complaints("ErrorResponse" if "error" in value else STREAMED[format], value)
    name = _names_of_events().get(value["type"])
    return _complaints(name, value) if name else [f"type: there is no event {value['type']}"]


def _complaints(name: str, value: Any) -> Iterator[str]:
    seen = set()
    for error in _validator(name).iter_errors(value):
        for complaint in _told(error):
            if complaint not in seen:
                seen.add(complaint)
                yield complaint


@functools.cache
def _schemas() -> dict[str, Any]:
    with SPECIFICATION.open() as file:
        return dict(_nullable(yaml.load(file, Loader=yaml.CSafeLoader)["components"]["schemas"]))


@functools.cache
def _registry() -> Any:
    root = DRAFT202012.create_resource({"components": {"schemas": _schemas()}})
    return referencing.Registry().with_resource(_URI, root)


@functools.cache
def _validator(name: str) -> Any:
    return _Validator({"$ref": _SCHEMAS + name}, registry=_registry())


@functools.cache
def _names_of_events() -> dict[str, str]:
    """An event is held against the schema that its `type` names, instead of against all sixty."""
    names = [branch["$ref"].rpartition("/")[2] for branch in _schemas()[_EVENTS]["anyOf"]]
    return {kind: name for name in names for kind in _schemas()[name]["properties"]["type"]["enum"]}


def _nullable(schema: Any) -> Any:
    """A word of OpenAPI 3.0, in words of 3.1."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _nullable(item) for key, item in schema.items()}
    if found.get("nullable") is True:
        del found["nullable"]
        return {"anyOf": [found, {"type": "null"}]}
    return found


def _any_of(validator: Any, branches: list[Any], instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
    """In a union with a discriminator the instance names its branch. `oneOf` is taken for `anyOf`: the document says
    it also where several branches fit."""
    named = (schema.get("discriminator") or {}).get("propertyName")
    if named and isinstance(instance, dict) and named in instance:
        branches = [
            branch
            for branch in branches
            if (words := _words(validator, branch, named)) is None or instance[named] in words
        ]
        if not branches:
            yield ValidationError(f"no branch of the union has the {named} {instance[named]!r}")
            return
    found: list[ValidationError] = []
    for index, branch in enumerate(branches):
        errors = list(validator.descend(instance, branch, schema_path=index))
        if not errors:
            return
        found += errors
    yield ValidationError("fits no branch of the union", context=found)


def _words(validator: Any, branch: dict[str, Any], named: str) -> set[Any] | None:
    """What a property may say in a branch; None where it may say anything."""
    if "$ref" in branch:
        return _words(validator, validator._resolver.lookup(branch["$ref"]).contents, named)
    own = (branch.get("properties") or {}).get(named) or {}
    if "enum" in own:
        return set(own["enum"])
    inner = branch.get("anyOf") or branch.get("oneOf") or branch.get("allOf") or []
    words = [found for part in inner if (found := _words(validator, part, named)) is not None]
    return set().union(*words) if words else None


def _told(error: ValidationError) -> Iterator[str]:
    """Of a union, what is wrong with the branch that comes nearest: of the same kind, with the fewest faults."""
    if not error.context:
        place = ".".join("[]" if isinstance(step, int) else str(step) for step in error.absolute_path)
        yield f"{place}: {error.message}"[:_MOST_SHOWN]
        return
    branches = [list(group) for _, group in itertools.groupby(error.context, lambda found: found.schema_path[0])]
    nearest = min(branches, key=lambda group: (_of_another_kind(group), len(group)))
    for found in nearest:
        yield from _told(found)


def _of_another_kind(errors: list[ValidationError]) -> bool:
    return any(error.validator == "enum" or (error.validator == "type" and not error.path) for error in errors)


_Validator = extend(Draft202012Validator, {"anyOf": _any_of, "oneOf": _any_of})
