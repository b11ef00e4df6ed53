"""Questions as clients write them that no format of ours writes for a provider, to be put into a plain body."""

from __future__ import annotations

from typing import Any

from app.formats.signatures import wrap

_CALLED = {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
_PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
_WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


def _round(detail: dict[str, Any] | None, answer: Any = "rain") -> dict[str, Any]:
    """OpenRouter's way to hand thoughts back, and pictures in results."""
    said: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [_CALLED]}
    if detail is not None:
        said["reasoning_details"] = [detail]
    result = {"role": "tool", "tool_call_id": "call_a", "content": answer}
    return {"messages": [{"role": "user", "content": "Weather?"}, said, result], "tools": [_WEATHER]}


def _chat(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello."}, *parts]}]}


def _marked(home: str) -> str:
    """A signature of another family, as AnyGPT gave it to a client of family `home`."""
    return wrap("c2lnbmVk", "gemini" if home == "anthropic" else "anthropic", home)


BY_HAND: dict[str, dict[str, dict[str, Any]]] = {
    "openai-chat": {
        "top_k": {"top_k": 20},
        "more than 5 stop sequences": {"stop": list("abcdef")},
        "PDF by address": _chat({"type": "file", "file": {"file_data": "https://example.com/a.pdf"}}),
        "reasoning: budget": {"reasoning": {"max_tokens": 4000}, "max_tokens": 40000},
        "thoughts with their signature": _round(
            {"type": "reasoning.encrypted", "data": "c2lnbmVk", "format": "openai-responses-v1", "id": "rs_a"}
        ),
        "thoughts of another family": _round(
            {"type": "reasoning.text", "text": "Hm.", "signature": "c2lnbmVk", "format": "anthropic-claude-v1"}
        ),
        "redacted thoughts": _round(
            {"type": "reasoning.encrypted", "data": "c2VjcmV0", "format": "anthropic-claude-v1"}
        ),
        "citations among the turns": {
            "messages": [
                {"role": "user", "content": "Hello."},
                {
                    "role": "assistant",
                    "content": "Hi.",
                    "annotations": [{"type": "url_citation", "url_citation": {"url": "https://example.com"}}],
                },
                {"role": "user", "content": "And now?"},
            ]
        },
        "a picture in a result": _round(None, [{"type": "text", "text": "rain"}, _PICTURE]),
        "cache breakpoints": {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hi.", "cache_control": {"type": "ephemeral"}}]}
            ]
        },
    },
    "openai-responses": {
        "thoughts with their signature": {
            "input": [
                {"role": "user", "content": "Hello."},
                {"type": "reasoning", "id": "rs_a", "summary": [], "encrypted_content": "c2lnbmVk"},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": "And now?"},
            ]
        },
        "thoughts of another family": {
            "input": [
                {"role": "user", "content": "Hello."},
                {"type": "reasoning", "id": "rs_a", "summary": [], "encrypted_content": _marked("openai")},
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": "And now?"},
            ]
        },
    },
    "anthropic-messages": {
        "thoughts of another family": {
            "messages": [
                {"role": "user", "content": "Hello."},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm.", "signature": _marked("anthropic")},
                        {"type": "text", "text": "Hi."},
                    ],
                },
                {"role": "user", "content": "And now?"},
            ]
        },
        "reasoning: budget": {"thinking": {"type": "enabled", "budget_tokens": 4000}, "max_tokens": 40000},
        "reasoning: off": {"thinking": {"type": "disabled"}},
        "citations among the turns": {
            "messages": [
                {"role": "user", "content": "Hello."},
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "text",
                            "text": "Hi.",
                            "citations": [{"type": "page_location", "cited_text": "Hi", "document_index": 0}],
                        }
                    ],
                },
                {"role": "user", "content": "And now?"},
            ]
        },
    },
    "gemini": {
        "thoughts of another family": {
            "contents": [
                {"role": "user", "parts": [{"text": "Hello."}]},
                {
                    "role": "model",
                    "parts": [
                        {"text": "Hm.", "thought": True, "thoughtSignature": _marked("gemini")},
                        {"text": "Hi."},
                    ],
                },
                {"role": "user", "parts": [{"text": "And now?"}]},
            ]
        },
        "reasoning: effort": {
            "generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}, "maxOutputTokens": 40000}
        },
        "reasoning: budget": {
            "generationConfig": {"thinkingConfig": {"thinkingBudget": 4000}, "maxOutputTokens": 40000}
        },
    },
}
