"""What probes found: 90 slots of a day, kept over a restart."""

from __future__ import annotations

import pytest

from app.core.settings import Settings
from app.services.container import Services
from app.services.probes import SLOTS
from app.services.startup import open_services
from tests.clock import StillClock

SLOT_S = 24 * 3600 / SLOTS


async def test_a_provider_nobody_asked_has_no_data(timed: Services) -> None:
    assert timed.probes.uptime("p") == (0,) * SLOTS
    assert timed.probes.availability("p") is None


async def test_a_slot_is_good_bad_or_partly_good(timed: Services, clock: StillClock) -> None:
    await timed.probes.record("p", True, None, 20)
    clock.skip(SLOT_S)
    await timed.probes.record("p", False, "no answer", 20)
    clock.skip(SLOT_S)
    await timed.probes.record("p", True, None, 20)
    await timed.probes.record("p", False, "no answer", 20)
    assert timed.probes.uptime("p")[-4:] == (0, 1, 3, 2)
    assert timed.probes.availability("p") == 0.5


async def test_slots_move_on_and_fall_out_after_a_day(timed: Services, clock: StillClock) -> None:
    await timed.probes.record("p", False, "no answer", 20)
    clock.skip(SLOT_S * (SLOTS - 1))
    assert timed.probes.uptime("p")[0] == 3
    clock.skip(SLOT_S)
    assert 3 not in timed.probes.uptime("p")
    await timed.probes.record("p", True, None, 20)
    assert timed.probes.availability("p") == 1.0


async def test_an_outage_is_dated_from_its_first_failure(timed: Services, clock: StillClock) -> None:
    await timed.probes.record("p", True, None, 20)
    clock.skip(60)
    began = clock.now()
    await timed.probes.record("p", False, "no answer", 20)
    clock.skip(60)
    await timed.probes.record("p", False, "still nothing", 20)
    history = timed.probes.history("p")
    assert (history.down_since, history.error, history.at) == (began, "still nothing", clock.now())
    await timed.probes.record("p", True, None, 20)
    assert timed.probes.history("p").down_since is None


async def test_history_is_read_again_at_start(settings: Settings, clock: StillClock) -> None:
    async with open_services(settings, serving=True, clock=clock) as services:
        await services.probes.record("p", False, "no answer", 20)
        clock.skip(SLOT_S)
        await services.probes.record("p", True, None, 30)
        before = services.probes.uptime("p")
    async with open_services(settings, serving=True, clock=clock) as services:
        assert services.probes.uptime("p") == before
        assert services.probes.history("p").latency_ms == 30
    clock.skip(25 * 3600)
    async with open_services(settings, serving=True, clock=clock) as services:
        assert services.probes.availability("p") is None


async def test_the_gone_are_forgotten(timed: Services) -> None:
    await timed.probes.record("p", True, None, 20)
    await timed.probes.record("q", True, None, 20)
    timed.probes.forget({"q"})
    assert (timed.probes.availability("p"), timed.probes.availability("q")) == (None, 1.0)


@pytest.mark.parametrize(
    ("probed", "asked", "shown"),
    [
        ([True], (100, 100), 1),
        ([True], (100, 80), 2),
        ([True], (100, 0), 2),
        ([False], (100, 100), 2),
        ([False], (100, 0), 3),
        ([False], (4, 4), 3),
        ([], (5, 0), 3),
    ],
)
async def test_a_slot_tells_of_real_requests_where_there_were_enough(
    services: Services, probed: list[bool], asked: tuple[int, int], shown: int
) -> None:
    for ok in probed:
        await services.probes.record("prov_1", ok, None if ok else "no answer", 10)
    now = int(services.clock.now().timestamp() // SLOT_S)
    assert services.probes.uptime("prov_1", {now: asked})[-1] == shown
