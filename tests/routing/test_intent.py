"""What requests are about: how often the classifier is right, how sure, how fast, and that nothing upsets it."""

from __future__ import annotations

import os
import time
from functools import cache
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.routing.intent import COMPLEXITY, INTENTS, LONG_INPUT, NOTHING, Intent, IntentModel, read_model
from app.routing.intent_features import FIRST, LAST_BEGIN, LAST_END, SYSTEM, Asked, see
from data.train_intents import EXAMPLES, MODEL, Example, plain_examples, read_sections, recall, report

CODING = "You are an agent that edits files in a repository. You have the tools read_file and run_command."
LEASE = "The tenant shall pay the rent in advance. Pets are allowed with written consent of the landlord only."


@cache
def model() -> IntentModel:
    return read_model(MODEL.read_bytes())


@cache
def held_out() -> list[Example]:
    return list(plain_examples(EXAMPLES / "held_out.txt"))


def classify(last: str, **facts: object) -> Intent:
    return model().classify(Asked(last=last, **facts))  # type: ignore[arg-type]


def test_held_out_requests_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    said = [model().classify(example.asked) for example in held_out()]
    intents = recall(INTENTS, [(right.intent, told.name) for right, told in zip(held_out(), said, strict=True)])
    levels = recall(
        COMPLEXITY, [(right.complexity, told.complexity) for right, told in zip(held_out(), said, strict=True)]
    )
    with capsys.disabled():
        print("\nintents on the held-out requests:", *report(model(), held_out()), sep="\n  ")
    assert set(intents) == set(INTENTS)
    assert set(levels) == set(COMPLEXITY)
    assert sum(intents.values()) / len(intents) >= 0.85
    assert sum(levels.values()) / len(levels) >= 0.75


def test_there_are_some_three_hundred_held_out_requests_of_every_kind() -> None:
    assert len(held_out()) > 300
    for intent in INTENTS:
        assert sum(example.intent == intent for example in held_out()) >= 20


def test_no_held_out_request_is_trained_on() -> None:
    trained = {
        line.lower().strip(" .!?")
        for intent in INTENTS
        for section in read_sections(EXAMPLES / f"{intent}.txt")
        for line in section.lines
    }
    assert [example.group for example in held_out() if example.group.lower().strip(" .!?") in trained] == []


def test_what_it_is_sure_of_is_right_as_often_as_it_says() -> None:
    pairs = [(model().classify(example.asked), example) for example in held_out()]
    for said in (
        [(told.confidence, told.name == right.intent) for told, right in pairs],
        [(told.complexity_confidence, told.complexity == right.complexity) for told, right in pairs],
    ):
        confidence, right = (sum(column) / len(said) for column in zip(*said, strict=True))
        assert abs(confidence - right) < 0.08
        sure = [right for confidence, right in said if confidence > 0.9]
        unsure = [right for confidence, right in said if confidence < 0.6]
        assert sum(sure) / len(sure) > 0.9 > sum(unsure) / len(unsure)


def test_a_picture_makes_it_vision_whatever_the_words() -> None:
    for text in ("", "what is this", "translate the menu", "Turn the mockup into HTML.", "def f(x): return x"):
        told = classify(text, images=True)
        assert told.name == "vision"
        assert told.confidence >= 0.9


def test_words_about_pictures_without_one_are_no_vision() -> None:
    for text in ("What is in this image?", "describe the picture", "Read the sign in the photo"):
        assert classify(text).name != "vision"


def test_only_a_long_input_or_a_file_makes_a_long_document() -> None:
    ask = "Does the lease allow pets?"
    assert classify(ask, first=LEASE, input_tokens=30_000).name == "long_document"
    assert classify(ask, files=True, input_tokens=300).name == "long_document"
    assert classify(f"{ask}\n\n{LEASE}", input_tokens=LONG_INPUT - 1).name != "long_document"


@pytest.mark.parametrize(
    ("text", "system", "intent"),
    [
        ("now run the tests and fix what fails", CODING, "code"),
        ("thanks, that was helpful!", "", "chat"),
        ("Translate the whole text into Spanish.", "", "translation"),
    ],
)
def test_a_long_input_alone_makes_no_long_document(text: str, system: str, intent: str) -> None:
    assert classify(text, system=system, first="hello", input_tokens=50_000).name == intent


def test_the_system_prompt_tells_what_a_bare_text_is_for() -> None:
    text = "The lift will be out of service on Tuesday. Please use the stairs."
    translating = "You are a translator. Translate the user's message to Italian."
    extracting = "Extract all dates from the user's text and return JSON only."
    assert classify(text, system=translating).name == "translation"
    assert classify(text, system=extracting).name == "extraction"


@pytest.mark.parametrize(
    ("text", "intent", "complexity"),
    [
        ("Wie sagt man 'Danke' auf Polnisch?", "translation", "low"),
        ("Schreibe eine Funktion in Python, die eine CSV-Datei liest, mit Tests.", "code", "medium"),
        ("Démontre que la racine carrée de 2 est irrationnelle.", "math", "high"),
        ("hola, ¿qué tal?", "chat", "low"),
        ("Escribe un poema sobre el mar.", "writing", "medium"),
    ],
)
def test_it_reads_more_than_english(text: str, intent: str, complexity: str) -> None:
    told = classify(text)
    assert (told.name, told.complexity) == (intent, complexity)


def test_a_request_without_anything_is_chat_and_not_sure_at_all() -> None:
    assert model().classify(Asked()) is NOTHING
    assert NOTHING.confidence == NOTHING.complexity_confidence == 0


def test_only_the_ends_of_a_long_text_are_looked_at() -> None:
    begin, end = "Summarise this report for the board. " * 40, " What are the three main risks in it?" * 20
    texts = [begin + middle * 40_000 + end for middle in ("lorem ipsum dolor sit amet ", "def f(x):\n    return 12\n")]
    told = [classify(text, system=text, first=text + "!", input_tokens=300_000) for text in texts]
    assert len(texts[0]) > 1_000_000
    assert told[0].name == told[1].name == "long_document"
    assert told[0].confidence == pytest.approx(told[1].confidence, abs=0.02)
    assert LAST_BEGIN + LAST_END + SYSTEM + FIRST <= 2000


@pytest.mark.parametrize(
    "text",
    ["\x00" * 5000, "\ud800\udfff\ud83d", "\ud800" * 3000, "a" * 1_000_000, "\n" * 9000, "  ", "𓀀🤷‍♀️" * 500, "\x1b[31m\x07" * 99,
     '"' * 3000, "((((" * 999, "a(" * 3000, "<a" * 3000, "1-" * 3000, "`" * 5000, "٣٤٥ १२३", "Ⅷ²½", "İıẞﬀ"],
    ids=lambda text: repr(text[:6]),
)  # fmt: skip
def test_rubbish_is_classified_like_anything_else_and_soon(text: str) -> None:
    started = time.thread_time()
    told = classify(text, system=text, first=text + text, input_tokens=len(text))
    assert time.thread_time() - started < 0.05
    assert told.name in INTENTS


@given(
    asked=st.builds(
        Asked,
        last=st.text(st.characters(), max_size=4000),
        system=st.text(st.characters(), max_size=900),
        first=st.text(st.characters(), max_size=900),
        images=st.booleans(),
        files=st.booleans(),
        input_tokens=st.integers(-10, 10**12),
    )
)
@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")), deadline=None, derandomize="CI" in os.environ)
def test_any_text_at_all_has_an_answer(asked: Asked) -> None:
    told = model().classify(asked)
    assert told.name in INTENTS
    assert told.complexity in COMPLEXITY
    assert 0 <= told.confidence <= 1
    assert 0 <= told.complexity_confidence <= 1
    assert model().classify(asked) == told
    assert all(see(asked).fields)


def test_a_request_is_classified_in_well_under_a_millisecond() -> None:
    """Some 0.1 ms; the bound leaves room for a busy machine."""
    times = []
    for example in held_out():
        runs = []
        for _ in range(3):
            started = time.perf_counter()
            model().classify(example.asked)
            runs.append(time.perf_counter() - started)
        times.append(min(runs))
    assert median(times) < 0.001
