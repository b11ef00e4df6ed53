"""Fields of a key: each refusal names the field and what it accepts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.errors import BadRequest
from app.services.key_fields import check_budgets, check_limits, moment, network, non_empty, one_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("limits", "field", "accepts"),
    [
        ({"rpx": 1}, "limits.rpx", "rps, rpm, rpd, tpm, concurrent"),
        ({"rpm": 0}, "limits.rpm", "a whole number, 1 or more"),
        ({"tpm": -5}, "limits.tpm", "a whole number, 1 or more"),
        ({"rps": 1.5}, "limits.rps", "a whole number"),
        ({"rps": True}, "limits.rps", "a whole number"),
        ({"concurrent": "3"}, "limits.concurrent", "a whole number"),
        ({"rpd": 1_000_000_001}, "limits.rpd", "a whole number"),
    ],
)
def test_a_wrong_limit_is_refused_by_name(limits: dict[str, Any], field: str, accepts: str) -> None:
    with pytest.raises(BadRequest, match=accepts) as refused:
        check_limits(limits)
    assert refused.value.field == field


def test_right_limits_are_taken_as_they_are() -> None:
    assert check_limits({"rps": 1, "rpm": 2, "rpd": 3, "tpm": 4, "concurrent": 5})["concurrent"] == 5


@pytest.mark.parametrize(
    ("budget", "field", "accepts"),
    [
        ({"usd": "5"}, "budgets[1]", 'usd = "5.00", window = "day"'),
        ({"usd": "5", "window": "day", "more": "x"}, "budgets[1]", 'window = "day"'),
        ({"usd": "five", "window": "day"}, "budgets[1].usd", "decimal string"),
        ({"usd": "0", "window": "day"}, "budgets[1].usd", "more than 0"),
        ({"usd": "-1", "window": "day"}, "budgets[1].usd", "between 0 and"),
        ({"usd": "NaN", "window": "day"}, "budgets[1].usd", "between 0 and"),
        ({"usd": "1", "window": "year"}, "budgets[1].window", "hour, day, week, month, total"),
    ],
)
def test_a_wrong_budget_is_refused_by_its_place(budget: dict[str, str], field: str, accepts: str) -> None:
    with pytest.raises(BadRequest, match=accepts) as refused:
        check_budgets([{"usd": "1", "window": "day"}, budget])
    assert refused.value.field == field


def test_budgets_are_kept_in_nano_dollars() -> None:
    assert check_budgets([{"usd": "0.000000001", "window": "total"}]) == [{"usd": 1, "window": "total"}]


@pytest.mark.parametrize("values", [[], [" "], ["", "  "]])
def test_an_empty_list_of_models_is_refused(values: list[str]) -> None:
    with pytest.raises(BadRequest, match=r'models: name at least one, or "\*" for all'):
        non_empty(values, "models")
    assert non_empty([" gpt-* ", ""], "models") == ["gpt-*"]


def test_a_word_that_is_not_one_of_them_is_refused() -> None:
    with pytest.raises(BadRequest, match=r'on_budget: "wait" is not one of refuse, cheapest\.') as refused:
        one_of("wait", "on_budget", ("refuse", "cheapest"))
    assert refused.value.field == "on_budget"


def test_addresses_and_networks_are_written_one_way() -> None:
    assert network(" 10.1.2.3/8 ") == "10.0.0.0/8"
    assert network("127.0.0.1") == "127.0.0.1/32"
    assert network("2001:db8::1/32") == "2001:db8::/32"


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/33", "10.0.0"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"not an address or network such as 10\.0\.0\.0/8") as refused:
        network(text)
    assert refused.value.field == "allowed_ips"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-01", datetime(2026, 12, 31, 23, 0, tzinfo=UTC)),
        ("2027-01-01T12:00:00", datetime(2027, 1, 1, 11, 0, tzinfo=UTC)),
        ("2027-01-01T12:00:00Z", datetime(2027, 1, 1, 12, 0, tzinfo=UTC)),
        ("2027-01-01T12:00:00+05:30", datetime(2027, 1, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_its_first_moment_in_the_team_zone(text: str, expected: datetime) -> None:
    assert moment(text, BERLIN) == expected


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_date_a_key_never_expires(text: str | None) -> None:
    assert moment(text, BERLIN) is None


@pytest.mark.parametrize(
    "text", ["tomorrow", "2027-02-30", "01.01.2027", "0001-01-01", "9999-12-31T23:59:59-12:00", "1-1-1-1-1-"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="not a date such as 2027-01-01") as refused:
        moment(text, BERLIN)
    assert refused.value.field == "expires"
