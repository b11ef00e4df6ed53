"""Choosing a model: every usable one with its provider, price and context, in the palette."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from app.services.views import ModelView
from components.format import window
from components.palette import Choice, Palette
from components.prices import price_line


def choose_model(
    palette: Palette,
    models: Sequence[ModelView],
    current: str,
    chosen: Callable[[str], Awaitable[object] | object],
    *,
    placeholder: str = "Choose a model",
) -> None:
    palette.choose(
        [
            Choice(
                model.provider,
                model.alias,
                value=model.alias,
                sub=describe(model),
                monogram=model.monogram,
                accent=model.accent,
                on=model.alias == current,
            )
            for model in models
        ],
        chosen,
        placeholder=placeholder,
        empty="Models come from providers; what an admin switched off does not stand here.",
    )


def describe(model: ModelView) -> str:
    """`$0.30 in, $2.50 out, 1M context, vision, tools`"""
    parts = ["demo, answers without a provider" if model.demo else price_line(model.price)]
    if model.context_window:
        parts.append(f"{window(model.context_window)} context")
    parts += [name for name in ("vision", "reasoning", "tools") if name in model.capabilities]
    return ", ".join(parts)


def pick_default(models: Sequence[ModelView], *wanted: str | None) -> str:
    """The first wanted model that can be used, else the first usable one, else nothing."""
    usable = {model.alias for model in models}
    for alias in wanted:
        if alias and alias in usable:
            return alias
    return models[0].alias if models else ""
