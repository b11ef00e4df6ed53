"""The sum over the ledger is the sum of what the providers counted, for a run over every recorded chat answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlmodel import select

from app.core.money import format_usd
from app.db.tables.keys import KeyRow
from app.db.tables.ledger import RequestRow
from app.services.config_file.apply import apply
from app.services.config_file.toml import table
from tests.app_server import AppServer, running_app
from tests.recordings import Recording, needs_recordings, recordings
from tests.upstream.fixtures import RunningUpstream

KINDS = {  # dialect → kind, and what its address ends with
    "openai-chat": ("openai-compatible", "/v1"),
    "openai-responses": ("openai-compatible", "/v1"),
    "anthropic-messages": ("anthropic-compatible", ""),
    "gemini": ("gemini-compatible", "/v1beta"),
    "ollama": ("ollama", ""),
    "cohere-chat": ("cohere", ""),
}
FOREIGN = {"openai-chat": "anthropic-messages"}  # the client of another format; the others' is openai-chat
PRICE = {"input": "1", "output": "4", "cache_read": "0.1", "cache_write": "1.25", "reasoning": "2"}
NANO_A_TOKEN = {"input": 1000, "output": 4000, "cache_read": 100, "cache_write": 1250, "reasoning": 2000}
AT_ONCE = 16

Counts = dict[str, int]


@pytest.fixture(scope="module")
def played() -> list[Recording]:
    return [each for each in recordings(ok=True) if each.dialect in KINDS]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, upstream: RunningUpstream, played: list[Recording]
) -> Iterator[AppServer]:
    """A provider for each recording, which serves the model `r0`, `r1` …"""
    with running_app(tmp_path_factory.mktemp("app")) as started:
        blocks = []
        for number, recorded in enumerate(played):
            kind, ending = KINDS[recorded.dialect]
            head = {"name": f"p{number}", "kind": kind, "formats": [recorded.dialect], "api_key": "sk-test"}
            head["base_url"] = f"{upstream.url}/r/{recorded.name}{ending}"
            blocks.append(table("[[providers]]", head))
            blocks.append(table("[[providers.models]]", {"id": f"r{number}", "price": PRICE}))
        started.run(apply(started.services, "\n".join(blocks)))
        yield started


@needs_recordings
@pytest.mark.parametrize("foreign", [False, True], ids=["in its own format", "translated"])
def test_the_ledger_counts_what_the_providers_counted(
    server: AppServer, played: list[Recording], foreign: bool
) -> None:
    key_name = f"counting-{foreign}"
    asyncio.run(_play(server.url, server.add_key(key_name), played, foreign))
    rows = _rows(server, key_name)
    assert len(rows) == len(played), "each request is one row"
    expected, uncounted, failed = _none(), 0, 0
    for number, recorded in enumerate(played):
        row, documents = rows[f"r{number}"], list(_documents(recorded))
        if any(_is_error(document) for document in documents):
            failed += 1
            assert row.status >= 400, recorded.name
            continue
        assert row.status == 200, (recorded.name, row.error)
        counted = _counted(recorded, documents)
        if counted is None:
            uncounted += 1
            assert row.estimated, f"{recorded.name} says no usage"
            continue
        assert _of_row(row) == counted, recorded.name
        assert row.cost == _cost(counted), recorded.name
        expected = {name: expected[name] + counted[name] for name in expected}
    ledger = [row for number, row in _numbered(rows) if row.status == 200 and _says_usage(played[number])]
    sums = {name: sum(_of_row(row)[name] for row in ledger) for name in expected}
    assert sums == expected
    assert sum(row.cost or 0 for row in ledger) == _cost(expected)
    assert all(expected.values()), "each class was counted somewhere"
    print(
        f"{len(ledger)} answers, {uncounted} without usage, {failed} errors: {expected}, ${format_usd(_cost(expected))}"
    )


@needs_recordings
def test_what_the_provider_itself_charged_is_kept_beside_ours(server: AppServer, played: list[Recording]) -> None:
    charged = [(number, each) for number, each in enumerate(played) if each.provider == "openrouter" and each.ok]
    asyncio.run(_play(server.url, server.add_key("charged"), played, False, {number for number, _ in charged}))
    rows = _rows(server, "charged")
    told = {
        f"r{number}": round(usage["cost"] * 10**9)
        for number, recorded in charged
        for usage in [_usage(recorded, list(_documents(recorded)))]
        if usage.get("cost")
    }
    assert told
    assert {model: row.provider_cost for model, row in rows.items() if row.provider_cost} == told
    admin = {"authorization": f"Bearer {server.add_key(scopes=['admin'])}"}
    model, cost = next(iter(told.items()))
    answer = httpx.get(f"{server.url}/api/logs/{rows[model].id}", headers=admin, trust_env=False, timeout=20)
    detail = answer.raise_for_status().json()
    assert detail["provider_cost_usd"] == format_usd(cost)
    assert detail["cost_usd"] == format_usd(rows[model].cost or 0)


async def _play(url: str, key: str, played: list[Recording], foreign: bool, only: set[int] | None = None) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60) as client:

        async def ask(number: int, recorded: Recording) -> None:
            async with gate:
                path, body = _question(recorded, f"r{number}", foreign)
                await client.post(path, json=body)

        asked = [(number, each) for number, each in enumerate(played) if only is None or number in only]
        await asyncio.gather(*(ask(number, each) for number, each in asked))


def _question(recorded: Recording, model: str, foreign: bool) -> tuple[str, dict[str, Any]]:
    """In the recording's format, or in another one that is translated; streamed as it was."""
    dialect, stream = recorded.dialect, recorded.stream
    if foreign or dialect in ("ollama", "cohere-chat"):
        dialect = FOREIGN.get(dialect, "openai-chat")
    messages = [{"role": "user", "content": "Hello."}]
    if dialect == "gemini":
        verb = "streamGenerateContent" if stream else "generateContent"
        sse = "?alt=sse" if "event-stream" in recorded.content_type else ""
        return f"/v1beta/models/{model}:{verb}{sse}", {"contents": [{"parts": [{"text": "Hello."}]}]}
    if dialect == "openai-responses":
        return "/v1/responses", {"model": model, "input": "Hello.", "stream": stream}
    if dialect == "anthropic-messages":
        return "/v1/messages", {"model": model, "messages": messages, "max_tokens": 64, "stream": stream}
    return "/v1/chat/completions", {"model": model, "messages": messages, "stream": stream}


def _rows(server: AppServer, key_name: str) -> dict[str, RequestRow]:
    def read(session: Any) -> list[RequestRow]:
        found = select(RequestRow).join(KeyRow, KeyRow.id == RequestRow.key_id).where(KeyRow.name == key_name)
        rows = session.exec(found).all()
        session.expunge_all()
        return list(rows)

    return {row.model_asked: row for row in server.run(server.services.db.read(read))}


def _numbered(rows: dict[str, RequestRow]) -> list[tuple[int, RequestRow]]:
    return [(int(model.removeprefix("r")), row) for model, row in rows.items()]


def _of_row(row: RequestRow) -> Counts:
    return {
        "input": row.input_tokens,
        "output": row.output_tokens,
        "cache_read": row.cache_read_tokens,
        "cache_write": row.cache_write_tokens,
        "reasoning": row.reasoning_tokens,
    }


def _none() -> Counts:
    return dict.fromkeys(NANO_A_TOKEN, 0)


def _cost(counts: Counts) -> int:
    """Nano-dollars: cached tokens are part of the input, reasoning is part of the output."""
    plain = counts["input"] - counts["cache_read"] - counts["cache_write"]
    apart = {**counts, "input": plain, "output": counts["output"] - counts["reasoning"]}
    return sum(apart[name] * nano for name, nano in NANO_A_TOKEN.items())


# --- the recorded bodies, read in each provider's own words; nothing of the application takes part ---------------


def _documents(recorded: Recording) -> Iterator[dict[str, Any]]:
    """The whole answer, or each event of a stream: events, lines or Gemini's array."""
    text = recorded.body.decode()
    try:
        value = json.loads(text)
    except ValueError:
        for line in text.splitlines():
            line = line.removeprefix("data:").strip()
            if line.startswith("{"):
                yield (document := json.loads(line))
                if document.get("type") == "response.completed":
                    return  # what follows is the next answer
        return
    yield from value if isinstance(value, list) else [value]


def _is_error(document: dict[str, Any]) -> bool:
    choices, delta = document.get("choices") or [], document.get("delta")
    return (
        isinstance(document.get("error"), dict)
        or document.get("type") in ("error", "response.failed")
        or document.get("status") == "failed"
        or any(choice.get("error") for choice in choices)
        or (isinstance(delta, dict) and "error" in delta)
    )


def _says_usage(recorded: Recording) -> bool:
    documents = list(_documents(recorded))
    return not any(map(_is_error, documents)) and _counted(recorded, documents) is not None


def _usage(recorded: Recording, documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The last word on it; where a stream counts up, the later fields over the earlier."""
    found: dict[str, Any] = {}
    for document in documents:
        for holder in (
            document,
            document.get("response"),
            document.get("message"),
            document.get("delta"),
            document.get("x_groq"),
        ):
            if isinstance(holder, dict):
                said = holder.get("usage") or holder.get("usageMetadata") or {}
                told = {name: value for name, value in said.items() if value is not None}
                found = {**found, **told} if recorded.dialect == "anthropic-messages" else told or found
    if recorded.dialect == "ollama" and documents:
        return {name: value for name, value in documents[-1].items() if name.endswith("eval_count")}
    return found


def _counted(recorded: Recording, documents: list[dict[str, Any]]) -> Counts | None:
    """None where the provider counted nothing."""
    usage = _usage(recorded, documents)
    return {**_none(), **_WORDS[recorded.dialect](usage, recorded.provider)} if usage else None


def _openai_chat(usage: dict[str, Any], provider: str) -> Counts:
    read, written = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    prompt, output = usage["prompt_tokens"], usage["completion_tokens"]
    reasoning = written.get("reasoning_tokens") or 0
    if provider in ("xai", "gemini"):  # the total is right; completion leaves reasoning out
        output = usage["total_tokens"] - prompt
        reasoning = reasoning or output - usage["completion_tokens"]
    if provider == "mistral":  # sound stands beside the prompt
        prompt = usage["total_tokens"] - output
    return {
        "input": prompt,
        "output": output,
        # more than the whole (cached at Azure, reasoning at Vercel) cannot be
        "cache_read": min(read.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0, prompt),
        "cache_write": read.get("cache_write_tokens") or 0,
        "reasoning": min(reasoning, output),
    }


def _openai_responses(usage: dict[str, Any], provider: str) -> Counts:
    read, written = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    return {
        "input": usage["input_tokens"],
        "output": usage["output_tokens"],
        "cache_read": read.get("cached_tokens") or 0,
        "cache_write": read.get("cache_write_tokens") or 0,
        "reasoning": written.get("reasoning_tokens") or 0,
    }


def _anthropic(usage: dict[str, Any], provider: str) -> Counts:
    billed = [usage, *(step for step in usage.get("iterations") or () if step["type"] == "compaction")]
    cached = sum(step.get("cache_read_input_tokens") or 0 for step in billed)
    written = sum(step.get("cache_creation_input_tokens") or 0 for step in billed)
    return {
        "input": sum(step["input_tokens"] for step in billed) + cached + written,
        "output": sum(step["output_tokens"] for step in billed),
        "cache_read": cached,
        "cache_write": written,
        "reasoning": (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
    }


def _gemini(usage: dict[str, Any], provider: str) -> Counts:
    thoughts = usage.get("thoughtsTokenCount") or 0
    return {
        "input": (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0),
        "output": (usage.get("candidatesTokenCount") or 0) + thoughts,
        "cache_read": usage.get("cachedContentTokenCount") or 0,
        "reasoning": thoughts,
    }


def _ollama(usage: dict[str, Any], provider: str) -> Counts:
    return {"input": usage.get("prompt_eval_count") or 0, "output": usage.get("eval_count") or 0}


def _cohere(usage: dict[str, Any], provider: str) -> Counts:
    tokens = usage.get("tokens") or usage["billed_units"]
    return {
        "input": tokens.get("input_tokens", 0) + (tokens.get("image_tokens") or 0),
        "output": tokens.get("output_tokens", 0),
        "cache_read": usage.get("cached_tokens") or 0,
        "reasoning": tokens.get("reasoning_tokens") or 0,
    }


_WORDS = {
    "openai-chat": _openai_chat,
    "openai-responses": _openai_responses,
    "anthropic-messages": _anthropic,
    "gemini": _gemini,
    "ollama": _ollama,
    "cohere-chat": _cohere,
}
