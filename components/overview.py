"""The parts of the home page: next steps, numbers of today, spend, providers at a glance, what needs a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.money import show_usd
from app.services.views import KeyView, LogSummary, ProviderView, Spend, Today
from components.badges import NEEDS_A_LOOK, STATE_DOTS, badge, dot, tag
from components.charts import MOST_PROVIDERS, ranked, sparkline, stacked_days
from components.format import availability, change, count, duration, exact, share, tokens
from components.markup import Child, Html, h, icon, join

DAYS = {"14": "14 days", "90": "90 days"}
SHOWN_PROVIDERS = 6


@dataclass(frozen=True)
class Step:
    title: str
    hint: str
    href: str
    done: bool


def next_steps(steps: Sequence[Step]) -> Html | None:
    """What a new owner does first; gone once all of it is done."""
    done = sum(step.done for step in steps)
    if done == len(steps):
        return None
    return h(
        "section.a-card.a-steps",
        h(
            "div.a-col.a-steps-head",
            h("h2.a-strong.a-f13", "Next steps"),
            h("span.a-f12.a-t3", f"{done} of {len(steps)} done"),
            h("div.a-meter", h("i", style=f"width:{done / len(steps) * 100:.0f}%"), aria_hidden="true"),
        ),
        h("ol", [_step(step) for step in steps]),
    )


def _step(step: Step) -> Html:
    if step.done:
        return h(
            "li.is-done",
            h("span.a-step", icon("check", size=12)),
            h("span.a-t3.a-f13", step.title, h("span.a-sr", ", done")),
        )
    return h(
        "li",
        h("span.a-step"),
        h("div.a-col.a-f13", h("a.a-mid", step.title, href=step.href), h("span.a-f12.a-t3", step.hint)),
    )


def numbers_of_today(today: Today, yesterday_spend: int | None) -> Html:
    hours = today.hourly
    moved = change(today.requests, today.requests_yesterday_by_now)
    cached = (
        f", {share(today.cached_tokens / today.input_tokens)} of input cached"
        if today.cached_tokens and today.input_tokens
        else ""
    )
    return h(
        "div.a-kpis",
        kpi(
            "Requests today",
            count(today.requests),
            join(h("span.a-t1", moved), " on yesterday by this hour") if moved else "none yesterday by this hour",
            [hour.requests for hour in hours],
        ),
        kpi(
            "Tokens today",
            tokens(today.input_tokens + today.output_tokens),
            f"{tokens(today.input_tokens)} in, {tokens(today.output_tokens)} out{cached}",
            [hour.tokens for hour in hours],
        ),
        kpi(
            "Spend today",
            show_usd(today.spend),
            h("span.a-wa", f"{count(today.spend_unknown)} of unknown cost on top")
            if today.spend_unknown
            else f"{show_usd(yesterday_spend)} yesterday"
            if yesterday_spend is not None
            else "no spend yesterday",
            [hour.spend for hour in hours],
            colour="var(--brand)",
        ),
        kpi(
            "Answered",
            availability(today.answered),
            f"{count(today.failed)} failed, {count(today.saved_by_failover)} saved by failover",
            [1 - hour.failed / hour.requests if hour.requests else 1.0 for hour in hours],
        ),
    )


def own_numbers(summary: LogSummary) -> Html:
    """For people who see their own requests only."""
    failed = summary.failed
    answered = (summary.requests - failed) / summary.requests if summary.requests else None
    buckets = summary.buckets
    return h(
        "div.a-kpis",
        kpi(
            "Your requests today",
            count(summary.requests),
            "by chat and by your keys",
            [b.ok + b.failed for b in buckets],
        ),
        kpi(
            "Your spend today",
            show_usd(summary.cost),
            h("span.a-wa", f"{count(summary.cost_unknown)} of unknown cost on top")
            if summary.cost_unknown
            else "all costs known",
            [],
        ),
        kpi(
            "Answered", availability(answered), f"{count(failed)} failed, {count(summary.failed_over)} failed over", []
        ),
        kpi("Usual time", duration(summary.p50_ms), f"95% within {duration(summary.p95_ms)}", []),
    )


def kpi(label: str, value: str, beside: Child, run: Sequence[float], *, colour: str = "var(--text-3)") -> Html:
    return h(
        "div.a-card.pad.a-kpi",
        h("h2.a-f12.a-t2.a-mid", label),
        h("div.v", value),
        h("div.a-f12.a-t3.a-cut", beside),
        h("div.a-kpi-run", sparkline(run, colour=colour)),
    )


def spend_card(days: Sequence[Spend], accents: Mapping[str, str], chosen: str) -> Html:
    today = days[-1].by_provider if days else {}
    shown = ranked(days)
    others = [name for name in shown[MOST_PROVIDERS:] if today.get(name)]
    return h(
        "section.a-card.a-spend",
        h(
            "header",
            h("h2", "Spend by provider"),
            h("span.a-grow"),
            h(
                "div.a-seg",
                [
                    h(
                        "button",
                        words,
                        type="button",
                        class_="on" if name == chosen else "",
                        aria_pressed=str(name == chosen).lower(),
                        data_act="days",
                        data_value=name,
                    )
                    for name, words in DAYS.items()
                ],
                role="group",
                aria_label="Period",
            ),
        ),
        h(
            "div.a-row.a-wrap.a-legend",
            h("span.a-f12.a-t3", "Today"),
            [
                h(
                    "span.a-row.a-f12.a-t2",
                    h("i.a-pdot", data_provider=accents.get(name, "custom")),
                    name,
                    h("b.a-mid.a-t1", show_usd(today.get(name, 0))),
                )
                for name in shown[:MOST_PROVIDERS]
            ],
            h(
                "span.a-row.a-f12.a-t2",
                f"{len(others)} others",
                h("b.a-mid.a-t1", show_usd(sum(today[name] for name in others))),
            )
            if others
            else None,
        ),
        h("div.a-spend-chart", stacked_days(days, accents), tabindex="0", role="group", aria_label="Spend per day"),
    )


def no_spend() -> Html:
    return h(
        "section.a-card.a-spend",
        h("header", h("h2", "Spend by provider")),
        h(
            "div.a-state-place",
            h(
                "div.a-state",
                h("div.pic", icon("chart")),
                h("h3.a-strong.a-f14", "Nothing spent yet"),
                h(
                    "p",
                    "The cost of every answer is counted before it is shown; it will stand here by day and provider.",
                ),
            ),
        ),
    )


def providers_card(providers: Sequence[ProviderView]) -> Html:
    """The ones that need a look first, then the busiest."""
    order = sorted(
        (provider for provider in providers if provider.enabled),
        key=lambda provider: (provider.state not in NEEDS_A_LOOK, -provider.requests_24h, provider.name),
    )
    return h(
        "section.a-card.a-glance",
        h(
            "header",
            h("h2", "Providers"),
            h("span.a-grow"),
            h("a.a-f12", "All", href="/providers", aria_label="All providers"),
        ),
        h(
            "div.a-row.a-f11.a-t3.a-glance-head",
            h("span.a-grow", "Last 24 h"),
            h("span.a-num", "Answered"),
            h("span.a-num", "First token"),
        ),
        [_glance(provider) for provider in order[:SHOWN_PROVIDERS]],
        h("p.a-f13.a-t3.a-none", "No provider is on.") if not order else None,
    )


def _glance(provider: ProviderView) -> Html:
    answered = provider.answered_24h
    colour = "a-t3" if answered is None else "a-er" if answered < 0.9 else "a-wa" if answered < 0.99 else "a-t1"
    return h(
        "div.a-row.a-glance-row",
        badge(provider.monogram, provider.accent),
        h(
            "div.a-col.a-grow",
            h("span.a-f13.a-mid.a-cut", provider.name),
            h(
                "span.a-f12.a-t3.a-row",
                dot(STATE_DOTS.get(provider.state, "")),
                h("span.a-cut", provider.status_text, title=provider.status_text),
            ),
        ),
        h("span.a-f13.a-num", share(answered), class_=colour),
        h("span.a-f13.a-num.a-t2", duration(provider.first_token_p50_ms)),
        data_key=provider.id,
    )


def needs_a_look(providers: Iterable[ProviderView], keys: Iterable[KeyView], today: Today | None) -> Html | None:
    """What someone should see, worst first; nothing where all is well."""
    lines = [*_faults(providers), *_budgets(keys)]
    if today is not None and today.spend_unknown:
        lines.append(
            _look(
                "cube",
                "a-wa",
                join(h("b.a-mid", count(today.spend_unknown)), " requests today had a model without a known price"),
                "/logs",
                "Logs",
            )
        )
    if not lines:
        return None
    return h(
        "section.a-card.a-looks",
        h("header", h("h2", "Needs a look"), tag(len(lines), "wa")),
        lines,
    )


def _faults(providers: Iterable[ProviderView]) -> Iterable[Html]:
    hurt = [provider for provider in providers if provider.enabled and provider.state in NEEDS_A_LOOK]
    for provider in sorted(hurt, key=lambda each: each.state != "failing"):
        failing = provider.state == "failing"
        yield _look(
            "warn" if failing else "swap" if provider.state == "throttled" else "plug",
            "a-er" if failing else "a-wa",
            join(h("b.a-mid", provider.name), f": {provider.status_text}"),
            f"/logs?provider={provider.name}&status=failed"
            if provider.state in ("failing", "throttled")
            else "/providers",
            "Logs" if provider.state in ("failing", "throttled") else "Providers",
            provider.checked_at,
        )


def _budgets(keys: Iterable[KeyView]) -> Iterable[Html]:
    for key in keys:
        for budget in key.budgets:
            part = budget.spent / budget.usd_limit if budget.usd_limit else 0
            if part >= 0.8 and not key.disabled:
                yield _look(
                    "wallet",
                    "a-er" if part >= 1 else "a-wa",
                    join(
                        "Key ",
                        h("b.a-mid", key.name),
                        f" has used {min(part, 1) * 100:.0f}% of its "
                        f"{show_usd(budget.usd_limit)} {budget.window} budget",
                    ),
                    "/keys",
                    "Keys",
                )


def _look(picture: str, colour: str, text: Child, href: str, link: str, at: datetime | None = None) -> Html:
    return h(
        "div.a-row.a-f13.a-look",
        h("span.a-row", icon(picture), class_=colour),
        h("span.a-cut.a-grow", text),
        h("time.a-f12.a-t3", f"{at:%H:%M}", title=exact(at)) if at else None,
        h("a.a-f12", link, href=href),
    )
