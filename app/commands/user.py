"""`anygpt user`"""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from app.commands.opened import ACTOR, AsJson, print_list, run
from app.core.clock import rfc3339
from app.core.errors import BadRequest
from app.security.permissions import Role
from app.services.container import Services
from app.services.views import Person

commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="People who log in.",
    epilog="\b\nExample: anygpt user add ada@example.org --role admin",
)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address.")]


@commands.command(epilog="\b\nExample: anygpt user add ada@example.org --role member --name Ada")
def add(
    context: typer.Context,
    email: Email,
    role: Annotated[Role, typer.Option(help="What the person may do.")],
    name: Annotated[str, typer.Option(metavar="N", help="The name others see.")] = "",
    tier: Annotated[str | None, typer.Option(metavar="T", help="The person's tier.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person. Without --password-stdin a password is made and printed once."""
    password = _from_stdin() if password_stdin else _new_password()

    async def work(services: Services) -> Person:
        return await services.people.add(ACTOR, email, name, role, password, tier)

    person = run(context, work)
    typer.echo(f"Added {person.email} as {person.role}.")
    if not password_stdin:
        _show(password)


@commands.command("list", epilog="\b\nExample: anygpt user list --json")
def list_people(context: typer.Context, as_json: AsJson = False) -> None:
    """List the people."""

    async def work(services: Services) -> list[Person]:
        return await services.people.list()

    rows = [
        {
            "email": person.email,
            "name": person.name,
            "role": str(person.role),
            "tier": person.tier,
            "enabled": not person.disabled,
            "created_at": rfc3339(person.created_at) if person.created_at is not None else None,
        }
        for person in run(context, work)
    ]
    print_list(rows, as_json, "Nobody yet. Add a person with: anygpt user add EMAIL --role owner")


@commands.command(epilog="\b\nExample: anygpt user disable ada@example.org")
def disable(context: typer.Context, email: Email) -> None:
    """Keep a person out: sessions end at once, conversations and spend stay."""

    async def work(services: Services) -> None:
        await services.people.update(ACTOR, email, disabled=True)

    run(context, work)
    typer.echo(f"Disabled {email}.")


@commands.command("reset-password", epilog="\b\nExample: anygpt user reset-password ada@example.org")
def reset_password(context: typer.Context, email: Email) -> None:
    """Give a person a new password, printed once, and end all sessions."""
    password = _new_password()

    async def work(services: Services) -> None:
        await services.people.set_password(ACTOR, email, password)

    run(context, work)
    _show(password)


def _new_password() -> str:
    return secrets.token_urlsafe(12)


def _from_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise BadRequest("password: standard input was empty; write the password to it as one line.")
    return password


def _show(password: str) -> None:
    typer.echo(f"The password, shown this once: {password}")
