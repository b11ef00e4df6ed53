"""Moderations: is a text or picture safe?"""

from __future__ import annotations

from app.formats.base import ClientFormat
from app.formats.relay_only import RelayOnly


class Moderations(RelayOnly):
    name = "openai-moderations"
    asks = "moderations"
    path = "/moderations"
    default_model = "omni-moderation-latest"


OPERATION_FORMAT: ClientFormat = Moderations()
