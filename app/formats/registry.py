"""Every wire format by its name, found by itself: a module of this package with a `FORMAT` is one."""

from __future__ import annotations

import app.formats
from app.core.discover import modules
from app.formats.base import WireFormat


def _found() -> dict[str, WireFormat]:
    formats = (getattr(module, "FORMAT", None) for module in modules(app.formats))
    return {wire.name: wire for wire in formats if wire is not None}


FORMATS: dict[str, WireFormat] = _found()
