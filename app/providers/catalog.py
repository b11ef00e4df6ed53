"""The catalogue: what is publicly known of models, shipped as a snapshot and replaceable at run time."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator, Mapping
from importlib import resources

import msgspec

from app.core.price import Price
from app.core.price_text import CLASSES, read_price
from app.providers.kinds import Kind


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model at one provider. None is unknown; a price of zero is free."""

    id: str
    provider: str  # the catalogue's name of the provider
    name: str
    price: Price | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] | None = None
    released: str | None = None


class Amounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """USD per million tokens, by the classes of core.price."""

    input: str | None = None
    output: str | None = None
    cache_read: str | None = None
    cache_write: str | None = None
    cache_write_1h: str | None = None
    reasoning: str | None = None
    audio_input: str | None = None
    audio_output: str | None = None
    image_input: str | None = None


class TierRow(Amounts, frozen=True, kw_only=True, omit_defaults=True):
    above: int


class Row(Amounts, frozen=True, kw_only=True, omit_defaults=True):
    """A model as the snapshot holds it; `image`, `minute` and `request` in USD per piece."""

    name: str
    image: str | None = None
    minute: str | None = None
    request: str | None = None
    tiers: tuple[TierRow, ...] = ()
    context: int | None = None
    max_output: int | None = None
    capabilities: tuple[str, ...] | None = None
    released: str | None = None

    def price(self) -> Price | None:
        """None: unknown. Raises BadRequest where an amount is none."""
        if self.input is None or self.output is None:
            return None
        values = {name: getattr(self, name) for name in CLASSES} | {"tiers": msgspec.to_builtins(self.tiers)}
        return read_price(values)

    def facts(self, provider: str, model_id: str) -> ModelFacts:
        return ModelFacts(
            id=model_id,
            provider=provider,
            name=self.name,
            price=self.price(),
            context_window=self.context,
            max_output_tokens=self.max_output,
            capabilities=None if self.capabilities is None else frozenset(self.capabilities),
            released=self.released,
        )


Rows = Mapping[str, Mapping[str, Row]]
"""Provider → model id → row."""


class Package(msgspec.Struct, frozen=True):
    name: str
    version: str
    license: str
    url: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """data/catalog_source.json"""

    made: str
    providers: int
    models: int
    priced: int
    packages: tuple[Package, ...]


class _Snapshot(msgspec.Struct, frozen=True):
    rows: Rows
    source: str
    made_at: str
    size: int


class Catalog:
    """Loads the shipped snapshot at first use, in whichever thread that is; later reads take no lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None

    def find(self, kind: Kind, model_id: str) -> ModelFacts | None:
        """Facts of a model by its id at a provider of this kind: as written, else without what providers
        put around a name (`models/`, a vendor's name, a date)."""
        if kind.catalogue is None:
            return None
        known = self._loaded().rows.get(kind.catalogue, {})
        for name in _spellings(model_id):
            row = known.get(name)
            if row is not None:
                return row.facts(kind.catalogue, name)
        return None

    def search(
        self, text: str = "", *, provider: str | None = None, capability: str | None = None
    ) -> Iterator[ModelFacts]:
        """Models whose id or name holds every word of the text, by provider and id."""
        words = text.lower().split()
        for name, models in self._loaded().rows.items():
            if provider is not None and name != provider:
                continue
            for model_id, row in models.items():
                if capability is not None and capability not in (row.capabilities or ()):
                    continue
                haystack = f"{name} {model_id} {row.name}".lower()
                if all(word in haystack for word in words):
                    yield row.facts(name, model_id)

    def providers(self) -> dict[str, int]:
        """How many models are known of each provider."""
        return {name: len(models) for name, models in self._loaded().rows.items()}

    @property
    def rows(self) -> Rows:
        """All of it, as it is now."""
        return self._loaded().rows

    def replace(self, rows: Rows, source: str, made_at: str) -> None:
        """Newer facts take the place of the snapshot at once, for every reader."""
        self._snapshot = _Snapshot(rows, source, made_at, _size(rows))

    @property
    def size(self) -> int:
        return self._loaded().size

    @property
    def made_at(self) -> str:
        """The day the facts are of, `2026-11-21`."""
        return self._loaded().made_at

    @property
    def source(self) -> str:
        """Where the facts are from, for people."""
        return self._loaded().source

    def _loaded(self) -> _Snapshot:
        snapshot = self._snapshot
        if snapshot is None:
            with self._lock:
                snapshot = self._snapshot or _shipped()
                self._snapshot = snapshot
        return snapshot


def provenance() -> Provenance:
    """Which packages the shipped snapshot was made of, under which licences, and when."""
    text = resources.files("data").joinpath("catalog_source.json").read_bytes()
    return msgspec.json.decode(text, type=Provenance)


def _shipped() -> _Snapshot:
    packed = resources.files("data").joinpath("catalog.json.gz").read_bytes()
    rows = msgspec.json.decode(gzip.decompress(packed), type=dict[str, dict[str, Row]])
    made_of = provenance()
    source = " and ".join(f"{package.name} {package.version}" for package in made_of.packages)
    return _Snapshot(rows, source, made_of.made, _size(rows))


def _size(rows: Rows) -> int:
    return sum(len(models) for models in rows.values())


# -20250929, -2024-07-18, @20250929; -2507 (year and month); -0613 (month and day); the newest of a name
_DATE = re.compile(r"[-@](?:20\d{2}-?\d{2}-?\d{2}|2[3-9](?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])-?[0-3]\d|latest)$")


def _spellings(model_id: str) -> Iterator[str]:
    """Ids under which a model may be known, the most exact first."""
    plain = model_id.removeprefix("models/")
    yield model_id
    yield plain
    yield _DATE.sub("", plain)
    yield f"{plain}-latest"
    if "/" in plain and not plain.startswith("accounts/"):
        bare = plain.rpartition("/")[2]
        yield bare
        yield _DATE.sub("", bare)
