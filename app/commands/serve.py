"""`anygpt serve`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.core.settings import load_settings
from app.main import serve as serve_until_told

commands = typer.Typer(rich_markup_mode=None, add_completion=False)


@commands.command(epilog="\b\nExample: anygpt serve --host 0.0.0.0 --port 9000")
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (default 8080; 0: any free one).")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder (default ./data).")
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew when the code changes.")] = False,
) -> None:
    """Serve pages and gateway until SIGTERM, which lets running streams end."""
    serve_until_told(load_settings(host=host, port=port, data_dir=data_dir or context.obj), reload=reload)
