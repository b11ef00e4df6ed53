"""Recorded answers of every format, read by each SDK through AnyGPT: the same text, calls, end and tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from app.core.chat import FinishReason
from app.formats.registry import FORMATS
from tests.formats.meaning import of_events, of_result
from tests.recordings import Recording, each, recordings
from tests.sdk.answers import FORMATS as SPOKEN
from tests.sdk.conftest import MODEL, Sdks

SCENARIOS = ("text", "tools", "parallel-tools", "reasoning", "length", "cache-tokens", "web-search")
QUESTION: Any = [{"role": "user", "content": "Weather in Bern?"}]
Said = dict[str, Any]  # text, calls as (name, arguments), whether it was cut short, tokens in and out


def said(text: str, calls: Iterable[tuple[str, Any]], short: bool, usage: tuple[int, int]) -> Said:
    return {"text": text, "calls": list(calls), "short": short, "usage": usage}


def openai_chat(sdks: Sdks, stream: bool) -> Said:
    if stream:
        asked: Any = {"stream_options": {"include_usage": True}}
        with sdks.openai.chat.completions.stream(model=MODEL, messages=QUESTION, **asked) as events:
            for _ in events:
                pass
            found: Any = events.current_completion_snapshot  # the final one is refused where the answer is cut short
    else:
        found = sdks.openai.chat.completions.create(model=MODEL, messages=QUESTION)
    message = found.choices[0].message
    calls = [(call.function.name, _value(call.function.arguments)) for call in message.tool_calls or []]
    usage = found.usage and (found.usage.prompt_tokens, found.usage.completion_tokens)
    return said(message.content or "", calls, found.choices[0].finish_reason == "length", usage)


def openai_responses(sdks: Sdks, stream: bool) -> Said:
    if stream:
        last = None
        for event in sdks.openai.responses.create(model=MODEL, input="Weather in Bern?", stream=True):
            last = event
        found: Any = last.response if last is not None else None  # type: ignore[union-attr]
    else:
        found = sdks.openai.responses.create(model=MODEL, input="Weather in Bern?")
    calls = [(item.name, _value(item.arguments)) for item in found.output if item.type == "function_call"]
    usage = found.usage and (found.usage.input_tokens, found.usage.output_tokens)
    return said(found.output_text, calls, found.status == "incomplete", usage)


def anthropic(sdks: Sdks, stream: bool) -> Said:
    asked: Any = {"model": MODEL, "max_tokens": 100, "messages": QUESTION}
    if stream:
        with sdks.anthropic.messages.stream(**asked) as events:
            found: Any = events.get_final_message()
    else:
        found = sdks.anthropic.messages.create(**asked)
    text = "".join(block.text for block in found.content if block.type == "text")
    calls = [(block.name, block.input) for block in found.content if block.type == "tool_use"]
    read = found.usage.input_tokens
    read += (found.usage.cache_read_input_tokens or 0) + (found.usage.cache_creation_input_tokens or 0)
    return said(text, calls, found.stop_reason == "max_tokens", (read, found.usage.output_tokens))


def google(sdks: Sdks, stream: bool) -> Said:
    asked: Any = {"model": MODEL, "contents": "Weather in Bern?"}
    models = sdks.google.models
    found = list(models.generate_content_stream(**asked)) if stream else [models.generate_content(**asked)]
    parts: list[Any] = [part for piece in found for part in piece.parts or []]
    text = "".join(part.text or "" for part in parts if not part.thought)
    calls = [(part.function_call.name, part.function_call.args) for part in parts if part.function_call]
    last: Any = found[-1]
    usage = last.usage_metadata
    written = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    short = last.candidates[0].finish_reason.name == "MAX_TOKENS"
    return said(text, calls, short, (usage.prompt_token_count or 0, written))


READERS: dict[str, Callable[[Sdks, bool], Said]] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic-messages": anthropic,
    "gemini": google,
}


def finishes(recorded: Recording) -> bool:
    return b'"finish_reason":"ERROR"' not in recorded.body  # Cohere's way to fail in a stream


def each_pair() -> pytest.MarkDecorator:
    """One recording of each scenario, whole and streamed, for every client and every other format."""
    found = [
        (client, recorded)
        for client in READERS
        for format in SPOKEN
        if format != client
        for scenario in SCENARIOS
        for kind in (scenario, "stream" if scenario == "text" else f"stream-{scenario}")
        for recorded in [
            item for item in recordings(dialect=format, ok=True) if item.scenario == kind and finishes(item)
        ][:1]
    ]
    if not found:
        return each("case", dialect="none")
    return pytest.mark.parametrize("case", found, ids=[f"{client}-{recorded.name}" for client, recorded in found])


@each_pair()
def test_an_sdk_reads_what_another_providers_answer_says(case: tuple[str, Recording], sdks: Sdks) -> None:
    client, recorded = case
    sdks.play(recorded.dialect, recorded.name)
    expected = _meaning(recorded)
    got = READERS[client](sdks, recorded.stream)
    if expected["usage"] is None:
        assert not got["usage"] or not any(got["usage"]), "what the provider did not count is not made up"
        got["usage"] = None
    assert got == expected


def _meaning(recorded: Recording) -> Said:
    wire = FORMATS[recorded.dialect]
    if recorded.stream:
        decoder = wire.decoder()
        meaning = of_events(decoder.feed(recorded.body) + decoder.close())
    else:
        meaning = of_result(wire.decode_result(recorded.body))
    calls = [(name, _value(arguments)) for _, name, arguments in meaning["calls"]]
    usage = meaning["usage"] and meaning["usage"][:2]
    return said(meaning["text"], calls, meaning["finish"] is FinishReason.LENGTH, usage)


def _value(arguments: Any) -> Any:
    return json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
