"""The filters above the log."""

from datetime import UTC, datetime

import pytest

from components.log_filters import DEFAULT_SPAN, SPANS, STEPS, Filters, filter_row


def test_a_link_can_set_filters_and_nonsense_in_it_is_ignored() -> None:
    filters = Filters.of_query({"provider": "groq", "status": "failed", "span": "for ever"})
    assert (filters.provider, filters.status, filters.span) == ("groq", "failed", DEFAULT_SPAN)
    assert Filters.of_query({"status": "nonsense"}).status == "all"


def test_clearing_keeps_the_time_span() -> None:
    filters = Filters(span="7d", status="failed", key="ci", text="x")
    assert filters.number == 3
    filters.clear()
    assert (filters.number, filters.span) == (0, "7d")


def test_what_is_not_set_does_not_filter() -> None:
    wanted = Filters().wanted()
    assert wanted.since is not None
    assert (wanted.provider, wanted.key, wanted.text, wanted.status) == (None, None, None, "all")


@pytest.mark.parametrize("span", SPANS)
def test_a_filter_stays_the_same_for_a_while_so_that_what_was_read_for_it_serves_again(span: str) -> None:
    back = SPANS[span][1]
    now = datetime(2026, 11, 20, 12, 0, 1, tzinfo=UTC)
    seen = set()
    for part in range(960):
        moment = now + back * part / 960
        wanted = Filters(span=span).wanted(moment)
        assert wanted.since is not None
        assert wanted.until is not None
        assert back <= moment - wanted.since <= back * 1.011
        assert moment < wanted.until
        seen.add(wanted)
    assert len(seen) <= STEPS + 1


def test_a_name_from_outside_is_escaped_in_the_menu() -> None:
    assert "<img" not in filter_row(Filters(), ["<img>"], [], live=True)
