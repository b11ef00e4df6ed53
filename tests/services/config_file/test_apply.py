"""Applying: items by name, defaults for what is left out, secrets that stay, one transaction."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from app.db.tables.audit import AuditRow
from app.db.tables.routers import RouterVersionRow
from app.services.config_file.apply import ApplyReport, apply
from app.services.container import Services
from app.services.views import KeySpec, ProviderSpec
from tests.published import published
from tests.services.config_file.files import ALL, EVERYTHING, PEOPLE, SMALL

ROUTER = '[[routers]]\nname = "r"\nmax_attempts = 2\n[[routers.rules]]\nname = "one"\n'


def said(report: ApplyReport) -> list[str]:
    return [str(change) for change in report.changes]


async def test_everything_in_a_file_is_there_afterwards(services: Services) -> None:
    report = await apply(services, EVERYTHING)
    state = services.state.current
    provider = state.provider_named("openai-main")
    assert provider is not None
    assert [credential.secret for credential in provider.credentials] == ["sk-first-0123456789", "sk-second-0123456789"]
    small, big = sorted(provider.models, key=lambda model: model.deployment.alias, reverse=True)
    assert (small.deployment.alias, small.deployment.model, big.enabled) == ("small", "gpt-4o-mini", False)
    assert small.deployment.price is not None
    assert (small.deployment.price.input, small.deployment.price.cache_write) == (150_000_000, 0)
    assert state.runtime.get("max_body_mb") == 64
    key = services.keys.find("ci")
    assert key.person is not None
    assert (key.person.email, key.router, key.limits) == (
        "ada@example.org",
        "spare",
        {"rps": 10, "rpm": 100, "concurrent": 20},
    )
    assert key.scopes == {"chat", "models"}
    assert state.routers["default"].document.rules[0].on_failure == "router:spare"
    assert state.by_email["bob@example.org"].disabled
    assert not state.provider_named("demo").enabled  # type: ignore[union-attr]
    assert set(report.secrets) == {"until noon"}
    assert state.generation == 1


async def test_a_date_ends_a_key_at_the_first_moment_of_that_day_in_the_teams_zone(services: Services) -> None:
    await apply(services, EVERYTHING)
    expires = services.keys.find("ci").expires_at
    assert expires is not None
    assert expires.isoformat() == "2026-12-31T23:00:00+00:00"


@pytest.mark.parametrize("name", ALL)
async def test_applying_twice_changes_nothing(services: Services, name: str) -> None:
    await apply(services, ALL[name])
    generation = services.state.current.generation
    again = await apply(services, ALL[name], prune=True)
    assert again.changes == ()
    assert services.state.current.generation == generation


async def test_a_dry_run_says_what_would_change_and_changes_nothing(services: Services) -> None:
    planned = await apply(services, EVERYTHING, dry_run=True)
    assert services.state.current.generation == 0
    assert services.state.current.keys == {}
    assert planned.secrets == {}
    assert said(await apply(services, EVERYTHING)) == said(planned)


async def test_fields_left_out_return_to_their_defaults_and_secrets_stay(services: Services) -> None:
    await apply(services, SMALL + "priority = 7\nenabled = false\nrate_limit = { requests = 5 }\n")
    report = await apply(services, SMALL.replace('api_key = "sk-0123456789abcdef"\n', ""))
    assert said(report) == ['change provider "local": enabled, priority, rate_limit']
    provider = services.state.current.provider_named("local")
    assert provider is not None
    assert (provider.enabled, provider.priority, provider.rate_limit) == (True, 100, None)
    assert [credential.secret for credential in provider.credentials] == ["sk-0123456789abcdef"]


async def test_a_key_keeps_its_secret_and_loses_the_limits_left_out(services: Services) -> None:
    first = await apply(services, '[[keys]]\nname = "k"\nlimits = { rpm = 5 }\nmodels = ["a"]\n')
    before = services.keys.find("k").hint
    second = await apply(services, '[[keys]]\nname = "k"\n')
    assert set(first.secrets) == {"k"}
    assert second.secrets == {}
    assert said(second) == ['change key "k": models, limits']
    assert services.keys.find("k").hint == before


async def test_a_key_in_the_file_replaces_a_stored_one_and_the_variable_replaces_both(services: Services) -> None:
    await apply(services, SMALL)
    changed = await apply(services, SMALL.replace("sk-0123456789abcdef", "sk-another-0123456789"))
    assert said(changed) == ['change provider "local": api_key']
    by_name = SMALL.replace('api_key = "sk-0123456789abcdef"', 'api_key_env = "SOME_KEY"')
    assert said(await apply(services, by_name)) == ['change provider "local": api_key']
    provider = services.state.current.provider_named("local")
    assert provider is not None
    assert [credential.env for credential in provider.credentials] == ["SOME_KEY"]


async def test_a_password_counts_only_when_the_person_is_added(services: Services) -> None:
    await apply(services, PEOPLE)
    again = await apply(services, PEOPLE.replace("correct horse battery", "another password"))
    assert again.changes == ()
    token, _ = await services.sessions.log_in(
        "ada@example.org", "correct horse battery", address="127.0.0.1", user_agent="", remember=False
    )
    assert token


async def test_a_password_comes_from_a_variable(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADA_PASSWORD", "correct horse battery")
    await apply(services, '[[users]]\nemail = "ada@example.org"\nrole = "owner"\npassword_env = "ADA_PASSWORD"\n')
    monkeypatch.delenv("ADA_PASSWORD")
    again = await apply(
        services, '[[users]]\nemail = "ada@example.org"\nrole = "owner"\npassword_env = "ADA_PASSWORD"\n'
    )
    assert again.changes == ()


async def test_somebody_without_a_password_and_a_team_without_an_owner_are_pointed_out(services: Services) -> None:
    report = await apply(services, '[[users]]\nemail = "bob@example.org"\n')
    assert report.notes == (
        "bob@example.org has no password yet: anygpt user reset-password bob@example.org",
        "Nobody is owner yet: the set-up link of `anygpt serve` makes that account.",
    )
    assert services.people.setup_token() is not None


async def test_what_the_file_does_not_name_is_left_alone(services: Services) -> None:
    await apply(services, EVERYTHING)
    await apply(services, SMALL)
    assert services.state.current.runtime.get("max_body_mb") == 64
    assert services.state.current.provider_named("openai-main") is not None
    assert services.keys.find("ci").disabled is False


async def test_a_provider_without_models_is_asked_for_them(services: Services) -> None:
    report = await apply(services, SMALL)
    assert report.notes == ()
    assert [model.id for model in services.providers.get("local").models] == ["found-1", "found-2"]


async def test_a_provider_that_does_not_answer_keeps_the_catalogues_models(services: Services) -> None:
    text = '[[providers]]\nname = "far"\nkind = "groq"\nbase_url = "http://down.example"\napi_key = "sk-0123456789"\n'
    report = await apply(services, text)
    count = len(services.providers.get("far").models)
    assert count > 5
    assert report.notes == (
        "far: down.example accepts no connections; check base_url and that the server runs. "
        f"The {count} models of the catalogue stand in.",
    )


async def test_models_that_are_no_longer_listed_are_asked_for_anew(services: Services) -> None:
    await apply(
        services, SMALL + '[[providers.models]]\nid = "mine"\nalias = "ours"\nprice = { input = 1, output = 2 }\n'
    )
    assert [model.alias for model in services.providers.get("local").models] == ["ours"]
    assert said(await apply(services, SMALL)) == ['change provider "local": models']
    assert [model.alias for model in services.providers.get("local").models] == ["found-1", "found-2"]


async def test_a_listed_model_keeps_its_history_when_its_price_changes(services: Services) -> None:
    model = '[[providers.models]]\nid = "m"\nprice = { input = "1", output = "2" }\n'
    await apply(services, SMALL + model)
    before = services.state.current.aliases()["m"][0]
    await apply(services, SMALL + model.replace('"2"', '"3"'))
    after = services.state.current.aliases()["m"][0]
    assert (before.id, after.price.output if after.price else None) == (after.id, 3_000_000_000)


async def test_a_router_gets_a_version_only_when_it_really_changes(services: Services) -> None:
    await apply(services, ROUTER)
    rule = services.state.current.routers["r"].document.rules[0].id
    await apply(services, ROUTER + "# the same\n")
    assert await services.db.read(_versions) == [1]
    report = await apply(services, ROUTER.replace("max_attempts = 2", "max_attempts = 3"))
    assert said(report) == ['change router "r": max_attempts']
    assert await services.db.read(_versions) == [1, 2]
    assert services.state.current.routers["r"].document.rules[0].id == rule


async def test_a_router_written_elsewhere_is_no_change_when_the_file_says_the_same(services: Services) -> None:
    await published(services, {"name": "r", "max_attempts": 2, "rules": [{"name": "one"}]}, "somebody")
    assert said(await apply(services, ROUTER)) == []


async def test_a_target_that_can_never_answer_is_pointed_out(services: Services) -> None:
    text = (
        SMALL + '[[providers.models]]\nid = "m"\n'
        '[[routers]]\nname = "r"\n[[routers.rules]]\ntargets = [ { provider = "local", model = "mm" } ]\n'
    )
    report = await apply(services, text)
    assert report.notes == ('The router "r" names "mm", which is not among the models of local.',)


async def test_a_deleted_provider_is_made_anew(services: Services) -> None:
    await apply(services, SMALL)
    await services.providers.delete("somebody", "local")
    assert said(await apply(services, SMALL)) == ['add provider "local"']


async def test_an_import_replaces_a_keys_secret(services: Services) -> None:
    await apply(services, '[[keys]]\nname = "k"\n')
    secret = "gw_test_" + "B" * 43
    report = await apply(services, f'[[keys]]\nname = "k"\nsecret = "{secret}"\n')
    assert said(report) == ['change key "k": secret']
    assert report.secrets == {}
    assert services.keys.find("k").hint.endswith("BBBB")


async def test_changes_stand_in_the_audit_log_without_secrets(services: Services) -> None:
    await apply(services, EVERYTHING, actor="apply")
    rows = await services.db.read(lambda session: list(session.exec(select(AuditRow).order_by(AuditRow.id))))
    assert {row.actor for row in rows} == {"apply"}
    assert {row.action for row in rows} >= {
        "add provider",
        "create key",
        "publish router",
        "add person",
        "change settings",
    }
    assert "sk-first" not in str([row.after for row in rows])


async def test_single_items_are_written_by_the_same_rules(services: Services) -> None:
    await services.providers.add(
        "somebody", ProviderSpec(name="local", kind="openai-compatible", base_url="http://h/v1")
    )
    await services.keys.create("somebody", KeySpec(name="k", scopes=["models", "chat"]))
    text = (
        '[[providers]]\nname = "local"\nkind = "openai-compatible"\nbase_url = "http://h/v1"\n'
        '[[keys]]\nname = "k"\nscopes = ["chat", "models"]\n'
    )
    assert said(await apply(services, text)) == []


def _versions(session: Session) -> list[int]:
    return sorted(row.version for row in session.exec(select(RouterVersionRow)))
