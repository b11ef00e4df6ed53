"""Where prices are looked up while the server runs: public lists, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from app.core.errors import UpstreamDown
from app.providers.catalog import Rows
from app.providers.price_litellm import litellm_rows
from app.providers.price_models_dev import models_dev_rows
from app.providers.price_openrouter import openrouter_rows

LARGEST = 64 * 2**20
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class PriceSource:
    """`whole`: it knows the models of all providers, not of some."""

    name: str
    url: str
    read: Callable[[bytes], Rows]
    whole: bool = False


MODELS_DEV = PriceSource("models.dev", "https://models.dev/api.json", models_dev_rows, whole=True)
LITELLM = PriceSource(
    "LiteLLM",
    "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json",
    litellm_rows,
)
OPENROUTER = PriceSource("OpenRouter", "https://openrouter.ai/api/v1/models", openrouter_rows)
SOURCES = (MODELS_DEV, LITELLM, OPENROUTER)


async def download(web: httpx.AsyncBaseTransport, source: PriceSource) -> bytes:
    """The list as it is served. Raises UpstreamDown."""
    client = httpx.AsyncClient(transport=web, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
    # the transport is shared: closing the client would close it for all
    try:
        async with client.stream("GET", source.url, headers={"user-agent": "AnyGPT"}) as response:
            if response.status_code != 200:
                raise UpstreamDown(f"{source.name} answered {response.status_code}.")
            pieces, size = [], 0
            async for piece in response.aiter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST:
                    raise UpstreamDown(f"{source.name}'s list is larger than {LARGEST // 2**20} MB.")
            return b"".join(pieces)
    except (httpx.HTTPError, OSError) as error:
        raise UpstreamDown(f"{source.name} could not be reached ({type(error).__name__}).") from None
