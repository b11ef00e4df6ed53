"""Pictures from a text."""

from __future__ import annotations

from app.formats.base import ClientFormat
from app.formats.relay_only import RelayOnly


class Images(RelayOnly):
    name = "openai-images"
    asks = "images"
    path = "/images/generations"
    default_model = "gpt-image-1"
    needs = frozenset({"image_out"})


OPERATION_FORMAT: ClientFormat = Images()
