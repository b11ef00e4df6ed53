"""Every wire format by its name, found by itself in the packages beside this file."""

from __future__ import annotations

import app.formats
from app.core.discover import modules
from app.formats.base import UpstreamFormat, WireFormat

_MODULES = modules(app.formats)

CLIENT_FORMATS: dict[str, WireFormat] = {
    wire.name: wire for module in _MODULES if (wire := getattr(module, "FORMAT", None)) is not None
}
"""What clients speak; providers speak it too."""

FORMATS: dict[str, UpstreamFormat] = {
    **CLIENT_FORMATS,
    **{wire.name: wire for module in _MODULES if (wire := getattr(module, "UPSTREAM_FORMAT", None)) is not None},
}
"""What providers speak."""
