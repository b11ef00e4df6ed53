"""Limits in words, and what a tier leaves of a key's own."""

from __future__ import annotations

from app.services.limits import NAMES
from components.limit_words import LABELS, in_force, limit_words, narrowed

FREE = {"rpm": 20, "tpm": 50_000, "concurrent": 2}


def test_every_limit_has_a_name() -> None:
    assert set(LABELS) == set(NAMES)


def test_limits_stand_in_one_order_with_their_units() -> None:
    assert limit_words({"concurrent": 2, "tpm": 1_500_000, "rpm": 1000}) == "1,000 rpm, 1.5M tpm, 2 at once"
    assert limit_words({}) == ""


def test_only_limits_wider_than_the_tiers_are_narrowed() -> None:
    assert narrowed({"rpm": 100, "tpm": 10_000, "rpd": 5}, FREE) == "20 of 100 rpm"
    assert narrowed({"rpm": 20}, FREE) == ""


def test_what_is_in_force_names_the_tier_and_what_it_adds() -> None:
    assert in_force({"rpm": 100}, FREE, "free") == "In force: 20 of 100 rpm, 50k tpm, 2 at once, by tier free."
    assert in_force({"rpm": 1, "tpm": 1, "concurrent": 1}, FREE, "free") == ""
    assert in_force({"rpm": 100}, {}, "") == ""
