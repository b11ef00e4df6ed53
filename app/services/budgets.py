"""Budgets in memory: reserved before, settled after, read from the ledger at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.errors import BudgetSpent
from app.core.money import show_usd
from app.services.views import BudgetView

WINDOWS = ("hour", "day", "week", "month", "total")


class Budget:
    """One limit in one calendar window. Nothing is spent past it: reservations count as spent until settled."""

    def __init__(self, limit: int, window: str, zone: ZoneInfo) -> None:
        self.limit, self.window, self.zone = limit, window, zone
        self.spent = 0
        self.reserved = 0
        self._end: datetime | None = None
        self._rolled = False

    def roll(self, now: datetime) -> None:
        if self._rolled and (self._end is None or now < self._end):
            return
        if self._rolled:
            self.spent = 0
        self._rolled = True
        end = window_end(self.window, now, self.zone)
        self._end = end.astimezone(UTC) if end is not None else None  # as `now` is: quick to compare

    def left(self) -> int:
        return self.limit - self.spent - self.reserved

    def view(self, now: datetime) -> BudgetView:
        self.roll(now)
        return BudgetView(self.limit, self.window, self.spent, self.reserved, window_end(self.window, now, self.zone))


@dataclass(slots=True)
class Reservation:
    """What one request holds of a key's budgets until it is settled."""

    budgets: KeyBudgets
    amount: int
    settled: bool = False

    def top_up(self, more: int, now: datetime) -> None:
        """Raises BudgetSpent when it does not fit."""
        self.budgets.check(more, now)
        self.budgets.hold(more)
        self.amount += more

    def settle(self, cost: int, now: datetime) -> None:
        if self.settled:
            return
        self.settled = True
        self.budgets.hold(-self.amount)
        for budget in self.budgets.budgets:
            budget.roll(now)
            budget.spent += cost


@dataclass(slots=True)
class KeyBudgets:
    """`reserved` outlasts a change of the budgets: requests under way hold it of whichever there are."""

    budgets: list[Budget] = field(default_factory=list)
    reserved: int = 0

    def hold(self, amount: int) -> None:
        self.reserved += amount
        for budget in self.budgets:
            budget.reserved = self.reserved

    def replace(self, budgets: list[Budget], now: datetime) -> None:
        """Other budgets for the same key. Where the window stays, so does what is known to be spent in it: the ledger
        may lack what was settled just now."""
        spent = {budget.window: budget for budget in self.budgets}
        for budget in budgets:
            if (before := spent.get(budget.window)) is not None:
                before.roll(now)
                budget.spent = before.spent
        self.budgets = budgets
        self.hold(0)

    def check(self, amount: int, now: datetime) -> None:
        for budget in self.budgets:
            budget.roll(now)
            if amount > budget.left() or budget.left() <= 0:
                raise BudgetSpent(_sentence(budget, amount, now))

    def reserve(self, amount: int, now: datetime) -> Reservation:
        """Raises BudgetSpent naming the budget, what is left and when it starts anew."""
        self.check(amount, now)
        self.hold(amount)
        return Reservation(self, amount)

    def left_share(self, now: datetime) -> float | None:
        """What is left of the tightest budget, 0…1; None without budgets."""
        shares = []
        for budget in self.budgets:
            budget.roll(now)
            shares.append(max(budget.left(), 0) / budget.limit if budget.limit else 0.0)
        return min(shares, default=None)

    def left(self, now: datetime) -> int | None:
        for budget in self.budgets:
            budget.roll(now)
        return min((budget.left() for budget in self.budgets), default=None)


def window_start(window: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The start of the calendar window that `now` lies in; None for `total`. Weeks begin on Monday."""
    local = now.astimezone(zone)
    # where the clock goes back over midnight, the day begins with the first of the two
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match window:
        case "hour":
            return local.replace(minute=0, second=0, microsecond=0)
        case "day":
            return midnight
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
        case _:
            return None


def window_end(window: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    start = window_start(window, now, zone)
    if start is None:
        return None
    match window:
        case "hour":
            # counted in UTC: an hour lasts an hour also on the night when the clock is moved
            return (start.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
        case "day":
            return start + timedelta(days=1)
        case "week":
            return start + timedelta(days=7)
        case _:
            return (start + timedelta(days=32)).replace(day=1)


def _sentence(budget: Budget, amount: int, now: datetime) -> str:
    left = max(budget.left(), 0)
    span = "in total" if budget.window == "total" else f"per {budget.window}"
    end = window_end(budget.window, now, budget.zone)
    until = f" It starts anew at {end:%Y-%m-%d %H:%M %Z}." if end is not None else ""
    if left <= 0:
        return f"The budget of {show_usd(budget.limit)} {span} is spent.{until}"
    return (
        f"This request may cost up to {show_usd(amount)}, but {show_usd(left)} of the budget of "
        f"{show_usd(budget.limit)} {span} is left.{until} A smaller max_tokens may fit."
    )
