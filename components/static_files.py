"""The look's own files (tokens, parts, icons), served by the parent app and open to everyone."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).with_name("static")
SHEETS = ("tokens.css", "quasar.css", "components.css", "app.css", "gateway.css")
PLAIN_SHEETS = ("tokens.css", "plain.css", "components.css")  # pages without NiceGUI; in the order of the layers


class _Files(StaticFiles):
    """An address that carries the content's digest may be kept for ever; the others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if versioned else "public, max-age=600"
        )
        response.headers["x-content-type-options"] = "nosniff"
        return response


def serve(parent: FastAPI) -> None:
    parent.mount("/static", _Files(directory=FOLDER), name="static")


def address(name: str) -> str:
    """Where a file is fetched from: `/static/tokens.css?v=1f3a…`."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def sheet_links(names: tuple[str, ...]) -> str:
    return "".join(f'<link rel="stylesheet" href="{address(name)}">' for name in names)
