"""An upstream that answers what a test lines up, in turn, and keeps what it was asked."""

from __future__ import annotations

import collections
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.upstream.samples import Sample

_ENDINGS = {"openai-chat": "/v1", "openai-responses": "/v1", "gemini": "/v1beta"}


class ScriptedUpstream:
    def __init__(self) -> None:
        self._lined_up: collections.deque[tuple[Sample, dict[str, str], int | None]] = collections.deque()
        self.seen: list[Any] = []  # the JSON bodies of all requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="scripted-upstream", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def base_url(self, format: str) -> str:
        return self.url + _ENDINGS.get(format, "")

    def clear(self) -> None:
        self._lined_up.clear()
        self.seen.clear()

    def line_up(self, *samples: Sample, cut: int | None = None, **headers: str) -> None:
        """`cut`: the connection breaks after so many bytes of the body. Headers' names have _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self._lined_up.extend((sample, sent, cut) for sample in samples)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                script.seen.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                if not script._lined_up:
                    self.send_error(500, "Nothing more was lined up.")
                    return
                sample, headers, cut = script._lined_up.popleft()
                self.send_response(sample.status)
                for name, value in {"content-type": sample.content_type, **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(sample.body)))
                self.end_headers()
                self.wfile.write(sample.body[:cut])
                self.close_connection = cut is not None

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
