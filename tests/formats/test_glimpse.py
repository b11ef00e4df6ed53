"""A glimpse of a request shows its system prompt, its first and its last user message, of any format and size."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import ClientError
from app.formats.glimpse import WHOLE, Glimpse, glimpse, glimpse_request
from app.formats.glimpse_ends import EDGE, glimpse_ends
from app.formats.glimpse_text import BEGIN, END, read_piece, read_string
from app.formats.registry import CLIENT_FORMATS, OPERATIONS
from tests.formats import samples
from tests.formats.mutations import broken
from tests.recordings import needs_recordings, recordings

NAMES = ("openai-chat", "anthropic-messages", "gemini", "openai-responses", "openai-completions")
fuzz = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")), deadline=None, derandomize="CI" in os.environ)


def chat(*turns: tuple[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {"model": "m", "messages": [{"role": role, "content": said} for role, said in turns], **more}
    ).encode()


def gemini(*turns: tuple[str | None, Any], **more: Any) -> bytes:
    contents = [({"role": role} if role else {}) | {"parts": parts} for role, parts in turns]
    return json.dumps({"contents": contents, **more}).encode()


THREE_TURNS = [("user", "Who was Ada?"), ("assistant", "A mathematician."), ("user", "When was she born?")]
SEEN = Glimpse(system="Be brief.", first="Who was Ada?", last="When was she born?")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("openai-chat", chat(("system", "Be brief."), *THREE_TURNS)),
        ("openai-chat", chat(("developer", [{"type": "text", "text": "Be brief."}]), *THREE_TURNS)),
        ("anthropic-messages", chat(*THREE_TURNS, system="Be brief.")),
        ("anthropic-messages", chat(*THREE_TURNS, system=[{"type": "text", "text": "Be brief."}])),
        (
            "gemini",
            gemini(
                ("user", [{"text": "Who was Ada?"}]), ("model", [{"text": "A mathematician."}]),
                ("user", {"text": "When was she born?"}),
                systemInstruction={"parts": [{"text": "Be brief."}]},
            ),
        ),
        (
            "gemini",
            gemini(
                (None, [{"text": "Who was Ada?"}]), ("model", [{"text": "A mathematician."}]),
                (None, [{"text": "When was she born?"}]),
                system_instruction={"role": "user", "parts": {"text": "Be brief."}},
            ),
        ),
        (
            "openai-responses",
            json.dumps(
                {
                    "model": "m",
                    "instructions": "Be brief.",
                    "input": [
                        {"role": "user", "content": "Who was Ada?"},
                        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
                        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A …"}]},
                        {"role": "user", "content": [{"type": "input_text", "text": "When was she born?"}]},
                        {"type": "function_call_output", "call_id": "c", "output": "1815"},
                    ],
                }
            ).encode(),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_every_format_shows_what_was_said_first_and_last(name: str, body: bytes) -> None:
    assert glimpse(name, body) == SEEN


def test_a_lone_message_is_the_first_and_the_last() -> None:
    seen = Glimpse(first="Hello", last="Hello")
    assert glimpse("openai-chat", chat(("user", "Hello"))) == seen
    assert glimpse("gemini", json.dumps({"contents": {"parts": [{"text": "Hello"}]}}).encode()) == seen
    assert glimpse("openai-responses", b'{"model":"m","input":"Hello"}') == seen
    assert glimpse("openai-completions", b'{"model":"m","prompt":"Hello"}') == seen
    assert glimpse("openai-completions", b'{"model":"m","prompt":["Hello","Bye"]}') == seen


def test_results_of_tools_are_not_what_a_person_said() -> None:
    result = [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "12 tests failed"}]}]
    body = chat(("user", "fix the bug"), ("assistant", "I run the tests."), ("user", result))
    assert glimpse("anthropic-messages", body).last == "fix the bug"
    assert glimpse("openai-chat", chat(("user", "fix"), ("assistant", "ok"), ("tool", "failed"))).last == "fix"


def test_what_a_client_put_beside_the_words_is_left_out() -> None:
    aside = {"type": "text", "text": "<system-reminder>\nToday is Monday.\n</system-reminder>"}
    body = chat(("user", [aside, {"type": "text", "text": "fix the bug"}, aside]))
    assert glimpse("anthropic-messages", body).last == "fix the bug"
    assert glimpse("anthropic-messages", chat(("user", [aside]))).last == aside["text"]


PICTURE = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    ("name", "body", "images", "files"),
    [
        ("openai-chat", chat(("user", [{"type": "image_url", "image_url": {"url": PICTURE}}])), True, False),
        ("openai-chat", chat(("user", [{"type": "file", "file": {"file_id": "f"}}])), False, True),
        ("openai-chat", chat(("user", [{"type": "input_audio", "input_audio": {"data": "AAAA"}}])), False, False),
        ("anthropic-messages", chat(("user", [{"type": "image", "source": {"type": "url", "url": "x"}}])), True, False),
        ("anthropic-messages", chat(("user", [{"type": "document", "source": {"type": "text"}}])), False, True),
        ("gemini", gemini(("user", [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}])), True, False),
        ("gemini", gemini(("user", [{"file_data": {"mime_type": "application/pdf", "file_uri": "x"}}])), False, True),
        ("gemini", gemini(("user", [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}])), False, False),
    ],
)  # fmt: skip
def test_pictures_and_files_are_seen(name: str, body: bytes, images: bool, files: bool) -> None:
    seen = glimpse(name, body)
    assert (seen.images, seen.files) == (images, files)


def test_pictures_and_files_of_responses_are_seen() -> None:
    parts = [{"type": "input_image", "image_url": PICTURE}, {"type": "input_file", "file_data": PICTURE}]
    body = json.dumps({"model": "m", "input": [{"role": "user", "content": parts}]}).encode()
    assert glimpse("openai-responses", body) == Glimpse(images=True, files=True)


def test_a_picture_of_an_earlier_turn_is_no_longer_attached() -> None:
    picture = ("user", [{"type": "text", "text": "and this?"}, {"type": "image_url", "image_url": {"url": PICTURE}}])
    turns = [("user", "What is a quokka?"), ("assistant", "A marsupial."), picture, ("assistant", "A wombat.")]
    assert glimpse("openai-chat", chat(*turns)).images
    assert not glimpse("openai-chat", chat(*turns, ("user", "Write a poem about it."))).images


def test_of_a_long_text_the_beginning_and_the_end_are_kept() -> None:
    text = "Summarise this. " + "line \"with\" quotes\\ \n" * 3000 + " Which risks are named?"  # fmt: skip
    seen = glimpse("openai-chat", chat(("user", text)))
    assert seen.last.startswith("Summarise this. line")
    assert seen.last.endswith("\n Which risks are named?")
    assert len(seen.last) <= BEGIN + END + 1


def test_formats_without_messages_show_nothing() -> None:
    assert glimpse("openai-embeddings", b'{"model":"m","input":"Hello"}') == Glimpse()
    assert glimpse("no-such-format", chat(("user", "Hello"))) == Glimpse()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b'{"messages":5}', b'{"messages":[5]}', b'{"contents":"x"}',
     b'{"messages":[{"role":5,"content":6}]}', b'{"input":{"a":1}}', b'{"prompt":[[1,2]]}', b"[" * 100_000,
     b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"messages":[{"role":"user","content":[5,null,["x"]]}]}'],
    ids=lambda body: repr(body[:24]),
)  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_found_is_empty(name: str, body: bytes) -> None:
    assert glimpse(name, body) == Glimpse()


def test_half_a_character_is_no_reason_to_see_nothing() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"so \\ud83d what"}]}'
    assert glimpse("openai-chat", body).last == "so \ufffd what"


@pytest.mark.parametrize("name", ["openai-chat", "anthropic-messages", "gemini", "openai-responses"])
@given(data=st.data())
@fuzz
def test_no_accident_to_a_body_raises(name: str, data: st.DataObject) -> None:
    body = data.draw(broken(samples.request(name)))
    assert isinstance(glimpse(name, body), Glimpse)
    assert isinstance(glimpse_ends(body), Glimpse)


@given(body=st.binary(max_size=300), name=st.sampled_from(NAMES))
@fuzz
def test_no_bytes_at_all_raise(body: bytes, name: str) -> None:
    assert isinstance(glimpse(name, body), Glimpse)
    assert isinstance(glimpse_ends(body), Glimpse)
    assert isinstance(glimpse_ends(b'{"messages":[{"role":"user","content":"' + body * 9000), Glimpse)


# Bodies too large to be read as a whole

FILLER = [turn for _ in range(600) for turn in (("assistant", "So it goes. " * 60), ("user", "Go on, please."))]
LONG_TALK = [("user", "Who was Ada?"), *FILLER, ("assistant", "She was …"), ("user", "When was she born?")]


def turned(body: bytes) -> bytes:
    """With each message's content before its role."""
    value = json.loads(body)
    value["messages"] = [dict(reversed(message.items())) for message in value["messages"]]
    return json.dumps(value).encode()


@pytest.mark.parametrize("write", [lambda body: body, turned], ids=["role first", "content first"])
def test_of_a_large_body_both_ends_are_seen(write: Callable[[bytes], bytes]) -> None:
    openai = write(chat(("system", "Be brief."), *LONG_TALK, temperature=1, stop=["content"]))
    claude = write(chat(*LONG_TALK, system="Be brief.", tools=[{"name": "f", "input_schema": {"type": "object"}}]))
    assert min(len(openai), len(claude)) > WHOLE
    assert glimpse("openai-chat", openai) == SEEN
    assert glimpse("anthropic-messages", claude) == SEEN


def test_of_a_large_body_of_gemini_both_ends_are_seen() -> None:
    talk = [(None if role == "user" else "model", [{"text": said}]) for role, said in LONG_TALK]
    whole = [("user" if role is None else role, parts) for role, parts in talk]
    instruction = {"parts": [{"text": "Be brief."}]}
    first = json.dumps({"systemInstruction": instruction, **json.loads(gemini(*whole))}).encode()
    assert glimpse("gemini", first) == SEEN
    assert glimpse("gemini", gemini(*whole, systemInstruction=instruction)) == SEEN


def test_of_one_large_message_both_ends_are_seen() -> None:
    text = "Summarise this.\n" + 'He said "so it goes" and left. ' * 20_000 + "\nWhich risks are named?"
    for name, body in (
        ("openai-chat", chat(("system", "Be brief."), ("user", text), stream=True)),
        ("openai-responses", json.dumps({"model": "m", "instructions": "Be brief.", "input": text}).encode()),
        ("openai-completions", json.dumps({"model": "m", "prompt": text, "max_tokens": 5}).encode()),
        ("gemini", gemini((None, [{"text": text}]))),
    ):
        seen = glimpse(name, body)
        assert len(body) > WHOLE
        assert seen.last.startswith('Summarise this.\nHe said "so')
        assert seen.last.endswith("left. \nWhich risks are named?")
        assert seen.first.startswith("Summarise this.")
        assert seen.system == ("Be brief." if b"Be brief." in body else "")


def test_a_large_picture_hides_no_words() -> None:
    picture = {"type": "image_url", "image_url": {"url": PICTURE + "QUJD" * 200_000}}
    words = {"type": "text", "text": "What breed is the dog?"}
    for parts in ([words, picture], [picture, words]):
        body = chat(("system", "Be brief."), ("user", parts))
        assert glimpse("openai-chat", body) == Glimpse(
            system="Be brief.", first=words["text"] if parts[0] is words else "", last=words["text"], images=True
        )


def test_results_of_tools_in_a_large_body_are_not_what_a_person_said() -> None:
    result = [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "failed. " * 90}]}]
    loop = [turn for _ in range(400) for turn in (("assistant", "I run the tests."), ("user", result))]
    body = chat(("user", "fix the bug"), *loop, system="You edit files.")
    assert len(body) > WHOLE
    assert glimpse("anthropic-messages", body) == Glimpse(
        system="You edit files.", first="fix the bug", last="fix the bug"
    )


@given(text=st.text(max_size=80), edge=st.integers(0, 200))
@fuzz
def test_a_string_cut_anywhere_can_be_read(text: str, edge: int) -> None:
    text = text.encode("utf-8", "ignore").decode()
    for escaped in (json.dumps(text).encode(), json.dumps(text, ensure_ascii=False).encode()):
        assert read_string(escaped) == text
        assert read_piece(escaped[1:-1]) == text
        for piece in (escaped[1 : 1 + edge], escaped[-1 - edge : -1]):
            assert "\ud800" not in read_piece(piece)


# What was recorded


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
def test_decoded_questions_show_the_same_as_their_bodies(name: str) -> None:
    wire = CLIENT_FORMATS.get(name) or OPERATIONS[name]
    differing, equal = [], 0
    for recorded in recordings(dialect=name, ok=True):
        body = json.dumps(recorded.request).encode()
        try:
            decoded = wire.decode_request(body, "m", False)
        except ClientError:
            continue  # can be relayed only
        seen, of_decoded = glimpse(name, body), glimpse_request(decoded)
        equal += 1
        if (seen.last, seen.first, seen.images) != (of_decoded.last, of_decoded.first, of_decoded.images):
            differing.append((recorded.name, seen, of_decoded))
    assert differing == []
    assert equal > (1 if name == "openai-completions" else 20)


# What it costs


def seconds(name: str, body: bytes) -> float:
    """The best of many runs: what it takes when nothing else is going on."""
    times = []
    for _ in range(30):
        started = time.perf_counter()
        glimpse(name, body)
        times.append(time.perf_counter() - started)
    return min(times)


def test_a_glimpse_costs_next_to_nothing() -> None:
    """Some 10 µs for 2 KB and half a millisecond for a megabyte; the bounds leave room for slow machines."""
    small = chat(("system", "Be brief. " * 40), ("user", "Hello, \"you\" there!\n" * 60))  # fmt: skip
    large = chat(("user", 'He said "so it goes".\n' * 50_000))
    many = chat(*LONG_TALK)
    assert 1500 < len(small) < 2500 < WHOLE < len(many) < 1_000_000 < len(large)
    assert seconds("openai-chat", small) < 0.000_06
    assert seconds("openai-chat", large) < 0.002
    assert seconds("openai-chat", many) < 0.002
    assert EDGE * 4 <= WHOLE
