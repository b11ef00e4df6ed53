"""The `anygpt` command. Its commands are imported when they are used, so that `--help` answers at once."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.core.errors import AnyGPTError

DEFAULT = "serve"
# name: what --help says of it; the module of that name in app.commands holds it
COMMANDS = {
    "serve": "Serve pages and gateway (what `anygpt` alone does).",
    "apply": "Put a file of providers, routers, keys and people in force.",
    "export": "Write the present state as such a file, without secrets.",
    "user": "People: add, list, disable, reset a password.",
    "key": "Gateway keys: add, list, revoke, rotate.",
    "provider": "Providers: add, list, test.",
    "models": "Models: ask the providers for theirs, list them.",
    "doctor": "Check settings, folder, database, providers; exit 1 on a fault.",
}
_EXAMPLE = "Example: anygpt --port 9000 · anygpt apply team.toml · anygpt COMMAND --help"


class LazyGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(importlib.import_module(f"app.commands.{cmd_name}").commands)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_default(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AnyGPTError as error:
            typer.echo(f"anygpt: {error.message}", err=True)
            raise typer.Exit(1) from None


def with_default(args: list[str]) -> list[str]:
    """`--data-dir` to the front, where it means every command, and `serve` where no command is named."""
    folder: list[str] = []
    rest: list[str] = []
    at = 0
    while at < len(args):
        if args[at] == "--":
            rest += args[at:]
            break
        if args[at] == "--data-dir":
            if at + 1 == len(args):
                return args  # the parser says that a value is missing
            folder = args[at : at + 2]
            at += 2
            continue
        if args[at].startswith("--data-dir="):
            folder = [args[at]]
        else:
            rest.append(args[at])
        at += 1
    if rest[:1] in (["--help"], ["--version"]) or (rest and not rest[0].startswith("-")):
        return folder + rest
    return [*folder, DEFAULT, *rest]


def _print_version(asked: bool) -> None:
    if asked:
        try:
            number = version("anygpt")
        except PackageNotFoundError:
            number = "0 (not installed)"
        typer.echo(f"AnyGPT {number}")
        raise typer.Exit


commands = typer.Typer(
    name="anygpt", cls=LazyGroup, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)


@commands.callback(help=f"A shared chat, an API gateway and its dashboard in one process.\n\n{_EXAMPLE}")
def start(
    context: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="The data folder, for every command.")
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.obj = data_dir


def main() -> None:
    commands(sys.argv[1:], prog_name="anygpt")


if __name__ == "__main__":
    main()
