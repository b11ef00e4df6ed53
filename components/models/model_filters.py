"""The filters above the model browser, as chips with menus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.core.money import NANO
from app.services.model_browser import ModelFilter
from components.format import count
from components.list_tools import search_field
from components.markup import Child, Html, h, icon, join, menu_item

CAPABILITIES = {
    "vision": "Vision",
    "tools": "Tools",
    "reasoning": "Reasoning",
    "json": "JSON",
    "files": "Files",
    "audio_in": "Audio in",
    "audio_out": "Audio out",
    "image_out": "Pictures out",
    "embeddings": "Embeddings",
}
PRICES = {"": "Any price", "0.5": "$0.50", "1": "$1", "3": "$3", "10": "$10", "30": "$30"}
CONTEXTS = {"": "Any size", "32000": "32k", "128000": "128k", "200000": "200k", "1000000": "1M"}


@dataclass
class ModelFilters:
    """What is chosen, as the page's address may say it too."""

    text: str = ""
    provider: str = ""
    capabilities: tuple[str, ...] = ()
    price: str = ""
    context: str = ""
    free: bool = False
    usable: bool = False
    unpriced: bool = False

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> ModelFilters:
        chosen = tuple(word for word in query.get("can", "").split(",") if word in CAPABILITIES)
        return cls(
            text=query.get("text", "")[:200],
            provider=query.get("provider", "")[:200],
            capabilities=chosen,
            price=query.get("price", "") if query.get("price") in PRICES else "",
            context=query.get("context", "") if query.get("context") in CONTEXTS else "",
            free="free" in query,
            usable="usable" in query,
            unpriced="unpriced" in query,
        )

    @property
    def active(self) -> bool:
        return self != ModelFilters()

    def toggle_capability(self, word: str) -> None:
        if word in self.capabilities:
            self.capabilities = tuple(each for each in self.capabilities if each != word)
        elif word in CAPABILITIES:
            self.capabilities = (*self.capabilities, word)

    def wanted(self) -> ModelFilter:
        return ModelFilter(
            text=self.text,
            provider=self.provider,
            capabilities=self.capabilities,
            price_up_to=round(float(self.price) * NANO) if self.price in PRICES and self.price else None,
            context_at_least=int(self.context) if self.context in CONTEXTS and self.context else None,
            free=self.free,
            usable=self.usable,
            unpriced=self.unpriced,
        )


def filter_row(filters: ModelFilters, providers: Iterable[str], shown: int, total: int) -> Html:
    words = " or ".join(CAPABILITIES[word].lower() for word in filters.capabilities)
    return h(
        "div.a-row.a-wrap.a-tools.a-model-tools",
        search_field(f"Search {count(total)} models", filters.text, name="text"),
        _switch("usable", "Usable now", filters.usable),
        _menu(
            "can",
            join("Capability ", h("b.a-cut", words)) if words else "Capability",
            {"": "Any capability", **CAPABILITIES},
            set(filters.capabilities) or {""},
        ),
        _menu("provider", filters.provider or "Provider", _named(providers), {filters.provider}),
        _menu("price", f"Up to {PRICES[filters.price]}" if filters.price else "Price up to", PRICES, {filters.price}),
        _menu(
            "context",
            f"At least {CONTEXTS[filters.context]}" if filters.context else "Context at least",
            CONTEXTS,
            {filters.context},
        ),
        _switch("free", "Free", filters.free),
        _switch("unpriced", "Price unknown", filters.unpriced),
        h("button.a-btn.is-sm.quiet", "Clear filters", type="button", data_act="clear") if filters.active else None,
        h("span.a-grow"),
        h("span.a-f12.a-t3.a-nowrap", f"{count(shown)} of {count(total)}", role="status"),
    )


def _named(names: Iterable[str]) -> dict[str, str]:
    return {"": "Any provider"} | {name: name for name in names}


def _switch(name: str, label: str, on: bool) -> Html:
    return h(
        "button.a-chip.pick",
        label,
        class_="on" if on else "",
        type="button",
        aria_pressed=str(on).lower(),
        data_act=name,
        data_key=name,
    )


def _menu(name: str, label: Child, options: Mapping[str, str], chosen: set[str]) -> Html:
    on = bool(chosen - {""})
    return h(
        "span.a-menu-wrap",
        h(
            "button.a-chip.pick",
            h("span.a-cut", label),
            icon("chev", size=12),
            class_="on" if on else "",
            type="button",
            data_menu=True,
            aria_haspopup="menu",
            aria_expanded="false",
        ),
        h(
            "div.a-menu-pop",
            join(
                menu_item(words, checked=value in chosen, data_act=name, data_value=value)
                for value, words in options.items()
            ),
            popover="auto",
            role="menu",
            aria_label=name.capitalize(),
        ),
        data_key=name,
    )
