"""How the conditions of rules lie to each other: which rule takes all that another would, which can never hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from app.routing.conditions import Conditions, glob_pattern, read_hours
from app.routing.document import Rule


def always(rule: Rule) -> bool:
    """Whether it holds for every request."""
    return not _set(rule.when) and rule.unless is None


def why_never(rule: Rule) -> str | None:
    """Why no request can meet its conditions; None where one may."""
    when = rule.when or Conditions()
    if when.min_input_tokens is not None and when.max_input_tokens is not None:
        least, most = when.min_input_tokens, when.max_input_tokens
        if least > most:
            return f"the input would have to be at least {least:,} and at most {most:,} tokens"
    if when.max_input_tokens is not None and when.max_input_tokens < 0:
        return "an input has no less than 0 tokens"
    if when.hours is not None and not _hours(when.hours):
        return f'the hours "{when.hours}" are none'
    if rule.unless is not None:
        unless = _set(rule.unless)
        if not unless:
            return "an unless without conditions leaves out every request"
        if _implied(unless, _set(rule.when)):
            return "whatever its when takes, its unless leaves out"
    return None


class Held:
    """A rule's conditions, ready to be compared with many others."""

    __slots__ = ("open_ended", "when")

    def __init__(self, rule: Rule) -> None:
        self.when = _set(rule.when)
        self.open_ended = rule.unless is None


def covers(earlier: Held, later: Held) -> bool:
    """Whether the first one holds wherever the second one does, as far as words can tell."""
    return earlier.open_ended and earlier.when.keys() <= later.when.keys() and _implied(earlier.when, later.when)


def _implied(wide: dict[str, Any], narrow: dict[str, Any]) -> bool:
    return all(name in narrow and _WIDER[name](value, narrow[name]) for name, value in wide.items())


def _set(conditions: Conditions | None) -> dict[str, Any]:
    if conditions is None:
        return {}
    found = {name: value for name, value in msgspec.structs.asdict(conditions).items() if value not in (None, [])}
    if found.get("min_input_tokens", 1) <= 0:
        del found["min_input_tokens"]  # every input has that
    return found


def _any_of(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    return set(narrow) <= set(wide)


def _people(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    return {name.lower() for name in narrow} <= {name.lower() for name in wide}


def _all_of(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    return set(wide) <= set(narrow)


def _globs(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """A glob of the narrow side counts as its own text: `gpt-4*` fits `gpt-*`, since a star takes a star. What fits
    `?` only may be another length, so that one must stand on both sides."""
    pattern = glob_pattern(tuple(wide))
    return all(glob in wide or ("?" not in "".join(wide) and pattern.fullmatch(glob) is not None) for glob in narrow)


def _within_hours(wide: str, narrow: str) -> bool:
    return _hours(narrow) <= _hours(wide)


def _hours(text: str) -> set[int]:
    start, end = read_hours(text)
    return set(range(start, end)) if start <= end else set(range(start, 24)) | set(range(end))


_WIDER: dict[str, Callable[[Any, Any], bool]] = {
    "models": _globs,
    "capabilities": _all_of,
    "min_input_tokens": lambda wide, narrow: wide <= narrow,
    "max_input_tokens": lambda wide, narrow: wide >= narrow,
    "keys": _any_of,
    "users": _people,
    "teams": _any_of,
    "tiers": _any_of,
    "tags": _any_of,
    "intents": _any_of,
    "complexity": _any_of,
    "hours": _within_hours,
    "weekdays": _any_of,
    "stream": lambda wide, narrow: wide is narrow,
    "budget_left_below": lambda wide, narrow: wide >= narrow,
}
