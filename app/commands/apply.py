"""`anygpt apply`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.commands.opened import AsJson, print_json, run, warn
from app.core.errors import BadRequest, StartError
from app.services.config_file.apply import ApplyReport
from app.services.config_file.apply import apply as put_in_force
from app.services.container import Services

commands = typer.Typer(rich_markup_mode=None, add_completion=False)


@commands.command(epilog="\b\nExample: anygpt apply team.toml --dry-run")
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file, as docs/configuration.md describes it.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Disable what an earlier apply made and FILE no longer names.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a file of providers, routers, keys, people and settings in force. A bad file changes nothing."""
    text = _read(file)

    async def work(services: Services) -> ApplyReport:
        try:
            return await put_in_force(services, text, prune=prune, dry_run=dry_run)
        except BadRequest as error:
            raise BadRequest(f"{file}, {error.message}", field=error.field) from None

    report = run(context, work)
    if as_json:
        changes = [
            {"action": each.action, "what": each.what, "name": each.name, "fields": list(each.fields)}
            for each in report.changes
        ]
        print_json({"dry_run": report.dry_run, "changes": changes, "secrets": report.secrets, "notes": report.notes})
        return
    _print(report)


def _print(report: ApplyReport) -> None:
    for change in report.changes:
        typer.echo(f"would {change}" if report.dry_run else str(change))
    for name, secret in report.secrets.items():
        typer.echo(f"The secret of the key {name}, shown this once: {secret}")
    if not report.changes:
        typer.echo("Nothing would change." if report.dry_run else "Nothing to change: all of it is in force already.")
    for sentence in report.notes:
        warn(sentence)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise StartError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise StartError(f"{file} is not a text in UTF-8, as TOML must be.") from None
