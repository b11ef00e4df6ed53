"""Exporting: the state in the file's own format, which applies to no change."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.price_text import write_price
from app.core.settings import Settings
from app.services.config_file.apply import apply
from app.services.config_file.export import export
from app.services.container import Services
from app.services.startup import open_services
from app.services.views import ProviderSpec
from tests.services.config_file.files import ALL, EVERYTHING, PRICED, SMALL


@pytest.mark.parametrize("name", ALL)
async def test_applying_an_export_changes_nothing(services: Services, name: str) -> None:
    await apply(services, ALL[name])
    text = await export(services)
    assert (await apply(services, text, prune=True)).changes == ()
    assert await export(services) == text


@pytest.mark.parametrize("name", ALL)
async def test_an_export_makes_the_same_state_elsewhere(services: Services, tmp_path: Path, name: str) -> None:
    await apply(services, ALL[name])
    text = await export(services)
    async with open_services(Settings(data_dir=tmp_path / "other", timezone="Europe/Berlin"), serving=False) as other:
        await apply(other, text)
        assert await export(other) == text


async def test_after_a_prune_an_export_still_applies(services: Services) -> None:
    await apply(services, EVERYTHING)
    await apply(services, SMALL, prune=True)
    text = await export(services)
    assert (await apply(services, text)).changes == ()


async def test_after_a_provider_is_deleted_an_export_still_applies(services: Services) -> None:
    await apply(services, EVERYTHING)
    await services.providers.delete("somebody", "claude")
    text = await export(services)
    assert "claude-x" in text
    assert (await apply(services, text)).changes == ()


async def test_a_provider_with_both_a_stored_key_and_a_variable_keeps_both(services: Services) -> None:
    both = ProviderSpec(
        name="p", kind="openai-compatible", base_url="http://h/v1", api_keys=["sk-0123456789ab"], api_key_env="SOME_KEY"
    )
    await services.providers.add("somebody", both)
    assert (await apply(services, await export(services))).changes == ()
    assert len(services.providers.find("p").credentials) == 2


async def test_secrets_are_left_out_and_the_names_of_variables_kept(services: Services) -> None:
    await apply(services, EVERYTHING)
    text = await export(services)
    for secret in ("sk-first", "sk-second", "gw_live_", "correct horse"):
        assert secret not in text
    assert 'api_key_env = "A_KEY_THAT_IS_NOT_SET"' in text


async def test_each_class_of_price_is_kept(services: Services) -> None:
    await apply(services, PRICED)
    (model,) = services.providers.get("priced").models
    assert model.price is not None
    assert write_price(model.price) == {
        "input": "1.00",
        "output": "2.00",
        "cache_read": "0.10",
        "cache_write": "1.25",
        "cache_write_1h": "2.00",
        "reasoning": "3.00",
        "audio_input": "5.00",
        "audio_output": "9.00",
        "image_input": "0.50",
        "image": "0.04",
        "minute": "0.006",
        "request": "0.012",
        "tiers": [
            {"above": 200_000, "input": "2.00", "cache_write_1h": "4.00"},
            {"above": 500_000, "input": "4.00", "output": "8.00"},
        ],
    }


async def test_an_untouched_demo_is_left_out(services: Services) -> None:
    assert "demo" not in await export(services)
    await services.providers.set_enabled("somebody", "demo", False)
    assert 'name = "demo"\nkind = "demo"\nenabled = false' in await export(services)


async def test_an_export_reads_like_a_file_a_person_wrote(services: Services) -> None:
    await apply(services, EVERYTHING)
    text = await export(services)
    assert (
        """
[[keys]]
name = "ci"
owner = "ada@example.org"
router = "spare"
models = ["gpt-*", "small"]
scopes = ["chat", "models"]
budgets = [
  { usd = "5.00", window = "day" },
  { usd = "50.00", window = "month" },
]
on_budget = "cheapest"
unknown_price = "allow"
limits = { rps = 10, rpm = 100, concurrent = 20 }
allowed_ips = ["127.0.0.1/32"]
allowed_referrers = ["https://app.example.org"]
expires = "2027-01-01"
"""
        in text
    )
