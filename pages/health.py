"""Health: one page to look at when something is wrong. Its path is /status: GET /health is for machines."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from app.core.errors import AnyGPTError
from app.security.permissions import Permission
from app.services.failovers import Failover, LastHour
from app.services.health_view import Problem
from app.services.trials import TrialPlan
from components.format import clock, plural
from components.fragment import Action, Fragment
from components.health_parts import all_well, failover_table, numbers_of_the_hour, problem_list, providers_day
from components.markup import Html, h, join
from components.notify import guarded, tell_result
from components.page import PageContext, header_text, page

PULSE = "svguse:/static/icons.svg#pulse|0 0 24 24"
AGAIN_S = 15.0  # time alone changes what is shown: keys cool, breakers open


@page("/status", title="Health", icon="pulse", permission=Permission.READ_SHARED, group="Insight", order=2, key="e")
async def health(ctx: PageContext) -> None:
    await HealthPage(ctx).build()


class HealthPage:
    def __init__(self, context: PageContext) -> None:
        self._context = context
        self._services = context.services
        self._manage = context.allows(Permission.MANAGE_GATEWAY)
        self._hour = LastHour()

    async def build(self) -> None:
        with self._context.header("Health") as self._bar:
            if self._manage:
                ui.button("Probe all", icon=PULSE, on_click=guarded(self._probe_all)).props("outline")
        self._hour = await self._services.failovers.last_hour()
        with self._context.body():
            self._all = Fragment(self._markup(), **self._actions()).classes("a-home")
        self._context.on_live(self._refresh)
        ui.timer(AGAIN_S, self._refresh, immediate=False)

    def _actions(self) -> dict[str, Action]:
        """Whoever may only read has none: what a browser sends is not to be trusted."""
        if not self._manage:
            return {}
        return {
            "try_deployment": self._try,
            "try_key": self._try_key,
            "probe": self._probe,
            "confirm": self._confirm,
            "reject": self._reject,
            "run": self._run,
        }

    async def _refresh(self) -> None:
        self._hour = await self._services.failovers.last_hour()
        if not self._all.is_deleted:
            self._all.show(self._markup())

    def _markup(self) -> Html:
        services, zone = self._services, self._context.zone
        now = services.clock.now()
        problems = services.health_view.problems()
        said = "all is well" if not problems else plural(len(problems), "problem")
        at = f"{said}, {clock(now, zone)} {now.astimezone(zone):%Z}"
        self._bar.show(header_text("Health", h("span.a-f12.a-t3.a-wide", at)))
        return join(
            numbers_of_the_hour(self._hour, len(problems)),
            problem_list(problems, self._trial, self._took_over, now, zone, manage=self._manage)
            if problems
            else all_well(self._hour.last_failure, now, zone),
            failover_table(self._hour),
            providers_day(services.providers.list()),
        )

    def _trial(self, problem: Problem) -> TrialPlan | None:
        if problem.kind not in ("deployment", "key") or problem.provider_id is None:
            return None
        try:
            return self._services.trials.plan(problem.provider_id, problem.model)
        except AnyGPTError:
            return None

    def _took_over(self, problem: Problem) -> Sequence[Failover]:
        if problem.kind not in ("deployment", "key", "provider"):
            return ()
        return [
            each
            for each in self._hour.failovers
            if each.from_id == problem.provider_id and problem.model in (None, each.from_model)
        ]

    async def _try(self, value: str) -> None:
        provider_id, model = value.split("\n", 1)
        result = await self._services.trials.run(self._context.person, provider_id, model)
        tell_result(result.sentence, ok=result.ok)
        await self._refresh()

    async def _try_key(self, value: str) -> None:
        provider_id, credential_id = value.split("\n", 1)
        person = self._context.person
        result = await self._services.trials.run(person, provider_id, credential_id=credential_id or None)
        tell_result(result.sentence, ok=result.ok)
        await self._refresh()

    async def _probe(self, provider_id: str) -> None:
        name = self._services.providers.get(provider_id).name
        result = await self._services.providers.test(provider_id)
        tell_result(f"{name}: {result.sentence}", ok=result.ok)
        await self._refresh()

    async def _probe_all(self) -> None:
        self._context.notify(await self._services.jobs.run_now("probe_health"))
        await self._refresh()

    async def _run(self, job: str) -> None:
        self._context.notify(await self._services.jobs.run_now(job))
        await self._refresh()

    async def _confirm(self, change_id: str) -> None:
        change = await self._services.prices.confirm(self._context.person, change_id)
        self._context.notify(f"{change.model}: the new price is in force")
        await self._refresh()

    async def _reject(self, change_id: str) -> None:
        change = await self._services.prices.reject(self._context.person, change_id)
        self._context.notify(f"{change.model}: the old price stays")
        await self._refresh()
