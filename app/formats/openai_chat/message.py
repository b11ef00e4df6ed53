"""The parts of an assistant's message, whole or as a delta: reasoning in its many fields, text, tools, media."""

from __future__ import annotations

from typing import Any

from app.core.chat import Audio, Foreign, Image, Part, Reasoning, Refusal, Text, ToolCall
from app.formats.media import audio_name, data_url, split_data_url
from app.formats.payload import as_dict, as_dicts, as_list, as_text, as_text_or_none, dump_text
from app.formats.reasoning_items import open_seal, seal_of
from app.formats.tool_ids import made_id

_FORMATS = {"anthropic": "anthropic-claude-v1", "gemini": "google-gemini-v1", "openai": "openai-responses-v1"}


def read_reasoning(message: dict[str, Any]) -> list[Reasoning]:
    """`reasoning_content` (DeepSeek …), `reasoning` (OpenRouter, Groq …), `reasoning_details` (OpenRouter), Mistral's
    content parts of type "thinking", and the signature of Gemini's OpenAI endpoint."""
    text = as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))
    found: list[Reasoning] = []
    for detail in as_dicts(message.get("reasoning_details")):
        family = _family(as_text(detail.get("format")))
        data = as_text_or_none(detail.get("data"))
        words = as_text(detail.get("text")) or as_text(detail.get("summary"))
        signature = as_text_or_none(detail.get("signature"))
        if data:
            own = family == "openai"
            sealed = seal_of(data, as_text_or_none(detail.get("id"))) if own else data
            found.append(Reasoning(redacted=sealed, family=family))
        elif words or signature:
            found.append(Reasoning(text=words, signature=signature, family=family))
    if text and not any(part.text for part in found):
        found.insert(0, Reasoning(text=text, family="openai"))
    for part in as_dicts(message.get("content")):
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            words = inner if isinstance(inner, str) else "".join(as_text(p.get("text")) for p in as_dicts(inner))
            if words:
                found.append(Reasoning(text=words, family="openai"))
    if signature := google_signature(message):
        found.append(Reasoning(signature=signature, family="gemini"))
    return found


def read_content(message: dict[str, Any]) -> list[Part]:
    """Text and pictures of `content`, pictures of `images` (OpenRouter), and a refusal."""
    content = message.get("content")
    found: list[Part] = []
    if isinstance(content, str):
        if content:
            found.append(Text(content))
    else:
        for part in as_dicts(content):
            if part.get("type") in ("text", "output_text") and as_text(part.get("text")):
                found.append(Text(as_text(part["text"])))
            elif part.get("type") == "refusal":
                found.append(Refusal(as_text(part.get("refusal"))))
            elif part.get("type") == "image_url":
                found += _image(part)
    for picture in as_dicts(message.get("images")):
        found += _image(picture)
    if refusal := as_text(message.get("refusal")):
        found.append(Refusal(refusal))
    return found


def read_message(message: dict[str, Any], answer: str) -> list[Part]:
    """All parts of a whole message; `answer` is the id that calls without one are named after."""
    parts: list[Part] = [*read_reasoning(message), *read_content(message)]
    annotations = as_dicts(message.get("annotations"))
    if annotations:
        text = next((part for part in reversed(parts) if isinstance(part, Text)), None)
        if text is not None:
            text.citations = annotations
    for position, call in enumerate(as_dicts(message.get("tool_calls"))):
        if call.get("type") == "custom" and call.get("custom"):
            parts.append(Foreign("openai", call))
            continue
        function = as_dict(call.get("function"))
        name = as_text(function.get("name"))
        parts.append(
            ToolCall(
                id=as_text(call.get("id")) or made_id(answer, position, name),
                name=name,
                arguments=read_call_arguments(function.get("arguments")),
                signature=google_signature(call),
            )
        )
    function = as_dict(message.get("function_call"))
    if name := as_text(function.get("name")):
        parts.append(ToolCall(made_id(answer, 0, name), name, read_call_arguments(function.get("arguments"))))
    audio = as_dict(message.get("audio"))
    if data := as_text(audio.get("data")):
        if transcript := as_text(audio.get("transcript")):
            parts.append(Text(transcript))
        parts.append(Audio(data=data, media_type="audio/wav"))
    return parts


def read_sources(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The addresses that some say beside their answer instead of in annotations: Perplexity's `search_results`,
    its and xAI's `citations`."""
    found = as_dicts(answer.get("search_results")) or as_list(answer.get("citations"))
    sources = []
    for source in found:
        url = as_text(source.get("url")) if isinstance(source, dict) else as_text(source)
        if url:
            title = as_text(source.get("title")) if isinstance(source, dict) else ""
            place = {"url": url, "title": title, "start_index": 0, "end_index": 0}
            sources.append({"type": "url_citation", "url_citation": place})
    return sources


def read_call_arguments(value: Any) -> str:
    """JSON text; some write the object itself."""
    if isinstance(value, dict):
        return dump_text(value)
    return as_text(value)


def google_signature(value: dict[str, Any]) -> str | None:
    """The thoughtSignature on a message or call, as Gemini's own OpenAI endpoint carries it."""
    google = as_dict(as_dict(value.get("extra_content")).get("google"))
    return as_text_or_none(google.get("thought_signature"))


def write_message(parts: list[Part]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    text = "".join(part.text for part in parts if isinstance(part, Text))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    reasoning = [part for part in parts if isinstance(part, Reasoning)]
    custom = [part.value for part in parts if isinstance(part, Foreign) and part.value.get("type") == "custom"]
    calls = [write_call(part) for part in parts if isinstance(part, ToolCall)] + custom
    images = [part for part in parts if isinstance(part, Image)]
    audio = next((part for part in parts if isinstance(part, Audio)), None)
    if text or not (calls or refusal):
        message["content"] = text
    if refusal:
        message["refusal"] = refusal
    if thoughts := "".join(part.text for part in reasoning):
        message["reasoning_content"] = thoughts
    if any(part.signature or part.redacted for part in reasoning):
        message["reasoning_details"] = [write_detail(part, number) for number, part in enumerate(reasoning)]
    if calls:
        message["tool_calls"] = calls
    if images:
        message["images"] = [write_image(image) for image in images]
    if audio:
        message["audio"] = {
            "id": "audio_0",
            "data": audio.data,
            "expires_at": 0,
            "transcript": "",
            "format": audio_name(audio.media_type),
        }
    citations = [write_citation(c) for part in parts if isinstance(part, Text) for c in part.citations or []]
    if any(citations):
        message["annotations"] = [citation for citation in citations if citation]
    return message


def write_detail(part: Reasoning, index: int) -> dict[str, Any]:
    """What must come back byte for byte, in OpenRouter's shape: `format` tells whose it is."""
    form = _FORMATS.get(part.family or "", "unknown")
    if part.redacted:
        data, item_id = open_seal(part.redacted) if part.family == "openai" else (part.redacted, None)
        encrypted: dict[str, Any] = {"type": "reasoning.encrypted", "data": data, "format": form, "index": index}
        return encrypted | {"id": item_id} if item_id else encrypted
    detail: dict[str, Any] = {"type": "reasoning.text", "text": part.text, "format": form, "index": index}
    if part.signature:
        detail["signature"] = part.signature
    return detail


def write_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    written: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    if call.signature:
        written["extra_content"] = {"google": {"thought_signature": call.signature}}
    return written


def write_image(image: Image) -> dict[str, Any]:
    url = image.url or data_url(image.media_type or "image/png", image.data or "")
    return {"type": "image_url", "image_url": {"url": url}}


def write_citation(value: dict[str, Any]) -> dict[str, Any] | None:
    """A citation as an annotation, where it names an address."""
    if value.get("type") == "file":
        return value
    own = as_dict(value.get("url_citation"))  # may say more, as OpenRouter's `content`
    inner = own or value
    url = as_text(inner.get("url"))
    if not url:
        return None
    title, start, end = as_text(inner.get("title")), inner.get("start_index"), inner.get("end_index")
    place = {"start_index": start if type(start) is int else 0, "end_index": end if type(end) is int else 0}
    return {"type": "url_citation", "url_citation": {**own, "url": url, "title": title, **place}}


def _image(part: dict[str, Any]) -> list[Part]:
    address = part.get("image_url")
    url = as_text(address.get("url")) if isinstance(address, dict) else as_text(address)
    if not url:
        return []
    split = split_data_url(url)
    return [Image(media_type=split[0], data=split[1])] if split else [Image(url=url)]


def _family(form: str) -> str:
    for family, name in (("anthropic", "anthropic"), ("gemini", "google"), ("openai", "openai")):
        if form.startswith(name):
            return family
    return "openai"
