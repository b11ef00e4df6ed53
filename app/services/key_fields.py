"""Fields of a gateway key, checked: each refusal names the field and what it accepts."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import BadRequest
from app.core.money import parse_usd
from app.services.budgets import WINDOWS
from app.services.limits import NAMES


def check_limits(limits: dict[str, int]) -> dict[str, int]:
    for name, value in limits.items():
        if name not in NAMES:
            raise BadRequest(f'limits: "{name}" is not one of {", ".join(NAMES)}.', field=f"limits.{name}")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000_000:
            raise BadRequest(f"limits.{name}: a whole number, 1 or more.", field=f"limits.{name}")
    return dict(limits)


def check_budgets(budgets: list[dict[str, str]]) -> list[dict[str, Any]]:
    checked = []
    for position, budget in enumerate(budgets):
        field = f"budgets[{position}]"
        if set(budget) != {"usd", "window"}:
            raise BadRequest(f'{field}: write it as {{ usd = "5.00", window = "day" }}.', field=field)
        amount = parse_usd(budget["usd"], f"{field}.usd")
        if amount == 0:
            raise BadRequest(f"{field}.usd: more than 0.", field=f"{field}.usd")
        checked.append({"usd": amount, "window": one_of(budget["window"], f"{field}.window", WINDOWS)})
    return checked


def non_empty(values: list[str], field: str) -> list[str]:
    cleaned = [value.strip() for value in values if value.strip()]
    if not cleaned:
        raise BadRequest(f'{field}: name at least one, or "*" for all.', field=field)
    return cleaned


def one_of(value: str, field: str, accepted: tuple[str, ...]) -> str:
    if value not in accepted:
        raise BadRequest(f'{field}: "{value}" is not one of {", ".join(accepted)}.', field=field)
    return value


def network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise BadRequest(
            f'allowed_ips: "{text}" is not an address or network such as 10.0.0.0/8.', field="allowed_ips"
        ) from None


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """A date means its first moment in the team's zone; a time without a zone is in it too."""
    if not text:
        return None
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(
            f'expires: "{text}" is not a date such as 2027-01-01 or a time such as 2027-01-01T12:00:00Z.',
            field="expires",
        ) from None
