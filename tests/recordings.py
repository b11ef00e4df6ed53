"""Recorded provider traffic for tests: found beside the repository, skipped with one line where it is missing."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

RECORDINGS_DIR = Path(__file__).resolve().parents[2] / "shared" / "recordings"
_MISSING = "the recorded traffic is not there (../shared/recordings)"


class Recording(msgspec.Struct, frozen=True):
    """One exchange. `request` is the JSON that was sent (None where it was not recorded)."""

    name: str  # "openai/openai-chat__stream__gpt-4o__01"
    provider: str
    dialect: str
    scenario: str
    status: int
    content_type: str
    request: Any
    path: str
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def stream(self) -> bool:
        """Whether the body is a stream: events, or Gemini's array."""
        return self.ok and self.scenario.startswith("stream")


@functools.cache
def _all() -> tuple[Recording, ...]:
    return tuple(_load(path) for path in sorted(RECORDINGS_DIR.glob("*/*.json")))


def _load(path: Path) -> Recording:
    value = json.loads(path.read_text())
    response = value["response"]
    return Recording(
        name=f"{path.parent.name}/{path.stem}",
        provider=value["provider"],
        dialect=value["dialect"],
        scenario=value["scenario"],
        status=response["status"],
        content_type=response["headers"].get("content-type") or "",
        request=value["request"]["body"],
        path=value["request"]["path"],
        body=response["body"].encode(),
    )


def recordings(
    *, provider: str | None = None, dialect: str | None = None, stream: bool | None = None, ok: bool | None = None
) -> list[Recording]:
    """The recordings that match; none where the folder is missing (mark the test with `needs_recordings`)."""
    return [
        recording
        for recording in _all()
        if (provider is None or recording.provider == provider)
        and (dialect is None or recording.dialect == dialect)
        and (stream is None or recording.stream == stream)
        and (ok is None or recording.ok == ok)
    ]


def recording(name: str) -> Recording:
    return next(found for found in _all() if found.name == name)


def each(argument: str = "recorded", **wanted: Any) -> pytest.MarkDecorator:
    """Parametrizes a test over recordings, named by themselves; one skipped case where there are none."""
    found = recordings(**wanted)
    if not found:
        if os.environ.get("CI") and not RECORDINGS_DIR.is_dir():
            raise RuntimeError(f"{_MISSING}, and CI may not go without it")
        reason = pytest.mark.skip(_MISSING)
        return pytest.mark.parametrize(argument, [pytest.param(None, marks=reason, id="missing")])
    return pytest.mark.parametrize(argument, found, ids=[item.name for item in found])


# where the folder must be there (CI=true), a missing one fails the test instead of hiding it
needs_recordings = pytest.mark.skipif(not RECORDINGS_DIR.is_dir() and not os.environ.get("CI"), reason=_MISSING)
