"""`anygpt provider`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from app.commands.opened import ACTOR, AsJson, print_list, run
from app.core.errors import StartError
from app.services.changes import about
from app.services.container import Services
from app.services.views import ProviderSpec, ProviderView, TestResult

commands = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Upstreams that answer requests.",
    epilog="\b\nExample: anygpt provider add openai-main --kind openai --api-key-env OPENAI_API_KEY",
)


@commands.command(epilog="\b\nExample: anygpt provider add local --kind ollama --base-url http://127.0.0.1:11434/v1")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called here.")],
    kind: Annotated[str, typer.Option(help="A known kind (openai, anthropic, gemini …) or openai-compatible.")],
    base_url: Annotated[str | None, typer.Option(metavar="U", help="Its address, where the kind has none.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="The environment variable that holds its key.")
    ] = None,
) -> None:
    """Add a provider and ask it for its models."""
    spec = ProviderSpec(name=name, kind=kind, base_url=base_url, api_key_env=api_key_env)

    async def work(services: Services) -> ProviderView:
        return await services.providers.add(ACTOR, spec)

    provider = run(context, work)
    count = len(provider.models)
    typer.echo(f"Added {provider.name} at {provider.base_url} with {count} {'model' if count == 1 else 'models'}.")


@commands.command("list", epilog="\b\nExample: anygpt provider list --json")
def list_providers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the providers, the preferred first."""

    async def work(services: Services) -> Sequence[ProviderView]:
        await services.probes.load()
        return services.providers.list()

    rows = [
        {
            "name": provider.name,
            "kind": provider.kind,
            "base_url": provider.base_url,
            "enabled": provider.enabled,
            "priority": provider.priority,
            "models": len(provider.models),
            "state": provider.status_text,
        }
        for provider in run(context, work)
    ]
    print_list(rows, as_json, "No providers yet. Add one with: anygpt provider add NAME --kind KIND")


@commands.command(epilog="\b\nExample: anygpt provider test openai-main")
def test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The provider's name.")],
) -> None:
    """Call a provider in a way that costs nothing; exit 1 where it does not answer."""

    async def work(services: Services) -> TestResult:
        return await services.providers.test(name)

    result = run(context, work)
    if not result.ok:
        raise StartError(about(name, result.sentence))
    typer.echo(f"{name}: {result.sentence}")
