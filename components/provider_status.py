"""Why a provider is as it is: its keys, its paused models, its last error, and ways to try it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

from nicegui import ui

from app.core.errors import AnyGPTError
from app.security.permissions import Permission
from app.services.trials import TrialPlan
from app.services.views import PausedModel, ProviderKey, ProviderView
from components.badges import STATE_DOTS, dot, tag
from components.charts import uptime_bars
from components.dialog import Dialog
from components.format import availability, duration, exact, past, plural, until
from components.fragment import Action, Fragment
from components.markup import Html, button, h, join
from components.notify import tell_result
from components.page import PageContext

BREAKERS = {"open": ("Open", "er"), "half_open": ("Half open", "wa")}


class ProviderStatus:
    """What is tried here counts as a request of the person who tries it; the cost stands beside the button."""

    def __init__(self, context: PageContext, provider_id: str, done: Callable[[], None]) -> None:
        """`done` is called after every try."""
        self._context, self._id, self._done = context, provider_id, done
        self._services = context.services
        self._manage = context.allows(Permission.MANAGE_GATEWAY)
        dialog = Dialog(f"Status of {self._view().name}", wide=True)
        with dialog.body:
            self._all = Fragment(self._markup(), **self._actions()).classes("a-status")
        with dialog.foot:
            ui.element("span").classes("a-grow")
            ui.button("Done", on_click=dialog.close).props("outline")
        dialog.open()

    def _actions(self) -> dict[str, Action]:
        if not self._manage:
            return {}
        return {"trial": self._trial, "key": self._key, "model": self._model, "probe": lambda _: self._probe()}

    def _view(self) -> ProviderView:
        return self._services.providers.get(self._id)

    def _markup(self) -> Html:
        try:
            plan: TrialPlan | None = self._services.trials.plan(self._id)
        except AnyGPTError:
            plan = None
        now, zone = self._services.clock.now(), self._context.zone
        return status(self._view(), plan, self._cost_of, now, zone, manage=self._manage)

    def _cost_of(self, model: str) -> str:
        return self._services.trials.plan(self._id, model).cost_words

    async def _trial(self, _: str) -> None:
        await self._run()

    async def _model(self, model: str) -> None:
        await self._run(model=model)

    async def _key(self, credential_id: str) -> None:
        await self._run(credential_id=credential_id)

    async def _run(self, model: str | None = None, credential_id: str | None = None) -> None:
        result = await self._services.trials.run(self._context.person, self._id, model, credential_id)
        await self._tell(result.sentence, ok=result.ok)

    async def _probe(self) -> None:
        result = await self._services.providers.test(self._id)
        await self._tell(result.sentence, ok=result.ok)

    async def _tell(self, sentence: str, *, ok: bool) -> None:
        tell_result(f"{self._view().name}: {sentence}", ok=ok)
        self._all.show(self._markup())
        self._done()


def status(
    provider: ProviderView,
    plan: TrialPlan | None,
    cost_of: Callable[[str], str],
    now: datetime,
    zone: tzinfo,
    *,
    manage: bool,
) -> Html:
    """`plan`: the small real call that would be made; `cost_of` what one to a model costs."""
    return join(
        h(
            "div.a-row",
            dot(STATE_DOTS.get(provider.state, "")),
            h("b.a-mid.a-f13", provider.status_text),
            h("span.a-grow"),
            h("span.a-f12.a-t3.a-nowrap", f"24 h {availability(provider.availability_24h)}"),
        ),
        uptime_bars(provider.uptime or (0,) * 90, f"Availability of {provider.name}"),
        h("h3.a-strong.a-f13", "Models that are paused") if provider.paused else None,
        [_paused(each, cost_of(each.model) if manage else "", now, zone, manage) for each in provider.paused],
        h("h3.a-strong.a-f13", "Keys"),
        [_key(each, manage and plan is not None) for each in provider.keys]
        if provider.keys
        else h("p.a-f13.a-t2", "No key yet." if provider.key_needed else "It answers without a key."),
        h("h3.a-strong.a-f13", "Try it") if manage else None,
        _try(provider, plan, now, zone) if manage else None,
    )


def _paused(model: PausedModel, cost: str, now: datetime, zone: tzinfo, manage: bool) -> Html:
    tried = f", tried next {until(model.retry_at, now)}" if model.retry_at else ""
    breaker = BREAKERS.get(model.state, (model.state, ""))
    trying = ", a call is trying it now" if model.trying else tried
    return h(
        "div.a-row.a-wrap.a-status-line",
        h(
            "div.a-col.a-grow",
            h(
                "span.a-row",
                h("span.a-f13.a-mid.a-cut", model.model),
                tag(*breaker),
            ),
            h(
                "span.a-f12.a-t2",
                f"{model.reason}, since {past(model.since, now, zone) if model.since else 'n/a'}{trying}",
                title=exact(model.since) if model.since else None,
            ),
        ),
        h("span.a-f12.a-t3", cost) if manage else None,
        button("Try now", class_="is-sm", data_act="model", data_value=model.model) if manage else None,
        data_key=f"model-{model.model}",
    )


def _key(key: ProviderKey, may_try: bool) -> Html:
    if key.missing:
        state = tag("missing", "wa", title=f"The variable {key.env} is not set for this server")
    elif key.reason:
        state = tag(f"{key.reason}, ready in {duration(key.ready_in_s * 1000)}", "wa")
    else:
        state = h("span.a-row.a-f12.a-t2", dot("ok"), "ready")
    return h(
        "div.a-row.a-wrap.a-status-line",
        h("span.a-mono.a-f12.a-grow.a-cut", key.hint, h("span.a-t3", f" from {key.env}") if key.env else None),
        state,
        button("Try", class_="is-sm quiet", data_act="key", data_value=key.id, aria_label=f"Try the key {key.hint}")
        if may_try and not key.missing
        else None,
        data_key=f"key-{key.id}",
    )


def _try(provider: ProviderView, plan: TrialPlan | None, now: datetime, zone: tzinfo) -> Html:
    real = None
    if plan is not None:
        real = h(
            "div.a-row.a-wrap.a-status-line",
            h(
                "div.a-col.a-grow",
                h("span.a-f13.a-mid", "A small real call"),
                h("span.a-f12.a-t2", f"One question to {plan.deployment.model}: {plan.cost_words}, counted as yours."),
            ),
            button("Ask", class_="is-sm", data_act="trial"),
        )
    checked = f"Checked {past(provider.checked_at, now, zone)}. " if provider.checked_at else ""
    return join(
        h(
            "div.a-row.a-wrap.a-status-line",
            h(
                "div.a-col.a-grow",
                h("span.a-f13.a-mid", "A connection test"),
                h("span.a-f12.a-t2", f"{checked}Every key is shown to the provider; it costs nothing."),
            ),
            button("Test", class_="is-sm", data_act="probe"),
        ),
        real,
    )


def keys_ready(provider: ProviderView) -> str:
    """`1 key`, `2 of 3 keys`"""
    total = len(provider.keys)
    ready = sum(not key.reason and not key.missing for key in provider.keys)
    return plural(total, "key") if ready == total else f"{ready} of {plural(total, 'key')}"
