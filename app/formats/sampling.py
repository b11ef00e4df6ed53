"""Fields of sampling that newer models refuse: left out of a translated question, and named."""

from __future__ import annotations

import re
from typing import Any

_DEFAULTS = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}
# OpenAI's models that think sample in their own way: https://platform.openai.com/docs/guides/reasoning#limitations
_OPENAI = re.compile(r"(?:^|[/:])(?:o\d|codex|gpt-[5-9](?!-chat))")
# without thinking these take the fields, and they think only when told to:
# https://platform.openai.com/docs/guides/latest-model#gpt-5-1-parameter-compatibility
_THINK_WHEN_TOLD = re.compile(r"gpt-5\.[1-4](?!\d)(?!.*(?:codex|pro))")
_MAY_REST = re.compile(r"gpt-(?:5\.\d|[6-9])(?!.*(?:codex|pro))")
# https://platform.claude.com/docs/en/about-claude/models/migration-guide: one of temperature and top_p since Opus 4.1,
# none of the three since Opus 4.7
_CLAUDE_ONE = re.compile(r"claude-[a-z]+-4[-.][1-6](?!\d)")
_CLAUDE_NONE = re.compile(r"claude-[a-z]+-(?:4[-.](?:[7-9]|\d\d)(?!\d)|(?:[5-9]|\d\d)(?!\d))")


def leave_out_of_openai(body: dict[str, Any], model: str, effort: str | None) -> list[str]:
    """For OpenAI's two formats. Changes the body, and returns a note for each field."""
    if not _OPENAI.search(model):
        return []
    rests = _MAY_REST if effort == "none" else _THINK_WHEN_TOLD if effort is None else None
    if rests is not None and rests.search(model):
        return []
    return _leave_out(body, tuple(_DEFAULTS), "this model takes none")


def leave_out_of_claude(body: dict[str, Any], model: str) -> list[str]:
    """For Anthropic's format. Changes the body, and returns a note for each field."""
    if _CLAUDE_NONE.search(model):
        return _leave_out(body, ("temperature", "top_p", "top_k"), "this model takes none")
    if _CLAUDE_ONE.search(model) and "temperature" in body:
        return _leave_out(body, ("top_p",), "this model takes temperature or top_p, not both")
    return []


def _leave_out(body: dict[str, Any], fields: tuple[str, ...], why: str) -> list[str]:
    found = [(field, body.pop(field)) for field in fields if field in body]
    return [f"{field}: left out; {why}." for field, value in found if value != _DEFAULTS.get(field)]
