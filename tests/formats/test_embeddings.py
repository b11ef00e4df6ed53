"""Embeddings in four formats: asked for, answered, and the same numbers however they are written."""

from __future__ import annotations

import base64
import contextlib
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.embeddings import EmbeddingRequest, EmbeddingResult
from app.core.errors import AnyGPTError, BadCredential, BadRequest, UnreadableAnswer, Unsupported, UpstreamError
from app.formats.embeddings.base import check_count
from app.formats.embeddings.registry import EMBEDDING_CLIENT_FORMATS, EMBEDDING_FORMATS
from app.formats.failures import read_error
from tests.recordings import Recording, each

OPENAI, GEMINI = EMBEDDING_CLIENT_FORMATS["openai-embeddings"], EMBEDDING_CLIENT_FORMATS["gemini-embeddings"]
COHERE, OLLAMA = EMBEDDING_FORMATS["cohere-embeddings"], EMBEDDING_FORMATS["ollama-embeddings"]
BASE64 = base64.b64encode(struct.pack("<2f", 0.1, -0.25)).decode()

ANSWERS: dict[str, dict[str, Any]] = {
    "openai-embeddings": {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 1, "embedding": [0.5, 0.75]},
            {"object": "embedding", "index": 0, "embedding": BASE64},
        ],
        "model": "m",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    },
    "gemini-embeddings": {
        "embeddings": [{"values": [0.1, -0.25]}, {"values": [0.5, 0.75]}],
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
    },
    "cohere-embeddings": {
        "id": "1",
        "embeddings": {"float": [[0.1, -0.25], [0.5, 0.75]]},
        "texts": ["a", "b"],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 7}},
    },
    "ollama-embeddings": {"model": "m", "embeddings": [[0.1, -0.25], [0.5, 0.75]], "prompt_eval_count": 7},
}


def openai(**fields: Any) -> EmbeddingRequest:
    return OPENAI.decode_request(json.dumps({"model": "m", "input": ["a", "b"]} | fields).encode())


def sent(name: str, request: EmbeddingRequest) -> dict[str, Any]:
    return dict(json.loads(EMBEDDING_FORMATS[name].encode_request(request, "real").body))


def test_four_formats_are_found_and_two_of_them_are_clients_too() -> None:
    assert set(EMBEDDING_FORMATS) == set(ANSWERS)
    assert set(EMBEDDING_CLIENT_FORMATS) == {"openai-embeddings", "gemini-embeddings"}
    assert all(wire.operation == "embeddings" for wire in EMBEDDING_FORMATS.values())


@pytest.mark.parametrize("name", ANSWERS)
def test_one_answer_has_the_same_numbers_in_every_format(name: str) -> None:
    result = EMBEDDING_FORMATS[name].decode_result(json.dumps(ANSWERS[name]).encode())
    expected = [list(struct.unpack("<2f", struct.pack("<2f", *vector))) for vector in ([0.1, -0.25], [0.5, 0.75])]
    assert result.vectors == expected
    assert result.usage is not None
    assert result.usage.input == 7
    for request in (openai(), openai(encoding_format="base64")):
        again = OPENAI.decode_result(OPENAI.encode_result(result, request))
        assert (again.vectors, again.usage) == (expected, result.usage)
    batch = EmbeddingRequest(model="m", inputs=["a", "b"])
    assert GEMINI.decode_result(GEMINI.encode_result(result, batch)).vectors == expected


def test_a_client_that_wants_base64_gets_base64_of_32_bit_floats() -> None:
    result = EmbeddingResult(vectors=[[0.5, 0.25]], model="m")
    written = json.loads(OPENAI.encode_result(result, openai(encoding_format="base64")))
    assert struct.unpack("<2f", base64.b64decode(written["data"][0]["embedding"])) == (0.5, 0.25)
    assert written["data"][0]["index"] == 0
    assert json.loads(OPENAI.encode_result(result, openai()))["data"][0]["embedding"] == [0.5, 0.25]


def test_gemini_writes_one_vector_bare_and_a_batch_as_a_list() -> None:
    result = EmbeddingResult(vectors=[[0.5]])
    one = EmbeddingRequest(model="m", inputs=["a"], batch=False)
    assert json.loads(GEMINI.encode_result(result, one)) == {"embedding": {"values": [0.5]}}
    many = EmbeddingRequest(model="m", inputs=["a"])
    assert json.loads(GEMINI.encode_result(result, many)) == {"embeddings": [{"values": [0.5]}]}


def test_openais_question_is_said_to_every_provider() -> None:
    request = openai(dimensions=256, encoding_format="base64", user="u")
    assert sent("openai-embeddings", request) == {"model": "real", "input": ["a", "b"], "dimensions": 256, "user": "u"}
    assert sent("gemini-embeddings", request)["requests"][1] == {
        "model": "models/real",
        "outputDimensionality": 256,
        "content": {"parts": [{"text": "b"}]},
    }
    assert sent("cohere-embeddings", request) == {
        "model": "real",
        "texts": ["a", "b"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }
    assert sent("ollama-embeddings", request) == {
        "model": "real",
        "input": ["a", "b"],
        "truncate": False,
        "dimensions": 256,
    }
    paths = [EMBEDDING_FORMATS[name].encode_request(request, "real").path for name in ANSWERS]
    assert paths == ["/embeddings", "/models/real:batchEmbedContents", "/v2/embed", "/api/embed"]
    assert COHERE.encode_request(request, "real").approximated == [
        "user: left out; Cohere's format of embeddings has no such field."
    ]


def test_geminis_batch_is_said_to_every_provider() -> None:
    body = {
        "requests": [
            {
                "model": "models/m",
                "content": {"parts": [{"text": "a"}, {"text": "b"}]},
                "task_type": "RETRIEVAL_QUERY",
                "outputDimensionality": 8,
                "title": "T",
            },
            {"content": {"parts": [{"text": "c"}]}, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 8},
        ]
    }
    request = GEMINI.decode_request(json.dumps(body).encode(), "m", True)
    assert (request.model, request.inputs, request.titles) == ("m", ["a\nb", "c"], ["T", None])
    assert sent("cohere-embeddings", request)["input_type"] == "search_query"
    assert sent("gemini-embeddings", request)["requests"][0]["title"] == "T"
    assert sent("gemini-embeddings", request)["requests"][0]["taskType"] == "RETRIEVAL_QUERY"
    assert "title" not in sent("gemini-embeddings", request)["requests"][1]
    assert [note.partition(":")[0] for note in OLLAMA.encode_request(request, "r").approximated] == ["task", "titles"]


def test_geminis_single_question_takes_its_model_from_the_path() -> None:
    body = json.dumps({"content": {"parts": [{"text": "a"}]}, "taskType": "SEMANTIC_SIMILARITY"}).encode()
    request = GEMINI.decode_request(body, "gemini-embedding-001", False)
    assert (request.model, request.inputs, request.batch) == ("gemini-embedding-001", ["a"], False)
    call = COHERE.encode_request(request, "real")
    assert json.loads(call.body)["input_type"] == "search_document"
    assert call.approximated == [
        "task: SEMANTIC_SIMILARITY said as search_document; Cohere's format of embeddings has no such word."
    ]
    assert GEMINI.peek(body, "gemini-embedding-001").needs == {"embeddings"}


def test_cohere_s_input_type_given_to_openais_endpoint_is_understood() -> None:
    assert sent("cohere-embeddings", openai(input_type="search_query"))["input_type"] == "search_query"
    assert sent("gemini-embeddings", openai(input_type="query"))["requests"][0]["taskType"] == "RETRIEVAL_QUERY"


def test_own_fields_go_to_their_own_family_and_are_named_where_they_stay_behind() -> None:
    request = openai(output_dtype="int8")
    assert sent("openai-embeddings", request)["output_dtype"] == "int8"
    assert OLLAMA.encode_request(request, "r").approximated == [
        "output_dtype: left out; Ollama's format of embeddings has no such field."
    ]


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2]]])
def test_tokens_go_to_openais_family_only(tokens: Any) -> None:
    request = openai(input=tokens)
    assert sent("openai-embeddings", request)["input"] == [[1, 2]]
    for name in ("gemini-embeddings", "cohere-embeddings", "ollama-embeddings"):
        with pytest.raises(Unsupported) as refused:
            sent(name, request)
        assert refused.value.field == "input"


def test_more_texts_than_a_provider_takes_at_once_are_refused_by_name() -> None:
    request = openai(input=["a"] * 97)
    with pytest.raises(Unsupported, match="96"):
        sent("cohere-embeddings", request)
    assert len(sent("gemini-embeddings", request)["requests"]) == 97


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1]}, "input[0]"),
        ({"input": [[1], []]}, "input[1]"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": "8"}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"model": " "}, "model"),
    ],
)
def test_a_question_openai_would_refuse_is_a_bad_request_that_names_the_field(change: Any, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        openai(**change)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        ({"requests": []}, BadRequest, "requests"),
        ({"requests": [{}]}, BadRequest, "requests[0].content"),
        ({"requests": [{"content": {"parts": []}}]}, BadRequest, "requests[0].content.parts"),
        (
            {"requests": [{"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 0}]},
            BadRequest,
            "requests[0].outputDimensionality",
        ),
        (
            {"requests": [{"content": {"parts": [{"inline_data": {}}]}}]},
            Unsupported,
            "requests[0].content.parts[0]",
        ),
        (
            {
                "requests": [
                    {"content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"},
                    {"content": {"parts": [{"text": "b"}]}},
                ]
            },
            Unsupported,
            "requests[1].taskType",
        ),
    ],
)
def test_a_gemini_question_that_cannot_be_read_names_its_place(body: Any, error: Any, field: str) -> None:
    with pytest.raises(error) as refused:
        GEMINI.decode_request(json.dumps(body).encode(), "m", True)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "vector",
    [[], "", "no base64!", "AAA=", ["a"], [None], {"a": 1}, None, [1e300], base64.b64encode(b"\0\0\xc0\x7f").decode()],
)
def test_a_vector_that_is_none_makes_the_answer_unreadable(vector: Any) -> None:
    with pytest.raises(UnreadableAnswer):
        OPENAI.decode_result(json.dumps({"data": [{"embedding": vector}]}).encode())
    with pytest.raises(UnreadableAnswer):
        GEMINI.decode_result(json.dumps({"embedding": {"values": vector}}).encode())
    with pytest.raises(UnreadableAnswer):
        COHERE.decode_result(json.dumps({"embeddings": [vector]}).encode())
    with pytest.raises(UnreadableAnswer):
        OLLAMA.decode_result(json.dumps({"embeddings": [vector]}).encode())


def test_an_answer_with_too_few_vectors_is_not_taken_for_whole() -> None:
    check_count(EmbeddingResult(vectors=[[1.0], [2.0]]), openai())
    with pytest.raises(UnreadableAnswer):
        check_count(EmbeddingResult(vectors=[[1.0]]), openai())


def test_an_error_inside_a_200_is_that_error() -> None:
    with pytest.raises(BadCredential):
        OPENAI.decode_result(b'{"error":{"message":"no","code":401}}')
    with pytest.raises(BadCredential):
        GEMINI.decode_result(b'{"error":{"message":"no","code":403,"status":"PERMISSION_DENIED"}}')
    with pytest.raises(UpstreamError, match="model not loaded"):
        OLLAMA.decode_result(b'{"error":"model not loaded"}')
    with pytest.raises(UpstreamError, match="went wrong"):
        COHERE.decode_result(b'{"id":"1","message":"went wrong"}')


_ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**25, "", "text", [], {}, [None], {"a": 1}, [[]], [[0.5]], "AAAAAA=="]
)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(ANSWERS)), data=st.data())
def test_no_broken_answer_brings_anything_but_our_errors(name: str, data: st.DataObject) -> None:
    body = bytearray(json.dumps(_twisted(ANSWERS[name], data)).encode())
    if data.draw(st.booleans()):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    wire = EMBEDDING_FORMATS[name]
    read_error(bytes(body))
    with contextlib.suppress(UpstreamError):
        OPENAI.encode_result(wire.decode_result(bytes(body)), openai(encoding_format="base64"))
    for client in EMBEDDING_CLIENT_FORMATS.values():
        asked = json.dumps(
            _twisted({"model": "m", "input": ["a"], "content": {"parts": [{"text": "a"}]}}, data)
        ).encode()
        with contextlib.suppress(AnyGPTError):
            client.peek(asked, None)
        with contextlib.suppress(AnyGPTError):
            wire.encode_request(client.decode_request(asked, None, False), "real")


def _twisted(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value)))
        return value | {key: _twisted(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _twisted(value[at], data), *value[at + 1 :]]
    return data.draw(_ODD)


def _format_of(recorded: Recording) -> str:
    if recorded.provider == "cohere":
        return "cohere-embeddings"
    return "gemini-embeddings" if "mbedContent" in recorded.path else "openai-embeddings"


@each(dialect="embeddings", ok=True)
def test_every_recorded_answer_reads_and_says_the_same_again(recorded: Recording) -> None:
    result = EMBEDDING_FORMATS[_format_of(recorded)].decode_result(recorded.body)
    assert all(len(vector) >= 256 for vector in result.vectors)
    result.model = "m"  # Perplexity's name tells that its bytes are no 32-bit floats; ours are
    for encoding in ("float", "base64"):
        request = EmbeddingRequest(model="m", inputs=["x"] * len(result.vectors), encoding=encoding)
        assert OPENAI.decode_result(OPENAI.encode_result(result, request)).vectors == result.vectors
        assert GEMINI.decode_result(GEMINI.encode_result(result, request)).vectors == result.vectors
    value = json.loads(recorded.body)
    if "prompt_tokens" in value.get("usage", {}):
        assert result.usage is not None
        assert result.usage.input == value["usage"]["prompt_tokens"]


@each(dialect="embeddings", ok=False)
def test_every_recorded_error_gives_its_message(recorded: Recording) -> None:
    message, _ = read_error(recorded.body)
    assert message
    assert not message.startswith("{")


@each(dialect="embeddings")
def test_every_recorded_question_of_openais_and_geminis_kind_is_read(recorded: Recording) -> None:
    if not isinstance(recorded.request, dict) or recorded.provider == "cohere":
        return
    client = EMBEDDING_CLIENT_FORMATS[_format_of(recorded)]
    body = json.dumps(recorded.request).encode()
    request = client.decode_request(body, "gemini-embedding-001", "batch" in recorded.path)
    assert request.inputs or request.tokens
    assert client.peek(body, "gemini-embedding-001").input_bytes > 0
    again = json.loads(client.encode_request(request, "m").body)
    if client is OPENAI:
        asked = recorded.request["input"]
        assert again["input"] == ([asked] if isinstance(asked, str) else asked)
