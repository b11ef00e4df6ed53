"""`anygpt export`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.opened import run
from app.core.errors import StartError
from app.services.config_file.export import export as present_state

commands = typer.Typer(rich_markup_mode=None, add_completion=False)


@commands.command(epilog="\b\nExample: anygpt export team.toml")
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write; else it is printed.")] = None,
) -> None:
    """Write the present state as a file for `anygpt apply`. Secrets and passwords are left out."""
    text = run(context, present_state)
    if file is None:
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}.") from None
    typer.echo(f"Written to {file}.")
