"""Small signs that mean something: a provider's monogram, a status, a share of a budget."""

from __future__ import annotations

from components.markup import Child, Html, h

STATE_DOTS = {
    "healthy": "ok",
    "throttled": "wa",
    "failing": "er",
    "no_key": "wa",
    "no_models": "wa",
    "untested": "",
    "off": "",
}
NEEDS_A_LOOK = frozenset({"failing", "throttled", "no_key", "no_models"})


def badge(monogram: str, accent: str, size: str = "") -> Html:
    """A provider's monogram in its accent; the name always stands beside it."""
    return h("span.a-pv", monogram, class_=size, data_provider=accent or "custom", aria_hidden="true")


def dot(kind: str = "") -> Html:
    return h("i.a-dot", class_=kind)


def tag(text: Child, kind: str = "", **attributes: str) -> Html:
    return h("span.a-tag", text, class_=kind, **attributes)


def meter(part: float, label: str) -> Html:
    """A bar for a share of something, with the share in words for those who do not see it."""
    percent = min(max(part, 0.0), 1.0) * 100
    kind = "er" if part >= 1 else "wa" if part >= 0.8 else ""
    return h(
        "div.a-meter",
        h("i", style=f"width:{percent:.1f}%"),
        class_=kind,
        role="img",
        aria_label=f"{label}: {percent:.0f}%",
    )


def note(kind: str, picture: Html, *content: Child) -> Html:
    return h("div.a-note", picture, content, class_=kind, role="alert" if kind == "er" else "status")
