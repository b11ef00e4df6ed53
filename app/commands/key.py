"""`anygpt key`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from app.commands.opened import ACTOR, AsJson, print_list, run
from app.core.clock import rfc3339
from app.core.money import format_usd
from app.services.container import Services
from app.services.views import KeySpec, KeyView

commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Gateway keys, which clients authenticate with.",
    epilog="\b\nExample: anygpt key add ci --budget-usd 5.00 --budget-window day",
)
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, or its name.")]


@commands.command(
    epilog="\b\nExample: anygpt key add ci --router default --budget-usd 5.00 --budget-window day --rpm 100"
)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    router: Annotated[str | None, typer.Option(metavar="R", help='Its router (default "default").')] = None,
    user: Annotated[str | None, typer.Option(metavar="EMAIL", help="The person it belongs to.")] = None,
    budget_usd: Annotated[str | None, typer.Option(metavar="X", help="USD it may spend per window.")] = None,
    budget_window: Annotated[str | None, typer.Option(metavar="W", help="hour, day, week, month or total.")] = None,
    rpm: Annotated[int | None, typer.Option(metavar="N", help="Requests per minute.")] = None,
    tpm: Annotated[int | None, typer.Option(metavar="N", help="Tokens per minute.")] = None,
    tier: Annotated[str | None, typer.Option(metavar="T", help="Its tier (else its person's).")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DATE", help="When it ends, such as 2027-01-01.")] = None,
) -> None:
    """Make a key. Its secret is printed once."""
    if (budget_usd is None) != (budget_window is None):
        raise typer.BadParameter("--budget-usd and --budget-window go together.")
    budgets = [{"usd": budget_usd, "window": budget_window}] if budget_usd and budget_window else []
    limits = {name: value for name, value in (("rpm", rpm), ("tpm", tpm)) if value is not None}
    spec = KeySpec(name=name, router=router, owner=user, budgets=budgets, limits=limits, expires=expires, tier=tier)

    async def work(services: Services) -> tuple[KeyView, str]:
        return await services.keys.create(ACTOR, spec)

    key, secret = run(context, work)
    typer.echo(f"Made the key {key.name} ({key.id}).")
    _show(secret)


@commands.command("list", epilog="\b\nExample: anygpt key list --json")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys, the newest first."""

    async def work(services: Services) -> Sequence[KeyView]:
        return await services.keys.list(ACTOR, all=True)

    keys = run(context, work)
    rows = [_full(key) if as_json else _short(key) for key in keys]
    print_list(rows, as_json, "No keys yet. Make one with: anygpt key add NAME")


@commands.command(epilog="\b\nExample: anygpt key revoke ci")
def revoke(context: typer.Context, key: KeyId) -> None:
    """Refuse a key from now on. Its spend stays in the ledger."""

    async def work(services: Services) -> None:
        await services.keys.revoke(ACTOR, key)

    run(context, work)
    typer.echo(f"Revoked {key}.")


@commands.command(epilog="\b\nExample: anygpt key rotate ci")
def rotate(context: typer.Context, key: KeyId) -> None:
    """Give a key a new secret, printed once; the old one is dead at once."""

    async def work(services: Services) -> tuple[KeyView, str]:
        return await services.keys.rotate(ACTOR, key)

    _, secret = run(context, work)
    _show(secret)


def _short(key: KeyView) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "key": key.hint,
        "owner": key.owner,
        "router": key.router or "default",
        "tier": key.in_tier,
        "spent": [f"{format_usd(b.spent)} of {format_usd(b.usd_limit)} per {b.window}" for b in key.budgets],
        "expires": f"{key.expires:%Y-%m-%d %H:%M} UTC" if key.expires is not None else None,
        "enabled": not key.disabled,
    }


def _full(key: KeyView) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "owner": key.owner,
        "router": key.router,
        "models": list(key.models),
        "scopes": list(key.scopes),
        "tier": key.tier,
        "tier_in_force": key.in_tier,
        "limits": key.limits,
        "limits_in_force": key.limits_in_force,
        "budgets": [
            {"usd": format_usd(b.usd_limit), "window": b.window, "spent": format_usd(b.spent)} for b in key.budgets
        ],
        "allowed_ips": list(key.allowed_ips),
        "allowed_referrers": list(key.allowed_referrers),
        "expires": rfc3339(key.expires) if key.expires is not None else None,
        "on_budget": key.on_budget,
        "unknown_price": key.unknown_price,
        "enabled": not key.disabled,
        "created_at": rfc3339(key.created_at),
    }


def _show(secret: str) -> None:
    typer.echo(f"The secret, shown this once: {secret}")
