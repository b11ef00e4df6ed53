"""Every kind at every sort of address it knows, with the paths that its API has there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from app.formats.registry import FORMATS
from app.providers.kinds import Kind, kinds

KEY = "sk-right-0123456789abcdef"
MODEL = "sample-model"

# What a person gives that is not the kind's own address.
_GIVEN = {
    "azure-openai": ("", "/openai/deployments/prod"),
    "vertex": ("",),
    "ollama": ("",),
    "openai-compatible": ("/v1",),
    "anthropic-compatible": ("", "/v1"),
    "gemini-compatible": ("", "/v1"),
}
_PROBES = {"openrouter": "/api/v1/key", "vercel-gateway": "/v1/credits", "perplexity": "/v1/models"}
_LISTS = {"cohere": "/v1/models", "github-models": "/catalog/models"}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`given` is the path of the base URL that the provider is made with, `root` where the API lies then."""

    id: str
    kind: Kind
    given: str
    root: str

    def call_path(self, format_name: str) -> str:
        """Without the model and the verb, which Gemini has in its path."""
        bare = self.root.removesuffix("/v1")
        match format_name:
            case "openai-chat":
                return f"{self.root}/chat/completions"
            case "openai-responses":
                return f"{self.root}/responses"
            case "anthropic-messages":
                return f"{bare}/v1/messages"
            case "gemini":
                return f"{self._gemini}/models/"
            case "ollama":
                return f"{self.root}/api/chat"
            case "cohere-chat":
                return f"{self.root}/v2/chat"
        raise AssertionError(f"where is {format_name} called?")

    @property
    def list_path(self) -> str | None:
        models = self.kind.models
        if models is None:
            return None
        if self.kind.name in _LISTS:
            return _LISTS[self.kind.name]
        if "/deployments/" in self.root:
            return "/openai/models"
        match models.shape:
            case "anthropic":
                return f"{self.root.removesuffix('/v1')}/v1/models"
            case "gemini":
                return f"{self._gemini}/models"
            case "ollama":
                return f"{self.root}/api/tags"
        return f"{self.root}/models"

    @property
    def probe_path(self) -> str | None:
        return _PROBES.get(self.kind.name, self.list_path)

    @property
    def _gemini(self) -> str:
        return self.root if self.root.endswith(("/v1", "/google")) else f"{self.root}/v1beta"


def _case(kind: Kind, given: str) -> Case:
    root = kind.adds.path if kind.adds and not given else given
    place = given.strip("/").replace("/", "-") or "bare"
    return Case(id=f"{kind.name}@{place}", kind=kind.located(f"http://host{root}"), given=given, root=root)


def _cases() -> list[Case]:
    found: dict[str, Case] = {}
    for kind in kinds().values():
        if kind.in_process:
            continue
        own = [urlsplit(kind.base_url).path] if kind.base_url else []
        for given in (*own, *_GIVEN.get(kind.name, ())):
            case = _case(kind, given)
            found[case.id] = case
    return list(found.values())


CASES = {case.id: case for case in _cases()}
SPOKEN = [(case, name) for case in CASES.values() for name in case.kind.formats if name in FORMATS]
"""Each case with each of its formats."""


def each_case(*, listing: bool = False) -> pytest.MarkDecorator:
    wanted: list[Any] = [case for case in CASES.values() if not listing or case.kind.models]
    return pytest.mark.parametrize("case", wanted, ids=lambda case: case.id)


each_format = pytest.mark.parametrize(
    ("case", "format_name"), SPOKEN, ids=[f"{case.id}-{name}" for case, name in SPOKEN]
)
