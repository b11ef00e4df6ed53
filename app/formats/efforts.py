"""A wish for reasoning in OpenAI's words: levels of effort, which its chat format and Responses share."""

from __future__ import annotations

from app.core.chat import ReasoningWish

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def effort_of(wish: ReasoningWish) -> str | None:
    """None where the model decides by itself."""
    if wish.effort:
        effort = "xhigh" if wish.effort == "max" else wish.effort
        return effort if effort in _EFFORTS else "medium"
    return None if wish.budget is None or wish.budget < 0 else effort_of_budget(wish.budget)


def effort_of_budget(budget: int) -> str:
    if budget == 0:
        return "none"
    return "low" if budget <= 4096 else "medium" if budget <= 16384 else "high"


def effort_notes(wish: ReasoningWish, said: str | None, format_name: str) -> list[str]:
    """What is said otherwise than it was asked."""
    if wish.effort and said != wish.effort:
        return [f"reasoning effort: {wish.effort} said as {said}; {format_name} has no finer word for it."]
    if wish.budget is not None and wish.budget > 0:
        return [f"reasoning budget: {wish.budget} tokens said as effort {said}; {format_name} has no budgets."]
    return []
