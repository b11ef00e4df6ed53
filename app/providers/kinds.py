"""Kinds of provider: frozen rows from data/kinds.toml."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources

import msgspec

from app.core.errors import BadRequest


class Auth(StrEnum):
    """How a key is shown to the provider."""

    BEARER = "bearer"
    X_API_KEY = "x-api-key"
    X_GOOG_API_KEY = "x-goog-api-key"
    NONE = "none"


class ModelList(msgspec.Struct, frozen=True):
    """Where the list of models is, and which function of `model_lists` reads it."""

    path: str
    shape: str


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type of upstream; what the fields mean stands at the head of data/kinds.toml."""

    name: str
    label: str
    monogram: str
    accent: str
    icon: str
    formats: tuple[str, ...]
    auth: Auth
    key_required: bool
    models: ModelList
    probe: str
    base_url: str | None = None
    key_env: str | None = None
    ask_usage: bool = False
    headers: dict[str, str] = {}
    catalogue: str | None = None
    free: bool = False
    in_process: bool = False

    def auth_headers(self, secret: str | None) -> dict[str, str]:
        if not secret or self.auth is Auth.NONE:
            return {}
        if self.auth is Auth.BEARER:
            return {"authorization": f"Bearer {secret}"}
        return {self.auth.value: secret}


@cache
def kinds() -> dict[str, Kind]:
    """Every known kind by name, in the order in which people pick from them."""
    text = resources.files("data").joinpath("kinds.toml").read_text(encoding="utf-8")
    rows = {name: {"name": name, **row} for name, row in tomllib.loads(text).items()}
    return msgspec.convert(rows, dict[str, Kind])


def kind_named(name: str) -> Kind:
    kind = kinds().get(name)
    if kind is None:
        raise BadRequest(
            f'kind: "{name}" is no known kind of provider; choose one of {", ".join(kinds())}.', field="kind"
        )
    return kind
