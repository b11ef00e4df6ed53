"""Every wire format by its name, found by itself in the packages beside this file."""

from __future__ import annotations

from functools import cache
from typing import Any

import app.formats
from app.core.discover import modules
from app.formats.base import ClientFormat, UpstreamFormat, WireFormat

_MODULES = modules(app.formats)


def _named(attribute: str) -> dict[str, Any]:
    found = (getattr(module, attribute, None) for module in _MODULES)
    return {wire.name: wire for wire in found if wire is not None}


CLIENT_FORMATS: dict[str, WireFormat] = _named("FORMAT")
"""What chat clients speak; providers speak it too."""

FORMATS: dict[str, UpstreamFormat] = {**CLIENT_FORMATS, **_named("UPSTREAM_FORMAT"), **_named("EMBEDDINGS")}
"""What providers speak."""

OPERATIONS: dict[str, ClientFormat] = _named("OPERATION_FORMAT")
"""What clients ask for beside chat and embeddings: images, speech … Most are relayed only."""


@cache
def serving(name: str, asks: str) -> frozenset[str]:
    """The formats a provider may speak to answer a client's: its own, and those of the operation it asks for."""
    return frozenset({name} | {wire.name for wire in FORMATS.values() if wire.operation == asks})
