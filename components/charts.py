"""Small pictures of numbers, one SVG each: a run, availability, a histogram, stacked days, attempts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import ceil, log10

from app.core.money import NANO, show_usd
from app.services.views import AttemptRow, LogBucket, Spend
from components.format import share
from components.markup import Html, h, join

NO_DATA, OK, PARTLY, DOWN = 0, 1, 2, 3
_UPTIME = {  # height and colour: the height says it too
    NO_DATA: (6, "var(--border-strong)", 1.0),
    OK: (14, "var(--success)", 0.75),
    PARTLY: (18, "var(--warn)", 1.0),
    DOWN: (22, "var(--danger)", 1.0),
}
MOST_PROVIDERS = 5  # in one chart; the others are one bar


def uptime_bars(slots: Sequence[int], label: str) -> Html:
    """Availability, oldest first: green and low is fine, red and tall is down. Equal neighbours are one path."""
    paths = []
    for state, (height, colour, opacity) in _UPTIME.items():
        steps = "".join(
            f"M{place * 4} {22 - height}h3v{height}h-3z" for place, slot in enumerate(slots) if slot == state
        )
        if steps:
            paths.append(h("path", d=steps, fill=colour, opacity=f"{opacity:g}"))
    known = [slot for slot in slots if slot != NO_DATA]
    words = (
        f"{share(sum(slot == OK for slot in known) / len(known))} of {len(known)} checks fine"
        if known
        else "not checked yet"
    )
    return h(
        "svg.a-uptime",
        paths,
        viewBox=f"0 0 {max(len(slots) * 4 - 1, 1)} 22",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{label}: {words}",
    )


def sparkline(values: Sequence[float], *, colour: str = "var(--text-3)") -> Html:
    """A run of values without axes: only its shape."""
    top, low = max(values, default=0), min(values, default=0)
    if len(values) < 2 or (top == low == 0):
        return h("svg.a-spark", viewBox="0 0 240 30", aria_hidden="true")
    if top == low:
        low = 0
    step = 240 / (len(values) - 1)
    points = [f"{place * step:.1f} {28 - (value - low) / (top - low) * 25:.1f}" for place, value in enumerate(values)]
    line = "M" + " L".join(points)
    return h(
        "svg.a-spark",
        h("path", d=f"{line} L240 30 L0 30Z", fill=colour, opacity=".10"),
        h(
            "path",
            d=line,
            fill="none",
            stroke=colour,
            stroke_width="1.5",
            vector_effect="non-scaling-stroke",
            stroke_linejoin="round",
        ),
        viewBox="0 0 240 30",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def histogram(buckets: Sequence[LogBucket], label: str) -> Html:
    """Requests over time: grey for answered, red at the foot for failed."""
    top = max((bucket.ok + bucket.failed for bucket in buckets), default=0) or 1
    width = 800 / max(len(buckets), 1)
    good, bad = [], []
    for place, bucket in enumerate(buckets):
        x, wide = place * width, max(width - 2, 1)
        all_high, bad_high = (bucket.ok + bucket.failed) / top * 44, bucket.failed / top * 44
        if bucket.failed:
            bad_high = max(bad_high, 2)
            bad.append(f"M{x:.1f} {44 - bad_high:.1f}h{wide:.1f}v{bad_high:.1f}h{-wide:.1f}z")
        if all_high > bad_high:
            good.append(f"M{x:.1f} {44 - all_high:.1f}h{wide:.1f}v{all_high - bad_high:.1f}h{-wide:.1f}z")
    failed = sum(bucket.failed for bucket in buckets)
    return h(
        "svg.a-histogram",
        h("path", d="".join(good), fill="var(--border-strong)"),
        h("path", d="".join(bad), fill="var(--danger)"),
        viewBox="0 0 800 44",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{label}; {failed} failed",
    )


def ranked(days: Sequence[Spend]) -> list[str]:
    """Providers by what they cost over all the days, dearest first."""
    total: dict[str, int] = {}
    for day in days:
        for provider, spent in day.by_provider.items():
            total[provider] = total.get(provider, 0) + spent
    return sorted((name for name, spent in total.items() if spent), key=lambda name: -total[name])


def stacked_days(days: Sequence[Spend], accents: Mapping[str, str]) -> Html:
    """Spend per day, one colour a provider; beyond five providers the rest is «others»."""
    shown = ranked(days)[:MOST_PROVIDERS]
    top = _nice(max((sum(day.by_provider.values()) for day in days), default=0))
    left, right, foot, high = 64, 760, 268, 258
    width = (right - left) / max(len(days), 1)
    bars: list[Html] = []
    for place, day in enumerate(days):
        x, y, wide = left + place * width + width * 0.2, float(foot), width * 0.6
        rest = sum(spent for name, spent in day.by_provider.items() if name not in shown)
        parts = [(name, day.by_provider.get(name, 0)) for name in shown] + [("others", rest)]
        for name, spent in parts:
            tall = spent / top * high
            if tall < 0.5:
                continue
            y -= tall
            bars.append(
                h(
                    "rect",
                    x=f"{x:.1f}",
                    y=f"{y:.1f}",
                    width=f"{wide:.1f}",
                    height=f"{max(tall - 1, 0.5):.1f}",
                    rx="1",
                    fill=f"var(--pv-{accents.get(name, 'custom')})" if name != "others" else "var(--border-control)",
                )
            )
    first, last = (days[0].day, days[-1].day) if days else ("", "")
    return h(
        "svg.a-days",
        _levels(top, left, right, foot, high),
        bars,
        list(_day_names(days, left, width)),
        viewBox="0 0 760 292",
        role="img",
        aria_label=f"Spend per day by provider, {first} to {last}",
    )


def _levels(top: float, left: int, right: int, foot: int, high: int) -> Iterator[Html]:
    for step in range(4):
        value, y = top * step / 3, foot - high * step / 3
        yield h(
            "line", x1=left, x2=right, y1=f"{y:.1f}", y2=f"{y:.1f}", stroke=f"var(--border{'' if step else '-strong'})"
        )
        yield h("text", _axis(value), x=left - 8, y=f"{y + 4:.1f}", text_anchor="end")


def _day_names(days: Sequence[Spend], left: int, width: float) -> Iterator[Html]:
    every = ceil(len(days) / 15) or 1
    for place, day in enumerate(days):
        today = place == len(days) - 1
        if (len(days) - 1 - place) % every:
            continue
        at = date.fromisoformat(day.day)
        first = place < every or at.day <= every
        yield h(
            "text",
            f"{at:%b} {at.day}" if first else at.day,
            x=f"{left + (place + 0.5) * width:.1f}",
            y="286",
            text_anchor="middle",
            class_="on" if today else "",
        )


def _axis(nano: float) -> str:
    usd = nano / NANO
    return f"${usd:,.0f}" if usd >= 3 or usd == 0 else f"${usd:.2f}" if usd >= 0.03 else show_usd(round(nano))


def _nice(most: int) -> float:
    """A top of the axis that divides by three into round steps."""
    if most <= 0:
        return 3 * NANO
    step = most / 3
    size = 10 ** int(log10(step))
    return next(
        3 * size * round_step for round_step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if size * round_step >= step
    )


def waterfall(attempts: Sequence[AttemptRow], attempt: AttemptRow, total_ms: int) -> Html:
    """One attempt on the time line of its request: waiting for the first token, then writing; red where it failed."""
    start = (attempt.started_at - attempts[0].started_at).total_seconds() * 1000
    scale = 470 / max(total_ms, 1)
    x, wide = start * scale, max(attempt.latency_ms * scale, 1.5)
    if attempt.status >= 400 or attempt.status == 0:
        bars = [("var(--danger)", x, wide)]
    else:
        wait = (attempt.first_token_ms or 0) * scale
        bars = [("var(--border-control)", x, wait), ("var(--success)", x + wait, max(wide - wait, 1))]
    return h(
        "svg.a-fall",
        h("rect", width="470", height="12", rx="3", fill="var(--hover)"),
        [
            h("rect", x=f"{at:.1f}", width=f"{long:.1f}", height="12", rx="2", fill=colour)
            for colour, at, long in bars
            if long > 0
        ],
        viewBox="0 0 470 12",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def seconds_axis(total_ms: int) -> Html:
    """The time line's labels below the attempts."""
    if total_ms < 8:
        labels = ["0", f"{total_ms} ms"]
    elif total_ms < 1000:
        labels = [f"{round(total_ms * part / 4)}" for part in range(4)] + [f"{total_ms} ms"]
    else:
        labels = [f"{total_ms * part / 4000:.1f}".removesuffix(".0") for part in range(4)] + [
            f"{total_ms / 1000:.1f} s"
        ]
    return join(h("span", label) for label in labels)
