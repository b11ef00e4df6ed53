"""Every recorded exchange through every pair of formats: it passes, is approximated or is refused, and nothing else.

`python -m tests.formats.comparison` prints the table of it."""

from __future__ import annotations

import pytest

from app.formats.registry import CLIENT_FORMATS, FORMATS
from tests.formats.comparison import Outcome, chat_dialects, compare_answer, compare_question, relayed_alike
from tests.recordings import Recording, each, recordings


def exchanges() -> pytest.MarkDecorator:
    found = [item for dialect in chat_dialects() for item in recordings(dialect=dialect)]
    if not found:
        return each(dialect="none")
    return pytest.mark.parametrize("recorded", found, ids=[item.name for item in found])


@exchanges()
def test_an_answer_differs_in_no_format_but_by_a_rule(recorded: Recording) -> None:
    for client in CLIENT_FORMATS:
        outcome = compare_answer(recorded, client)
        assert outcome is None or not outcome.unexplained, f"{recorded.name} → {client}: {outcome.unexplained}"


@exchanges()
def test_a_question_loses_nothing_unnamed(recorded: Recording) -> None:
    for provider in FORMATS:
        outcome = compare_question(recorded, provider)
        assert outcome is None or not outcome.unexplained, f"{recorded.name} → {provider}: {outcome.unexplained}"


@exchanges()
def test_an_answer_in_the_clients_own_format_is_relayed_byte_for_byte(recorded: Recording) -> None:
    assert relayed_alike(recorded)


def test_an_outcome_has_one_word() -> None:
    assert Outcome().word == "passes"
    assert Outcome(notes=["seed: left out"]).word == "approximated"
    assert Outcome(notes=["seed: left out"], refused="n: cannot be said").word == "refused"
