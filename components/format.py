"""Numbers and times as people read them here; money is `app.core.money.show_usd`."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

NOTHING = "n/a"


def count(number: int) -> str:
    """`12,481`"""
    return f"{number:,}"


def tokens(number: int | None) -> str:
    """Exact to 9,999, then `12.4k`, `38.2M`."""
    if number is None:
        return NOTHING
    if number < 10_000:
        return f"{number:,}"
    for size, unit in ((1_000_000_000, "B"), (1_000_000, "M")):
        if number >= size - size // 20_000:  # what would round up to a thousand of the smaller unit
            return f"{_short(number / size)}{unit}"
    return f"{_short(number / 1000)}k"


def window(number: int | None) -> str:
    """The size of a context window: `128k`, `1M`."""
    if not number:
        return NOTHING
    if number >= 1_000_000:
        return f"{number / 1_000_000:.1f}".removesuffix(".0") + "M"
    return f"{number // 1000}k" if number >= 1000 else str(number)


def duration(milliseconds: float | None) -> str:
    """`480 ms`, `3.9 s`, `2 min 5 s`"""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{max(round(milliseconds), 0)} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    seconds = round(milliseconds / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s" if seconds % 60 else f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def share(part: float | None) -> str:
    """`98.2%`"""
    return NOTHING if part is None else _percent(part, 1)


def availability(part: float | None) -> str:
    """`99.96%`"""
    return NOTHING if part is None else _percent(part, 2)


def change(now: int, before: int) -> str | None:
    """`+8.1%`, or None where nothing was before."""
    return f"{(now - before) / before * 100:+.1f}%" if before else None


def speed(tokens_per_second: float | None) -> str:
    """`120 tokens/s`"""
    return NOTHING if not tokens_per_second else f"{tokens_per_second:.0f} tokens/s"


def clock(at: datetime, zone: tzinfo) -> str:
    """`14:31`"""
    return at.astimezone(zone).strftime("%H:%M")


def log_time(at: datetime, zone: tzinfo) -> str:
    """`14:31:02.911`"""
    local = at.astimezone(zone)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def date(at: datetime, zone: tzinfo, *, year: bool = False) -> str:
    """`12 November`"""
    local = at.astimezone(zone)
    return f"{local.day} {local:%B}" + (f" {local.year}" if year else "")


def ago(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`now`, `2 min`, `14:31` on the same day, `Yesterday`, `Mon`, `12 November`"""
    seconds = (now - at).total_seconds()
    days = days_back(at, now, zone)
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if days == 0:
        return clock(at, zone)
    if days == 1:
        return "Yesterday"
    if days < 7:
        return f"{at.astimezone(zone):%a}"
    return date(at, zone, year=at.astimezone(zone).year != now.astimezone(zone).year)


def past(at: datetime, now: datetime, zone: tzinfo) -> str:
    """In a sentence: `just now`, `5 min ago`, `14:31`, `Yesterday`"""
    said = ago(at, now, zone)
    return "just now" if said == "now" else f"{said} ago" if said.endswith("min") else said


def days_back(at: datetime, now: datetime, zone: tzinfo) -> int:
    """Calendar days between two moments, as the zone counts them."""
    return (now.astimezone(zone).date() - at.astimezone(zone).date()).days


def until(at: datetime, now: datetime) -> str:
    """`in 9 h 26 min`, `in 3 days`"""
    left = at - now
    if left <= timedelta(0):
        return "now"
    if left.days >= 2:
        return f"in {left.days} days"
    minutes = max(int(left.total_seconds() // 60), 1)
    return f"in {minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"in {minutes} min"


def exact(at: datetime) -> str:
    """RFC 3339, for tooltips."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 key`, `3 keys`"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 999.95 else f"{number:,.0f}"


def _percent(part: float, places: int) -> str:
    """Nothing short of everything is shown as 100 %."""
    if part >= 1:
        return "100%"
    if part <= 0:
        return "0%"
    top = 100 - 10**-places
    return f"{min(part * 100, top):.{places}f}%"
