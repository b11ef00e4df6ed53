"""The router editor with a mouse and a keyboard: from an empty router to a published one, and back again."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import OWNER_EMAIL, OWNER_PASSWORD
from tests.fault.server import Server
from tests.upstream.fixtures import RunningUpstream

GRIP = 11  # pixels before a box where the end of its edge is taken hold of


@pytest.fixture
def editor(running: Server, page: Page, upstream: RunningUpstream) -> Page:
    """The editor of a new router, with three deployments to choose from."""
    link = running.setup_link()
    assert link is not None
    page.goto(link)
    page.get_by_label("Your name").fill("Ada Lindqvist")
    page.get_by_label("E-mail").fill(OWNER_EMAIL)
    page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
    page.get_by_role("button", name="Make account and log in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    for name, model in (("first", "small"), ("second", "large"), ("third", "huge")):
        running.add_provider(name, upstream.provider_url("openai/chat", "status-200"), model=model)
    page.goto(f"{running.url}/routers?new=1")
    page.get_by_role("dialog").get_by_label("Name").fill("team")
    page.get_by_role("button", name="Create router").click()
    expect(page.get_by_role("heading", name="team")).to_be_visible()
    return page


@pytest.mark.timeout(180)
def test_a_router_is_made_tried_published_changed_and_rolled_back(editor: Page, running: Server) -> None:
    page = editor
    expect(page.get_by_text("never published")).to_be_visible()
    expect(rules(page)).to_have_count(1)

    # a rule, its condition, its targets
    add_rule(page, "Pictures")
    rule(page, "Pictures").get_by_role("button", name="Add a condition to Pictures").click()
    choose(page, "Add a condition", "Needs")
    choose(page, "Needs", "vision")
    page.keyboard.press("Escape")  # closes the list of choices
    page.get_by_role("button", name="Use these conditions").click()
    expect(rule(page, "Pictures").get_by_text("needs vision")).to_be_visible()
    set_targets(page, "Pictures", "large at second", "small at first")
    set_targets(page, "Everything", "small at first")
    expect(rule(page, "Everything").get_by_role("button", name=re.compile("Targets of Everything"))).to_contain_text(
        "only"
    )

    # the picture holds the same
    expect(page.locator(".a-flow-box.rule")).to_have_count(2)
    expect(page.locator(".a-flow-box.target")).to_have_count(2)

    # a dry run lights the way up
    page.get_by_role("button", name="Try it", exact=True).click()
    page.get_by_label("Text of the request").fill("Hello there")
    page.get_by_label("Text of the request").press("Enter")
    expect(page.get_by_label("Try it").get_by_text("small at first")).to_be_visible()
    expect(page.locator(".a-flow-box.target.lit")).to_contain_text("small")

    # published, and used
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_role("dialog").get_by_label("Note").fill("the first one")
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("version 1 live")).to_be_visible(timeout=15_000)
    assert [each["name"] for each in live(running)["rules"]] == ["Pictures", "Everything"]

    key = running.add_key("team", router="team")
    for _ in range(3):
        asked = {"model": "small", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"authorization": f"Bearer {key}"}
        httpx.post(f"{running.url}/v1/chat/completions", json=asked, headers=headers, timeout=30, trust_env=False)

    # changed, undone, redone
    rule(page, "Pictures").get_by_role("button", name=re.compile("^More for rule 1")).click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(rules(page)).to_have_count(1)
    page.get_by_role("heading", name="Rules").click()
    page.keyboard.press("Control+z")
    expect(rules(page)).to_have_count(2)
    page.keyboard.press("Control+Shift+z")
    expect(rules(page)).to_have_count(1)
    expect(page.get_by_text("1 change", exact=True)).to_be_visible()

    # what was asked goes through the draft
    page.get_by_role("button", name="Replay", exact=True).first.click()
    panel = page.get_by_role("region", name="Replay")
    panel.get_by_role("button", name="Replay", exact=True).click()
    expect(panel.get_by_text(re.compile("requests (were planned anew|of that time could be judged)"))).to_be_visible(
        timeout=30_000
    )
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("version 2 live")).to_be_visible(timeout=15_000)

    # and rolled back, with what that changes in sight
    page.get_by_role("button", name="Versions", exact=True).click()
    page.get_by_role("button", name="1 difference to live").click()
    expect(page.get_by_role("dialog").get_by_text(re.compile("Rule Pictures: new"))).to_be_visible()
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_text("version 3 live")).to_be_visible(timeout=15_000)
    expect(rules(page)).to_have_count(2)
    assert [each["name"] for each in live(running)["rules"]] == ["Pictures", "Everything"]


@pytest.mark.timeout(180)
def test_rules_are_reordered_by_dragging_and_by_keys_and_stay_so(editor: Page) -> None:
    page = editor
    for name in ("One", "Two"):
        add_rule(page, name)
    expect(names(page)).to_have_text(["One", "Two", "Everything"])

    grip, other = rule(page, "One").locator("[data-grip]"), rule(page, "Everything")
    start, end = grip.bounding_box(), other.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 5, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 5, start["y"] + 60, steps=4)
    page.mouse.move(start["x"] + 5, end["y"] + end["height"] - 4, steps=8)
    page.mouse.up()
    expect(names(page)).to_have_text(["Two", "Everything", "One"])

    rule(page, "One").locator("[data-grip]").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(names(page)).to_have_text(["Two", "One", "Everything"])
    expect(page.get_by_text("One is now rule 2 of 3")).to_be_attached()
    expect(rule(page, "One").locator("[data-grip]")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(names(page)).to_have_text(["One", "Two", "Everything"])

    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    expect(names(page)).to_have_text(["One", "Two", "Everything"])


@pytest.mark.timeout(180)
def test_an_edge_of_the_picture_is_dragged_to_another_target(editor: Page) -> None:
    page = editor
    set_targets(page, "Everything", "small at first", "large at second")
    boxes = page.locator(".a-flow-box.target")
    expect(boxes).to_have_count(2)
    expect(page.locator('.a-flow[data-fitted="4"]')).to_be_visible()  # the request, the rule and both targets
    end, wanted = boxes.filter(has_text="small").bounding_box(), boxes.filter(has_text="large").bounding_box()
    assert end is not None
    assert wanted is not None
    page.mouse.move(end["x"] - GRIP, end["y"] + end["height"] / 2)
    page.mouse.down()
    page.mouse.move(wanted["x"] - 20, wanted["y"], steps=6)
    page.mouse.move(wanted["x"], wanted["y"] + wanted["height"] / 2, steps=6)
    page.mouse.up()
    targets = rule(page, "Everything").get_by_role("button", name=re.compile("Targets of Everything"))
    expect(targets).not_to_contain_text("small")
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(targets).to_contain_text("small")


@pytest.mark.timeout(180)
def test_on_a_phone_everything_is_edited_on_cards_and_no_picture_is_fetched(editor: Page, running: Server) -> None:
    page = editor
    page.set_viewport_size({"width": 390, "height": 844})
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{running.url}/routers/team")
    expect(rules(page)).to_have_count(1)
    add_rule(page, "Late")
    set_targets(page, "Late", "huge at third")
    rule(page, "Late").get_by_role("button", name="Strategy: by priority").click()
    page.get_by_role("option", name=re.compile("^Price ")).click()
    expect(rule(page, "Late").get_by_text("by price")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [url for url in fetched if "/esm/" in url] == []
    assert page.locator(".vue-flow").count() == 0
    page.set_viewport_size({"width": 1400, "height": 900})
    expect(page.locator(".vue-flow")).to_be_visible()
    assert [url for url in fetched if "/esm/" in url] != []


def rules(page: Page) -> Locator:
    return page.locator("article[data-rule]")


def names(page: Page) -> Locator:
    return page.locator("article[data-rule] h3")


def rule(page: Page, name: str) -> Locator:
    return page.locator("article[data-rule]", has=page.get_by_role("heading", name=name, exact=True))


def add_rule(page: Page, name: str) -> None:
    page.get_by_role("button", name="Add rule").first.click()
    field = page.get_by_label("Name of the rule")
    field.fill(name)
    field.press("Enter")
    expect(rule(page, name)).to_be_visible()


def choose(page: Page, field: str, option: str) -> None:
    page.get_by_role("combobox", name=field).click()
    page.get_by_role("option", name=option, exact=True).click()


def set_targets(page: Page, name: str, *targets: str) -> None:
    rule(page, name).get_by_role("button", name=re.compile(f"^Targets of {name}")).click()
    dialog = page.get_by_role("dialog")
    for target in targets:
        dialog.get_by_role("button", name=f"Add {target}").click()
        expect(dialog.get_by_role("textbox", name=f"Weight of {target}")).to_be_visible()
    dialog.get_by_role("button", name="Use these targets").click()
    expect(dialog).to_be_hidden()


def live(running: Server) -> dict[str, list[dict[str, object]]]:
    with running.admin() as client:
        found: dict[str, list[dict[str, object]]] = client.get("/api/routers/team").raise_for_status().json()
        return found
