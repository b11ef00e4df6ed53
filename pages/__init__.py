"""One file per page. A page registers itself with the decorator; menu, routes, palette and tests find it."""

from __future__ import annotations

import sys

from fastapi import FastAPI

from app.core.discover import instances
from app.services.container import Services
from components import frame
from components.page import PageSpec


def registered() -> list[PageSpec]:
    """Every page of this folder."""
    return instances(sys.modules[__name__], PageSpec)


def mount(parent: FastAPI, services: Services, *, title: str = "AnyGPT") -> None:
    """Mount all pages into the parent app; its own routes are registered before."""
    frame.mount(parent, services, registered(), title=title)
