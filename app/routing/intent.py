"""What a request is about and how hard it is, told by a small linear model over its words and its shape.

Two rules stand above the model. A picture makes a request `vision`, and nothing else does. Only a long input (or an
attached file) with a task over it makes a `long_document`: a question about two paragraphs is none, whatever its words.
The weights are made by data/train_intents.py from the examples in data/intents.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import msgspec

from app.routing.intent_features import Asked, Seen, see

INTENTS = ("code", "writing", "translation", "math", "extraction", "vision", "long_document", "chat")
COMPLEXITY = ("low", "medium", "high")
CLASSES = len(INTENTS) + len(COMPLEXITY)

LONG_INPUT = 4000  # estimated tokens, some five pages
_SURE_OF_PICTURE = 0.9
_VISION = INTENTS.index("vision")
_ZERO = 128  # a weight of nothing, as the model's bytes write it


class Intent(msgspec.Struct, frozen=True):
    """`name` is one of INTENTS, `complexity` one of COMPLEXITY; the confidences are probabilities, 0…1."""

    name: str
    confidence: float
    complexity: str
    complexity_confidence: float


class TrainedIntents(msgspec.Struct, frozen=True, kw_only=True):
    """data/intent_model.msgpack. `weights` has for each of `words` one byte per class, INTENTS and then COMPLEXITY,
    as its distance from 128; times `scales` (of intents, of complexities) it is the weight. `sharpness` turns scores
    into probabilities. `made_of` tells the examples and the code that the weights were learned from."""

    made_of: str
    words: list[str]
    weights: bytes
    scales: tuple[float, float]
    sharpness: tuple[float, float]


NOTHING = Intent("chat", 0.0, "low", 0.0)  # said of a request without a word, a picture or a file


class IntentModel:
    """The weights, ready to be looked up. Immutable: any thread may classify with it."""

    def __init__(self, trained: TrainedIntents) -> None:
        self.made_of = trained.made_of
        weights = trained.weights
        self._rows = {
            word: weights[place * CLASSES : place * CLASSES + CLASSES] for place, word in enumerate(trained.words)
        }
        of_intent, of_complexity = (
            scale * sharpness for scale, sharpness in zip(trained.scales, trained.sharpness, strict=True)
        )
        self._scales = [of_intent] * len(INTENTS) + [of_complexity] * len(COMPLEXITY)

    def classify(self, asked: Asked) -> Intent:
        """Never raises. Not 2,000 characters are looked at: well under a millisecond for any request."""
        if not (asked.last or asked.system or asked.first or asked.images or asked.files):
            return NOTHING
        scores = self._scores(see(asked))
        chances = _probabilities(
            [score if _possible(name, asked) else None for name, score in zip(INTENTS, scores, strict=False)]
        )
        hardness = _probabilities(scores[len(INTENTS) :])
        name, confidence = _likeliest(INTENTS, chances)
        if asked.images:
            name, confidence = "vision", max(chances[_VISION], _SURE_OF_PICTURE)
        return Intent(name, confidence, *_likeliest(COMPLEXITY, hardness))

    def _scores(self, seen: Seen) -> list[float]:
        """Of each class, as sharp as makes probabilities of them."""
        totals = [0.0] * CLASSES
        for names, share in seen.places():
            known = [row for row in map(self._rows.get, names) if row is not None]
            zero = _ZERO * len(known)
            for each, column in enumerate(zip(*known, strict=True)):
                totals[each] += (sum(column) - zero) * share
        return [total * scale for total, scale in zip(totals, self._scales, strict=True)]


def read_model(packed: bytes) -> IntentModel:
    """The bytes of data/intent_model.msgpack, ready for use: some 5 ms, 2 MB."""
    return IntentModel(msgspec.msgpack.decode(packed, type=TrainedIntents))


def _possible(name: str, asked: Asked) -> bool:
    match name:
        case "vision":
            return asked.images
        case "long_document":
            return asked.files or asked.input_tokens >= LONG_INPUT
        case _:
            return True


def _probabilities(scores: Sequence[float | None]) -> list[float]:
    """Softmax; 0 for None."""
    most = max(score for score in scores if score is not None)
    powers = [0.0 if score is None else exp(score - most) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def _likeliest(names: Sequence[str], chances: Sequence[float]) -> tuple[str, float]:
    chance = max(chances)
    return names[chances.index(chance)], chance
