"""What commands share: the services while they work, waiting for the server, and printing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
import typer
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import StartError
from app.core.settings import Settings, load_settings
from app.services.container import Services
from app.services.startup import open_services
from app.services.takeover import taken_over

T = TypeVar("T")

ACTOR = "command line"

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def run(context: typer.Context, work: Callable[[Services], Awaitable[T]]) -> T:
    """Does the work over the data folder, and returns when a running server has taken over what it wrote."""
    settings = settings_of(context)
    try:
        return asyncio.run(_run(settings, work))
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise StartError(f"The database could not be used: {reason}. `anygpt doctor` says more.") from None


def settings_of(context: typer.Context) -> Settings:
    folder: Path | None = context.obj
    return load_settings(data_dir=folder)


def print_list(rows: Sequence[dict[str, Any]], as_json: bool, empty: str) -> None:
    """Rows as a table whose columns are the keys, or as JSON; a list is shown as its words."""
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo(empty)
    else:
        lines = [
            [name.upper().replace("_", " ") for name in rows[0]],
            *([_cell(v) for v in row.values()] for row in rows),
        ]
        widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
        for line in lines:
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def warn(sentence: str) -> None:
    typer.echo(f"anygpt: {sentence}", err=True)


async def _run(settings: Settings, work: Callable[[Services], Awaitable[T]]) -> T:
    _log_to_stderr()
    async with open_services(settings, serving=False) as services:
        before = services.state.current.generation
        result = await work(services)
        if services.state.current.generation != before and not await taken_over(services):
            warn("It is written, but the running server has not taken it over yet. `anygpt doctor` looks at it.")
        return result


def _log_to_stderr() -> None:
    """Answers go to stdout alone; warnings of the services are for a person to see."""
    structlog.configure(
        processors=[_plainly],
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _plainly(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    reason = event.get("reason")
    return f"anygpt: {event['event']}" + (f": {reason}" if reason else "")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(str(each) for each in value) or "-"
    return str(value)
