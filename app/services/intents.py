"""What requests are about: the trained classifier, read once, and asked about bodies and questions."""

from __future__ import annotations

import asyncio
import threading
from importlib import resources

from app.core.chat import ChatRequest
from app.formats.glimpse import Glimpse, glimpse, glimpse_request
from app.routing.intent import Intent, IntentModel, read_model
from app.routing.intent_features import Asked


class Intents:
    """`prepare` reads the model off the loop (some 5 ms, 2 MB); without it the first question does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: IntentModel | None = None

    async def prepare(self) -> None:
        await asyncio.to_thread(self._loaded)

    def of_body(self, format_name: str, body: bytes, input_tokens: int) -> Intent:
        """Of a client's body in the named wire format; `input_tokens` is the estimate for the whole input."""
        return self._of(glimpse(format_name, body), input_tokens)

    def of_request(self, request: ChatRequest, input_tokens: int) -> Intent:
        return self._of(glimpse_request(request), input_tokens)

    def _of(self, seen: Glimpse, input_tokens: int) -> Intent:
        asked = Asked(
            last=seen.last,
            system=seen.system,
            first=seen.first,
            images=seen.images,
            files=seen.files,
            input_tokens=input_tokens,
        )
        return self._loaded().classify(asked)

    def _loaded(self) -> IntentModel:
        model = self._model
        if model is None:
            with self._lock:
                model = self._model or _shipped()
                self._model = model
        return model


def _shipped() -> IntentModel:
    return read_model(resources.files("data").joinpath("intent_model.msgpack").read_bytes())
