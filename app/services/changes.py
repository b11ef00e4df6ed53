"""What a write did to one item: for the report of `apply`."""

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
