"""The contract of every strategy, and what each of them does."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.core.chat import Usage
from app.core.price import FREE, Price, PriceTier
from app.routing.numbers import Numbers
from app.routing.question import Question
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import LAST, Candidate, Strategy
from app.routing.strategies.expected import TYPICAL_OUTPUT, expected_costs, expected_output
from tests.routing.choices import candidate, firsts, order, priced, rank, seen, world
from tests.routing.samples import question

NAMES = [
    "priority",
    "weighted",
    "round_robin",
    "least_busy",
    "cheapest",
    "fastest",
    "score",
    "adaptive",
    "inverse_square",
]
EVERY = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=lambda strategy: strategy.name)


PRICES = some.one_of(
    some.none(),
    some.builds(Price, input=some.integers(0, 10**12), output=some.integers(0, 10**12)),
    some.builds(
        Price,
        input=some.integers(0, 10**10),
        output=some.integers(0, 10**10),
        tiers=some.tuples(some.builds(PriceTier, above=some.integers(0, 10**6), input=some.integers(0, 10**10))),
    ),
)
CANDIDATES = some.lists(
    some.tuples(some.integers(0, 9), some.one_of(some.just(0.0), some.floats(0.01, 10)), PRICES), max_size=8
).map(
    lambda rows: [
        candidate(f"p{number}", place, weight, price=price) for number, (place, weight, price) in enumerate(rows)
    ]
)
NUMBERS = some.builds(
    seen,
    calls=some.integers(0, 5),
    first=some.one_of(some.none(), some.floats(0, 100)),
    rate=some.floats(0.1, 10**5),
    output=some.integers(0, 10**5),
    fails=some.floats(0, 1),
    likes=some.integers(0, 3),
    dislikes=some.integers(0, 3),
    running=some.integers(0, 100),
)
KNOWN = some.dictionaries(some.sampled_from([f"p{number}" for number in range(8)]), NUMBERS, max_size=8)
QUESTIONS = some.builds(
    question,
    input_tokens=some.integers(0, 10**7),
    max_tokens=some.one_of(some.none(), some.integers(0, 10**6)),
    stream=some.booleans(),
    asks=some.sampled_from(["chat", "embeddings", "images", "transcriptions"]),
)


@EVERY
@given(candidates=CANDIDATES, known=KNOWN, ask=QUESTIONS, seed=some.integers(0, 9))
def test_a_rank_is_one_finite_number_for_each_candidate(
    strategy: Strategy, candidates: list[Candidate], known: dict[str, Numbers], ask: Question, seed: int
) -> None:
    before = list(candidates)
    for _ in range(3):
        given = world(seed, now=seed * 100.0, **known)
        numbers = strategy.rank(candidates, ask, given)
        assert len(numbers) == len(candidates)
        assert all(math.isfinite(number) and abs(number) <= LAST for number in numbers)
        assert all(isinstance(strategy.show(number), str) for number in numbers)
        assert set(given.turns) <= {each.deployment.id for each in candidates}
    assert candidates == before


@EVERY
@given(candidates=CANDIDATES, known=KNOWN, ask=QUESTIONS, seed=some.integers(0, 9))
def test_the_same_seed_gives_the_same_plans(
    strategy: Strategy, candidates: list[Candidate], known: dict[str, Numbers], ask: Question, seed: int
) -> None:
    one, other = world(seed, **known), world(seed, **known)
    for _ in range(5):
        assert strategy.rank(candidates, ask, one) == strategy.rank(candidates, ask, other)


@EVERY
def test_nothing_is_remembered_but_turns_and_the_dice(strategy: Strategy) -> None:
    candidates = [priced("a"), priced("b", 1, usd_in=2), candidate("c", 2)]
    given = world(a=seen(), b=seen(5))
    before = [numbers.dump(0, 0) for numbers in given.numbers.values()]
    strategy.rank(candidates, question(), given)
    assert [numbers.dump(0, 0) for numbers in given.numbers.values()] == before


def test_every_strategy_of_the_contract_is_there_by_its_own_name() -> None:
    assert sorted(STRATEGIES) == sorted(NAMES)
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


@EVERY
def test_an_editor_has_words_for_it(strategy: Strategy) -> None:
    assert strategy.label[0].isupper()
    assert strategy.summary.endswith(".")
    assert len(strategy.summary) < 120


@given(CANDIDATES)
def test_priority_keeps_the_places(candidates: list[Candidate]) -> None:
    assert rank("priority", candidates, world()) == [each.place for each in candidates]


def test_weights_five_one_one_are_spread_as_nginx_spreads_them() -> None:
    candidates = [candidate("a", 0, 5), candidate("b", 1, 1), candidate("c", 2, 1)]
    given = world()
    assert "".join(order("weighted", candidates, given)[0] for _ in range(14)) == "aabacaa" * 2


def test_the_next_by_weight_steps_in_first() -> None:
    candidates = [candidate("a", 0, 1), candidate("b", 1, 3), candidate("c", 2, 2)]
    assert order("weighted", candidates, world()) == ["b", "c", "a"]


def test_weight_0_is_only_asked_when_nobody_else_is_left() -> None:
    candidates = [candidate("spare", 0, 0), candidate("a", 1, 1), candidate("b", 2, 1)]
    given = world()
    assert {order("weighted", candidates, given)[-1] for _ in range(10)} == {"spare"}
    assert order("weighted", candidates[:1], given) == ["spare"]
    assert "nobody else" in STRATEGIES["weighted"].show(LAST)


def test_one_that_was_away_comes_back_to_its_share_without_a_rush() -> None:
    both = [candidate("a", 0, 1), candidate("b", 1, 1)]
    given = world()
    firsts("weighted", both, given, 10)
    firsts("weighted", both[:1], given, 1000)
    assert firsts("weighted", both, given, 10) == {"a": 5, "b": 5}


@given(some.lists(some.integers(1, 9), min_size=1, max_size=6))
def test_over_a_round_each_weight_has_its_exact_share(weights: list[int]) -> None:
    candidates = [candidate(f"p{at}", at, weight) for at, weight in enumerate(weights)]
    found = firsts("weighted", candidates, world(), sum(weights))
    assert found == {f"p{at}": weight for at, weight in enumerate(weights)}


def test_round_robin_goes_round() -> None:
    candidates = [candidate("a", 0), candidate("b", 1), candidate("c", 2)]
    given = world()
    assert [order("round_robin", candidates, given) for _ in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_round_robin_goes_on_when_somebody_is_missing() -> None:
    candidates = [candidate("a", 0), candidate("b", 1), candidate("c", 2)]
    given = world()
    assert order("round_robin", candidates, given)[0] == "a"
    assert order("round_robin", [candidates[0], candidates[2]], given)[0] == "c"
    assert [order("round_robin", candidates, given)[0] for _ in range(3)] == ["b", "a", "c"]


def test_least_busy_asks_who_has_the_fewest_calls_in_flight() -> None:
    candidates = [candidate("a", 0), candidate("b", 1), candidate("c", 2)]
    given = world(a=seen(running=3), b=seen(running=1), c=seen(running=2))
    assert order("least_busy", candidates, given) == ["b", "c", "a"]
    assert STRATEGIES["least_busy"].show(rank("least_busy", candidates, given)[0]) == "3 in flight"


def test_a_weight_is_what_one_can_carry() -> None:
    candidates = [candidate("large", 0, 4), candidate("small", 1, 1), candidate("spare", 2, 0)]
    given = world(large=seen(running=7), small=seen(running=2))
    assert order("least_busy", candidates, given) == ["large", "small", "spare"]


def test_equally_busy_ones_take_turns() -> None:
    candidates = [candidate("a", 0), candidate("b", 1, 2), candidate("c", 2)]
    given = world(b=seen(running=0))
    assert firsts("least_busy", candidates, given, 9) == {"a": 3, "b": 3, "c": 3}


def test_cheapest_counts_this_requests_input_and_output() -> None:
    candidates = [priced("reader", 0, usd_in=0.1, usd_out=10), priced("writer", 1, usd_in=1, usd_out=1)]
    assert order("cheapest", candidates, world(), input_tokens=100_000, max_tokens=100)[0] == "reader"
    assert order("cheapest", candidates, world(), input_tokens=1000, max_tokens=5000)[0] == "writer"


def test_its_number_is_what_the_request_would_cost() -> None:
    [number] = rank("cheapest", [priced("a", usd_in=2, usd_out=8)], world(), input_tokens=1000, max_tokens=500)
    assert number == 6_000_000  # nano-dollars
    assert STRATEGIES["cheapest"].show(number) == "$0.0060"


def test_an_unknown_price_is_last_and_nothing_is_first() -> None:
    candidates = [candidate("unknown", 0), priced("paid", 1), candidate("free", 2, price=FREE)]
    assert order("cheapest", candidates, world()) == ["free", "paid", "unknown"]
    assert STRATEGIES["cheapest"].show(LAST) == "price unknown"


def test_a_long_prompt_pays_the_price_of_its_tier() -> None:
    tiered = Price(input=10**9, output=10**9, tiers=(PriceTier(above=200_000, input=4 * 10**9),))
    candidates = [candidate("tiered", 0, price=tiered), priced("flat", 1, usd_in=2, usd_out=2)]
    assert order("cheapest", candidates, world(), input_tokens=1000, max_tokens=10)[0] == "tiered"
    assert order("cheapest", candidates, world(), input_tokens=300_000, max_tokens=10)[0] == "flat"


def test_no_more_output_is_expected_than_the_model_can_write() -> None:
    candidates = [priced("short", 0, usd_out=2, max_output_tokens=100), priced("long", 1, usd_out=1)]
    assert order("cheapest", candidates, world(), max_tokens=10_000)[0] == "short"


TIERS = some.lists(
    some.builds(
        PriceTier,
        above=some.integers(0, 5000),
        input=some.one_of(some.none(), some.integers(0, 10**10)),
        output=some.one_of(some.none(), some.integers(0, 10**10)),
    ),
    max_size=3,
    unique_by=lambda tier: tier.above,
).map(tuple)


@given(
    price=some.builds(
        Price,
        input=some.integers(0, 10**10),
        output=some.integers(0, 10**10),
        request=some.integers(0, 10**6),
        tiers=TIERS,
    ),
    size=some.integers(0, 10_000),
    output=some.integers(0, 10_000),
)
def test_an_expected_cost_is_what_such_a_use_costs(price: Price, size: int, output: int) -> None:
    ask = question(input_tokens=size)
    [cost] = expected_costs([candidate("a", price=price)], ask, output)
    assert cost == pytest.approx(price.cost(Usage(input=size, output=output)), abs=1)


def test_pictures_and_sound_are_paid_by_the_piece() -> None:
    picture, minute = Price(input=0, output=0, image=40_000_000), Price(input=0, output=0, minute=6_000_000)
    assert expected_costs([candidate("a", price=picture)], question(asks="images"), 0) == [40_000_000]
    assert expected_costs([candidate("a", price=minute)], question(asks="transcriptions"), 0) == [6_000_000]
    assert expected_costs([candidate("a", price=minute)], question(input_tokens=10), 10) == [None]


def test_output_is_the_maximum_else_the_mean_else_the_usual() -> None:
    candidates = [candidate("a"), candidate("b"), candidate("c")]
    known = world(a=seen(output=100), b=seen(1, output=300)).numbers
    assert expected_output(candidates, question(max_tokens=50), known) == 50
    assert expected_output(candidates, question(), known) == pytest.approx(200)
    assert expected_output(candidates, question(), {}) == TYPICAL_OUTPUT
    assert expected_output(candidates, question(asks="embeddings"), known) == 0


def test_half_the_price_is_drawn_four_times_as_often() -> None:
    candidates = [priced("dear", 0, usd_in=2, usd_out=2), priced("cheap", 1, usd_in=1, usd_out=1)]
    found = firsts("inverse_square", candidates, world(), 5000)
    assert found["cheap"] / found["dear"] == pytest.approx(4, rel=0.15)


def test_the_lots_go_on_for_whoever_steps_in() -> None:
    candidates = [
        priced(name, at, usd_in=usd, usd_out=usd) for at, (name, usd) in enumerate([("a", 1), ("b", 1), ("c", 2)])
    ]
    given = world()
    seconds = Counter(tuple(order("inverse_square", candidates, given)[:2]) for _ in range(8000))
    after_a = seconds["a", "b"] / (seconds["a", "b"] + seconds["a", "c"])
    assert after_a == pytest.approx(0.8, abs=0.04)


def test_what_is_free_shares_evenly_before_all_others_and_unknown_prices_come_last() -> None:
    free = [candidate(name, at, price=FREE) for at, name in enumerate(["gratis", "free"])]
    candidates = [candidate("unknown", 2), priced("paid", 3), *free]
    given = world()
    found = Counter(tuple(order("inverse_square", candidates, given)) for _ in range(1000))
    assert set(found) == {("free", "gratis", "paid", "unknown"), ("gratis", "free", "paid", "unknown")}
    assert all(400 < count < 600 for count in found.values())
