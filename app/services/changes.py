"""What was done to an item, and how reports put it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    action: str  # add | change | disable
    what: str  # provider | router | key | person | setting
    name: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        detail = f": {', '.join(self.fields)}" if self.fields else ""
        return f'{self.action} {self.what} "{self.name}"{detail}'


def differing(before: dict[str, object], after: dict[str, object]) -> tuple[str, ...]:
    """The names whose values differ, in the order of `after`."""
    return tuple(name for name, value in after.items() if before.get(name) != value)


def about(name: str, sentence: str) -> str:
    """The sentence with the provider's name in front, once."""
    return sentence if sentence.startswith(f"{name} ") else f"{name}: {sentence}"
