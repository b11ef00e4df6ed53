"""What an answer loses or gains on its way into a client's format: each difference by name, with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from app.core.chat import FinishReason

Meaning = dict[str, Any]
_STOP = FinishReason.STOP


class Rule(msgspec.Struct, frozen=True):
    """`holds(before, after)` tells whether this is all that differs in the field."""

    name: str
    reason: str
    clients: frozenset[str]
    field: str
    holds: Callable[[Meaning, Meaning], bool]


def _rule(name: str, reason: str, clients: str, field: str, holds: Callable[[Meaning, Meaning], bool]) -> Rule:
    return Rule(name, reason, frozenset(clients.split()), field, holds)


def _finish(**words: str) -> Callable[[Meaning, Meaning], bool]:
    """One reason for the end is said as another."""
    return lambda before, after: words.get(before["finish"] or "none") == after["finish"]


def _usage(*lost: str) -> Callable[[Meaning, Meaning], bool]:
    def holds(before: Meaning, after: Meaning) -> bool:
        if before["usage"] is None:
            return not any(after["usage"].values())  # the format must say a number
        empty = {key: None if key == "cost" else type(before["usage"][key])(0) for key in lost}
        return bool(after["usage"] == before["usage"] | empty)

    return holds


def _lost(field: str) -> Callable[[Meaning, Meaning], bool]:
    return lambda before, after: not after[field]


def _addresses(before: Meaning, after: Meaning) -> bool:
    """Citations of addresses are all there; those of documents are not."""
    return bool(after["citations"] == [cited for cited in before["citations"] if cited.startswith("http")])


def _sources(before: Meaning, after: Meaning) -> bool:
    addresses = [cited for cited in before["citations"] if cited.startswith("http")]
    return set(after["citations"]) == set(addresses) and len(after["citations"]) <= len(addresses)


_FEW = ("cost", "estimated", "images", "seconds", "image_input")
_ALL = "openai-chat openai-responses anthropic-messages gemini"

RULES = (
    _rule("finish words", "there is no word for a pause, a failure or another end", "openai-chat", "finish", _finish(
        refusal="content_filter", pause="length", error="length", other="stop", none="stop")),
    _rule("finish words", "a response is completed, or incomplete for its length or a filter", "openai-responses",
        "finish", _finish(refusal="content_filter", pause="length", other="stop", error="other", none="stop")),
    _rule("finish words", "there is no word for a filter, a failure or another end", "anthropic-messages", "finish",
        _finish(content_filter="refusal", other="stop", error="length", none="stop")),
    _rule("finish words", "there is no word for a refusal, a pause or a failure", "gemini", "finish",
        _finish(refusal="content_filter", pause="other", error="other", none="stop")),
    _rule("calls as the end", "an answer that calls tools ends with them", "gemini openai-chat openai-responses",
        "finish", lambda before, after: bool(after["calls"]) and after["finish"] == FinishReason.TOOL_CALLS),
    _rule("refusal as the end", "a refusal is a reason for the end there", "anthropic-messages", "finish",
        lambda before, after: bool(before["refusal"]) and after["finish"] == FinishReason.REFUSAL),
    _rule("refusal as text", "there is no part for a refusal; its words are text", "anthropic-messages gemini",
        "refusal", lambda before, after: not after["refusal"] and before["refusal"] in after["text"]),
    _rule("refusal as text", "there is no part for a refusal; its words are text", "anthropic-messages gemini",
        "text", lambda before, after: bool(before["refusal"])
        and sorted(after["text"]) == sorted(before["text"] + before["refusal"])),
    _rule("stop sequence", "which sequence it was cannot be said", "openai-chat openai-responses gemini",
        "stop_sequence", _lost("stop_sequence")),
    _rule("one choice", "the format has one choice", "anthropic-messages openai-responses", "choices",
        _lost("choices")),
    _rule("no logprobs", "the format has none, and its clients cannot ask for them", "anthropic-messages",
        "logprobs", _lost("logprobs")),
    _rule("addresses only", "the format cites addresses; what points into documents has no place", _ALL,
        "citations", _addresses),
    _rule("sources once", "a source without a place in the text is named once", "gemini", "citations", _sources),
    _rule("no sound", "the format's answers have no sound", "anthropic-messages openai-responses", "media",
        lambda before, after: after["media"] == {key: data for key, data in before["media"].items() if key != "audio"}),
    _rule("pictures as data", "the format has pictures as data only, not by address", "gemini openai-responses", "media",
        lambda before, after: before["media"].get("image", "").startswith("http")),
    _rule("own parts", "server tools and their results belong to the family that ran them", _ALL, "foreign",
        lambda before, after: set(after["foreign"]) <= set(before["foreign"])),
    _rule("usage classes", "the format does not count these apart", "openai-chat", "usage",
        _usage("cache_write_1h", *_FEW)),
    _rule("usage classes", "the format does not count these apart", "openai-responses", "usage",
        _usage("cache_write_1h", "audio_input", "audio_output", *_FEW)),
    _rule("usage classes", "the format does not count these apart", "anthropic-messages", "usage",
        _usage("audio_input", "audio_output", *_FEW)),
    _rule("usage classes", "the format does not count these apart", "gemini", "usage",
        _usage("cache_write", "cache_write_1h", *_FEW)),
)  # fmt: skip


def differences(client: str, before: Meaning, after: Meaning) -> tuple[list[Rule], list[str]]:
    """(the rules that explain what differs, the fields that nothing explains)."""
    found: list[Rule] = []
    unexplained: list[str] = []
    for field, value in before.items():
        if after[field] == value:
            continue
        rules = (rule for rule in RULES if rule.field == field and client in rule.clients)
        rule = next((rule for rule in rules if rule.holds(before, after)), None)
        if rule is None:
            unexplained.append(f"{field}: {str(value)[:300]} became {str(after[field])[:300]}")
        elif rule not in found:
            found.append(rule)
    return found, unexplained
