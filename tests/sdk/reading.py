"""What a client reads: every piece the SDK gives, and the error that it raises at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.recordings import Recording

PASSED = (400, 404, 413, 422, 429)  # of a provider's statuses; the rest is no matter of the client's


@dataclass
class Reading:
    pieces: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status of the error, under either name that SDKs have for it."""
        return getattr(self.error, "status_code", None) or getattr(self.error, "code", None)


def read(ask: Callable[[], Any], errors: type[Exception], *, leave_out: Iterable[str] = ()) -> Reading:
    """`ask` gives one answer of the SDK's, or an iterable of its events."""
    found = Reading()
    try:
        answer = ask()
        for piece in [answer] if hasattr(answer, "model_dump") else answer:
            found.pieces.append(piece.model_dump(exclude=set(leave_out)))
    except errors as error:
        found.error = error
    return found


def asked(recorded: Recording) -> dict[str, Any]:
    """The recorded question, where there is one, without the model."""
    question = dict(recorded.request) if isinstance(recorded.request, dict) else {}
    question.pop("model", None)
    return question


def model_of(recorded: Recording) -> str:
    return str((recorded.request if isinstance(recorded.request, dict) else {}).get("model") or "some-model")


def check_error(got: Reading, expected: Reading, recorded: Recording) -> None:
    """A provider's refusal arrives as the same class with the same status; its trouble, and its key's, as 502."""
    assert expected.error is not None
    assert got.error is not None, got.pieces
    if recorded.status in PASSED and not _about_the_key(recorded):
        assert (type(got.error), got.status) == (type(expected.error), recorded.status), got.error
    elif recorded.status == 403 and b"usage guidelines" in recorded.body:  # moderation: says nothing about the key
        assert got.status == 400, got.error
    else:
        assert got.status == 502, got.error
        assert type(got.error).__name__ in ("InternalServerError", "ServerError")


def _about_the_key(recorded: Recording) -> bool:
    """Some say 400 of a bad key."""
    return recorded.status == 400 and b"api key" in recorded.body.lower()
