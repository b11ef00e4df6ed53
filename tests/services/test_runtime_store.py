"""Settings that change while running: checked, all or none, in force at once."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import BadRequest, NotFound
from app.core.settings import Settings
from app.services.container import Services
from app.services.runtime import KNOWN
from app.services.startup import open_services
from app.services.views import Person


async def test_before_anything_is_set_the_defaults_hold(services: Services) -> None:
    assert services.runtime.all() == {name: setting.default for name, setting in KNOWN.items()}


async def test_a_setting_is_in_force_at_once_and_after_a_restart(services: Services, settings: Settings) -> None:
    assert (await services.runtime.set("test", {"max_body_mb": 64, "team_name": "Blue"}))["max_body_mb"] == 64
    assert services.state.current.runtime.max_body_bytes == 64 * 2**20
    async with open_services(settings, serving=False) as again:
        assert again.runtime.get("team_name") == "Blue"


async def test_the_default_is_not_stored(services: Services) -> None:
    await services.runtime.set("test", {"max_body_mb": 64})
    await services.runtime.set("test", {"max_body_mb": 32})
    assert services.state.current.runtime.stored == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("team_name", "n" * 61),
        ("team_name", 5),
        ("max_body_mb", 0),
        ("max_body_mb", 257),
        ("max_body_mb", "32"),
        ("max_body_mb", True),
        ("max_body_mb", float("nan")),
        ("probe_interval_s", 9),
        ("models_refresh_h", 0.5),
        ("prices_refresh_h", None),
    ],
)
async def test_a_wrong_value_is_refused_with_what_is_accepted(services: Services, name: str, value: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        await services.runtime.set("test", {"max_body_mb": 64, name: value} if name != "max_body_mb" else {name: value})
    assert refused.value.field == name
    assert KNOWN[name].accepts in refused.value.message
    assert services.state.current.runtime.stored == {}


async def test_an_unknown_setting_is_not_found_and_the_known_are_named(services: Services, owner: Person) -> None:
    with pytest.raises(NotFound, match="known are team_name, max_body_mb"):
        await services.runtime.set(owner, {"colour": "red"})
