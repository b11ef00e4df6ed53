"""A dry run: the plan that a real request would get, in a sentence, without anybody's turn being over."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import BadRequest, ModelNotFound, NotAllowed, NotFound
from app.services.container import Services
from app.services.views import KeySpec, ModelSpec, Person, ProviderSpec
from tests.published import published

SMALL, LARGE = {"provider": "near", "model": "small"}, {"provider": "far", "model": "large"}
LONG = {"name": "long", "when": {"min_input_tokens": 1000}, "targets": [LARGE, SMALL]}
ROUTER: dict[str, Any] = {"name": "side", "rules": [LONG, {"name": "rest", "targets": [SMALL, LARGE]}]}


@pytest.fixture
async def team(services: Services, owner: Person) -> Services:
    for name, model, price in (("near", "small", ("1.00", "2.00")), ("far", "large", ("3.00", "15.00"))):
        spec = ModelSpec(model, price=dict(zip(("input", "output"), price, strict=True)), context_window=128_000)
        await services.providers.add(
            owner, ProviderSpec(name, "openai-compatible", "http://127.0.0.1:9/v1", models=[spec])
        )
    await published(services, ROUTER)
    return services


async def test_the_sentence_says_who_what_it_costs_and_who_is_next(team: Services) -> None:
    found = await team.explain.explain("side", {"text": "Hello", "model": "small", "max_tokens": 1000})
    assert (found.router, found.version, found.rule, found.strategy) == ("side", 1, "rest", "priority")
    assert found.order == [SMALL, LARGE]
    assert found.sentence == (
        "Rule 2 (rest) matches. small at near, about $0.0020. If it fails before the first token: large at far."
    )
    assert found.rule_id == team.state.current.routers["side"].document.rules[1].id
    assert found.candidates[1]["numbers"]["cost_usd"].startswith("0.015")
    assert found.took_us < 100_000


async def test_the_time_to_the_first_token_is_said_where_it_is_known(team: Services) -> None:
    deployment = team.state.current.find_target("near", "small")
    assert deployment is not None
    numbers = team.standing.of(deployment.id)
    numbers.started()
    numbers.ended(team.clock.monotonic(), True, seconds=2.64, first_token=0.64, output=100)
    found = await team.explain.explain("side", {"text": "Hello", "model": "small"})
    assert ", first token 640 ms." in found.sentence
    figures = found.candidates[0]["numbers"]
    assert (figures["first_token_ms"], figures["tokens_per_s"], figures["success"]) == (640, 50.0, 1.0)


async def test_a_request_is_read_as_the_gateway_reads_it(team: Services) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    request = {"model": "small", "messages": [{"role": "user", "content": [picture]}], "tools": [{"type": "function"}]}
    found = await team.explain.explain("side", request)
    assert found.needs == ("tools", "vision")
    long = await team.explain.explain("side", {"text": "word " * 2000, "model": "small"})
    assert (long.rule, long.order[0]) == ("long", LARGE)
    assert 3000 < long.input_tokens < 4000


async def test_what_a_request_is_about_is_said_even_where_no_rule_asks(team: Services) -> None:
    found = await team.explain.explain("side", {"text": "Translate this into French: good morning", "model": "small"})
    assert found.intent is not None
    assert found.intent.name == "translation"
    rules = [{"name": "languages", "when": {"intents": ["translation"]}}, {"name": "rest"}]
    asked = {"text": "Translate this into French: good morning", "model": "small"}
    assert (await team.explain.explain("side", asked, document={"rules": rules})).rule == "languages"


async def test_by_the_draft_or_by_a_document_in_place_of_what_is_live(team: Services, owner: Person) -> None:
    asked = {"text": "Hello", "model": "small"}
    await team.routers.save_draft(owner, "side", {"rules": [{"name": "new", "targets": [LARGE]}]})
    assert (await team.explain.explain("side", asked)).rule == "rest"
    assert (await team.explain.explain("side", asked, draft=True)).rule == "new"
    view = await team.routers.get("side")
    document = {"rules": [{"name": "mine", "when": {"stream": True}}]}
    found = await team.explain.explain(view.id, {**asked, "stream": True}, document=document)
    assert (found.rule, found.order) == ("mine", [SMALL])
    nobody = await team.explain.explain("side", asked, document=document)
    assert (nobody.rule, nobody.order) == (None, [])
    assert nobody.sentence.startswith('No rule of router "side" matches')


async def test_without_a_draft_the_live_version_is_asked(team: Services) -> None:
    assert (await team.explain.explain("side", {"text": "Hello"}, draft=True)).rule == "rest"
    assert (await team.explain.explain("default", {"text": "Hello"}, draft=True)).rule == "every model"
    assert (await team.explain.explain("router_default", {"text": "Hello"})).router == "default"


async def test_as_a_key_or_a_person_would_ask(team: Services, owner: Person) -> None:
    await team.keys.create(owner, KeySpec(name="ci", models=["small"]))
    rules = [
        {"name": "ci", "when": {"keys": ["ci"]}, "targets": [SMALL]},
        {"name": "ada", "when": {"users": [owner.email]}, "targets": [LARGE]},
        {"name": "rest"},
    ]
    document, asked = {"rules": rules}, {"text": "Hello", "model": "small"}
    by = {"document": document}
    assert (await team.explain.explain("side", asked, **by)).rule == "rest"
    assert (await team.explain.explain("side", asked, **by, key="ci")).rule == "ci"
    assert (await team.explain.explain("side", asked, **by, person=owner.email)).rule == "ada"
    with pytest.raises(NotAllowed, match="may not use the model"):
        await team.explain.explain("side", {**asked, "model": "large"}, **by, key="ci")


async def test_tags_of_the_request_count(team: Services) -> None:
    document = {"rules": [{"name": "tagged", "when": {"tags": ["batch"]}}, {"name": "rest"}]}
    asked = {"text": "Hello", "model": "small", "metadata": {"tags": "night, batch"}}
    assert (await team.explain.explain("side", asked, document=document)).rule == "tagged"


async def test_no_turn_is_over_by_it(team: Services) -> None:
    turns = {"name": "both", "strategy": "round_robin", "targets": [SMALL, LARGE]}
    await published(team, {"name": "side", "rules": [turns]})
    first = [(await team.explain.explain("side", {"text": "Hello", "model": "small"})).order[0] for _ in range(4)]
    assert first == [first[0]] * 4


async def test_what_cannot_be_explained_is_an_error(team: Services) -> None:
    for request, error in (
        ({}, BadRequest),
        ({"text": 1}, BadRequest),
        ({"messages": "no list", "model": "small"}, BadRequest),
        ({"text": "Hello", "model": "gpt-9"}, ModelNotFound),
    ):
        with pytest.raises(error):
            await team.explain.explain("side", request)
    for named in ({"key": "none"}, {"person": "none"}):
        with pytest.raises(NotFound):
            await team.explain.explain("side", {"text": "Hello"}, **named)
    with pytest.raises(BadRequest):
        await team.explain.explain("side", {"text": "Hello"}, document={"colour": "red"})
    with pytest.raises(NotFound):
        await team.explain.explain("none", {"text": "Hello"})


async def test_who_cannot_answer_is_in_the_sentence(team: Services) -> None:
    found = await team.explain.explain("side", {"text": "word " * 200_000, "model": "small"})
    assert found.order == []
    assert found.sentence.startswith('Rule 1 (long) matches. The input is too long for "small"')
    assert [each["kept"] for each in found.candidates] == [False, False]
