"""A bad file: the message names line and field, and nothing has changed."""

from __future__ import annotations

import pytest

from app.core.errors import BadRequest
from app.services.config_file.apply import apply
from app.services.container import Services
from tests.services.config_file.files import EVERYTHING, PEOPLE, SMALL

TWO_LINES = '[[providers]]\nname = "p"\n'
KEY = '[[keys]]\nname = "k"\n'
ROUTER = '[[routers]]\nname = "r"\n'
SECRET = 'secret = "gw_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"\n'

# fmt: off
FAULTS = [
    ("a = [1\n", "line 2: the file ends in the middle: Unclosed array."),
    ('x = "a\n', "line 1, column 7: this is not TOML: Illegal character '\\n'."),
    ("[[providers]]\nname =\n", "line 2, column 7: this is not TOML: Invalid value."),
    ("\n[teams]\n", "line 2: teams: there is no such table here; known are settings, providers, routers, keys, users."),
    ('[[provider]]\nname="x"\n', 'provider: there is no such table here; known are settings, providers, routers, keys, users. Did you mean "providers"?'),
    ("[providers]\n", "line 1: providers: there may be several; write [[providers]]."),
    ("providers = 3\n", "line 1: providers: it takes a list, not a whole number."),
    ("[settings]\nmax_body = 1\n", 'line 2: settings.max_body: there is no such field here; known are team_name, max_body_mb, tiers, probe_interval_s, models_refresh_h, prices_refresh_h. Did you mean "max_body_mb"?'),
    ("[settings]\nmax_body_mb = 0\n", "line 2: settings.max_body_mb: it takes megabytes, from 1 to 256."),
    (TWO_LINES + 'kind = "opnai"\n', 'line 3: providers[0].kind: "opnai" is no known kind of provider; choose one of '),
    (TWO_LINES + 'kind = "opnai"\n', 'Did you mean "openai"?'),
    (TWO_LINES, "line 1: providers[0].kind is missing: it takes a text in quotes."),
    (TWO_LINES + 'knd = "openai"\n', "line 3: providers[0].knd: there is no such field here; known are name, kind,"),
    (TWO_LINES + 'kind = "openai"\npriority = "high"\n', "line 4: providers[0].priority: it takes a whole number, not a text in quotes."),
    (TWO_LINES + 'kind = "openai"\npriority = true\n', "line 4: providers[0].priority: it takes a whole number, not true or false."),
    (TWO_LINES + 'kind = "openai-compatible"\n', "line 1: providers[0].base_url: a provider of kind openai-compatible needs its address;"),
    (TWO_LINES + 'kind = "openai"\nbase_url = "host/v1"\n', "line 4: providers[0].base_url: an address starts with http:// or https://"),
    (TWO_LINES + 'kind = "openai"\napi_key = "a"\napi_key_env = "B"\n', "line 5: providers[0].api_key_env: give api_key or api_key_env, not both."),
    (TWO_LINES + 'kind = "openai"\nrate_limit = { requets = 1 }\n', 'line 4: providers[0].rate_limit.requets: there is no such field here; known are requests, tokens, window_s. Did you mean "requests"?'),
    (TWO_LINES + 'kind = "openai"\n[[providers.models]]\nid = "m"\nprice = { input = "cheap", output = "1" }\n', 'line 6: providers[0].models[0].price.input: "cheap" is not an amount;'),
    (TWO_LINES + 'kind = "openai"\n[[providers.models]]\nid = "m"\nprice = { input = "1" }\n', "line 6: providers[0].models[0].price.output is missing: it takes a text in quotes."),
    (TWO_LINES + 'kind = "openai"\n[[providers.models]]\nid = "m"\ncapabilities = ["chat", "vison"]\n', 'line 6: providers[0].models[0].capabilities: "vison" is not one of chat, vision, tools, json, reasoning, files, audio_in, audio_out, image_out, embeddings. Did you mean "vision"?'),
    (TWO_LINES + 'kind = "demo"\n', "line 3: providers[0].kind: the demo provider is built in; there is only one."),
    (TWO_LINES + 'kind = "openai"\n' + TWO_LINES + 'kind = "openai"\n', 'line 5: providers[1].name: "p" stands already at providers[0].'),
    (ROUTER + 'strategy = "fastst"\n', 'line 3: routers[0].strategy: "fastst" is not one of'),
    (ROUTER + "weights = { price = 1 }\n", "line 3: routers[0].weights.price: there is no such field here;"),
    (ROUTER + '[[routers.rules]]\nid = "x"\n', "line 4: routers[0].rules[0].id: there is no such field here;"),
    (ROUTER + "max_attempts = 0\n", "line 3: routers[0].max_attempts: a number from 1 to 20."),
    (ROUTER + '[[routers.rules]]\nwhen = { hours = "8 to 20" }\n', 'line 4: routers[0].rules[0].when.hours: "8 to 20" is not a span'),
    (ROUTER + '[[routers.rules]]\ntargets = [\n  { provider = "dmo", model = "demo/chat" },\n]\n', 'line 5: routers[0].rules[0].targets[0].provider: there is no provider "dmo"; known are demo. Did you mean "demo"?'),
    (ROUTER + '[[routers.rules]]\non_failure = "router:x"\n', 'line 4: routers[0].rules[0].on_failure: there is no router "x"; known are default, r.'),
    (ROUTER + '[[routers.rules]]\non_failure = "router:r"\n', 'routers[0].on_failure: router "r" would come back to itself.'),
    (ROUTER + '[[routers.rules]]\non_failure = "give up"\n', 'line 4: routers[0].rules[0].on_failure: "give up" is not one of next_rule, stop, router:NAME.'),
    (KEY + 'router = "nowhere"\n', 'line 3: keys[0].router: there is no router "nowhere"; known are default.'),
    (KEY + 'owner = "eve@example.org"\n', 'line 3: keys[0].owner: there is no person "eve@example.org".'),
    (KEY + 'owner = "a@b.c"\nuser = "a@b.c"\n', "line 4: keys[0].user: give owner or user, not both."),
    (KEY + 'secret = "hunter2"\n', "line 3: keys[0].secret: a gateway key is gw_live_,"),
    (KEY + SECRET + '[[keys]]\nname = "l"\n' + SECRET, "line 6: keys[1].secret: this secret stands already at keys[0]."),
    (KEY + 'budgets = [ { usd = "-1", window = "day" } ]\n', "line 3: keys[0].budgets[0].usd: an amount lies between 0"),
    (KEY + 'budgets = [\n { usd = "1", window = "dya" } ]\n', 'line 4: keys[0].budgets[0].window: "dya" is not one of hour, day, week, month, total. Did you mean "day"?'),
    (KEY + "limits = { rpm = 0 }\n", "line 3: keys[0].limits.rpm: a whole number, 1 or more."),
    (KEY + 'allowed_ips = ["10.0.0.0/99"]\n', 'line 3: keys[0].allowed_ips: "10.0.0.0/99" is not an address or network'),
    (KEY + 'expires = "soon"\n', 'line 3: keys[0].expires: "soon" is not a date'),
    (KEY + "expires = 10:00:00\n", "line 3: keys[0].expires: it takes a text in quotes or a time or a date, not a time of day."),
    (KEY + 'scopes = ["chat", "everything"]\n', 'line 3: keys[0].scopes: "everything" is not one of'),
    ('[[users]]\nemail = "ada"\n', 'line 2: users[0].email: "ada" is not an e-mail address'),
    ('[[users]]\nemail = "a@b.c"\nrole = "boss"\n', 'line 3: users[0].role: "boss" is not one of owner, admin, member, viewer.'),
    ('[[users]]\nemail = "a@b.c"\npassword = "short"\n', "line 3: users[0].password: use 8 to 1024 characters."),
    ('[[users]]\nemail = "a@b.c"\npassword_env = "NOT_SET_AT_ALL"\n', "line 3: users[0].password_env: the variable NOT_SET_AT_ALL is not set."),
    ('[[users]]\nemail = "a@b.c"\n[[users]]\nemail = "A@B.C"\n', 'line 4: users[1].email: "a@b.c" stands already at users[0].'),
]
# fmt: on


@pytest.mark.parametrize(("text", "message"), FAULTS)
async def test_a_fault_names_line_and_field(services: Services, text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await apply(services, text)
    assert message in caught.value.message
    assert services.state.current.generation == 0


async def test_a_fault_in_the_last_item_leaves_the_first_undone(services: Services) -> None:
    text = SMALL + PEOPLE + '[[keys]]\nname = "k"\nrouter = "nowhere"\n'
    with pytest.raises(BadRequest):
        await apply(services, text)
    assert [provider.name for provider in services.providers.list()] == ["demo"]
    assert await services.people.list() == []


async def test_a_secret_of_another_key_is_refused(services: Services) -> None:
    await apply(services, KEY + SECRET)
    with pytest.raises(BadRequest, match=r'line 3: keys\[0\]\.secret: the key "k" already has this secret'):
        await apply(services, '[[keys]]\nname = "other"\n' + SECRET)


async def test_the_last_owner_cannot_be_taken_away(services: Services) -> None:
    await apply(services, PEOPLE)
    with pytest.raises(BadRequest, match="line 1: users: nobody would be owner any more"):
        await apply(services, '[[users]]\nemail = "ada@example.org"\nrole = "member"\n')


async def test_ownership_can_pass_to_another_in_one_file(services: Services) -> None:
    await apply(services, PEOPLE)
    report = await apply(
        services,
        '[[users]]\nemail = "ada@example.org"\nrole = "member"\n[[users]]\nemail = "bob@example.org"\nrole = "owner"\n',
    )
    assert [str(change) for change in report.changes] == [
        'change person "ada@example.org": role',
        'add person "bob@example.org"',
    ]


async def test_a_circle_over_two_routers_is_refused(services: Services) -> None:
    text = (
        '[[routers]]\nname = "a"\n[[routers.rules]]\non_failure = "router:b"\n'
        '[[routers]]\nname = "b"\n[[routers.rules]]\non_failure = "router:a"\n'
    )
    with pytest.raises(BadRequest, match="would come back to itself"):
        await apply(services, text)


async def test_a_whole_file_is_refused_for_one_letter(services: Services) -> None:
    text = EVERYTHING.replace('window = "month"', 'window = "moth"')
    line = text.splitlines().index(next(each for each in text.splitlines() if "moth" in each)) + 1
    with pytest.raises(BadRequest, match=rf'line {line}: keys\[0\]\.budgets\[1\]\.window: "moth".*"month"'):
        await apply(services, text)
    assert services.state.current.generation == 0
