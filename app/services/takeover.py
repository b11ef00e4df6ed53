"""Waiting for the running server to answer by what another process wrote."""

from __future__ import annotations

import asyncio

from sqlmodel import Session

from app.db.tables.settings import MetaRow
from app.services.container import Services
from app.services.state import SEEN_GENERATION

WAIT_S = 2.0
LOOK_EVERY_S = 0.05


async def taken_over(services: Services) -> bool:
    """False where a server holds the folder and has not taken over our last write in time."""
    ours = services.state.current.generation
    if not await asyncio.to_thread(services.folder.is_locked):
        return True
    for _ in range(round(WAIT_S / LOOK_EVERY_S)):
        if await services.db.read(_seen) >= ours:
            return True
        await asyncio.sleep(LOOK_EVERY_S)
    return False


def _seen(session: Session) -> int:
    row = session.get(MetaRow, SEEN_GENERATION)
    return row.number if row is not None else 0
