"""An upstream that answers at once: a small chat completion, or a stream of 100 events."""

from __future__ import annotations

import json
import sys

import uvicorn
import uvloop

EVENTS = 100
_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
WHOLE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 20}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 20, "total_tokens": 40},
    }
).encode()


def _event(value: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _delta(content: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content} if finish is None else {}, "finish_reason": finish}
    return _event({**_HEAD, "choices": [choice]})


USAGE = _event(
    {**_HEAD, "choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": EVENTS, "total_tokens": EVENTS + 20}}
)
DELTAS = [_delta(f"word{number} ") for number in range(EVENTS - 2)] + [_delta("", "stop")]


async def app(scope, receive, send):  # type: ignore[no-untyped-def]
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["method"] == "GET":
        await _answer(send, b'{"object":"list","data":[]}')
        return
    request = json.loads(body)
    if not request.get("stream"):
        await _answer(send, WHOLE)
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for delta in DELTAS:
        await send({"type": "http.response.body", "body": delta, "more_body": True})
    if (request.get("stream_options") or {}).get("include_usage"):
        await send({"type": "http.response.body", "body": USAGE, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def _answer(send, body: bytes) -> None:  # type: ignore[no-untyped-def]
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvloop.install()
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", lifespan="off", http="httptools")
