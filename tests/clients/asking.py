"""A program for the clients' own environment: asks as it is told on its input, and writes what the client reads."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import click.testing
import llm.cli
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

QUESTION = "Weather in Bern?"
OWN_IDS = ("run-", "lc_")  # LangChain's own, where the answer has none


class Weather(BaseModel):
    """How the weather is."""

    city: str
    degrees: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"17 degrees in {city}"


def openai_chat(asked: dict[str, Any]) -> Any:
    return ChatOpenAI(**_openai(asked), use_responses_api=False, stream_usage=True)


def openai_responses(asked: dict[str, Any]) -> Any:
    return ChatOpenAI(**_openai(asked), use_responses_api=True)


def anthropic(asked: dict[str, Any]) -> Any:
    base = {"base_url": asked["url"], "api_key": asked["key"], "model": asked["model"]}
    return ChatAnthropic(**base, max_tokens=100, max_retries=0, timeout=20)


def _openai(asked: dict[str, Any]) -> dict[str, Any]:
    base = {"base_url": asked["url"], "api_key": asked["key"], "model": asked["model"]}
    return {**base, "max_retries": 0, "timeout": 20}


LANGCHAIN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic-messages": anthropic,
}


def answer(asked: dict[str, Any]) -> Iterator[Any]:
    """Each message or piece of one."""
    model = LANGCHAIN[asked["client"]](asked)
    if asked["stream"]:
        yield from model.stream(QUESTION)
    else:
        yield model.invoke(QUESTION)


def call_tools(asked: dict[str, Any]) -> Iterator[Any]:
    """Until the model calls none."""
    model = LANGCHAIN[asked["client"]](asked).bind_tools([get_weather])
    messages: list[Any] = [HumanMessage(QUESTION)]
    while True:
        if asked["stream"]:
            message: Any = AIMessageChunk("")
            for piece in model.stream(messages):
                message += piece
        else:
            message = model.invoke(messages)
        yield message
        if not message.tool_calls:
            return
        messages.append(message)
        for call in message.tool_calls:
            messages.append(ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]))


def parse(asked: dict[str, Any]) -> Iterator[Any]:
    model = LANGCHAIN[asked["client"]](asked)
    yield model.with_structured_output(Weather, method="json_schema").invoke(QUESTION)


def command(asked: dict[str, Any]) -> Iterator[str]:
    """What `llm` prints. Its models are those of a file."""
    entry: dict[str, Any] = {
        "model_id": "asked",
        "model_name": asked["model"],
        "api_base": asked["url"],
        "api_key_name": "asked",
    }
    entry |= {"supports_schema": True, "supports_tools": True, "vision": True}
    options = ["--key", asked["key"], "--no-log", *([] if asked["stream"] else ["--no-stream"])]
    yield from _run_llm(json.dumps([entry]), ["-m", "asked", *options, *asked["more"], QUESTION])


def ask_as_documented(asked: dict[str, Any]) -> Iterator[str]:
    """A whole command line, with the file of models that it goes with."""
    _, *arguments = shlex.split(asked["command"])
    yield from _run_llm(asked["models"], [*arguments, "--key", asked["key"], "--no-log"])


def _run_llm(models: str, arguments: list[str]) -> Iterator[str]:
    (Path(os.environ["LLM_USER_PATH"]) / "extra-openai-models.yaml").write_text(models)
    ran = click.testing.CliRunner().invoke(llm.cli.cli, ["prompt", *arguments])
    yield ran.output
    if ran.exit_code:
        raise click.ClickException(f"exit {ran.exit_code}")


def run(asked: dict[str, Any]) -> Iterator[str]:
    """What a program prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(asked["code"], "example", "exec"), {})
    yield printed.getvalue()


DOES = {
    "answer": answer,
    "call tools": call_tools,
    "parse": parse,
    "command": command,
    "ask as documented": ask_as_documented,
    "run": run,
}


def read(asked: dict[str, Any]) -> dict[str, Any]:
    pieces: list[Any] = []
    try:
        for piece in DOES[asked["do"]](asked):
            pieces.append(_plain(piece))
    except Exception as error:  # noqa: BLE001  the client's own, over what a provider sends: any kind
        status = getattr(error, "status_code", None)
        return {"pieces": pieces, "error": {"type": type(error).__name__, "status": status, "text": str(error)}}
    return {"pieces": pieces, "error": None}


def _plain(piece: Any) -> Any:
    if isinstance(piece, str):
        return piece
    value = piece.model_dump(mode="json", warnings=False)
    if str(value.get("id")).startswith(OWN_IDS):
        del value["id"]
    return value


def main() -> None:
    warnings.simplefilter("ignore")  # they would stand in what is printed, the first time only
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"number": asked["number"], **read(asked)}), flush=True)


if __name__ == "__main__":
    main()
