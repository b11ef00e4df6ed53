"""Signatures of reasoning on their way through a format of another family: marked, so that they come back intact.

Anthropic and Gemini clients send a signature back as it was given to them, in a slot that holds base64. A signature
of another family is put into that slot as base64 of a mark and the signature; without the mark it is the slot's own."""

from __future__ import annotations

import base64
import binascii

from app.core.chat import Reasoning

_FAMILIES = ("openai", "anthropic", "gemini")


def wrap(signature: str, family: str | None, home: str, *, redacted: bool = False) -> str:
    """What stands in the slot of family `home`."""
    if family in (None, home) and not redacted:
        return signature
    return base64.b64encode((_mark(family or home, redacted) + signature).encode()).decode()


def unwrap(slot: str, home: str) -> tuple[str, str, bool]:
    """(signature, family, redacted) of what stands in the slot of family `home`."""
    for family in _FAMILIES:
        for redacted in (False, True):
            if slot.startswith(_STARTS[family, redacted]):
                try:
                    text = base64.b64decode(slot, validate=True).decode()
                except (binascii.Error, UnicodeDecodeError, ValueError):
                    return slot, home, False
                return text.removeprefix(_mark(family, redacted)), family, redacted
    return slot, home, False


def holds_marks(body: bytes) -> bool:
    """Whether a client's body may hold something that `wrap` made."""
    for start in _BEGINNINGS:  # noqa: SIM110  of every request, and a generator costs more than it looks for
        if start in body:
            return True
    return False


def merge_reasoning(parts: list[Reasoning]) -> list[Reasoning]:
    """Clients that only append a stream's pieces send them back as pieces: the signature closes a block, and says
    whose it is."""
    merged: list[Reasoning] = []
    for part in parts:
        last = merged[-1] if merged else None
        if last is None or last.signature or last.redacted or part.redacted:
            merged.append(part)
        elif last.family == part.family or not part.text:
            last.text += part.text
            last.signature, last.family = part.signature, part.family
        else:
            merged.append(part)
    return merged


def _mark(family: str, redacted: bool) -> str:
    # a length divisible by three, so that the mark in base64 does not depend on what follows
    mark = f"{family}{'!' if redacted else ':'}"
    return mark + ":" * (-len(mark) % 3)


_STARTS = {
    (family, redacted): base64.b64encode(_mark(family, redacted).encode()).decode()
    for family in _FAMILIES
    for redacted in (False, True)
}
_BEGINNINGS = tuple(b'"' + base64.b64encode(family.encode()).rstrip(b"=")[:8] for family in _FAMILIES)
