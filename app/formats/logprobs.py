"""Log probabilities: OpenAI's list of tokens, which all others are read into, and Gemini's words for it."""

from __future__ import annotations

from typing import Any

from app.formats.payload import as_dict, as_dicts, as_list, as_text


def read_openai(value: Any) -> dict[str, Any] | None:
    """The `logprobs` of a choice. The older shape of parallel lists (Together, Fireworks) becomes the newer one."""
    found = as_dict(value)
    if found.get("content") or found.get("refusal"):
        return found
    tokens, numbers = as_list(found.get("tokens")), as_list(found.get("token_logprobs"))
    tops = as_list(found.get("top_logprobs"))
    content = []
    for position, (token, number) in enumerate(zip(tokens, numbers, strict=False)):
        if isinstance(token, str) and isinstance(number, int | float):
            top = as_dict(tops[position]) if position < len(tops) else {}
            others = [_token(name, item) for name, item in top.items() if isinstance(item, int | float)]
            content.append(_token(token, number) | {"top_logprobs": others})
    return {"content": content, "refusal": None} if content else None


def tokens_of(value: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    """The tokens of the text; None where there are none."""
    return as_dicts(as_dict(value).get("content")) or None


def complete(tokens: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Each token with all members that clients of OpenAI's expect, of the type they expect."""
    return [
        _complete(entry) | {"top_logprobs": [_complete(other) for other in as_dicts(entry.get("top_logprobs"))]}
        for entry in tokens or []
    ]


def write_openai(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """The `logprobs` of a choice."""
    if value is None:
        return None
    return {key: complete(as_dicts(value.get(key))) or None for key in ("content", "refusal")}


def read_gemini(value: Any) -> dict[str, Any] | None:
    """Gemini's `logprobsResult`: the chosen tokens beside the likeliest ones of each step."""
    result = as_dict(value)
    tops = as_dicts(result.get("topCandidates"))
    content = []
    for position, chosen in enumerate(as_dicts(result.get("chosenCandidates"))):
        others = as_dicts(tops[position].get("candidates")) if position < len(tops) else []
        content.append(_read_gemini(chosen) | {"top_logprobs": [_read_gemini(other) for other in others]})
    return {"content": content, "refusal": None} if content else None


def write_gemini(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "chosenCandidates": [_write_gemini(token) for token in tokens],
        "topCandidates": [
            {"candidates": [_write_gemini(other) for other in as_dicts(token.get("top_logprobs"))]} for token in tokens
        ],
    }


def _token(token: str, number: float) -> dict[str, Any]:
    return {"token": token, "logprob": number, "bytes": list(token.encode("utf-8", "replace"))}


def _complete(entry: dict[str, Any]) -> dict[str, Any]:
    number, codes = entry.get("logprob"), entry.get("bytes")
    if not isinstance(number, int | float) or isinstance(number, bool):
        number = 0.0
    known = _token(as_text(entry.get("token")), number)
    if isinstance(codes, list):
        known["bytes"] = [code for code in codes if type(code) is int]
    return entry | known


def _read_gemini(value: dict[str, Any]) -> dict[str, Any]:
    number = value.get("logProbability")
    return _token(as_text(value.get("token")), number if isinstance(number, int | float) else 0.0)


def _write_gemini(value: dict[str, Any]) -> dict[str, Any]:
    return {"token": as_text(value.get("token")), "logProbability": value.get("logprob", 0.0)}
