"""Bodies for Ollama and Cohere, which no client speaks, put into OpenAI's chat format to be read again."""

from __future__ import annotations

import json
from typing import Any

_OPTIONS = {"num_predict": "max_tokens"}
_COHERE = {"p": "top_p", "k": "top_k", "stop_sequences": "stop"}


def ollama_as_chat(body: bytes) -> bytes:
    value = json.loads(body)
    options = {_OPTIONS.get(key, key): item for key, item in value.pop("options", {}).items()}
    value["messages"] = [_ollama_message(message) for message in value["messages"]]
    if (form := value.pop("format", None)) is not None:
        value["response_format"] = _form(form if isinstance(form, dict) else None)
    if (think := value.pop("think", None)) is not None:
        value["reasoning_effort"] = {True: "thinks", False: "none"}.get(think, think)
    return json.dumps(value | options).encode()


def cohere_as_chat(body: bytes) -> bytes:
    value = {_COHERE.get(key, key): item for key, item in json.loads(body).items()}
    for message in value["messages"]:
        if plan := message.pop("tool_plan", None):
            message["reasoning_content"] = plan
    if form := value.pop("response_format", None):
        value["response_format"] = _form(form.get("schema"))
    if thinking := value.pop("thinking", None):
        off = thinking["type"] == "disabled"
        value["reasoning"] = {"max_tokens": 0 if off else thinking.get("token_budget", -1)}
    if choice := value.pop("tool_choice", None):
        value["tool_choice"] = choice.lower()
    if value.pop("strict_tools", False):
        for tool in value["tools"]:
            tool["function"]["strict"] = True
    return json.dumps(value).encode()


def _ollama_message(message: dict[str, Any]) -> dict[str, Any]:
    images = message.pop("images", [])
    if images:
        pictures = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}} for data in images]
        message["content"] = [{"type": "text", "text": message["content"]}, *pictures]
    if thinking := message.pop("thinking", None):
        message["reasoning_content"] = thinking
    return message


def _form(schema: dict[str, Any] | None) -> dict[str, Any]:
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
