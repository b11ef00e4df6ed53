"""Conditions in words: every one that routing knows, and exceptions that hold together."""

from __future__ import annotations

import msgspec
import pytest

from app.routing.conditions import Conditions
from components.routers.condition_words import FIELDS, chips, sentence


def test_every_condition_of_routing_can_be_chosen() -> None:
    assert set(FIELDS) == set(Conditions.__struct_fields__)


@pytest.mark.parametrize(
    ("when", "shown"),
    [
        ({"capabilities": ["vision", "audio_in"]}, [("needs", "vision, audio in")]),
        ({"min_input_tokens": 120_000}, [("input", "from 120k")]),
        ({"max_input_tokens": 8000}, [("input", "up to 8k")]),
        ({"min_input_tokens": 1000, "max_input_tokens": 8000}, [("input", "1k to 8k")]),
        ({"min_input_tokens": 0}, [("input", "from 0")]),
        ({"weekdays": ["mon", "fri"], "hours": "08-20"}, [("hours", "08-20"), ("days", "Mon, Fri")]),
        ({"budget_left_below": 0.2}, [("budget left", "below 20%")]),
        ({"stream": False}, [("stream", "no")]),
        ({"keys": ["a", "b", "c", "d"]}, [("key", "a, b and 2 more")]),
    ],
)
def test_a_condition_reads_as_a_person_would_say_it(when: dict[str, object], shown: list[tuple[str, str]]) -> None:
    msgspec.convert(when, Conditions)
    assert list(chips({"when": when})) == shown


def test_one_exception_is_a_not_and_several_hold_together() -> None:
    assert sentence({"unless": {"tags": ["batch"]}}) == "not tag batch"
    assert sentence({"unless": {"stream": True}}) == "stream no"
    assert sentence({"unless": {"tags": ["batch"], "keys": ["ci"]}}) == "unless key ci, and tag batch"


def test_a_rule_without_conditions_always_holds() -> None:
    assert sentence({"when": {"models": []}}) == "always"
