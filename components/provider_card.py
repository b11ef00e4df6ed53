"""A provider as a card: accent, state, availability, numbers, what can be done."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.core.money import show_usd
from app.services.views import ProviderView
from components.badges import STATE_DOTS, badge, dot, tag
from components.charts import sparkline, uptime_bars
from components.format import availability, duration, exact, plural, share
from components.markup import Child, Html, button, h, menu, menu_item
from components.provider_status import BREAKERS, keys_ready


def provider_card(provider: ProviderView, *, manage: bool) -> Html:
    return h(
        "article.a-card.a-provider",
        h("i.a-bar"),
        _head(provider, manage),
        h(
            "div.a-row.a-f12.a-provider-state",
            dot(STATE_DOTS.get(provider.state, "")),
            h(
                "span.a-mid.a-cut",
                provider.status_text,
                title=f"{provider.status_text} Checked {exact(provider.checked_at)}"
                if provider.checked_at
                else provider.status_text,
            ),
            h("span.a-grow"),
            h("span.a-t3.a-nowrap", "24 h") if provider.availability_24h is not None else None,
            h("span.a-mid", availability(provider.availability_24h)) if provider.availability_24h is not None else None,
        ),
        uptime_bars(provider.uptime or (0,) * 90, f"Availability of {provider.name}"),
        h(
            "div.a-provider-numbers",
            _number("First token p50", duration(provider.first_token_p50_ms), _run(provider)),
            _number("Answered", _answered(provider)),
            _number("Spend today", show_usd(provider.spend_today)),
        ),
        _foot(provider, manage),
        data_provider=provider.accent,
        data_key=provider.id,
        aria_label=provider.name,
        class_="" if provider.enabled else "is-off",
    )


def host(base_url: str) -> str:
    """`api.openai.com` of an address; a long one is cut in the middle of nothing, at its domain."""
    parts = urlsplit(base_url)
    name = parts.hostname or base_url
    return f"{name}:{parts.port}" if parts.port else name


def models_on(provider: ProviderView) -> str:
    if not provider.models:
        return "No models"
    on = sum(model.enabled for model in provider.models)
    return f"{on} of {plural(len(provider.models), 'model')}"


def _head(provider: ProviderView, manage: bool) -> Html:
    where = f"{provider.kind_label} · {host(provider.base_url)}" if provider.base_url else provider.kind_label
    return h(
        "div.a-row.a-provider-head",
        badge(provider.monogram, provider.accent, "is-lg"),
        h(
            "div.a-col.a-grow",
            h("h2.a-strong.a-cut.a-f14", provider.name, title=provider.name),
            h("span.a-f12.a-t3.a-cut", where, title=provider.base_url or provider.kind_label),
        ),
        [
            menu(
                f"More for {provider.name}",
                None,
                menu_item("Edit", icon_name="edit", data_act="edit", data_value=provider.id),
                menu_item("Models", icon_name="cube", data_act="models", data_value=provider.id),
                menu_item("Status, keys, try it", icon_name="eye", data_act="status", data_value=provider.id),
                menu_item("Test connection", icon_name="pulse", data_act="test", data_value=provider.id),
                menu_item("Ask for models again", icon_name="redo", data_act="refresh", data_value=provider.id),
                menu_item("Requests in the log", icon_name="list", href=f"/logs?provider={provider.name}"),
                menu_item("Delete", icon_name="trash", danger=True, data_act="delete", data_value=provider.id)
                if provider.kind != "demo"
                else Html(),
            ),
            h(
                "button.a-switch",
                class_="on" if provider.enabled else "",
                type="button",
                role="switch",
                aria_checked=str(provider.enabled).lower(),
                aria_label=f"Enable {provider.name}",
                data_act="toggle",
                data_value=provider.id,
            ),
        ]
        if manage
        else tag("On" if provider.enabled else "Off", "ok" if provider.enabled else ""),
    )


def _number(label: str, value: str, beside: Child = None) -> Html:
    return h(
        "div.a-col",
        h("span.a-f11.a-t3", label),
        h("span.a-row.a-provider-number", h("span.a-strong.a-f14.a-nowrap", value), beside),
    )


def _run(provider: ProviderView) -> Html | None:
    run = provider.first_token_run
    return h("span.a-provider-run", sparkline(run), aria_hidden="true") if len(run) > 1 else None


def _answered(provider: ProviderView) -> str:
    if provider.answered_24h is None:
        return "n/a"
    if provider.requests_24h < 20:
        return f"{round(provider.answered_24h * provider.requests_24h)} of {provider.requests_24h}"
    return share(provider.answered_24h)


def _foot(provider: ProviderView, manage: bool) -> Html:
    none = "No key yet" if provider.key_needed else "No key needed"
    return h(
        "div.a-row.a-f12.a-t2.a-provider-foot",
        h(
            "span.a-nowrap",
            keys_ready(provider) if provider.keys else none,
            title=", ".join(provider.key_hints) or None,
        ),
        h("button.a-link.a-nowrap", models_on(provider), type="button", data_act="models", data_value=provider.id)
        if manage
        else h("span.a-nowrap", models_on(provider)),
        h("span.a-grow"),
        _breaker(provider, manage),
    )


def _breaker(provider: ProviderView, manage: bool) -> Child:
    if not provider.enabled:
        return h("span.a-t3.a-nowrap", "Not probed")
    known = BREAKERS.get(provider.breaker)
    troubled = known is not None or provider.state in ("failing", "throttled")
    return [
        tag(*known) if known is not None else h("span.a-t3.a-nowrap", "Breaker closed") if not troubled else None,
        _button("Why" if troubled else "Status", "status", provider, f"Status of {provider.name}"),
        _button("Try now", "test", provider, f"Test the connection of {provider.name}; it costs nothing")
        if manage and provider.state == "failing"
        else None,
    ]


def _button(words: str, act: str, provider: ProviderView, label: str) -> Html:
    return button(
        words, class_="is-sm quiet", data_act=act, data_value=provider.id, aria_label=f"{words}: {label}", title=label
    )
