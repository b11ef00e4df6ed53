"""The table of the model browser: one page of lines, heads that sort."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from app.services.model_browser import FoundModel
from components.markup import Html, h, icon
from components.models.columns import COLUMNS
from components.models.usage import ExampleUse


def model_table(
    page: Sequence[FoundModel],
    columns: Sequence[str],
    picked: Collection[str],
    use: ExampleUse,
    order: str,
    descending: bool,
) -> Html:
    return h(
        "table.a-table.a-model-table",
        h(
            "thead",
            h(
                "tr",
                h("th.a-model-pick", h("span.a-sr", "Compare"), scope="col"),
                [_head(name, order, descending, use) for name in columns],
            ),
        ),
        h("tbody", [_line(found, columns, found.entry.id in picked, use) for found in page]),
    )


def _head(name: str, order: str, descending: bool, use: ExampleUse) -> Html:
    column = COLUMNS[name]
    sorted_by = bool(column.order) and column.order == order
    classes = " ".join(word for word, on in (("a-num", column.number), ("a-wide-cell", not column.phone)) if on)
    title = f"Cost of {use.words}" if name == "cost" else None
    if not column.order:
        return h("th", column.head, class_=classes, scope="col", title=title)
    arrow = h("span", "↓" if descending else "↑", aria_hidden="true") if sorted_by else None
    return h(
        "th",
        h("button.a-sort", column.head, " ", arrow, type="button", data_act="sort", data_value=column.order),
        class_=classes,
        scope="col",
        aria_sort=("descending" if descending else "ascending") if sorted_by else None,
    )


def _line(found: FoundModel, columns: Sequence[str], picked: bool, use: ExampleUse) -> Html:
    entry = found.entry
    return h(
        "tr",
        h(
            "td.a-model-pick",
            h(
                "button.a-check",
                icon("check", size=11) if picked else None,
                class_="on" if picked else "",
                type="button",
                role="checkbox",
                aria_checked=str(picked).lower(),
                aria_label=f"Compare {entry.alias} at {entry.provider}",
                data_act="pick",
                data_value=entry.id,
            ),
        ),
        [
            h(
                "td",
                COLUMNS[name].cell(found, use),
                class_=" ".join(
                    word
                    for word, on in (
                        ("a-num", COLUMNS[name].number),
                        ("a-wide-cell", not COLUMNS[name].phone),
                    )
                    if on
                ),
            )
            for name in columns
        ],
        class_="on" if picked else "",
        tabindex="0",
        data_row=True,
        data_act="open",
        data_value=entry.id,
        data_key=entry.id,
    )
