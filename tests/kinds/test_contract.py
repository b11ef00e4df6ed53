"""Every kind lists, is probed, answers, streams, counts and refuses as its row says."""

from __future__ import annotations

import pytest

from app.core.chat import ChatRequest, Finished, FinishReason, Message, Role, Text, TextDelta, Usage, UsageReport
from app.core.errors import BadCredential, RequestRefused, Throttled, UpstreamError
from app.formats.failures import read_error
from app.formats.registry import CLIENT_FORMATS, FORMATS
from app.providers.connections import Connections
from app.providers.dialect import FORMAT, in_dialect
from app.providers.transport import UpstreamAnswer
from app.providers.upstream import Upstream
from tests.kinds.answers import INPUT, LISTED, OUTPUT, TEXT
from tests.kinds.cases import KEY, MODEL, Case, each_case, each_format
from tests.kinds.fake import FakeUpstream

USED = (INPUT, OUTPUT)


def provider(case: Case, fake: FakeUpstream, connections: Connections, *, locked: bool = True) -> Upstream:
    return connections.upstream("mine", case.kind, fake.base_url(case, locked=locked))


async def ask(
    upstream: Upstream, format_name: str, *, model: str = MODEL, stream: bool = False, secret: str | None = KEY
) -> UpstreamAnswer:
    """As the gateway asks, with what some kinds refuse."""
    wire = FORMATS[format_name]
    request = ChatRequest(
        model=model,
        messages=[Message(Role.DEVELOPER, [Text("Be brief.")]), Message(Role.USER, [Text("Hello")])],
        max_tokens=50,
        seed=7,
        stream=stream,
        user="ada",
        include_usage=stream,
    )
    if format_name in ("anthropic-messages", "openai-responses"):
        request.seed = None
    call = wire.encode_request(request, model)
    if format_name == FORMAT:
        call.body = in_dialect(call.body, upstream.kind.dialect)
    return await upstream.call(format_name, call, secret, read_error)


@each_case(listing=True)
async def test_models_are_listed_to_the_last_page(case: Case, fake: FakeUpstream, connections: Connections) -> None:
    found = await provider(case, fake, connections).list_models(KEY)
    assert {model.id for model in found} == LISTED


@each_case()
async def test_a_probe_passes_with_the_right_key(case: Case, fake: FakeUpstream, connections: Connections) -> None:
    await provider(case, fake, connections).probe(KEY)


@each_case()
async def test_a_wrong_key_is_named_where_the_kind_looks_at_keys(
    case: Case, fake: FakeUpstream, connections: Connections
) -> None:
    upstream = provider(case, fake, connections)
    models = case.kind.models
    attempts = []
    if models is not None and not models.public:
        attempts.append(upstream.list_models)
    if case.probe_path != case.list_path or not (models and models.public):
        attempts.append(upstream.probe)
    for attempt in attempts:
        with pytest.raises(BadCredential, match="check the API key of mine") as caught:
            await attempt("sk-wrong-0123456789")
        assert "sk-wrong-0123456789" not in caught.value.message


@each_format
async def test_a_wrong_key_is_the_keys_fault_in_a_call(
    case: Case, format_name: str, fake: FakeUpstream, connections: Connections
) -> None:
    with pytest.raises(BadCredential, match=r"refused its key .*Incorrect API key provided"):
        await ask(provider(case, fake, connections), format_name, secret="sk-wrong-0123456789")


@each_format
async def test_a_whole_answer_is_read_and_counted(
    case: Case, format_name: str, fake: FakeUpstream, connections: Connections
) -> None:
    answer = await ask(provider(case, fake, connections), format_name)
    result = FORMATS[format_name].decode_result(await answer.read(100_000))
    (choice,) = result.choices
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == TEXT
    assert choice.finish is FinishReason.STOP
    assert result.usage is not None
    assert (result.usage.input, result.usage.output) == USED


@each_format
async def test_a_stream_is_read_and_counted_once(
    case: Case, format_name: str, fake: FakeUpstream, connections: Connections
) -> None:
    answer = await ask(provider(case, fake, connections), format_name, stream=True)
    decoder = FORMATS[format_name].decoder()
    events = [event async for chunk in answer.chunks() for event in decoder.feed(chunk)] + decoder.close()
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXT
    assert [event.reason for event in events if isinstance(event, Finished)] == [FinishReason.STOP]
    usage: Usage = [event.usage for event in events if isinstance(event, UsageReport)][-1]
    assert (usage.input, usage.output) == USED


@each_format
async def test_a_relayed_stream_is_counted_once(
    case: Case, format_name: str, fake: FakeUpstream, connections: Connections
) -> None:
    if format_name not in CLIENT_FORMATS:
        pytest.skip("no client speaks this format: nothing is relayed in it")
    answer = await ask(provider(case, fake, connections), format_name, stream=True)
    tap = CLIENT_FORMATS[format_name].tap(strip_usage=case.kind.ask_usage)
    passed = b"".join([tap.feed(chunk) async for chunk in answer.chunks()]) + tap.close() + tap.tail
    assert "Muster" in passed.decode()
    assert (tap.ended, tap.finish) == (True, FinishReason.STOP)
    assert tap.usage is not None
    assert (tap.usage.input, tap.usage.output) == USED


@each_format
async def test_a_rate_limit_says_when_to_come_back(
    case: Case, format_name: str, fake: FakeUpstream, connections: Connections
) -> None:
    with pytest.raises(Throttled, match="Too many requests") as caught:
        await ask(provider(case, fake, connections), format_name, model="limited")
    assert caught.value.retry_after == 2


@each_format
async def test_an_unknown_model_is_the_requests_fault(
    case: Case, format_name: str, fake: FakeUpstream, connections: Connections
) -> None:
    with pytest.raises(RequestRefused, match="The model missing does not exist") as caught:
        await ask(provider(case, fake, connections), format_name, model="missing")
    assert type(caught.value) is RequestRefused


@each_case()
async def test_without_a_key_none_is_shown(case: Case, fake: FakeUpstream, connections: Connections) -> None:
    upstream = provider(case, fake, connections, locked=False)
    if case.kind.key_required:
        with pytest.raises(BadCredential, match="mine has no API key"):
            await upstream.probe(None)
        return
    assert {model.id for model in await upstream.list_models(None)} == LISTED


@each_case()
async def test_an_address_where_nothing_is_points_at_the_base_url(
    case: Case, fake: FakeUpstream, connections: Connections
) -> None:
    if case.kind.probe_body is not None:
        pytest.skip("its probe takes a refusal in JSON for an answer")
    upstream = connections.upstream("mine", case.kind, fake.base_url(case, below="/nowhere"))
    with pytest.raises(UpstreamError, match="check base_url"):
        await upstream.probe(KEY)
