"""From the set-up link to a first answer, in the chat and through the API, both in one ledger."""

from __future__ import annotations

import re

import openai
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import OWNER_EMAIL, OWNER_PASSWORD
from tests.fault.server import Server
from tests.upstream.fixtures import RunningUpstream


@pytest.mark.timeout(180)
def test_a_new_owner_gets_an_answer_and_finds_it_in_the_ledger(running: Server, page: Page) -> None:
    make_owner(running, page)

    page.get_by_role("link", name="Chat").first.click()
    ask(page, "What can you do?")
    expect(page.get_by_text("demo/chat").first).to_be_visible()
    answer = page.get_by_role("log")
    expect(answer.get_by_text(re.compile(r"\d+ in")).last).to_be_visible(timeout=60_000)
    shown = answer.inner_text()
    assert "AnyGPT" in shown
    assert "$0.00" in shown

    secret = make_key(page, "laptop")
    client = openai.OpenAI(base_url=f"{running.url}/v1", api_key=secret)
    said = client.chat.completions.create(model="demo/echo", messages=[{"role": "user", "content": "the same ledger"}])
    assert said.choices[0].message.content == "the same ledger"

    page.get_by_role("link", name="Logs").first.click()
    table = page.get_by_role("table").first
    expect(table.get_by_text("demo/chat")).to_be_visible()
    expect(table.get_by_text("demo/echo")).to_be_visible()
    table.get_by_text("demo/echo").click()
    expect(page.get_by_text("Answered by demo/echo at demo.")).to_be_visible()


@pytest.mark.timeout(180)
def test_when_the_first_provider_fails_the_second_answers(
    running: Server, page: Page, upstream: RunningUpstream
) -> None:
    make_owner(running, page)
    add_provider(page, "openai-main", upstream.provider_url("openai/chat"))
    page.get_by_role("link", name="Chat").first.click()
    choose_model(page, "sample-model")
    ask(page, "hello")
    log = page.get_by_role("log")
    expect(log.get_by_text("via openai-main")).to_be_visible()
    expect(log.get_by_text(re.compile(r"\d+ in")).last).to_be_visible()

    # a failing one in front: the answer comes all the same, and says where it came from
    running.add_provider("broken", upstream.provider_url("openai/chat", "status-503"), priority=1, model="sample-model")
    page.get_by_role("link", name="New").first.click()
    choose_model(page, "sample-model")
    ask(page, "hello again")
    expect(log.get_by_text("broken answered 503, continued with sample-model")).to_be_visible()
    expect(log.get_by_text("via openai-main")).to_be_visible()
    log.get_by_role("link", name="Why").click()
    expect(page.get_by_text("because broken answered 503")).to_be_visible()


def make_owner(running: Server, page: Page) -> None:
    link = running.setup_link()
    assert link is not None
    page.goto(link)
    page.get_by_label("Your name").fill("Ada Lindqvist")
    page.get_by_label("E-mail").fill(OWNER_EMAIL)
    page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
    page.get_by_role("button", name="Make account and log in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def ask(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def choose_model(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile("^Model")).click()
    page.get_by_role("option", name=re.compile(f"^{re.escape(name)}")).first.click()


def make_key(page: Page, name: str) -> str:
    page.get_by_role("link", name="Keys").first.click()
    page.get_by_role("button", name="New key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create key").click()
    shown = page.get_by_text(re.compile(r"^gw_live_[\w-]{43}$")).first
    expect(shown).to_be_visible()
    secret = shown.inner_text()
    page.get_by_role("button", name="I have stored it").click()
    return secret


def add_provider(page: Page, name: str, base_url: str) -> None:
    page.get_by_role("link", name="Providers").first.click()
    page.get_by_role("button", name="Add provider").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("OpenAI")).first.click()
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Base URL").fill(base_url)
    dialog.get_by_label("API key").fill("sk-test-0123456789")
    dialog.get_by_role("button", name="Test connection").click()
    expect(dialog.get_by_text(re.compile("Connected in"))).to_be_visible()
    dialog.get_by_role("button", name="Add provider").click()
    expect(page.get_by_text(name).first).to_be_visible()
