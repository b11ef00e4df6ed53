"""HTML made by the server: everything is escaped that is not HTML already."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

Child = "Html | str | int | None | Iterable[Child]"
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "rect", "line", "path", "use", "circle"})


class Html(str):
    """A string that is HTML already."""

    __slots__ = ()


def h(element: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """An element: `h("div.a-row.a-f12", "text", h("b", name), title=name)`.

    Classes follow the name behind dots. Plain strings are escaped. In attribute names a low line stands for a
    hyphen (`aria_label`), one at the end is dropped (`for_`); None and False leave an attribute out."""
    name, *classes = element.split(".")
    extra = attributes.pop("class_", None)
    if extra:
        classes.append(str(extra))
    parts = [f' class="{escape(" ".join(classes))}"'] if classes else []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        parts.append(f" {key}" if value is True else f' {key}="{escape(str(value))}"')
    if name in _VOID:
        return Html(f"<{name}{''.join(parts)}/>")
    return Html(f"<{name}{''.join(parts)}>{join(*children)}</{name}>")


def join(*children: Child) -> Html:
    """Children one after the other, without an element around them."""
    return Html("".join(_render(children)))


def _render(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            yield escape(child)
        elif isinstance(child, Iterable):
            yield from _render(child)
        else:
            yield escape(str(child))


def icon(name: str, *, size: int | None = None, class_: str = "") -> Html:
    """A symbol of icons.svg; decoration only, so the element around it carries the label."""
    return Html(
        f'<svg class="a-ico{" " + class_ if class_ else ""}" aria-hidden="true"'
        + (f' style="width:{size}px;height:{size}px"' if size else "")
        + f'><use href="/static/icons.svg#{escape(name)}"></use></svg>'
    )


def icon_button(name: str, label: str, *, class_: str = "quiet is-sm", **attributes: str | float | bool | None) -> Html:
    """A button that shows only an icon; its label is read aloud and shown as the tooltip."""
    return h("button.a-btn.icon", icon(name), class_=class_, type="button", aria_label=label, title=label, **attributes)


def button(text: str, *, icon_name: str = "", class_: str = "", **attributes: str | float | bool | None) -> Html:
    return h("button.a-btn", icon(icon_name) if icon_name else None, text, class_=class_, type="button", **attributes)


def menu(label: str, trigger: Html | None, *items: Html, trigger_class: str = "icon quiet is-sm") -> Html:
    """A button with a menu that opens beside it; opening, arrow keys and closing live in shell.js."""
    return h(
        "span.a-menu-wrap",
        h(
            "button.a-btn",
            trigger or icon("dots"),
            class_=trigger_class,
            type="button",
            data_menu=True,
            aria_haspopup="menu",
            aria_expanded="false",
            aria_label=label,
            title=label,
        ),
        h("div.a-menu-pop", items, popover="auto", role="menu", aria_label=label),
    )


def menu_item(
    text: str, *, icon_name: str = "", danger: bool = False, checked: bool | None = None, **attributes: str | None
) -> Html:
    """One line of a menu: an action (`data_act`, `data_value`) or, with `href`, a link."""
    element = "a.a-menu-item" if attributes.get("href") else "button.a-menu-item"
    return h(
        element,
        icon(icon_name) if icon_name else None,
        h("span.a-grow", text),
        icon("check", class_="a-menu-check") if checked else None,
        class_="danger" if danger else "",
        type=None if attributes.get("href") else "button",
        role="menuitem" if checked is None else "menuitemradio",
        aria_checked=None if checked is None else str(checked).lower(),
        tabindex="-1",
        **attributes,
    )
