"""`anygpt models`"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from app.commands.opened import ACTOR, AsJson, print_list, run, warn
from app.core.errors import AnyGPTError
from app.core.money import format_usd
from app.core.price_text import write_price
from app.services.changes import about
from app.services.container import Services
from app.services.views import ModelView

commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Models and their prices.",
    epilog="\b\nExample: anygpt models list --provider openai-main",
)


@commands.command(epilog="\b\nExample: anygpt models refresh")
def refresh(context: typer.Context) -> None:
    """Ask every enabled provider for its models; exit 1 where one did not answer."""
    failed = run(context, _refresh)
    if failed:
        raise typer.Exit(1)


@commands.command("list", epilog="\b\nExample: anygpt models list --provider openai-main --json")
def list_models(
    context: typer.Context,
    provider: Annotated[str | None, typer.Option(metavar="P", help="Only this provider's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the models with prices in USD per 1M tokens."""

    async def work(services: Services) -> Sequence[ModelView]:
        views = [services.providers.get(provider)] if provider is not None else services.providers.list()
        return [model for view in views for model in view.models]

    rows = [_full(model) if as_json else _short(model) for model in run(context, work)]
    print_list(rows, as_json, "No models yet. Ask the providers with: anygpt models refresh")


async def _refresh(services: Services) -> int:
    providers = [p for p in services.state.current.providers.values() if p.enabled and not p.kind.in_process]
    if not providers:
        typer.echo("There is no enabled provider to ask.")
    asked = [provider for provider in providers if not provider.models_listed]
    for provider in providers:
        if provider.models_listed:
            typer.echo(f"{provider.name}: its models are listed by hand, so it was not asked.")
    answers = await asyncio.gather(*(_ask(services, provider.name) for provider in asked))
    return sum(not answered for answered in answers)


async def _ask(services: Services, name: str) -> bool:
    try:
        count = await services.providers.refresh_models(ACTOR, name)
    except AnyGPTError as error:
        warn(about(name, error.message))
        return False
    typer.echo(f"{name}: {count} {'model' if count == 1 else 'models'}.")
    return True


def _short(model: ModelView) -> dict[str, Any]:
    price = model.price
    return {
        "model": model.alias,
        "provider": model.provider,
        "input": format_usd(price.input) if price is not None else "unknown",
        "output": format_usd(price.output) if price is not None else "unknown",
        "context": f"{model.context_window:,}" if model.context_window is not None else None,
        "enabled": model.enabled,
    }


def _full(model: ModelView) -> dict[str, Any]:
    return {
        "id": model.id,
        "alias": model.alias,
        "name": model.name,
        "provider": model.provider,
        "price": write_price(model.price) if model.price is not None else None,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": list(model.capabilities),
        "enabled": model.enabled,
    }
