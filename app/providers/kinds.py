"""Kinds of provider: frozen rows from data/kinds.toml."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from app.core.errors import BadRequest


class Auth(StrEnum):
    """How a key is shown to the provider: as a bearer, or bare in the header of that name."""

    BEARER = "bearer"
    X_API_KEY = "x-api-key"
    X_GOOG_API_KEY = "x-goog-api-key"
    API_KEY = "api-key"
    X_PORTKEY_API_KEY = "x-portkey-api-key"
    NONE = "none"


class Group(StrEnum):
    """Where people look for a kind."""

    HOSTED = "hosted"
    GATEWAY = "gateway"
    OWN = "own"
    COMPATIBLE = "compatible"


class UsagePlace(StrEnum):
    """Where a stream reports what it used."""

    EXTRA_CHUNK = "extra-chunk"
    FINISH_CHUNK = "finish-chunk"
    BOTH = "both"
    AFTER_FINISH = "after-finish"
    EVERY_CHUNK = "every-chunk"
    FORMAT = "format"


class ModelList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the list of models is, and which function of `model_lists` reads it."""

    path: str
    shape: str
    cut: str = ""
    public: bool = False


class AddedPath(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a base URL that a person gives is completed with."""

    path: str
    unless: str


class Dialect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a provider's OpenAI chat refuses of OpenAI's; `app.providers.dialect` says it otherwise."""

    tool_ids: Literal["any", "nine"] = "any"
    roles: dict[str, str] = {}
    rename: dict[str, str] = {}
    leave_out: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs at base URLs whose path holds `inside`; None: as in the row."""

    inside: str
    formats: tuple[str, ...] | None = None
    operations: tuple[str, ...] | None = None
    models: ModelList | None = None
    probe: str | None = None
    usage: UsagePlace | None = None
    ask_usage: bool | None = None
    query: str | None = None


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
    probe: str
    group: Group = Group.HOSTED
    operations: tuple[str, ...] = ()
    models: ModelList | None = None
    probe_body: str | None = None
    base_url: str | None = None
    adds: AddedPath | None = None
    key_env: str | None = None
    usage: UsagePlace = UsagePlace.FORMAT
    ask_usage: bool = False
    dialect: Dialect = Dialect()
    headers: dict[str, str] = {}
    query: str = ""
    at: tuple[Place, ...] = ()
    catalogue: str | None = None
    keeps_responses: bool = False
    free: bool = False
    in_process: bool = False

    def auth_headers(self, secret: str | None) -> dict[str, str]:
        if not secret or self.auth is Auth.NONE:
            return {}
        if self.auth is Auth.BEARER:
            return {"authorization": f"Bearer {secret}"}
        return {self.auth.value: secret}

    def located(self, base_url: str) -> Kind:
        """The row as it holds at an address."""
        path = urlsplit(base_url).path.rstrip("/") + "/"
        for place in self.at:
            if place.inside in path:
                said = msgspec.structs.asdict(place)
                del said["inside"]
                return msgspec.structs.replace(self, **{key: value for key, value in said.items() if value is not None})
        return self


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
