"""A question for each feature, in no format: each client's own format says it, or has no words for it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from app.core.chat import (
    Audio,
    ChatRequest,
    File,
    Foreign,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningWish,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

PICTURE = "iVBORw0KGgo="
PDF = base64.b64encode(b"%PDF-1.4 hello").decode()
NOTE = base64.b64encode(b"a note").decode()
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_WEATHER = Tool("weather", "The weather now", _SCHEMA)
_CLOCK = Tool("clock", "The time there", _SCHEMA)
_ASKED = Message(Role.USER, [Text("What is the weather in Oslo?")])
_CALL = ToolCall("call_a", "weather", '{"city":"Oslo"}')
_FAMILIES = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
}

Ask = Callable[[str], ChatRequest]


def _plain(**fields: Any) -> Ask:
    return lambda client: _question(**fields)


def _question(*parts: Part, messages: list[Message] | None = None, **fields: Any) -> ChatRequest:
    said = messages if messages is not None else [Message(Role.USER, [Text("Hello."), *parts])]
    return ChatRequest(model="some-model", messages=said, **({"max_tokens": 2000} | fields))


def _with(*parts: Part) -> Ask:
    return lambda client: _question(*parts)


def _turns(*messages: Message, **fields: Any) -> Ask:
    return lambda client: _question(messages=list(messages), **fields)


def _round(*results: ToolResult, calls: list[ToolCall] | None = None) -> Ask:
    said: list[Part] = [*(calls or [_CALL])]
    answers: list[Part] = [*results]
    messages = [_ASKED, Message(Role.ASSISTANT, said), Message(Role.TOOL, answers)]
    return lambda client: _question(messages=messages, tools=[_WEATHER, _CLOCK])


def _tools(choice: ToolChoice | None = None, *tools: Tool) -> Ask:
    return lambda client: _question(messages=[_ASKED], tools=list(tools or (_WEATHER, _CLOCK)), tool_choice=choice)


def _thought(redacted: bool = False, own: bool = True) -> Ask:
    """A round of tools whose call came after a thought, of the client's family or of another."""

    def ask(client: str) -> ChatRequest:
        home = _FAMILIES[client]
        family = home if own else "gemini" if home == "anthropic" else "anthropic"
        thought = (
            Reasoning(redacted="c2VjcmV0", family=family)
            if redacted
            else Reasoning("Hm.", signature="c2lnbmVk", family=family)
        )
        answer = ToolResult("call_a", [Text("rain")], "weather")
        messages = [_ASKED, Message(Role.ASSISTANT, [thought, _CALL]), Message(Role.TOOL, [answer])]
        return _question(messages=messages, tools=[_WEATHER])

    return ask


def _own_tool(client: str) -> ChatRequest:
    raw: dict[str, Any] = {
        "openai-chat": {"type": "web_search"},
        "openai-responses": {"type": "web_search"},
        "anthropic-messages": {"type": "web_search_20250305", "name": "web_search"},
        "gemini": {"googleSearch": {}},
    }[client]
    family = "openai-responses" if client == "openai-responses" else _FAMILIES[client]
    return _question(tools=[Tool("web_search", raw=raw, family=family)])


def _own_part(client: str) -> ChatRequest:
    value: dict[str, Any] = {
        "openai-chat": {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        "openai-responses": {"type": "input_image", "file_id": "file_a"},
        "anthropic-messages": {"type": "image", "source": {"type": "file", "file_id": "file_a"}},
        "gemini": {"fileData": {"fileUri": "gs://bucket/a.mp4", "mimeType": "video/mp4"}},
    }[client]
    family = "openai-responses" if client == "openai-responses" else _FAMILIES[client]
    return _question(Foreign(family, value))


def _extra(advice: bool) -> Ask:
    def ask(client: str) -> ChatRequest:
        fields: dict[str, Any] = {
            "openai-chat": {"service_tier": "flex"} if advice else {"logit_bias": {"50256": -100}},
            "openai-responses": {"service_tier": "flex"} if advice else {"prompt": {"id": "pmpt_a"}},
            "anthropic-messages": {"service_tier": "auto"} if advice else {"container": "c_a"},
            "gemini": {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]}
            if advice
            else {"cachedContent": "cachedContents/a"},
        }[client]
        family = "openai-responses" if client == "openai-responses" else _FAMILIES[client]
        return _question(extra={"family": family, **fields})

    return ask


_CACHED = Message(Role.USER, [Text("Hello.", cache_control={"type": "ephemeral"})])
_SAID = Message(Role.ASSISTANT, [Text("Hi.")])
_AGAIN = Message(Role.USER, [Text("And now?")])
_CITED = {"type": "url_citation", "url_citation": {"url": "https://example.com", "title": "A page"}}

QUESTIONS: dict[str, Ask] = {
    "text": _plain(),
    "system prompt": _turns(Message(Role.SYSTEM, [Text("Be brief.")]), _ASKED),
    "developer prompt": _turns(Message(Role.DEVELOPER, [Text("Be brief.")]), _ASKED),
    "several turns": _turns(_ASKED, _SAID, _AGAIN),
    "a system prompt among the turns": _turns(_ASKED, _SAID, Message(Role.SYSTEM, [Text("Be brief.")]), _AGAIN),
    "names of speakers": _turns(Message(Role.USER, [Text("Hello.")], name="anna")),
    "temperature, top_p": _plain(temperature=0.5, top_p=0.9),
    "temperature above 1": _plain(temperature=1.5),
    "top_k": _plain(top_k=20),
    "frequency and presence penalty": _plain(frequency_penalty=0.5, presence_penalty=0.5),
    "maximum of tokens": _plain(),
    "no maximum of tokens": _plain(max_tokens=None),
    "stop sequences": _plain(stop=["END", "STOP"]),
    "more than 5 stop sequences": _plain(stop=list("abcdef")),
    "seed": _plain(seed=7),
    "several answers (n)": _plain(n=2),
    "logprobs": _plain(logprobs=True),
    "logprobs of the likeliest tokens": _plain(logprobs=True, top_logprobs=2),
    "stream": _plain(stream=True, include_usage=True),
    "user": _plain(user="anna"),
    "tools": _tools(),
    "strict tools": _tools(None, Tool("weather", "The weather now", _SCHEMA, strict=True)),
    "tool choice: auto": _tools(ToolChoice("auto")),
    "tool choice: none": _tools(ToolChoice("none")),
    "tool choice: any tool": _tools(ToolChoice("required")),
    "tool choice: one tool": _tools(ToolChoice("named", ["weather"])),
    "tool choice: one of several": _tools(ToolChoice("named", ["weather", "clock"])),
    "tool choice: only these, or none": _tools(ToolChoice("auto", ["weather"])),
    "no parallel calls": _tools(ToolChoice("auto", parallel=False)),
    "call and result": _round(ToolResult("call_a", [Text("rain")], "weather")),
    "parallel calls and results": _round(
        ToolResult("call_a", [Text("rain")], "weather"),
        ToolResult("call_b", [Text("noon")], "clock"),
        calls=[_CALL, ToolCall("call_b", "clock", '{"city":"Oslo"}')],
    ),
    "a picture in a result": _round(
        ToolResult("call_a", [Text("rain"), Image(data=PICTURE, media_type="image/png")], "weather")
    ),
    "a failed result": _round(ToolResult("call_a", [Text("no such city")], "weather", is_error=True)),
    "the provider's own tools": _own_tool,
    "picture in base64": _with(Image(data=PICTURE, media_type="image/png")),
    "picture by address": _with(Image(url="https://example.com/a.png", media_type="image/png")),
    "a picture's detail": _with(Image(data=PICTURE, media_type="image/png", detail="low")),
    "PDF in base64": _with(File(data=PDF, media_type="application/pdf")),
    "PDF by address": _with(File(url="https://example.com/a.pdf", media_type="application/pdf")),
    "text file": _with(File(data=NOTE, media_type="text/plain")),
    "audio": _with(Audio(PICTURE, "audio/wav")),
    "video, files at the provider": _own_part,
    "JSON mode": _plain(output=OutputFormat("json")),
    "JSON schema": _plain(output=OutputFormat("json_schema", _SCHEMA, "answer", strict=True)),
    "reasoning: effort": _plain(reasoning=ReasoningWish("high"), max_tokens=40000),
    "reasoning: budget": _plain(reasoning=ReasoningWish(budget=4000), max_tokens=40000),
    "reasoning: off": _plain(reasoning=ReasoningWish("none", 0)),
    "thoughts with their signature": _thought(),
    "redacted thoughts": _thought(redacted=True),
    "thoughts of another family": _thought(own=False),
    "a refusal among the turns": _turns(_ASKED, Message(Role.ASSISTANT, [Refusal("I cannot.")]), _AGAIN),
    "citations among the turns": _turns(_ASKED, Message(Role.ASSISTANT, [Text("Hi.", citations=[_CITED])]), _AGAIN),
    "cache breakpoints": _turns(_CACHED),
    "advice only one provider takes (tiers, safety …)": _extra(advice=True),
    "fields that change the answer (logit_bias, stored prompts …)": _extra(advice=False),
}
