"""Log-in and set-up: plain HTML that needs no script; a flood costs little, and a strict CSP is possible."""

from __future__ import annotations

from components.markup import Html, h, icon
from components.menu import MARK
from components.static_files import PLAIN_SHEETS, address, sheet_links

MIN_PASSWORD = 8


def login_page(*, error: str | None, email: str = "", next: str = "/", signed_out: bool = False) -> str:
    """Posts `email`, `password`, `remember`, `next` to /auth/login."""
    return _document(
        "Log in",
        h(
            "form.a-card.p-form",
            h("h1", "Log in"),
            _note("er", "warn", error)
            if error
            else _note("ok", "check", "You are logged out.")
            if signed_out
            else None,
            _field(
                "E-mail", "email", type="email", value=email, autocomplete="username", autofocus=not (error and email)
            ),
            _password("Password", "current-password", bad=bool(error), autofocus=bool(error and email)),
            h("input", type="hidden", name="next", value=next),
            h(
                "label.p-check",
                h("input", type="checkbox", name="remember", value="on", checked=True),
                "Keep me logged in for 30 days",
            ),
            h("button.a-btn.primary.is-lg", "Log in", type="submit"),
            method="post",
            action="/auth/login",
        ),
        h("p.p-below", "No password yet, or lost it? Ask an admin for a link."),
    )


def setup_page(*, token: str, error: str | None, email: str = "", name: str = "") -> str:
    """Posts `token`, `email`, `name`, `password` to /setup."""
    return _document(
        "Set up",
        h(
            "form.a-card.p-form",
            h("h1", "Make the owner account"),
            h("p.p-lead", "The owner adds providers, people and keys. This link works once."),
            _note("er", "warn", error) if error else None,
            _field("Your name", "name", type="text", value=name, autocomplete="name", autofocus=not error),
            _field("E-mail", "email", type="email", value=email, autocomplete="username"),
            _password(
                "Password",
                "new-password",
                bad=bool(error and "password" in error.lower()),
                autofocus=bool(error),
                hint=f"At least {MIN_PASSWORD} characters. A sentence is easy to keep in mind.",
                minlength=MIN_PASSWORD,
            ),
            h("input", type="hidden", name="token", value=token),
            h("button.a-btn.primary.is-lg", "Make account and log in", type="submit"),
            method="post",
            action="/setup",
        ),
        h("p.p-below", "After it, a first chat works at once: the demo needs no provider and no key."),
    )


def dead_link_page() -> str:
    """For a set-up link that was used, or that a newer start replaced."""
    return _document(
        "Link used",
        h(
            "div.a-card.p-form",
            h("h1", "This link does not work any more"),
            h(
                "p.p-lead",
                "A set-up link works once, and until the server starts again. If the owner account exists, log in; "
                "if not, the server prints a new link when it starts.",
            ),
            h("a.a-btn.primary.is-lg", "Log in", href="/login"),
        ),
    )


def _document(title: str, *content: Html) -> str:
    return "<!doctype html>" + h(
        "html",
        h(
            "head",
            h("meta", charset="utf-8"),
            h("meta", name="viewport", content="width=device-width, initial-scale=1"),
            h("meta", name="color-scheme", content="light dark"),
            h("meta", name="referrer", content="same-origin"),
            h("title", f"{title} · AnyGPT"),
            h("link", rel="icon", href="/static/favicon.svg"),
            Html(sheet_links(PLAIN_SHEETS)),
            Html(f'<script src="{address("login.js")}" defer></script>'),
        ),
        h(
            "body",
            h(
                "main.p-main",
                h(
                    "div.p-column",
                    h(
                        "div.p-brand",
                        h("span.a-mark", MARK),
                        h(
                            "span.a-col",
                            h("span.a-strong", "AnyGPT"),
                            h("span.a-f13.a-t3", "Chat and gateway of your team"),
                        ),
                    ),
                    content,
                ),
            ),
            h("footer.p-foot", "Runs on this server, no one else’s"),
            data_density="comfortable",
        ),
        lang="en",
    )


def _field(label: str, name: str, *, autofocus: bool = False, **attributes: str) -> Html:
    return h(
        "div.a-field",
        h("label", label, for_=name),
        h("div.a-input", h("input", id=name, name=name, required=True, autofocus=autofocus, **attributes)),
    )


def _password(
    label: str, autocomplete: str, *, bad: bool, autofocus: bool, hint: str = "", minlength: int | None = None
) -> Html:
    return h(
        "div.a-field",
        h("label", label, for_="password"),
        h(
            "div.a-input",
            h(
                "input",
                id="password",
                name="password",
                type="password",
                required=True,
                autocomplete=autocomplete,
                autofocus=autofocus,
                minlength=minlength,
                aria_describedby="password-hint" if hint else None,
                aria_invalid="true" if bad else None,
            ),
            h(
                "button.a-btn.icon.quiet.is-sm",
                icon("eye"),
                type="button",
                aria_label="Show password",
                aria_pressed="false",
                data_show="password",
                hidden=True,
            ),
            class_="bad" if bad else "",
        ),
        h("span.a-f12.a-t3", hint, id="password-hint") if hint else None,
    )


def _note(kind: str, picture: str, text: str) -> Html:
    return h(f"div.a-note.{kind}", icon(picture), h("div", text), role="alert" if kind == "er" else "status")
