"""The tables and fields of the file, and how its text becomes them."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from typing import Any

import msgspec

from app.core.errors import BadRequest, ClientError
from app.routing.checks import check_document
from app.routing.document import RouterDocument
from app.services.config_file.lines import Lines
from app.services.config_file.reading import path_of, read, unknown, within
from app.services.runtime import KNOWN, check_setting

Amount = str | int | float


class FilePriceTier(msgspec.Struct):
    above: int
    input: Amount | None = None
    output: Amount | None = None
    cache_read: Amount | None = None
    cache_write: Amount | None = None
    cache_write_1h: Amount | None = None
    reasoning: Amount | None = None
    audio_input: Amount | None = None
    audio_output: Amount | None = None
    image_input: Amount | None = None


class FilePrice(msgspec.Struct):
    input: Amount
    output: Amount
    cache_read: Amount | None = None
    cache_write: Amount | None = None
    cache_write_1h: Amount | None = None
    reasoning: Amount | None = None
    audio_input: Amount | None = None
    audio_output: Amount | None = None
    image_input: Amount | None = None
    image: Amount | None = None
    minute: Amount | None = None
    request: Amount | None = None
    tiers: list[FilePriceTier] | None = None


class FileModel(msgspec.Struct):
    id: str
    alias: str | None = None
    enabled: bool = True
    price: FilePrice | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: list[str] | None = None


class FileRateLimit(msgspec.Struct):
    requests: int | None = None
    tokens: int | None = None
    window_s: int | None = None


class FileProvider(msgspec.Struct):
    name: str
    kind: str
    formats: list[str] | None = None
    base_url: str | None = None
    api_key: str | None = None
    api_keys: list[str] | None = None
    api_key_env: str | None = None
    enabled: bool = True
    priority: int | None = None
    rate_limit: FileRateLimit | None = None
    models: list[FileModel] | None = None


class FileBudget(msgspec.Struct):
    usd: Amount
    window: str


class FileLimits(msgspec.Struct):
    rps: int | None = None
    rpm: int | None = None
    rpd: int | None = None
    tpm: int | None = None
    concurrent: int | None = None


class FileKey(msgspec.Struct):
    name: str
    secret: str | None = None
    owner: str | None = None
    user: str | None = None
    router: str | None = None
    models: list[str] | None = None
    budgets: list[FileBudget] | None = None
    on_budget: str = "refuse"
    unknown_price: str = "refuse"
    tier: str | None = None
    limits: FileLimits | None = None
    allowed_ips: list[str] | None = None
    allowed_referrers: list[str] | None = None
    scopes: list[str] | None = None
    expires: str | datetime | date | None = None
    enabled: bool = True


class FileUser(msgspec.Struct):
    email: str
    name: str = ""
    role: str = "member"
    tier: str | None = None
    password: str | None = None
    password_env: str | None = None
    enabled: bool = True


class Document(msgspec.Struct):
    settings: dict[str, Any] = {}
    providers: list[FileProvider] = []
    routers: list[RouterDocument] = []
    keys: list[FileKey] = []
    users: list[FileUser] = []


class ConfigFile:
    """A file as read: its document, and the line of each field."""

    def __init__(self, text: str) -> None:
        """Raises BadRequest with line and field."""
        values = _parse(text)
        self._lines = Lines(text)
        try:
            self.document = _document(values)
        except BadRequest as error:
            raise self.located(error) from None

    def located(self, error: ClientError) -> BadRequest:
        """The same fault with its line in front."""
        line = self._lines.of(path_of(error.field or ""))
        return BadRequest(f"line {line}: {error.message}", field=error.field)


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = re.search(r" \(at line (\d+), column (\d+)\)$", message)
        if at is None:
            message = message.removesuffix(" (at end of document)")
            raise BadRequest(f"line {text.count(chr(10)) + 1}: the file ends in the middle: {message}.") from None
        raise BadRequest(f"line {at[1]}, column {at[2]}: this is not TOML: {message[: at.start()]}.") from None


def _document(values: dict[str, Any]) -> Document:
    tables = list(Document.__struct_fields__)
    for name, value in values.items():
        if name not in tables:
            raise unknown(name, tables, ())
        if name != "settings" and isinstance(value, dict):
            raise BadRequest(f"{name}: there may be several; write [[{name}]].", field=name)
    document: Document = read(Document, values, ())
    for name, value in document.settings.items():
        if name not in KNOWN:
            raise unknown(name, list(KNOWN), ("settings",))
        with within(("settings",)):
            check_setting(name, value)
    for position, router in enumerate(document.routers):
        with within(("routers", position)):
            check_document(router)
    return document
