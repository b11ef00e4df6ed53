"""Edits in the raw bytes of a request."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadRequest
from app.formats.splice import members, relay_body, set_member


def test_only_the_models_value_changes() -> None:
    body = b'{ "a": 12345678901234567890123 ,\n"model" : "old", "f": 1.10, "z":[{"model":"in"}]'
    body += b', "t":"\\"model\\":\\"x\\""}'
    assert relay_body(body, model="new") == body.replace(b'"old"', b'"new"')


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"N"}'),
        (b'{"mod\\u0065l":"a","x":{"model":"b"}}', b'{"mod\\u0065l":"N","x":{"model":"b"}}'),
        (b'{"x\\"model":"a","model":"b"}', b'{"x\\"model":"a","model":"N"}'),
        (
            b'{"x\\"model":"a","m":1,"model\\u0000":"b","model":"c"}',
            b'{"x\\"model":"a","m":1,"model\\u0000":"b","model":"N"}',
        ),
        (b'{"x":{"model":"a"},"model":"b"}', b'{"x":{"model":"a"},"model":"N"}'),
        (b'{"x":"model","model":"b"}', b'{"x":"model","model":"N"}'),
        (b'{"x":["\\\\","}"],"model":"b"}', b'{"x":["\\\\","}"],"model":"N"}'),
        (b'{"model":"a","model":"b"}', b'{"model":"N","model":"N"}'),
        (b'{"model":{"id":1}}', b'{"model":"N"}'),
    ],
)
def test_the_top_level_key_is_found_wherever_else_its_name_stands(body: bytes, expected: bytes) -> None:
    assert relay_body(body, model="N") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"N","stream_options":{"include_usage":true}}'),
        (b'{"model":"a","stream_options":{}}', b'{"model":"N","stream_options":{"include_usage":true}}'),
        (b'{"stream_options":null,"model":"a"}', b'{"stream_options":{"include_usage":true},"model":"N"}'),
        (
            b'{"stream_options":{"x":1, "include_usage": false},"model":"a"}',
            b'{"stream_options":{"x":1, "include_usage": true},"model":"N"}',
        ),
        (
            b'{"stream_options":{"x":{"include_usage":0}},"model":"a"}',
            b'{"stream_options":{"include_usage":true,"x":{"include_usage":0}},"model":"N"}',
        ),
    ],
)
def test_usage_is_asked_for(body: bytes, expected: bytes) -> None:
    assert relay_body(body, model="N", include_usage=True) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"models":["x"],"model":"a"}', b'{"model":"N"}'),
        (b'{"model":"a", "models":["x"]}', b'{"model":"N"}'),
        (b'{"model":"a", "models":["x"] , "provider":{"only":[]}, "n":1}', b'{"model":"N", "n":1}'),
        (b'{"provider":{}, "model":"a", "models":["x"]}', b'{"model":"N"}'),
        (b'{"model":"a","x":{"models":[1],"provider":2}}', b'{"model":"N","x":{"models":[1],"provider":2}}'),
    ],
)
def test_what_is_meant_for_the_gateway_is_taken_out(body: bytes, expected: bytes) -> None:
    assert relay_body(body, model="N", remove=("models", "provider")) == expected
    asked = json.loads(relay_body(body, model="N", include_usage=True, remove=("models", "provider")))
    assert asked == json.loads(expected) | {"stream_options": {"include_usage": True}}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "models", 'a"', "\\", "é"]), inner, max_size=3)
    ),
    max_leaves=12,
)
objects = st.dictionaries(
    st.sampled_from(["models", "provider", "stream_options", "x", 'm"model', "\\", "{", "é"]), values, max_size=6
)


@given(objects, st.text(), st.booleans(), st.booleans(), st.booleans(), st.randoms())
def test_edits_mean_what_decoding_and_encoding_would(
    value: dict[str, Any], model: str, usage: bool, spaced: bool, escaped: bool, random: Any
) -> None:
    items = [*value.items(), ("model", "old")]
    random.shuffle(items)
    whole = dict(items)
    body = json.dumps(whole, indent=2 if spaced else None, ensure_ascii=escaped).encode()
    expected = {key: item for key, item in whole.items() if key not in ("models", "provider")}
    expected["model"] = model
    if usage:
        options = expected.get("stream_options")
        expected["stream_options"] = (options if isinstance(options, dict) else {}) | {"include_usage": True}
    found = relay_body(body, model=model, include_usage=usage, remove=("models", "provider"))
    assert json.loads(found) == expected
    assert [member.key for member in members(found)] == list(json.loads(found))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":[}', b'{"a":"', b"{'a':1}", b'{"a":1]']
)
def test_what_is_no_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        members(body)


def test_nesting_has_a_limit() -> None:
    with pytest.raises(BadRequest, match="too deeply"):
        members(b'{"a":' + b"[" * 100_000)


@pytest.mark.parametrize("filler", [b'"A\\n"', b"[[]]", b'{"model":1}', b'"' + b"A" * 500 + b'"'])
def test_a_large_body_takes_linear_time(filler: bytes) -> None:
    body = b'{"model":"a","x":[' + b",".join([filler] * (2_000_000 // len(filler) // 10)) + b'],"y":{"model":1}}'
    start = time.perf_counter()
    relay_body(body, model="b")
    assert time.perf_counter() - start < 2


def test_another_member_is_set_in_place() -> None:
    assert set_member(b'{"a":1,"model":"x"}', "model", b'"y"') == b'{"a":1,"model":"y"}'
    assert set_member(b'{"a":1}', "model", b'"y"') == b'{"a":1}'
