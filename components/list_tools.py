"""What stands above a list: a search field, and a choice of parts with how many each holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.markup import Html, h, icon


def list_tools(
    search: str, text: str, parts: Mapping[str, str], chosen: str, act: str, count: Callable[[str], int]
) -> Html:
    """`search` is the field's label; a part that is clicked comes as `act` with its name."""
    return h("div.a-row.a-wrap.a-tools", search_field(search, text), _parts(parts, chosen, act, count))


def search_field(
    label: str, text: str, *, placeholder: str = "", name: str = "search", class_: str = "a-search"
) -> Html:
    """What is typed comes as the input `name`."""
    return h(
        "div.a-input.is-sm",
        icon("search", class_="a-t3"),
        h(
            "input",
            type="search",
            value=text,
            placeholder=placeholder or label,
            aria_label=label,
            data_input=name,
            data_search=True,
        ),
        class_=class_,
    )


def _parts(parts: Mapping[str, str], chosen: str, act: str, count: Callable[[str], int]) -> Html:
    return h(
        "div.a-seg",
        [
            h(
                "button",
                f"{label} {count(name)}",
                type="button",
                class_="on" if name == chosen else "",
                aria_pressed=str(name == chosen).lower(),
                data_act=act,
                data_value=name,
            )
            for name, label in parts.items()
        ],
        role="group",
        aria_label="Show",
    )
