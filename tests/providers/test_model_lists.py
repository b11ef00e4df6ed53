"""Lists of models in every shape that providers have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.core.errors import UnreadableAnswer
from app.core.price import Price, PriceTier
from app.providers.model_lists import SHAPES, FoundModel, read_page

RECORDED = {
    "anthropic/models__models-list__na__01": "anthropic",
    "cerebras/models__models-list__na__01": "openai",
    "deepseek/models__models-list__na__01": "openai",
    "gemini/models__models-list__na__02": "gemini",
    "huggingface/models__models-list__na__01": "openai",
    "mistral/models__models-list__na__01": "mistral",
    "openai/models__models-list__na__02": "openai",
    "openrouter/models__models-list__na__01": "openrouter",
    "perplexity/models__models-list__na__01": "openai",
}


def recorded(folder: Path, name: str) -> dict[str, FoundModel]:
    body = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["response"]["body"]
    return {model.id: model for model in read_page(RECORDED[name], body.encode()).models}


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_list_is_read(name: str, recordings: Path) -> None:
    models = recorded(recordings, name)
    assert models
    assert not any(model_id.startswith("models/") for model_id in models)


def test_openrouter_says_prices_limits_and_capabilities(recordings: Path) -> None:
    model = recorded(recordings, "openrouter/models__models-list__na__01")["anthropic/claude-sonnet-4"]
    assert model.price == Price(
        input=3_000_000_000,
        output=15_000_000_000,
        cache_read=300_000_000,
        cache_write=3_750_000_000,
        cache_write_1h=6_000_000_000,
        tiers=(
            PriceTier(
                above=199_999,
                input=6_000_000_000,
                output=22_500_000_000,
                cache_read=600_000_000,
                cache_write=7_500_000_000,
                cache_write_1h=12_000_000_000,
            ),
        ),
    )
    assert model.context_window == 1_000_000
    assert model.capabilities is not None
    assert {"chat", "vision", "files", "tools", "reasoning"} <= model.capabilities


def test_gemini_says_limits_and_lists_only_what_generates(recordings: Path) -> None:
    models = recorded(recordings, "gemini/models__models-list__na__02")
    flash = models["gemini-2.5-flash"]
    assert (flash.name, flash.context_window, flash.max_output_tokens) == ("Gemini 2.5 Flash", 1_048_576, 65_536)
    assert not any("embedding" in model_id for model_id in models)


def test_mistral_says_capabilities(recordings: Path) -> None:
    model = recorded(recordings, "mistral/models__models-list__na__01")["mistral-medium-2505"]
    assert model.context_window == 131_072
    assert model.capabilities == frozenset({"chat", "json", "files", "tools", "vision"})


def test_perplexity_says_prices_of_a_million(recordings: Path) -> None:
    model = recorded(recordings, "perplexity/models__models-list__na__01")["anthropic/claude-haiku-4-5"]
    assert model.price == Price(input=10**9, output=5 * 10**9, cache_read=10**8, cache_write=125 * 10**7)


def test_together_lists_bare_and_its_zeros_are_free_only_by_name() -> None:
    page = read_page(
        "together",
        json.dumps(
            [
                {"id": "a/b", "type": "chat", "context_length": 8192, "pricing": {"input": 0.18, "output": 0.59}},
                {"id": "a/b-Free", "type": "chat", "pricing": {"input": 0, "output": 0}},
                {"id": "a/rented", "type": "chat", "pricing": {"hourly": 2, "input": 0, "output": 0}},
            ]
        ).encode(),
    )
    priced, free, rented = page.models
    assert priced.price == Price(input=180_000_000, output=590_000_000)
    assert priced.context_window == 8192
    assert free.price == Price(input=0, output=0)
    assert rented.price is None


def test_azure_lists_what_answers_requests() -> None:
    rows = [
        {"id": "gpt-4o", "status": "succeeded", "capabilities": {"inference": True, "chat_completion": True}},
        {"id": "old", "status": "succeeded", "capabilities": {"inference": False}},
        {"id": "tuning", "status": "running", "capabilities": {"inference": True}},
    ]
    assert [model.id for model in read_page("azure", json.dumps({"data": rows}).encode()).models] == ["gpt-4o"]


def test_github_says_limits_and_capabilities_in_a_bare_list() -> None:
    row = {
        "id": "openai/gpt-4.1",
        "name": "OpenAI GPT-4.1",
        "capabilities": ["streaming", "tool-calling"],
        "limits": {"max_input_tokens": 1048576, "max_output_tokens": 32768},
        "supported_input_modalities": ["text", "image", "audio"],
        "supported_output_modalities": ["text"],
    }
    (model,) = read_page("github", json.dumps([row]).encode()).models
    assert (model.id, model.context_window, model.max_output_tokens) == ("openai/gpt-4.1", 1048576, 32768)
    assert model.capabilities == frozenset({"chat", "tools", "json", "vision", "audio_in"})


def test_cohere_lists_what_chats_or_embeds_and_names_the_next_page() -> None:
    rows = [
        {"name": "command-a", "endpoints": ["chat"], "context_length": 256000},
        {"name": "embed-v4", "endpoints": ["embed"]},
        {"name": "rerank-v4", "endpoints": ["rerank"]},
    ]
    page = read_page("cohere", json.dumps({"models": rows, "next_page_token": "two"}).encode())
    assert [(model.id, model.context_window) for model in page.models] == [("command-a", 256000), ("embed-v4", None)]
    assert page.more == {"page_token": "two"}
    assert read_page("cohere", json.dumps({"models": rows, "next_page_token": None}).encode()).more is None


def test_ollama_lists_what_lies_on_the_machine() -> None:
    body = b'{"models": [{"name": "llama3.2:latest", "model": "llama3.2:latest", "size": 1}]}'
    assert [model.id for model in read_page("ollama", body).models] == ["llama3.2:latest"]


def test_a_price_that_depends_is_unknown_not_negative() -> None:
    body = b'{"data": [{"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}]}'
    assert read_page("openrouter", body).models[0].price is None


def test_openrouter_names_parts_of_a_price_and_overrides_by_size_but_not_by_the_hour() -> None:
    pricing = {
        "prompt": "0.000001",
        "completion": "0.000002",
        "audio": "0.000003",
        "internal_reasoning": "0",
        "request": "0.01",
        "overrides": [
            {"min_prompt_tokens": 1001, "prompt": "0.000004"},
            {"min_prompt_tokens": 2000, "utc_start": "00:00", "utc_end": "06:00", "prompt": "0"},
            {"min_prompt_tokens": "many", "prompt": "0"},
            "nothing",
        ],
    }
    body = json.dumps({"data": [{"id": "x/y", "pricing": pricing}]}).encode()
    assert read_page("openrouter", body).models[0].price == Price(
        input=1_000_000_000,
        output=2_000_000_000,
        audio_input=3_000_000_000,
        request=10_000_000,
        tiers=(PriceTier(above=1000, input=4_000_000_000),),
    )


def test_a_free_model_costs_zero_and_says_so() -> None:
    body = b'{"data": [{"id": "x/y:free", "pricing": {"prompt": "0", "completion": "0"}}]}'
    assert read_page("openrouter", body).models[0].price == Price(input=0, output=0)


def test_a_provider_without_models_has_an_empty_list() -> None:
    assert read_page("openai", b'{"object": "list", "data": null}').models == []
    assert read_page("gemini", b"{}").models == []


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"17", b'"x"', b'{"data": {}}', b'{"data": [1]}', b'[{"object": 1}]', b"\xff"]
)
def test_what_is_no_list_is_unreadable(shape: str, body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        read_page(shape, body)


@pytest.mark.parametrize("shape", ["openai", "anthropic", "openrouter", "together", "mistral", "azure", "github"])
def test_odd_values_are_unknown_rather_than_faults(shape: str) -> None:
    odd = {"id": "m", "context_length": "many", "pricing": "dear", "architecture": [], "capabilities": 3, "name": None}
    (model,) = read_page(shape, json.dumps({"data": [odd]}).encode()).models
    assert (model.context_window, model.price, model.capabilities) == (None, None, None)
