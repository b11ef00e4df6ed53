"""What a place shows instead of content: empty, nothing matches, loading, failed, not allowed, not found."""

from __future__ import annotations

from components.markup import Child, Html, h, icon


def state(picture: str, title: str, text: Child, *actions: Html) -> Html:
    """The common shape: a picture, what is missing, what it gives, one button."""
    return h(
        "div.a-state-place",
        h(
            "div.a-state",
            h("div.pic", icon(picture)),
            h("h2.a-strong.a-f14", title),
            h("p", text),
            h("div.acts", actions) if actions else None,
        ),
    )


def not_allowed(page_title: str) -> Html:
    return state(
        "lock",
        f"{page_title} is not open to your role",
        "An admin can give you a role that may see this page.",
        h("a.a-btn", "Go to home", href="/"),
    )


def not_found(path: str) -> Html:
    return state(
        "search",
        "There is no such page",
        h("span", "Nothing lives at ", h("span.a-mono", path), ". The menu shows what there is."),
        h("a.a-btn", "Go to home", href="/"),
    )


def failed(title: str, sentence: str) -> Html:
    """An error that may be gone on the next try; the page's own address is the retry."""
    return state(
        "warn",
        title,
        sentence,
        h("button.a-btn", icon("redo"), "Try again", type="button", data_act="retry"),
    )


def skeleton(rows: int = 6) -> Html:
    """Grey rows in the shape of a list, shown when something takes longer than a moment."""
    widths = (34, 27, 41, 30, 22, 37)
    return h(
        "div.a-card.a-skeletons",
        [
            h(
                "div.a-row.a-skel-row",
                h("div.a-skel", style="width:20px;height:20px"),
                h("div.a-skel", style=f"width:{widths[row % len(widths)]}%"),
                h("span.a-grow"),
                h("div.a-skel", style="width:48px"),
                h("div.a-skel", style="width:36px"),
            )
            for row in range(rows)
        ],
        aria_busy="true",
        aria_label="Loading",
    )
