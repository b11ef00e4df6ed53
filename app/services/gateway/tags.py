"""Tags of a request: words that rules and reports may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST, LONGEST = 20, 60
_NONE: frozenset[str] = frozenset()


def read_tags(metadata: Mapping[str, Any], header: bytes | None = None) -> frozenset[str]:
    """From `metadata.tags` (a list, or words with commas) and the header x-anygpt-tags; at most 20 of 60 characters."""
    if not metadata and header is None:
        return _NONE
    named = metadata.get("tags")
    tags = named.split(",") if isinstance(named, str) else named if isinstance(named, list) else []
    if header is not None:
        tags = [*tags, *header.decode("latin-1").split(",")]
    return frozenset([str(tag).strip()[:LONGEST] for tag in tags if str(tag).strip()][:MOST])
