"""The tables of docs/formats.md are what the code does, and nothing vanishes that they do not name."""

from __future__ import annotations

import pytest

from tests.formats.features.answers import ANSWERS
from tests.formats.features.questions import QUESTIONS
from tests.formats.features.table import CLIENTS, PAGE, PROVIDERS, answer_cell, page, question_cell, question_in


def test_the_page_says_what_the_code_does() -> None:
    text = PAGE.read_text()
    assert page(text) == text, "docs/formats.md is out of date; run `python -m tests.formats.features`"


@pytest.mark.parametrize("feature", QUESTIONS)
def test_a_question_passes_or_is_named_or_refused(feature: str) -> None:
    for client in CLIENTS:
        for provider in PROVIDERS:
            question_cell(client, provider, feature)  # raises Lost


@pytest.mark.parametrize("feature", ANSWERS)
def test_an_answer_passes_or_is_explained_whole_and_streamed(feature: str) -> None:
    for client in CLIENTS:
        answer_cell(client, feature)  # raises Lost


def test_every_feature_can_be_asked_for_by_some_client() -> None:
    for feature in QUESTIONS:
        assert any(question_in(client, feature) is not None for client in CLIENTS), feature
