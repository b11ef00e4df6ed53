"""Every address of the gateway: whose format it speaks, which scope it needs, what answers there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.errors import NotFound
from app.core.settings import Settings
from app.formats.base import ClientFormat
from app.formats.operations.embeddings import GEMINI_BATCH_EMBED, GEMINI_EMBED, OPENAI_EMBEDDINGS
from app.formats.registry import CLIENT_FORMATS, OPERATIONS

PREFIXES = ("/v1/", "/v1beta/", "/openai/", "/anthropic/", "/gemini/", "/groq/")
HEALTH = ("/v1", "/health", "/ready", "/ping")


class Does(StrEnum):
    """What an address does with a call."""

    ASK = "ask"  # passes it on to a provider
    COUNT = "count"  # counts its tokens
    MODELS = "models"
    MODEL = "model"
    STORED = "stored"  # a response that was kept
    KEY = "key"
    GENERATION = "generation"
    HEALTH = "health"
    READY = "ready"
    PING = "ping"


@dataclass(frozen=True, slots=True)
class Route:
    """`scope` is what a key needs: None no key, "" any key. What stands in the path is in the last fields."""

    does: Does
    format: ClientFormat
    scope: str | None
    kept: bool = False  # the answer is kept: clients go on from it
    form: bool = False  # the body is a form with a file
    google: bool = False  # `?key=` is a key here
    model: str | None = None
    stream: bool | None = None
    array: bool = False  # a stream as one JSON array
    name: str = ""


CHAT, MESSAGES, GEMINI = CLIENT_FORMATS["openai-chat"], CLIENT_FORMATS["anthropic-messages"], CLIENT_FORMATS["gemini"]


class Routes:
    """A table for exact paths, and what follows a name for the rest."""

    def __init__(self, settings: Settings) -> None:
        self._models = settings.enable_models_routes
        openai, anthropic = settings.enable_openai_routes, settings.enable_anthropic_routes
        self._gemini = settings.enable_gemini_routes
        self._families: list[tuple[str, ClientFormat]] = [
            (prefix, CHAT)
            for prefix, on in (("", openai), ("/openai", openai), ("/groq/openai", settings.enable_groq_routes))
            if on
        ]
        if anthropic:
            self._families.append(("/anthropic", MESSAGES))
        self.posts: dict[str, Route] = dict(self._asked(anthropic))
        self.gets: dict[str, Route] = dict(self._told())

    def find(self, method: str, path: str, alt: str | None = None) -> Route:
        """Raises NotFound, naming what the address takes where it takes something."""
        table = self.posts if method == "POST" else self.gets if method in ("GET", "HEAD") else {}
        if (found := table.get(path)) is not None:
            return found
        if (found := self._named(method, path, alt)) is not None:
            return found
        if path in self.posts or path in self.gets:
            takes = "POST" if path in self.posts else "GET"
            raise NotFound(f"{method} {path} is not an address of this gateway; it takes {takes}.")
        raise NotFound(f"There is nothing at {path}. The API is described in the documentation (docs/api.md).")

    def format_at(self, path: str) -> ClientFormat:
        """Whose errors a caller at this path understands, whether or not there is anything."""
        if path.startswith(("/v1beta/", "/gemini/")):
            return GEMINI
        return MESSAGES if path.startswith(("/v1/messages", "/anthropic/")) else CHAT

    def _asked(self, anthropic: bool) -> Iterator[tuple[str, Route]]:
        for prefix, format in self._families:
            if format is CHAT:
                for path, route in _OPENAI.items():
                    yield prefix + path, route
        for prefix in ("", "/anthropic") if anthropic else ():
            yield f"{prefix}/v1/messages", Route(Does.ASK, MESSAGES, "chat")
            yield f"{prefix}/v1/messages/count_tokens", Route(Does.COUNT, MESSAGES, "chat")

    def _told(self) -> Iterator[tuple[str, Route]]:
        for does in (Does.HEALTH, Does.READY, Does.PING):
            yield f"/{does}", Route(does, CHAT, None)
        for does in (Does.KEY, Does.GENERATION):
            yield f"/v1/{does}", Route(does, CHAT, "")
        if self._models:
            yield "/v1/models", Route(Does.MODELS, CHAT, "models")
            for prefix, format in self._families:
                yield f"{prefix}/v1/models", Route(Does.MODELS, format, "models")
            for start in _GOOGLE if self._gemini else ():
                yield start.removesuffix("/"), Route(Does.MODELS, GEMINI, "models", google=True)

    def _named(self, method: str, path: str, alt: str | None) -> Route | None:
        """What has a name in its path."""
        if self._gemini:
            if start := next((start for start in _GOOGLE if path.startswith(start)), ""):
                return self._google(method, path.removeprefix(start), alt)
            if method == "POST" and path.startswith(_SHARED):
                return self._google(method, path.removeprefix(_SHARED), alt)
        if self._models and method in ("GET", "HEAD"):
            for prefix, format in (("", CHAT), *self._families):
                if path.startswith(start := f"{prefix}/v1/models/"):
                    return Route(Does.MODEL, format, "models", name=path.removeprefix(start))
        for prefix, format in self._families:
            stored = format is CHAT and method in ("GET", "HEAD", "DELETE")
            if stored and path.startswith(start := f"{prefix}/v1/responses/"):
                return Route(Does.STORED, CHAT, "chat", name=path.removeprefix(start))
        return None

    def _google(self, method: str, name: str, alt: str | None) -> Route | None:
        model, _, verb = name.rpartition(":")
        if method == "POST" and (route := GEMINI_VERBS.get(verb)) is not None:
            return replace(route, model=model, array=bool(route.stream) and alt != "sse")
        if verb in GEMINI_VERBS:
            raise NotFound(f"{method} is nothing that :{verb} of a model takes; it takes POST.")
        if method in ("GET", "HEAD") and self._models:
            return Route(Does.MODEL, GEMINI, "models", google=True, name=name)
        return None


_GOOGLE = ("/v1beta/models/", "/gemini/v1beta/models/", "/gemini/v1/models/")
_SHARED = "/v1/models/"  # Google's SDK says v1 where nobody tells it v1beta; without a prefix, GET there is OpenAI's
_OPENAI = {
    "/v1/chat/completions": Route(Does.ASK, CHAT, "chat"),
    "/v1/responses": Route(Does.ASK, CLIENT_FORMATS["openai-responses"], "chat", kept=True),
    "/v1/completions": Route(Does.ASK, OPERATIONS["openai-completions"], "chat"),
    "/v1/embeddings": Route(Does.ASK, OPENAI_EMBEDDINGS, "embeddings"),
    "/v1/images/generations": Route(Does.ASK, OPERATIONS["openai-images"], "images"),
    "/v1/audio/speech": Route(Does.ASK, OPERATIONS["openai-speech"], "audio"),
    "/v1/audio/transcriptions": Route(Does.ASK, OPERATIONS["openai-transcriptions"], "audio", form=True),
    "/v1/moderations": Route(Does.ASK, OPERATIONS["openai-moderations"], "moderations"),
}
GEMINI_VERBS = {
    "generateContent": Route(Does.ASK, GEMINI, "chat", google=True, stream=False),
    "streamGenerateContent": Route(Does.ASK, GEMINI, "chat", google=True, stream=True),
    "embedContent": Route(Does.ASK, GEMINI_EMBED, "embeddings", google=True),
    "batchEmbedContents": Route(Does.ASK, GEMINI_BATCH_EMBED, "embeddings", google=True),
    "countTokens": Route(Does.COUNT, GEMINI, "chat", google=True, stream=False),
}
