"""Parts of a message in Cohere's words."""

from __future__ import annotations

from typing import Any

from app.core.chat import File, Foreign, Image, Part, Refusal, Text
from app.core.errors import Unsupported
from app.formats.extras import refuse
from app.formats.media import data_url, read_text

NAME = "Cohere's format"
_DETAILS = ("auto", "low", "high")


def content_part(part: Part, place: str) -> dict[str, Any]:
    """Raises Unsupported for what is neither text nor a picture."""
    match part:
        case Text() | Refusal():
            return {"type": "text", "text": part.text}
        case Image():
            address = {"url": part.url or data_url(part.media_type or "image/png", part.data or "")}
            if part.detail in _DETAILS:
                address["detail"] = part.detail
            return {"type": "image_url", "image_url": address}
        case File() if part.data is not None and (part.media_type or "").startswith("text/"):
            return {"type": "text", "text": read_text(part.data, place)}
        case Foreign(family="cohere"):
            return part.value
        case _:
            raise unsayable(part, place)


def unsayable(part: Part, place: str) -> Unsupported:
    if isinstance(part, Foreign):
        return refuse(place, NAME, f"leave out the {part.value.get('type', 'part')} of {part.family}")
    return refuse(place, NAME, f"a message there holds text and pictures, no {type(part).__name__.lower()}")
