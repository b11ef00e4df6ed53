"""The filters above the log."""

from components.log_filters import DEFAULT_SPAN, Filters, filter_row


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


def test_a_name_from_outside_is_escaped_in_the_menu() -> None:
    assert "<img" not in filter_row(Filters(), ["<img>"], [], live=True)
