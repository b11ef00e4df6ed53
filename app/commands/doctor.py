"""`anygpt doctor`"""

from __future__ import annotations

import asyncio

import typer

from app.commands.opened import AsJson, print_json
from app.services.doctor import Finding, examine

commands = typer.Typer(rich_markup_mode=None, add_completion=False)


@commands.command(epilog="\b\nExample: anygpt doctor")
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check settings, folder, keys, database, disk, port, providers and clock; a line each, exit 1 on a fault."""
    findings = asyncio.run(examine(context.obj))
    if as_json:
        print_json([{"ok": each.ok, "check": each.check, "message": each.message} for each in findings])
    else:
        for each in findings:
            typer.echo(_line(each))
    if not all(each.ok for each in findings):
        raise typer.Exit(1)


def _line(finding: Finding) -> str:
    return f"{'ok' if finding.ok else 'FAULT':<5}  {finding.check:<12}  {finding.message}"
