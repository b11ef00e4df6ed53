"""Columns of the model browser: heads, cells, and what of them the CSV says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.core.money import format_usd
from app.core.price import Price
from app.services.model_browser import DOWN, NOT_SET_UP, OFF, THROTTLED, USABLE, FoundModel
from components.badges import badge, dot, tag
from components.format import duration, plural, window
from components.markup import Child, Html, h
from components.models.usage import ExampleUse
from components.prices import show_price

STATE_KINDS = {USABLE: "ok", THROTTLED: "wa", DOWN: "er", OFF: "", NOT_SET_UP: ""}
SHOWN_WORDS = ("vision", "tools", "reasoning", "audio_in", "audio_out", "image_out", "embeddings")
FREE = h("span.a-ok.a-mid", "free")
UNKNOWN = tag("unknown", "wa", title="The price of this model is not known")
NONE = h("span.a-t3", "n/a")


@dataclass(frozen=True, slots=True)
class Column:
    """`order`: as ModelBrowser knows it. `phone`: shown on a phone as well."""

    name: str
    head: str
    order: str
    cell: Callable[[FoundModel, ExampleUse], Child]
    text: Callable[[FoundModel, ExampleUse], str]
    number: bool = False
    phone: bool = False
    usual: bool = True


def _model(found: FoundModel, _: ExampleUse) -> Html:
    entry = found.entry
    return h(
        "div.a-row",
        badge(entry.monogram, entry.accent),
        h(
            "span.a-col.a-model-cell",
            h("span.a-cut.a-model-name", entry.alias, title=f"{entry.name} ({entry.model})"),
            h("span.a-slim.a-f11.a-t3.a-cut.a-model-name", f"{entry.provider}, {found.state}"),
        ),
    )


def _price(name: str) -> Callable[[FoundModel, ExampleUse], Child]:
    def cell(found: FoundModel, _: ExampleUse) -> Child:
        price = found.entry.price
        if price is None:
            return UNKNOWN
        value: int | None = getattr(price, name)
        if name not in ("input", "output") and value is None:
            return NONE
        return FREE if _is_free(price) else show_price(value or 0)

    return cell


def _price_text(name: str) -> Callable[[FoundModel, ExampleUse], str]:
    def text(found: FoundModel, _: ExampleUse) -> str:
        value = getattr(found.entry.price, name) if found.entry.price is not None else None
        return format_usd(value) if value is not None else ""

    return text


def _can(found: FoundModel, _: ExampleUse) -> Html:
    words = found.entry.capabilities
    if words is None:
        return h("span.a-t3", "unknown")
    shown = ", ".join(word.replace("_", " ") for word in SHOWN_WORDS if word in words)
    return h("span.a-f12.a-t2.a-cut.a-model-can", shown, title=", ".join(words))


def _score(found: FoundModel, _: ExampleUse) -> Child:
    value = found.measured.score
    if value is None:
        return NONE
    return h(
        "span.a-row.a-model-score",
        h("span.a-meter", h("i", style=f"width:{value * 100:.0f}%"), aria_hidden="true"),
        f"{value:.2f}",
    )


def _used(found: FoundModel, _: ExampleUse) -> Html | None:
    rules = found.entry.rules
    return h("span.a-t2", plural(len(rules), "rule"), title="\n".join(rules)) if rules else None


def _state(found: FoundModel, _: ExampleUse) -> Html:
    word = h("span.a-er", found.state) if found.state == DOWN else found.state
    if found.state in (NOT_SET_UP, OFF):
        word = h("span.a-t3", found.state)
    return h("span.a-row.a-model-state", dot(STATE_KINDS[found.state]), word)


def _cost(found: FoundModel, use: ExampleUse) -> Child:
    cost = use.cost(found.entry.price)
    return UNKNOWN if cost is None else FREE if cost == 0 else use.show(cost)


def _cost_text(found: FoundModel, use: ExampleUse) -> str:
    cost = use.cost(found.entry.price)
    return format_usd(cost) if cost is not None else ""


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("model", "Model", "model", _model, lambda f, _: f.entry.alias, phone=True),
        Column(
            "provider",
            "Provider",
            "provider",
            lambda f, _: h("span.a-t2.a-cut.a-model-provider", f.entry.provider, title=f.entry.provider),
            lambda f, _: f.entry.provider,
        ),
        Column(
            "context",
            "Context",
            "context",
            lambda f, _: window(f.entry.context_window) if f.entry.context_window else NONE,
            lambda f, _: str(f.entry.context_window or ""),
            number=True,
        ),
        Column("input", "Input", "input", _price("input"), _price_text("input"), number=True, phone=True),
        Column("output", "Output", "output", _price("output"), _price_text("output"), number=True, phone=True),
        Column("cached", "Cached", "cached", _price("cache_read"), _price_text("cache_read"), number=True, usual=False),
        Column(
            "cost",
            "Example",
            "",
            _cost,
            _cost_text,
            number=True,
            usual=False,
        ),
        Column("can", "Can", "", _can, lambda f, _: " ".join(f.entry.capabilities or ())),
        Column(
            "output_limit",
            "Longest answer",
            "output_limit",
            lambda f, _: window(f.entry.max_output_tokens) if f.entry.max_output_tokens else NONE,
            lambda f, _: str(f.entry.max_output_tokens or ""),
            number=True,
            usual=False,
        ),
        Column(
            "rate",
            "Tokens/s",
            "rate",
            lambda f, _: f"{f.measured.rate:,.0f}" if f.measured.rate is not None else NONE,
            lambda f, _: f"{f.measured.rate:.1f}" if f.measured.rate is not None else "",
            number=True,
        ),
        Column(
            "first_token",
            "First token",
            "first_token",
            lambda f, _: duration(f.measured.first_token_ms) if f.measured.first_token_ms is not None else NONE,
            lambda f, _: f"{f.measured.first_token_ms:.0f}" if f.measured.first_token_ms is not None else "",
            number=True,
        ),
        Column(
            "score",
            "Score",
            "score",
            _score,
            lambda f, _: f"{f.measured.score:.3f}" if f.measured.score is not None else "",
            number=True,
        ),
        Column("used", "Used in", "used", _used, lambda f, _: "; ".join(f.entry.rules)),
        Column(
            "released",
            "Released",
            "released",
            lambda f, _: f.entry.released or NONE,
            lambda f, _: f.entry.released or "",
            usual=False,
        ),
        Column("state", "State", "state", _state, lambda f, _: f.state),
    )
}
USUAL = tuple(name for name, column in COLUMNS.items() if column.usual)
FIXED = ("model",)


def chosen_columns(preference: object) -> tuple[str, ...]:
    """Those that a person picked, in the order of the page; the usual ones where they picked none."""
    picked = set(str(preference).split(",")) if preference else set(USUAL)
    return tuple(name for name in COLUMNS if name in picked or name in FIXED)


def csv_lines(found: Iterable[FoundModel], use: ExampleUse) -> list[list[str]]:
    """A head and a line for each model, all columns; prices in USD per million tokens."""
    head = ["id", *COLUMNS]
    return [
        head,
        *([_plain(each.entry.model), *(_plain(c.text(each, use)) for c in COLUMNS.values())] for each in found),
    ]


def _plain(text: str) -> str:
    """A program for tables takes what begins like this for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _is_free(price: Price) -> bool:
    return not (price.input or price.output)
