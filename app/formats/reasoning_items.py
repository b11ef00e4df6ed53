"""Reasoning items of OpenAI's Responses ↔ parts. What must go back unchanged travels as a seal.

A seal is the whole item as JSON text: `encrypted_content` is only taken back together with the item's own id. A seal
without `encrypted_content` leaves a single plain text out, which stands in the part itself."""

from __future__ import annotations

from typing import Any

from app.core.chat import Reasoning
from app.formats.payload import as_dict, as_dicts, as_text, as_text_or_none, dump_text, try_read
from app.formats.signatures import unwrap, wrap

FAMILY = "openai"
SEPARATOR = "\n\n"  # between the parts of a summary


def read_item(item: dict[str, Any]) -> Reasoning:
    summary, content = _texts(item.get("summary")), _texts(item.get("content"))
    text = SEPARATOR.join(content or summary)
    slot = as_text_or_none(item.get("encrypted_content"))
    if slot is not None:
        bare, family, redacted = unwrap(slot, FAMILY)
        if bare != slot:  # another family's, or a seal that we put there
            redacted = not text if family == FAMILY else redacted
            return _part(text, bare, family, redacted=redacted)
    elif len(content) == 1 and not summary:
        item = item | {"content": []}
    return _part(text, dump_text(item), FAMILY, redacted=not text)


def write_item(part: Reasoning, made_id: str, text: str | None = None) -> dict[str, Any]:
    """The item for a client. `text` was already shown under the id `made_id`: then the seal rides inside."""
    mark = part.signature or part.redacted
    own = part.family in (None, FAMILY)
    if text is None and own and (item := _opened(mark)) is not None:
        left_out = not (item.get("encrypted_content") or _texts(item.get("summary")) or _texts(item.get("content")))
        if left_out and part.text:
            item["content"] = [{"type": "reasoning_text", "text": part.text}]
        return item
    shown = part.text if text is None else text
    summary = [{"type": "summary_text", "text": shown}] if shown else []
    item = {"id": made_id, "type": "reasoning", "summary": summary}
    if mark:
        # what is not this item's own content is marked as such
        item["encrypted_content"] = wrap(mark, part.family, FAMILY, redacted=own or part.redacted is not None)
    return item


def returned_item(part: Reasoning, *, stored: bool) -> dict[str, Any] | None:
    """The item for a provider; None where it means nothing there: another family's, without a seal, or a mere name
    of an item that is stored nowhere."""
    mark = part.signature or part.redacted
    if part.family != FAMILY or not mark:
        return None
    if _opened(mark) is None:  # the encrypted content alone, as chat formats hand it on
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        return {"type": "reasoning", "summary": summary, "encrypted_content": mark}
    item = write_item(part, "")
    return item if stored or item.get("encrypted_content") or _texts(item.get("content")) else None


def seal_of(encrypted_content: str, item_id: str | None) -> str:
    """What a chat format's "reasoning.encrypted" says, as a seal; without an id the content itself."""
    if not item_id or _opened(encrypted_content) is not None:
        return encrypted_content
    return dump_text({"type": "reasoning", "id": item_id, "summary": [], "encrypted_content": encrypted_content})


def open_seal(seal: str) -> tuple[str, str | None]:
    """(encrypted content, id) of a seal that `seal_of` makes; (the seal, None) of any other."""
    item = _opened(seal) or {}
    content, item_id = as_text(item.get("encrypted_content")), as_text(item.get("id"))
    return (content, item_id) if content and seal_of(content, item_id) == seal else (seal, None)


def _part(text: str, mark: str, family: str, *, redacted: bool) -> Reasoning:
    if redacted:
        return Reasoning(text, redacted=mark, family=family)
    return Reasoning(text, signature=mark, family=family)


def _opened(mark: str | None) -> dict[str, Any] | None:
    if not mark or not mark.startswith("{"):
        return None
    item = as_dict(try_read(mark.encode("utf-8", "replace")))
    return item if item.get("type") == "reasoning" else None


def _texts(value: Any) -> list[str]:
    return [text for part in as_dicts(value) if (text := as_text(part.get("text")))]
