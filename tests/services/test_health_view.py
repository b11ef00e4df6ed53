"""What is wrong just now: one line for each thing, with since when, why, and when it is tried next."""

from __future__ import annotations

from datetime import timedelta

from app.core.errors import BadCredential, Throttled, UpstreamDown
from app.services.container import Services
from app.services.health_view import DOWN, WARNING, HealthView
from app.services.views import ModelSpec, ProviderSpec
from tests.clock import StillClock

URL = "http://127.0.0.1:9/v1"


async def lab(services: Services, *keys: str) -> None:
    spec = ProviderSpec("lab", "openai-compatible", URL, list(keys) or None, models=[ModelSpec("m")])
    await services.providers.add("test", spec)


async def test_a_fresh_installation_has_no_problem(timed: Services) -> None:
    assert timed.health_view.problems() == []


async def test_a_deployment_that_is_down_tells_since_when_why_and_when_it_is_tried(
    timed: Services, clock: StillClock
) -> None:
    await lab(timed)
    deployment = timed.providers.find("lab").models[0].deployment
    began = clock.now()
    for _ in range(9):
        timed.health.failed(deployment, "", UpstreamDown("Nothing listens there"))
        clock.skip(0.1)
    (problem,) = timed.health_view.problems()
    assert (problem.kind, problem.level, problem.title) == ("deployment", DOWN, "m at lab")
    assert problem.why == "Nothing listens there. Its breaker is open."
    assert problem.since is not None
    assert abs(problem.since - began) < timedelta(seconds=0.01)
    assert problem.next_try is not None
    assert problem.next_try > clock.now()
    timed.health.succeeded(deployment, "", None)
    assert timed.health_view.problems() == []


async def test_a_key_that_cools_is_a_warning_while_others_go_on(timed: Services, clock: StillClock) -> None:
    await lab(timed, "sk-0123456789", "sk-9876543210")
    provider = timed.providers.find("lab")
    deployment, (first, second) = provider.models[0].deployment, provider.credentials
    timed.health.failed(deployment, first.id, Throttled("429", upstream_status=429, retry_after=30.0))
    (problem,) = timed.health_view.problems()
    assert (problem.kind, problem.level) == ("key", WARNING)
    assert "1 of 2 keys go on. It cools for 31 s." in problem.why
    assert problem.next_try == clock.now() + timedelta(seconds=30)
    timed.health.failed(deployment, second.id, BadCredential("401", upstream_status=401))
    assert {problem.level for problem in timed.health_view.problems()} == {DOWN}
    clock.skip(61)
    assert timed.health_view.problems() == []


async def test_a_provider_whose_probes_fail_is_down_since_the_first_of_them(timed: Services, clock: StillClock) -> None:
    await lab(timed)
    provider, began = timed.providers.find("lab"), clock.now()
    for _ in range(3):
        await timed.probes.record(provider.id, False, "refused", 5)
        clock.skip(60)
    (problem,) = timed.health_view.problems()
    assert (problem.kind, problem.title, problem.since) == ("provider", "lab does not answer probes", began)
    await timed.providers.set_enabled("test", "lab", False)
    assert timed.health_view.problems() == []


async def test_a_provider_without_its_key_is_a_warning(timed: Services) -> None:
    await timed.providers.add("test", ProviderSpec("open", "openai", URL, models=[ModelSpec("m")]))
    (problem,) = timed.health_view.problems()
    assert (problem.level, problem.title) == (WARNING, "open has no key")


async def test_little_room_on_the_disk_and_a_ledger_that_cannot_be_written_are_problems(
    timed: Services, clock: StillClock
) -> None:
    view = HealthView(
        timed.state,
        timed.health,
        timed.probes,
        timed.prices,
        timed.jobs,
        timed.writer,
        timed.folder,
        clock,
        free=lambda _: 100 * 2**20,
    )
    assert [problem.title for problem in view.problems()] == ["100 MB left on the disk"]
    timed.writer.spooling = True
    worst, disk = view.problems()
    assert (worst.kind, worst.level, disk.kind) == ("ledger", DOWN, "disk")
    timed.writer.spooling = False
