"""The comparison of a replay: draft beside live, on one scale, with ranges and what cannot be judged."""

from __future__ import annotations

import re

from components.routers.replay_panel import comparison

LIVE = {
    "cost_usd": "4.00",
    "cost_range": ["3.00", "5.00"],
    "p50_ms": 800,
    "p95_ms": 4000,
    "failure_rate": 0.02,
    "share": {"a": 30, "b": 10},
}
DRAFT = {**LIVE, "cost_usd": "2.00", "cost_range": ["1.00", "2.50"], "p50_ms": None, "share": {"b": 40}}


def test_both_versions_stand_on_one_scale() -> None:
    made = comparison({"requests": 40, "unjudged": 3, "live": LIVE, "draft": DRAFT}, "The draft costs half.")
    cost = made[made.index(">Cost<") : made.index(">Failed<")]
    assert re.findall(r'<rect width="([\d.]+)"', cost) == ["160.0", "80.0"]  # of 200, which are the upper end: $5.00
    assert "$4.00" in cost
    assert "$2.00" in cost
    assert "draft: $1.00 to $2.50" in cost


def test_what_is_not_known_is_said_to_be_so() -> None:
    made = comparison({"requests": 40, "unjudged": 1, "live": LIVE, "draft": {**DRAFT, "unpriced": 2}}, "")
    assert "unknown" in made[made.index(">p50<") : made.index(">p95<")]
    assert "2 requests of the draft would go to a model of unknown price" in made


def test_where_nothing_can_be_judged_no_number_is_shown() -> None:
    made = comparison({"requests": 4, "unjudged": 4, "live": LIVE, "draft": DRAFT}, "None could be judged.")
    assert "None could be judged." in made
    assert "a-measure" not in made


def test_shares_are_of_each_version_alone() -> None:
    made = comparison({"requests": 40, "unjudged": 0, "live": LIVE, "draft": DRAFT}, "")
    shares = made[made.index("Providers, live") :]
    assert re.findall(r"(\d+(?:\.\d)?%)", shares) == ["75.0%", "25.0%", "100%"]
