"""Every format of embeddings by its name, found by itself in the modules beside this file."""

from __future__ import annotations

import app.formats.embeddings
from app.core.discover import modules
from app.formats.embeddings.base import EmbeddingClientFormat, EmbeddingFormat

_FOUND = [
    wire for module in modules(app.formats.embeddings) if (wire := getattr(module, "EMBEDDINGS", None)) is not None
]

EMBEDDING_FORMATS: dict[str, EmbeddingFormat] = {wire.name: wire for wire in _FOUND}
"""What providers speak."""

EMBEDDING_CLIENT_FORMATS: dict[str, EmbeddingClientFormat] = {
    wire.name: wire for wire in _FOUND if hasattr(wire, "encode_result")
}
"""What clients speak; providers speak it too."""
