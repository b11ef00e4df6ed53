"""Routers, as an admin uses the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nicegui import ElementFilter, ui
from nicegui.testing.user import User

from app.security.permissions import Role
from app.services.container import Services
from app.services.views import KeySpec, ModelSpec, Person, ProviderSpec
from components.flow import RouteFlow
from components.fragment import Fragment
from tests.pages.conftest import OWNER, PASSWORD, LogIn, eventually, press

NOWHERE = "http://127.0.0.1:9/v1"  # nothing listens on the discard port
PRICE = {"input": "1", "output": "2"}


def _me(services: Services) -> Person:
    return services.people.get(OWNER)


async def _provider(services: Services, name: str, *models: str) -> None:
    spec = ProviderSpec(
        name=name,
        kind="openai-compatible",
        base_url=NOWHERE,
        api_keys=["sk-secret-1234"],
        models=[ModelSpec(id=model, price=PRICE) for model in models],
    )
    await services.providers.add(_me(services), spec)


async def _published(services: Services, **fields: Any) -> None:
    """A router «team» with one rule, live."""
    document = {"name": "team", "rules": [{"name": "Everything", "id": "rule_1"}], **fields}
    await services.routers.create(_me(services), document)
    await services.routers.publish(_me(services), "team")


async def _draft(services: Services) -> dict[str, Any]:
    return (await services.routers.draft("team")).document


async def _rule(services: Services, place: int = 0) -> dict[str, Any]:
    rule: dict[str, Any] = (await _draft(services))["rules"][place]
    return rule


async def test_the_list_shows_the_built_in_router_and_how_to_go_on(owner: User) -> None:
    await owner.open("/routers")
    await owner.should_see("built in, until you publish one", retries=40)
    await owner.should_see("One router for everything")


async def test_the_list_shows_drafts_canaries_and_keys(owner: User, services: Services) -> None:
    await _published(services)
    await services.keys.create(_me(services), KeySpec(name="ci", router="team"))
    draft = await _draft(services)
    await services.routers.save_draft(_me(services), "team", {**draft, "strategy": "cheapest"})
    await services.routers.publish(_me(services), "team", percent=12.5)
    await services.routers.save_draft(_me(services), "team", {**draft, "strategy": "fastest"})
    await owner.open("/routers")
    await owner.should_see("canary 12.5%", retries=40)
    await owner.should_see("version 1")
    await owner.should_see("ci")
    await press(owner, "only", "canary")
    await owner.should_not_see("built in, until you publish one")
    await press(owner, "search", "nothing like it")
    await owner.should_see("No router matches")
    await press(owner, "clear")
    await owner.should_see("built in, until you publish one")


async def test_a_new_router_is_a_draft_until_it_is_published(owner: User, services: Services) -> None:
    await owner.open("/routers?new=1")
    owner.find(marker="name").type("team")
    owner.find(marker="save").click()
    await owner.should_see("never published", retries=40)
    await press(owner, "publish")
    await owner.should_see("The first version of this router", retries=40)
    owner.find(marker="publish").click()
    await owner.should_see("version 1 live", retries=40)
    assert "team" in services.routers.names()


async def test_a_name_that_is_taken_is_said_below_its_field(owner: User, services: Services) -> None:
    await _published(services)
    await owner.open("/routers?new=1")
    owner.find(marker="name").type("team")
    owner.find(marker="save").click()
    await owner.should_see('There already is a router "team".', retries=40)


async def test_a_router_that_is_not_there_is_said_to_be_so(owner: User) -> None:
    await owner.open("/routers/nobody")
    await owner.should_see("There is no such page")


async def test_a_rule_is_added_renamed_duplicated_moved_and_deleted(owner: User, services: Services) -> None:
    await _published(services)
    await owner.open("/routers/team")
    await press(owner, "add")
    await press(owner, "renamed", "Pictures")
    await owner.should_see("Pictures", retries=40)
    await eventually(lambda: _names_are(services, ["Pictures", "Everything"]))
    pictures = (await _rule(services, 0))["id"]
    await press(owner, "duplicate", pictures)
    await eventually(lambda: _names_are(services, ["Pictures", "Pictures copy", "Everything"]))
    await press(owner, "down", pictures)
    await eventually(lambda: _names_are(services, ["Pictures copy", "Pictures", "Everything"]))
    await owner.should_see("Pictures is now rule 2 of 3")
    await press(owner, "delete", pictures)
    await eventually(lambda: _names_are(services, ["Pictures copy", "Everything"]))
    owner.find(kind=ui.button, content="Undo").click()
    await eventually(lambda: _names_are(services, ["Pictures copy", "Pictures", "Everything"]))
    await press(owner, "undo")
    await eventually(lambda: _names_are(services, ["Pictures copy", "Everything"]))


async def _names_are(services: Services, names: list[str]) -> bool:
    return [rule["name"] for rule in (await _draft(services))["rules"]] == names


async def test_conditions_are_chosen_and_what_is_none_is_said_below_its_field(owner: User, services: Services) -> None:
    await _published(services)
    await owner.open("/routers/team")
    await press(owner, "conditions", "rule_1")
    await owner.should_see("When does Everything decide?", retries=40)
    with owner:
        (add,) = ElementFilter(kind=ui.select, marker="add-a-condition")
        add.value = "hours"
        add.value = "budget_left_below"
        (unless,) = ElementFilter(kind=ui.select, marker="add-an-exception")
        unless.value = "tags"
        (tags,) = ElementFilter(kind=ui.select, marker="condition-tags")
        tags.value = ["batch"]
    owner.find(marker="condition-hours").type("all day")
    owner.find(marker="save").click()
    await owner.should_see("A span of hours such as 08-20.")
    owner.find(marker="condition-hours").clear().type("08-20")
    owner.find(marker="save").click()

    async def stored() -> bool:
        rule = await _rule(services)
        return rule.get("when") == {"hours": "08-20", "budget_left_below": 0.2} and rule.get("unless") == {
            "tags": ["batch"]
        }

    await eventually(stored)
    await owner.should_see("below 20%")
    await owner.should_see("not tag")


async def test_targets_come_from_the_catalogue_with_price_and_health(owner: User, services: Services) -> None:
    await _published(services)
    await _provider(services, "lab", "small", "large")
    await owner.open("/routers/team")
    await press(owner, "targets", "rule_1")
    await owner.should_see("$1.00 in, $2.00 out", retries=40)
    await press(owner, "search", "lab small")
    await owner.should_not_see("large")
    await press(owner, "add", "lab/small")
    await press(owner, "search", "")
    await press(owner, "add", "lab/large")
    await press(owner, "weight:1", "3")
    await press(owner, "up", "1")
    await press(owner, "group", "1")
    await press(owner, "order:1", "cheapest")
    owner.find(marker="save").click()

    async def stored() -> bool:
        return (await _rule(services)).get("targets") == [
            {"provider": "lab", "model": "large", "weight": 3},
            {"strategy": "cheapest", "targets": [{"provider": "lab", "model": "small"}]},
        ]

    await eventually(stored)


async def test_a_line_that_is_dragged_retargets_and_a_new_one_adds(owner: User, services: Services) -> None:
    await _provider(services, "lab", "small", "large")
    target = {"provider": "lab", "model": "small", "weight": 2}
    await _published(services, rules=[{"name": "Everything", "id": "rule_1", "targets": [target]}])
    await owner.open("/routers/team")
    await owner.should_see("Everything", retries=40)
    _drag(owner, "retarget", {"edge": "to:rule_1:0", "target": "target:lab/large"})
    _drag(owner, "join", {"source": "rule:rule_1", "target": "target:lab/small"})
    wanted = [{"provider": "lab", "model": "large", "weight": 2}, {"provider": "lab", "model": "small"}]

    async def stored() -> bool:
        return (await _rule(services)).get("targets") == wanted

    await eventually(stored)


def _drag(user: User, event: str, args: dict[str, str]) -> None:
    with user:
        (flow,) = ElementFilter(kind=RouteFlow)
    for listener in flow._event_listeners.values():
        if listener.type == event:
            flow._handle_event({"listener_id": listener.id, "args": args})


async def test_settings_are_changed_and_checked(owner: User, services: Services) -> None:
    await _published(services)
    await owner.open("/routers/team")
    await press(owner, "settings")
    await owner.should_see("Settings of team", retries=40)
    with owner:
        (attempts,) = ElementFilter(kind=ui.number, marker="attempts-at-most")
        attempts.value = 50
    owner.find(marker="save").click()
    await owner.should_see("A number from 1 to 20.", retries=40)
    with owner:
        attempts.value = 2
        (hedge,) = ElementFilter(kind=ui.switch, marker="switch-hedge")
        hedge.value = True
    owner.find(marker="save").click()

    async def stored() -> bool:
        draft = await _draft(services)
        return (draft.get("max_attempts"), draft.get("hedge")) == (2, True)

    await eventually(stored)
    await owner.should_see("2 changes", retries=40)


async def test_a_try_says_who_would_answer_and_lights_the_way(owner: User, services: Services) -> None:
    await _provider(services, "lab", "small")
    target = {"provider": "lab", "model": "small"}
    await _published(services, rules=[{"name": "Everything", "id": "rule_1", "targets": [target]}])
    await owner.open("/routers/team")
    await press(owner, "try")
    await owner.should_see(marker="try-text", retries=40)
    owner.find(marker="try-text").type("Write me a poem")
    owner.find(marker="try-run").click()
    await owner.should_see("small at lab", retries=40)
    await owner.should_see("planned in")
    with owner:
        (flow,) = ElementFilter(kind=RouteFlow)
    assert {node["id"] for node in flow.props["nodes"] if node["lit"]} == {"request", "rule:rule_1", "target:lab/small"}


async def test_a_canary_is_compared_stopped_and_made_live(owner: User, services: Services) -> None:
    await _published(services)
    await services.routers.save_draft(_me(services), "team", {**await _draft(services), "strategy": "cheapest"})
    await services.routers.publish(_me(services), "team", percent=10)
    await owner.open("/routers/team")
    await owner.should_see("Not enough requests yet", retries=40)
    await press(owner, "make_live")
    await owner.should_see("version 2 live", retries=40)
    assert (await services.routers.get("team")).canary is None


async def test_discarding_a_draft_can_be_undone(owner: User, services: Services) -> None:
    await _published(services)
    await services.routers.save_draft(_me(services), "team", {**await _draft(services), "strategy": "cheapest"})
    await owner.open("/routers/team")
    await owner.should_see("1 change", retries=40)
    await press(owner, "discard")
    await owner.should_see("1 change discarded", retries=40)
    assert not (await services.routers.draft("team")).exists
    owner.find(kind=ui.button, content="Undo").click()

    async def back() -> bool:
        return (await _draft(services)).get("strategy") == "cheapest"

    await eventually(back)


async def test_an_old_version_is_rolled_back_to_and_that_undone(owner: User, services: Services) -> None:
    await _published(services)
    await services.routers.save_draft(_me(services), "team", {**await _draft(services), "strategy": "cheapest"})
    await services.routers.publish(_me(services), "team", note="by price")
    await owner.open("/routers/team")
    await press(owner, "versions")
    await owner.should_see("by price", retries=40)
    await press(owner, "open", "1")
    await owner.should_see("priority", retries=40)
    await press(owner, "back", "1")
    await owner.should_see("version 3 live", retries=40)
    assert "strategy" not in (await services.routers.get("team")).document
    owner.find(kind=ui.button, content="Undo").click()
    await owner.should_see("version 4 live", retries=40)
    assert (await services.routers.get("team")).document["strategy"] == "cheapest"


async def test_a_draft_with_an_error_cannot_be_published(owner: User, services: Services) -> None:
    await _published(services)
    target = {"provider": "nobody", "model": "m"}
    rules = [{"name": "Everything", "id": "rule_1", "targets": [target]}]
    await services.routers.save_draft(_me(services), "team", {"name": "team", "rules": rules})
    await owner.open("/routers/team")
    await owner.should_see("problem", retries=40)
    await press(owner, "publish")
    await owner.should_see("must be mended first", retries=40)


async def test_somebody_elses_edit_is_told_and_can_be_loaded(owner: User, services: Services) -> None:
    await _published(services)
    await services.people.add(_me(services), "ben@example.org", "Ben", Role.ADMIN, PASSWORD)
    await owner.open("/routers/team")
    ben = services.people.get("ben@example.org")
    await services.routers.save_draft(ben, "team", {**await _draft(services), "strategy": "cheapest"})
    await press(owner, "add")
    await owner.should_see("changed this draft while you were looking at it", retries=100)
    await owner.should_see("ben@example.org")
    await press(owner, "reload")
    await owner.should_see("strategy", retries=40)
    assert (await _draft(services))["strategy"] == "cheapest"


async def test_deleting_asks_once_and_names_the_consequence(owner: User, services: Services) -> None:
    await _published(services)
    await owner.open("/routers")
    await press(owner, "delete", (await services.routers.get("team")).id)
    await owner.should_see("All its versions go with it", retries=40)
    owner.find(marker="confirm").click()
    await owner.should_see("team deleted", retries=40)
    assert "team" not in services.routers.names()


async def test_a_member_does_not_see_routers(services: Services, log_in: LogIn) -> None:
    await services.people.add(_me(services), "ben@example.org", "Ben", Role.MEMBER, PASSWORD)
    user = await log_in("ben@example.org")
    await user.open("/routers/default")
    await user.should_see("Routers is not open to your role")


async def test_the_editor_opens_with_few_elements(owner: User, services: Services) -> None:
    rules = [{"name": f"rule {at}", "when": {"tags": [f"t{at}"]}} for at in range(60)]
    await _published(services, rules=rules)
    client = await owner.open("/routers/team")
    await owner.should_see("rule 59", retries=40)
    assert len(client.elements) < 100
    with owner:
        assert any("t59" in part.content for part in ElementFilter(kind=Fragment))


@dataclass
class _Status:
    state: str
    progress: float
    sentence: str = ""
    result: dict[str, Any] | None = None


class _Replay:
    """A replay that ends when it is told to."""

    def __init__(self) -> None:
        self.now = _Status("running", 0.5)
        self.started: list[tuple[str, int, dict[str, Any] | None]] = []

    async def start(self, actor: Person, router_id: str, days: int, *, document: dict[str, Any] | None = None) -> str:
        self.started.append((router_id, days, document))
        return "job_1"

    def status(self, job_id: str) -> _Status:
        return self.now

    def cancel(self, job_id: str) -> None:
        self.now = _Status("cancelled", self.now.progress, "Cancelled after half of it.")

    async def close(self) -> None:
        """Nothing runs."""


async def _replaying(owner: User, services: Services) -> _Replay:
    services.replay = replay = _Replay()  # type: ignore[assignment]
    await _published(services)
    await services.routers.save_draft(_me(services), "team", {**await _draft(services), "strategy": "cheapest"})
    await owner.open("/routers/team")
    await press(owner, "replay")
    await owner.should_see(marker="replay-start", retries=40)
    owner.find(marker="replay-start").click()
    await eventually(lambda: bool(replay.started))
    return replay


async def test_a_replay_of_the_draft_is_shown_beside_live(owner: User, services: Services) -> None:
    replay = await _replaying(owner, services)
    assert replay.started[0][2] is not None
    assert replay.started[0][2]["strategy"] == "cheapest"
    arm = {"cost_usd": "1", "cost_range": ["1", "1"], "p50_ms": 5, "p95_ms": 9, "failure_rate": 0, "share": {"demo": 7}}
    replay.now = _Status("done", 1, "Nothing would change.", {"requests": 7, "unjudged": 2, "live": arm, "draft": arm})
    await owner.should_see("Nothing would change.", retries=100)
    await owner.should_see("Providers, draft")


async def test_a_replay_is_cancelled(owner: User, services: Services) -> None:
    await _replaying(owner, services)
    owner.find(kind=ui.button, content="Cancel").click()
    await owner.should_see("Cancelled after half of it.", retries=100)
