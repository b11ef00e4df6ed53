"""The script that trains the classifier: what ships is what it makes of the examples, and it makes the same each time."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from app.routing.intent import CLASSES, COMPLEXITY, INTENTS, IntentModel, TrainedIntents, read_model
from data.train_intents import (
    EXAMPLES,
    MODEL,
    Example,
    apart,
    disturb,
    features,
    made_of,
    read_sections,
    train_model,
    training_examples,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(training_examples(EXAMPLES))


def test_the_model_that_ships_was_made_of_these_examples(examples: list[Example]) -> None:
    """After a change to the examples or to the features: `python -m data.train_intents`."""
    shipped = read_model(MODEL.read_bytes())
    assert shipped.made_of == made_of(examples, [features(example.asked) for example in examples])


def test_the_model_is_small_and_whole() -> None:
    packed = MODEL.read_bytes()
    trained = msgspec.msgpack.decode(packed, type=TrainedIntents)
    assert len(packed) < 300_000
    assert len(trained.weights) == len(trained.words) * CLASSES
    assert len(set(trained.words)) == len(trained.words)


def test_there_are_thousands_of_examples_of_all_kinds(examples: list[Example]) -> None:
    intents, levels = Counter(each.intent for each in examples), Counter(each.complexity for each in examples)
    assert len(examples) > 5000
    assert min(intents[name] for name in INTENTS) > 300
    assert min(levels[name] for name in COMPLEXITY) > 300


def test_siblings_of_a_template_stay_on_one_side(examples: list[Example]) -> None:
    """They have one group in common, and it is the group that is left apart or not."""
    groups = {section.name for intent in INTENTS for section in read_sections(EXAMPLES / f"{intent}.txt")} - {"*"}
    of_templates = [example for example in examples if example.group in groups]
    assert len(of_templates) > 3000
    assert 0 < sum(apart(group) for group in groups) < len(groups) / 4
    assert {example.group for example in examples if apart(example.group)}.isdisjoint(
        example.group for example in examples if not apart(example.group)
    )


def test_a_changed_example_changes_what_the_model_is_made_of(examples: list[Example]) -> None:
    few = examples[:20]
    seen = [features(example.asked) for example in few]
    as_they_stand = made_of(few, seen)
    assert made_of(few, seen) == as_they_stand
    assert made_of(few[1:], seen[1:]) != as_they_stand
    assert made_of([few[0]._replace(complexity="high"), *few[1:]], seen) != as_they_stand
    other = features(msgspec.structs.replace(few[0].asked, last=few[0].asked.last + " please"))
    assert made_of(few, [other, *seen[1:]]) != as_they_stand


_TINY = """
import hashlib, msgspec
from data.train_intents import EXAMPLES, train_model, training_examples
trained, _ = train_model(list(training_examples(EXAMPLES))[::60])
print(hashlib.sha256(msgspec.msgpack.encode(trained)).hexdigest())
"""


def test_training_gives_the_same_bytes_each_time() -> None:
    """Also where sets and dictionaries are in another order."""
    made = [
        subprocess.run(
            [sys.executable, "-c", _TINY],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        ).stdout
        for seed in ("1", "2")
    ]
    assert made[0] == made[1]
    assert len(made[0].strip()) == 64


def test_training_learns_what_it_is_shown(examples: list[Example]) -> None:
    few = examples[::40]
    trained, found = train_model(few)
    model = IntentModel(trained)
    right = sum(model.classify(example.asked).name == example.intent for example in few)
    assert right / len(few) > 0.9
    assert len(found) == 2


def test_slips_of_the_pen_leave_a_text_readable() -> None:
    text = "Could you translate this short letter into Polish for me?"
    forms = {disturb(text, random.Random(seed)) for seed in range(200)}
    assert len(forms) > 30
    assert all(abs(len(form) - len(text)) < 30 for form in forms)
