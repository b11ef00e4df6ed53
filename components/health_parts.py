"""The parts of the health page: problems with what may help, what took over, every provider's day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from app.core.money import show_usd
from app.services.failovers import Failover, LastFailure, LastHour
from app.services.health_view import DOWN, Problem
from app.services.trials import TrialPlan
from app.services.views import ProviderView
from components.badges import STATE_DOTS, badge, dot, tag
from components.charts import uptime_bars
from components.format import availability, count, exact, past, plural, share, until
from components.markup import Child, Html, button, h, icon
from components.overview import kpi

UNKNOWN = tag("unknown", "wa", title="A price is not known")


def numbers_of_the_hour(hour: LastHour, problems: int) -> Html:
    answered = (hour.requests - hour.failed) / hour.requests if hour.requests else None
    return h(
        "div.a-kpis.a-health-kpis",
        kpi("Problems now", count(problems), "everything is well" if not problems else "listed below", ()),
        kpi(
            "Answered, last hour",
            availability(answered),
            f"{count(hour.failed)} of {plural(hour.requests, 'request')} not",
            (),
        ),
        kpi(
            "Saved by failover, last hour",
            count(hour.saved),
            f"{share(hour.saved / hour.requests)} of all" if hour.requests and hour.saved else "none was needed",
            (),
        ),
        kpi(
            "What it cost, last hour",
            show_usd(max(hour.failed_cost + hour.dearer, 0)),
            f"{show_usd(hour.failed_cost)} failed attempts, {_dearer(hour.dearer)}",
            (),
        ),
    )


def problem_list(
    problems: Sequence[Problem],
    trial: Callable[[Problem], TrialPlan | None],
    took_over: Callable[[Problem], Sequence[Failover]],
    now: datetime,
    zone: tzinfo,
    *,
    manage: bool,
) -> Html:
    """`trial` says what a call to a deployment would cost; `took_over` who answers in its place."""
    return h(
        "section.a-card.a-problems",
        h("header", h("h2", "What is wrong"), h("span.a-f12.a-t3.a-light", plural(len(problems), "problem"))),
        [_problem(each, trial(each), took_over(each), now, zone, manage) for each in problems],
        aria_label="What is wrong",
    )


def all_well(last: LastFailure | None, now: datetime, zone: tzinfo) -> Html:
    incident: Child = "No failure in the last 24 hours."
    if last is not None:
        incident = h(
            "span",
            f"The last failure was {past(last.at, now, zone)}: ",
            h("span.a-mid", f"{last.model} at {last.provider}"),
            f", {last.error.rstrip('.')}.",
        )
    return h(
        "section.a-card.a-well",
        h("div.a-well-sign", icon("check")),
        h("div.a-col", h("h2.a-strong.a-f14", "All is well"), h("p.a-f13.a-t2", incident)),
    )


def failover_table(hour: LastHour) -> Html:
    return h(
        "section.a-card",
        h("header", h("h2", "What took over"), h("span.a-f12.a-t3.a-light", "in the last hour")),
        h(
            "div.a-scroll-x",
            h(
                "table.a-table.a-stack",
                h(
                    "thead",
                    h(
                        "tr",
                        [
                            h("th", head, class_="a-num" if head in NUMBERS else "", scope="col")
                            for head in ("Failed", "Answered instead", "Why", *NUMBERS)
                        ],
                    ),
                ),
                h("tbody", [_failover(each) for each in hour.failovers]),
            ),
        )
        if hour.failovers
        else h("p.a-f13.a-t2.a-none", "Every request was answered by the first that was asked."),
        aria_label="What took over",
    )


NUMBERS = ("Requests", "Failed attempts", "Dearer by")


def providers_day(providers: Sequence[ProviderView]) -> Html:
    return h(
        "section.a-card.a-day",
        h("header", h("h2", "Every provider, last 24 hours")),
        [
            h(
                "a.a-row.a-day-row.plain",
                badge(provider.monogram, provider.accent),
                h("span.a-mid.a-cut.a-day-name", provider.name),
                h("span.a-day-bars", uptime_bars(provider.uptime or (0,) * 90, f"Availability of {provider.name}")),
                h("span.a-num.a-day-part", availability(provider.availability_24h)),
                h(
                    "span.a-row.a-day-state.a-f12.a-t2",
                    dot(STATE_DOTS.get(provider.state, "")),
                    h("span.a-cut", provider.status_text, title=provider.status_text),
                ),
                href="/providers",
                data_key=provider.id,
            )
            for provider in providers
        ],
        aria_label="Every provider",
    )


def _problem(
    problem: Problem,
    trial: TrialPlan | None,
    instead: Sequence[Failover],
    now: datetime,
    zone: tzinfo,
    manage: bool,
) -> Html:
    since = None
    if problem.since:
        since = h("span", "since ", h("time", past(problem.since, now, zone), title=exact(problem.since)))
    tried = (
        h("span", "tried next ", h("time", until(problem.next_try, now), title=exact(problem.next_try)))
        if problem.next_try
        else None
    )
    takers = [f"{each.to_model} at {each.to_provider} ({plural(each.requests, 'request')})" for each in instead[:3]]
    return h(
        "article.a-problem-line",
        h(
            "div.a-row.a-problem-head",
            tag("down", "er") if problem.level == DOWN else tag("look", "wa"),
            h("h3.a-mid.a-f13.a-cut", problem.title, title=problem.title),
            h("span.a-grow"),
            h("span.a-f12.a-t3.a-nowrap", since) if since else None,
        ),
        h("p.a-f13.a-t2", problem.why),
        h("p.a-f12.a-t2", "Taken over by ", ", ".join(takers), ".") if takers else None,
        h(
            "div.a-row.a-wrap.a-f12.a-t3",
            _actions(problem, trial) if manage else None,
            tried,
            h("span", f"a small real call, {trial.cost_words}") if trial is not None and manage else None,
        ),
        data_key=problem.id,
        aria_label=problem.title,
    )


def _actions(problem: Problem, trial: TrialPlan | None) -> Sequence[Html]:
    value = "\n".join(problem.subject)
    match problem.kind:
        case "deployment" | "key" if trial is not None:
            return [
                button("Try now", class_="is-sm", data_act=f"try_{problem.kind}", data_value=value),
                h("a.a-btn.is-sm.quiet", "Requests", href=f"/logs?provider={trial.deployment.provider}&status=failed"),
            ]
        case "provider":
            return [
                button("Try now", class_="is-sm", data_act="probe", data_value=value),
                h("a.a-btn.is-sm.quiet", "Providers", href="/providers"),
            ]
        case "price":
            return [
                button("Keep the old", class_="is-sm", data_act="reject", data_value=value),
                button("Take the new", class_="is-sm", data_act="confirm", data_value=value),
                h("a.a-btn.is-sm.quiet", "Models", href="/models"),
            ]
        case "job":
            return [
                button("Run now", class_="is-sm", data_act="run", data_value=value),
                h("a.a-btn.is-sm.quiet", "Jobs", href="/jobs"),
            ]
    return []


def _failover(each: Failover) -> Html:
    return h(
        "tr",
        h("td.a-stack-title", h("span.a-mid", each.from_model), h("span.a-t3", f" at {each.from_provider}")),
        h(
            "td",
            h("span", h("span.a-mid", each.to_model), h("span.a-t3", f" at {each.to_provider}")),
            data_label="Answered instead",
        ),
        h("td.a-t2", h("span.a-cut.a-owner", each.error, title=each.error), data_label="Why"),
        h("td.a-num", count(each.requests), data_label="Requests"),
        h("td.a-num", show_usd(each.failed_cost), data_label="Failed attempts"),
        h("td.a-num", UNKNOWN if each.dearer is None else _more(each.dearer), data_label="Dearer by"),
        data_key=f"{each.from_id}{each.from_model}{each.to_provider}{each.to_model}",
    )


def _dearer(nano: int) -> str:
    return f"{show_usd(nano)} for dearer models" if nano >= 0 else f"{show_usd(-nano)} less for cheaper models"


def _more(nano: int) -> str:
    return f"-{show_usd(-nano)}" if nano < 0 else show_usd(nano)
