"""JSON in and out: what cannot be read becomes the right error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.errors import BadRequest, UnreadableAnswer
from app.formats.fields import Fields
from app.formats.models import ModelRow, anthropic_list, gemini_list, openai_list
from app.formats.payload import MAX_DEPTH, add_members, dump, read_answer, read_arguments, read_request
from app.formats.tool_ids import MAX_LENGTH, safe_id


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_nesting_has_one_limit_for_both_sides() -> None:
    assert read_request(nested(MAX_DEPTH))
    assert read_answer(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 2, 900, 5000, 100_000):
        with pytest.raises(BadRequest, match="too deeply"):
            read_request(nested(levels))
        with pytest.raises(UnreadableAnswer):
            read_answer(nested(levels))


@pytest.mark.parametrize("body", [b"", b"nul", b"[]", b'"x"', b"\xff"])
def test_what_is_no_object_is_refused_in_one_sentence(body: bytes) -> None:
    _refused(body)
    with pytest.raises(UnreadableAnswer):
        read_answer(body)


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b'{"a":NaN}', None),
        (b'{"a":Infinity}', None),
        (b'{"a":-Infinity}', -9999.0),
        (b'{"a":1e999}', None),
        (b'{"a":"x\\ud800y"}', "x\ufffdy"),
        (b'{"a":"\\ude00"}', "\ufffd"),
        (b'{"a":"\xc3"}', "\ufffd"),
        (b'{"a":[{"b":"\\ud83d\\ude00\\ud83d"}]}', [{"b": "\U0001f600\ufffd"}]),
    ],
)
def test_what_is_nearly_json_is_refused_from_a_client_and_read_from_a_provider(body: bytes, read: Any) -> None:
    _refused(body)
    assert read_answer(body) == {"a": read}
    assert dump(read_answer(body))


def test_keys_that_are_no_text_and_deep_nesting_are_read_no_less_carefully() -> None:
    assert read_answer(b'{"\\ud800":NaN}') == {"\ufffd": None}
    for levels in (MAX_DEPTH + 2, 900, 5000, 100_000):
        with pytest.raises(UnreadableAnswer):
            read_answer(b'{"a":' * levels + b"NaN" + b"}" * levels)
    with pytest.raises(UnreadableAnswer):
        read_answer(b'{"a":' + b"9" * 5000 + b',"b":NaN}')


def _refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        read_request(body)
    assert refused.value.message.endswith(".")
    assert "`" not in refused.value.message


def test_large_numbers_stay_exact() -> None:
    assert read_request(b'{"a":123456789012345678901234567890}') == {"a": 123456789012345678901234567890}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" ", {}),
        ("{}", {}),
        ('{"a":1}', {"a": 1}),
        ("[1]", {"arguments": "[1]"}),
        ("{bad", {"arguments": "{bad"}),
    ],
)
def test_arguments_that_are_no_object_keep_their_text(text: str, expected: dict[str, Any]) -> None:
    assert read_arguments(text) == expected


def test_members_are_added_at_the_end() -> None:
    assert add_members(b'{ "a": 1.10 }\n', {"b": 2}) == b'{ "a": 1.10 ,"b":2}\n'
    assert add_members(b"{}", {"b": 2}) == b'{"b":2}'
    assert add_members(b'{"a":{}}', {"b": 2}) == b'{"a":{},"b":2}'
    assert add_members(b"no json", {"b": 2}) == b"no json"


def test_fields_name_their_place() -> None:
    (first,) = Fields({"a": [{"b": 5}]}).objects("a")
    with pytest.raises(BadRequest, match=r"^a\[0\]\.b: expected a string, got a number\.$"):
        first.text("b")
    assert Fields({"n": 5.0}).whole("n") == 5
    with pytest.raises(BadRequest):
        Fields({"n": True}).whole("n")


def test_ids_fit_every_format_and_stay_apart() -> None:
    assert safe_id("call_1") == "call_1"
    odd = [safe_id(call_id) for call_id in ("functions.f:0", "functions.f:1", "x" * 80, "x" * 81, "", "é")]
    assert len(set(odd)) == len(odd)
    assert all(0 < len(call_id) <= MAX_LENGTH for call_id in odd)
    assert [safe_id(call_id) for call_id in odd] == odd


def test_lists_of_models_have_each_formats_shape() -> None:
    rows = [ModelRow(id="a", created=1760000000, owned_by="x", context_window=1000, max_output_tokens=10)]
    assert json.loads(openai_list(rows))["data"][0]["context_window"] == 1000
    assert json.loads(anthropic_list(rows))["data"][0]["created_at"].startswith("2025-10-09T")
    assert json.loads(gemini_list(rows))["models"][0]["name"] == "models/a"
    assert json.loads(anthropic_list([])) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
