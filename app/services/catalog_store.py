"""The refreshed catalogue in the database, so that it outlives a restart: a compressed blob of `meta`."""

from __future__ import annotations

import zlib

import msgspec
import structlog
from sqlmodel import Session

from app.db.tables.settings import MetaRow
from app.providers.catalog import Catalog, Row, Rows, provenance

log = structlog.get_logger()

CATALOGUE = "catalogue"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """`made_at`: the day of the last whole list, `2026-11-21`."""

    made_at: str
    source: str
    rows: dict[str, dict[str, Row]]


def packed(rows: Rows, source: str, made_at: str) -> bytes:
    stored = Stored(made_at=made_at, source=source, rows={name: dict(models) for name, models in rows.items()})
    return zlib.compress(msgspec.msgpack.encode(stored), 6)


def write_catalog(session: Session, blob: bytes) -> None:
    row = session.get(MetaRow, CATALOGUE) or MetaRow(name=CATALOGUE)
    row.value = blob
    session.add(row)


def read_catalog(session: Session) -> bytes | None:
    row = session.get(MetaRow, CATALOGUE)
    return row.value if row is not None else None


def take_over(catalog: Catalog, blob: bytes) -> None:
    """What was stored is in force, unless this version of AnyGPT was shipped with newer facts."""
    try:
        stored = msgspec.msgpack.decode(zlib.decompress(blob), type=Stored)
    except (zlib.error, msgspec.DecodeError) as error:  # it is fetched again within a day
        log.warning("the stored catalogue cannot be read; the shipped one is used", reason=str(error))
        return
    if stored.made_at >= provenance().made:
        catalog.replace(stored.rows, stored.source, stored.made_at)
