"""What is picked for comparison, at the foot of the model browser."""

from __future__ import annotations

from collections.abc import Sequence

from app.services.model_browser import FoundModel
from components.badges import badge
from components.markup import Html, button, h, icon_button
from components.models.usage import ExampleUse

MOST = 4


def compare_bar(picked: Sequence[FoundModel], use: ExampleUse) -> Html:
    """Nothing where nothing is picked."""
    if not picked:
        return Html()
    return h(
        "div.a-row.a-compare-bar",
        h(
            "div.a-col.a-compare-head",
            h("span.a-strong.a-f13", f"Compare {len(picked)}"),
            h("span.a-f12.a-t3", "up to four"),
        ),
        [_one(found, use) for found in picked],
        button("Clear", class_="quiet", data_act="clear_picked"),
        button("Compare", class_="primary", data_act="compare"),
    )


def _one(found: FoundModel, use: ExampleUse) -> Html:
    entry = found.entry
    cost = use.cost(entry.price)
    return h(
        "div.a-row.a-grow.a-compare-one",
        badge(entry.monogram, entry.accent),
        h(
            "div.a-col.a-grow",
            h("span.a-f13.a-mid.a-cut", entry.alias, title=f"{entry.alias} at {entry.provider}"),
            h(
                "span.a-f12.a-t3.a-cut",
                f"{use.words}: ",
                h("b.a-mid", use.show(cost), class_="a-t1" if cost is not None else "a-wa"),
            ),
        ),
        icon_button("x", f"Remove {entry.alias}", data_act="pick", data_value=entry.id),
        data_key=entry.id,
    )
