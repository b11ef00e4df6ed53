"""What a request is expected to take: output tokens, and what they cost at each candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.chat import Usage
from app.core.price import MILLION, Price
from app.routing.numbers import Numbers
from app.routing.question import Question
from app.routing.strategies.base import Candidate

TYPICAL_OUTPUT = 500
"""Tokens of an answer where the request says no maximum and no answer was seen yet."""


def expected_output(candidates: Sequence[Candidate], question: Question, numbers: Mapping[str, Numbers]) -> float:
    """Tokens: the request's own maximum, else the mean that the candidates have seen. The same for all of them, so that
    nobody is dear because of what others asked of it; what is not a chat has no output to speak of."""
    if question.asks != "chat":
        return 0.0
    if question.max_tokens is not None:
        return question.max_tokens
    total = 0.0
    seen = 0
    for candidate in candidates:
        known = numbers.get(candidate.deployment.id)
        if known is not None and (mean := known.output.mean) is not None:
            total += mean
            seen += 1
    return total / seen if seen else TYPICAL_OUTPUT


def expected_costs(candidates: Sequence[Candidate], question: Question, output: float) -> list[float | None]:
    """Nano-dollars for each candidate, with its own limit of output and the prices for a prompt of this size. None
    where the price is unknown."""
    size = question.input_tokens
    plain = question.asks == "chat"
    costs: list[float | None] = []
    for candidate in candidates:
        deployment = candidate.deployment
        price = deployment.price
        if price is None:
            costs.append(None)
            continue
        most = deployment.max_output_tokens
        tokens = output if most is None or output < most else most
        if price.tiers or price.image or price.minute or not plain:
            costs.append(_unusual(price, question.asks, size, tokens))
        else:
            costs.append((size * price.input + tokens * price.output) / MILLION + price.request)
    return costs


def _unusual(price: Price, asks: str, size: int, output: float) -> float | None:
    """Prices that depend on the size of the prompt, or that are by the piece: for one picture, or a minute of sound."""
    if price.image or price.minute or asks != "chat":
        pieces = Usage(
            input=size,
            output=int(output),
            images=1 if asks == "images" else 0,
            seconds=60 if asks == "transcriptions" else 0,
        )
        return price.cost(pieces)
    read, written = price.input, price.output
    read_from = written_from = -1
    for tier in price.tiers:
        if tier.above < size:
            if tier.input is not None and tier.above > read_from:
                read, read_from = tier.input, tier.above
            if tier.output is not None and tier.above > written_from:
                written, written_from = tier.output, tier.above
    return (size * read + output * written) / MILLION + price.request
