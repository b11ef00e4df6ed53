"""What is well: cooling keys, keys in turn, breakers, a provider's own limit."""

from __future__ import annotations

from app.core.errors import BadCredential, RequestRefused, Throttled, UpstreamDown, UpstreamTimeout
from app.routing.deployment import Deployment
from app.services.container import Services
from app.services.snapshot import Provider
from app.services.views import ModelSpec, Person, ProviderSpec
from tests.clock import StillClock

URL = "http://127.0.0.1:9/v1"
KEYS = ["sk-first-0123456789", "sk-second-0123456789", "sk-third-0123456789"]


async def provider(services: Services, name: str = "p", keys: list[str] | None = KEYS, **fields: object) -> Provider:
    models = [ModelSpec("m1"), ModelSpec("m2")]
    spec = ProviderSpec(name, "openai-compatible", URL, keys, models=models, **fields)  # type: ignore[arg-type]
    await services.providers.add("test", spec)
    return services.providers.find(name)


def deployment(provider: Provider, position: int = 0) -> Deployment:
    return provider.models[position].deployment


def chosen(services: Services, provider: Provider, tried: set[str] | None = None) -> str:
    """The hint's end of the key that would be used next."""
    credential = services.health.credential(provider, tried or set())
    return credential.secret or "" if credential is not None else "none"


async def test_keys_take_turns(timed: Services) -> None:
    p = await provider(timed)
    assert [chosen(timed, p) for _ in range(7)] == [*KEYS, *KEYS, KEYS[0]]


async def test_a_refused_key_cools_for_a_minute_and_the_others_go_on(timed: Services, clock: StillClock) -> None:
    p = await provider(timed)
    timed.health.failed(deployment(p), p.credentials[1].id, BadCredential("refused", upstream_status=401))
    assert KEYS[1] not in [chosen(timed, p) for _ in range(6)]
    assert timed.health.blocked(deployment(p)) is None
    clock.skip(60)
    assert KEYS[1] in [chosen(timed, p) for _ in range(6)]


async def test_a_throttled_key_cools_as_long_as_the_provider_says(timed: Services, clock: StillClock) -> None:
    p = await provider(timed, keys=KEYS[:2])
    timed.health.failed(deployment(p), p.credentials[0].id, Throttled("slow", retry_after=20))
    timed.health.failed(deployment(p), p.credentials[1].id, Throttled("slow"))
    assert timed.health.blocked(deployment(p)) == "rate limit, free in 6 s"
    assert [(c.id, left) for c, left, _ in timed.health.cooling(p)] == [
        (p.credentials[0].id, 20),
        (p.credentials[1].id, 5),
    ]
    clock.skip(5)
    assert timed.health.blocked(deployment(p)) is None
    assert {chosen(timed, p) for _ in range(4)} == {KEYS[1]}


async def test_where_all_keys_cool_the_one_that_is_ready_first_is_tried_once(timed: Services) -> None:
    p = await provider(timed, keys=KEYS[:2])
    timed.health.failed(deployment(p), p.credentials[0].id, Throttled("slow", retry_after=20))
    timed.health.failed(deployment(p), p.credentials[1].id, Throttled("slow", retry_after=2))
    assert chosen(timed, p) == KEYS[1]
    assert chosen(timed, p, {p.credentials[1].id}) == "none"


async def test_an_answer_ends_the_cooling(timed: Services) -> None:
    p = await provider(timed, keys=KEYS[:1])
    timed.health.failed(deployment(p), p.credentials[0].id, Throttled("slow", retry_after=20))
    timed.health.succeeded(deployment(p), p.credentials[0].id, 120)
    assert timed.health.blocked(deployment(p)) is None
    assert timed.health.cooling(p) == []


async def test_a_provider_without_keys_has_one_nameless_turn(timed: Services) -> None:
    p = await provider(timed, keys=None)
    credential = timed.health.credential(p, set())
    assert credential is not None
    assert (credential.id, credential.secret) == ("", None)
    assert timed.health.credential(p, {""}) is None


async def test_a_provider_without_keys_cools_alone(timed: Services) -> None:
    local, other = await provider(timed, "local", None), await provider(timed, "other", None)
    timed.health.failed(deployment(local), "", Throttled("slow", retry_after=20))
    assert len(timed.health.cooling(local)) == 1
    assert timed.health.cooling(other) == []
    assert timed.providers.get("local").state == "throttled"
    assert timed.providers.get("other").state == "untested"
    timed.health.clear(local)
    assert timed.health.cooling(local) == []


async def test_five_failures_open_the_breaker_of_that_deployment_only(timed: Services, clock: StillClock) -> None:
    p = await provider(timed)
    for _ in range(5):
        timed.health.failed(deployment(p), p.credentials[0].id, UpstreamTimeout("late"))
    assert timed.health.blocked(deployment(p)) == "breaker open: timed out"
    assert timed.health.blocked(deployment(p, 1)) is None
    assert timed.health.breaker_state(p) == "open"
    clock.skip(10)
    assert timed.health.breaker_state(p) == "half_open"


async def test_in_half_open_one_call_tries_and_its_success_closes(timed: Services, clock: StillClock) -> None:
    p = await provider(timed)
    for _ in range(5):
        timed.health.failed(deployment(p), p.credentials[0].id, UpstreamDown("down"))
    clock.skip(10)
    assert timed.health.blocked(deployment(p)) is None
    timed.health.started(deployment(p), 10, timed.clock.monotonic())
    assert timed.health.blocked(deployment(p)) is not None
    timed.health.succeeded(deployment(p), p.credentials[0].id, None)
    assert timed.health.breaker_state(p) == "closed"


async def test_a_client_that_leaves_the_trial_makes_room_for_another(timed: Services, clock: StillClock) -> None:
    p = await provider(timed)
    for _ in range(5):
        timed.health.failed(deployment(p), p.credentials[0].id, UpstreamDown("down"))
    clock.skip(10)
    timed.health.started(deployment(p), 10, timed.clock.monotonic())
    timed.health.released(deployment(p))
    assert timed.health.blocked(deployment(p)) is None


async def test_a_faulty_request_counts_against_nobody(timed: Services) -> None:
    p = await provider(timed)
    for _ in range(20):
        timed.health.failed(deployment(p), p.credentials[0].id, RequestRefused("bad", upstream_status=400))
    assert timed.health.blocked(deployment(p)) is None
    assert timed.providers.get("p").state == "untested"


async def test_a_lone_deployment_that_is_unwell_is_still_planned_last(timed: Services) -> None:
    p = await provider(timed)
    for _ in range(5):
        timed.health.failed(deployment(p), p.credentials[0].id, UpstreamDown("down"))
    assert timed.health.blocked(deployment(p)) is not None
    assert timed.health.credential(p, set()) is not None


async def test_the_provider_own_limit_blocks_before_it_is_passed(timed: Services, clock: StillClock) -> None:
    p = await provider(timed, rate_limit={"requests": 2, "tokens": 1000, "window_s": 10})
    timed.health.started(deployment(p), 100, timed.clock.monotonic())
    assert timed.health.blocked(deployment(p)) is None
    timed.health.started(deployment(p, 1), 100, timed.clock.monotonic())
    assert timed.health.blocked(deployment(p)) == "the provider's own limit is reached, free in 6 s"
    clock.skip(5)
    assert timed.health.blocked(deployment(p)) is None
    timed.health.started(deployment(p), 2000, timed.clock.monotonic())
    clock.skip(5)
    assert timed.health.blocked(deployment(p)) is not None


async def test_a_changed_limit_takes_the_place_of_the_old_one(timed: Services, owner_of_timed: Person) -> None:
    p = await provider(timed, rate_limit={"requests": 1})
    timed.health.started(deployment(p), 1, timed.clock.monotonic())
    assert timed.health.blocked(deployment(p)) is not None
    await timed.runtime.set(owner_of_timed, {"team_name": "Blue"})  # another change leaves the counts alone
    assert timed.health.blocked(deployment(p)) is not None
    spec = ProviderSpec("p", "openai-compatible", URL, models=[ModelSpec("m1"), ModelSpec("m2")])
    await timed.providers.update(owner_of_timed, "p", spec)
    assert timed.health.blocked(deployment(p)) is None


async def test_what_is_deleted_is_forgotten(timed: Services, owner_of_timed: Person) -> None:
    p = await provider(timed)
    for _ in range(5):
        timed.health.failed(deployment(p), p.credentials[0].id, UpstreamDown("down"))
    timed.health.failed(deployment(p), p.credentials[0].id, BadCredential("refused"))
    await timed.providers.delete(owner_of_timed, p.id)
    assert p.id not in timed.health.recent
    again = await timed.providers.restore(owner_of_timed, p.id)
    assert (again.breaker, again.state) == ("closed", "untested")
    assert timed.health.cooling(p) == []


async def test_recent_calls_tell_the_state_and_the_first_token(timed: Services, clock: StillClock) -> None:
    p = await provider(timed)
    for ms in (100, 300, 200):
        timed.health.succeeded(deployment(p), p.credentials[0].id, ms)
    assert timed.providers.get("p").first_token_p50_ms == 200
    assert timed.providers.get("p").state == "healthy"
    assert timed.health.answered_lately(p.id)
    clock.skip(301)
    assert not timed.health.answered_lately(p.id)
    for _ in range(3):
        timed.health.failed(deployment(p), p.credentials[0].id, UpstreamDown("It broke off."))
    assert timed.providers.get("p").state == "failing"
    assert timed.providers.get("p").status_text == "It broke off (breaker open)"
