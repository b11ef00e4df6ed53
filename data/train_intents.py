"""Makes data/intent_model.msgpack of the examples in data/intents: `python -m data.train_intents`, under a minute.

The model is a multinomial logistic regression over the features of app/routing/intent_features.py, one for the intent
and one for the complexity, learned by stochastic gradient descent with a rate per weight (AdaGrad). What the files hold
is said in data/intents/README.md.

It is trained twice. First without a tenth of the groups, chosen by hash; no sentence of a template is on both sides.
These tell how sharp the scores are as probabilities. The model that ships is then trained on all groups. How good it is
tells data/intents/held_out.txt, which no training sees. Run twice it writes the same bytes.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import exp, fsum, log, sqrt
from operator import itemgetter, mul
from pathlib import Path
from typing import NamedTuple

import msgspec

from app.routing.intent import COMPLEXITY, INTENTS, IntentModel, TrainedIntents
from app.routing.intent_features import Asked, see

HERE = Path(__file__).parent
EXAMPLES = HERE / "intents"
MODEL = HERE / "intent_model.msgpack"

EPOCHS = 6
RATE = 0.6
DECAY = 0.03  # of all weights after each epoch
BALANCE = 0.5  # 0: every example counts alike, 1: every class
WORDS = 12_000  # that the model keeps: those with the largest weights
APART = 10  # every tenth group
SHARPNESS = [step / 20 for step in range(4, 61)]  # that are tried


class Example(NamedTuple):
    """`group` is what it has in common with its siblings: a template's section, or the line alone."""

    group: str
    intent: str
    complexity: str
    asked: Asked


class Features(NamedTuple):
    """The names of an example's features and how much each counts."""

    names: list[str]
    values: list[float]


Weights = dict[str, list[float]]
"""Of each word, one weight per class."""


def main() -> None:
    examples = list(training_examples(EXAMPLES))
    trained, found = train_model(examples)
    MODEL.write_bytes(msgspec.msgpack.encode(trained))
    print(f"{len(examples)} examples, {len(trained.words)} words, {MODEL.stat().st_size:,} bytes")
    print(f"groups left apart: {found[0]:.3f} of the intents, {found[1]:.3f} of the complexities found")
    for line in report(IntentModel(trained), list(plain_examples(EXAMPLES / "held_out.txt"))):
        print(f"held out: {line}")


def train_model(examples: Sequence[Example]) -> tuple[TrainedIntents, list[float]]:
    """The model, and which share of the groups that were left apart the first training found, by task. There each
    group counts alike, and a template no more than a line."""
    seen = [features(example.asked) for example in examples]
    most = [place for place, example in enumerate(examples) if not apart(example.group)]
    rest = [place for place, example in enumerate(examples) if apart(example.group)]
    many = Counter(examples[place].group for place in rest)
    shares = [1 / many[examples[place].group] / len(many) for place in rest]
    sharpness, found = [], []
    for labels, label in TASKS:
        weights = learn([seen[place] for place in most], [examples[place] for place in most], labels, label)
        said = [(scores(weights, seen[place]), labels.index(label(examples[place]))) for place in rest]
        sharpness.append(sharpen(said, shares))
        found.append(fsum(share for share, (each, right) in zip(shares, said, strict=True) if each[right] == max(each)))
    both = [learn(seen, examples, labels, label) for labels, label in TASKS]
    return pack(both, (sharpness[0], sharpness[1]), made_of(examples, seen)), found


TASKS: list[tuple[Sequence[str], Callable[[Example], str]]] = [
    (INTENTS, lambda example: example.intent),
    (COMPLEXITY, lambda example: example.complexity),
]


def apart(group: str) -> bool:
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) % APART == 0


def features(asked: Asked) -> Features:
    counts: dict[str, float] = {}
    for names, share in see(asked).places():
        for name in sorted(names):  # a set's order differs between runs, and with it the sum's last digit
            counts[name] = counts.get(name, 0.0) + share
    return Features(list(counts), list(counts.values()))


def made_of(examples: Sequence[Example], seen: Sequence[Features]) -> str:
    """Changes with any example, with the code that sees features in it, and with the settings."""
    digest = hashlib.sha256(repr((EPOCHS, RATE, DECAY, BALANCE, WORDS, APART, SHARPNESS)).encode())
    for example, each in zip(examples, seen, strict=True):
        told = repr((example.intent, example.complexity, sorted(each.names)))
        digest.update(told.encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


# Learning


def learn(
    seen: Sequence[Features], examples: Sequence[Example], labels: Sequence[str], label: Callable[[Example], str]
) -> Weights:
    """Names that only one group uses are left out: they would be learned by heart."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for each, example in zip(seen, examples, strict=True):
        for name in each.names:
            groups[name].add(example.group)
    places = {name: place for place, name in enumerate(sorted(name for name, of in groups.items() if len(of) > 1))}
    counts = Counter(label(example) for example in examples)
    weight_of = [(len(examples) / len(labels) / max(counts[name], 1)) ** BALANCE for name in labels]
    rows: list[Row] = []
    for each, example in zip(seen, examples, strict=True):
        pairs = [(places[name], value) for name, value in zip(*each, strict=True) if name in places]
        where = [place for place, _ in pairs]
        rows.append((itemgetter(*where), where, [value for _, value in pairs], labels.index(label(example))))
    weights = descend(rows, weight_of, len(places))
    return {name: [row[place] for row in weights] for name, place in places.items()}


Row = tuple[Callable[[list[float]], tuple[float, ...]], list[int], list[float], int]


def descend(rows: list[Row], weight_of: Sequence[float], size: int) -> list[list[float]]:
    """One list of weights per class. Sums are exact (fsum): they differ on no machine and in no version."""
    weights = [[0.0] * size for _ in weight_of]
    squares = [[0.0] * size for _ in weight_of]
    shuffled = random.Random(1)
    order = list(range(len(rows)))
    for _ in range(EPOCHS):
        shuffled.shuffle(order)
        for each in order:
            pick, where, values, right = rows[each]
            chances = softmax([fsum(map(mul, pick(row), values)) for row in weights])
            for of, chance in enumerate(chances):
                slope = (chance - (of == right)) * weight_of[right]
                if abs(slope) > 0.01:
                    row, sums = weights[of], squares[of]
                    for place, value in zip(where, values, strict=True):
                        step = slope * value
                        sums[place] += step * step
                        row[place] -= RATE * step / sqrt(sums[place] + 1e-3)
        weights = [[weight * (1 - DECAY) for weight in row] for row in weights]
    return weights


def softmax(scores: Sequence[float]) -> list[float]:
    most = max(scores)
    powers = [exp(score - most) for score in scores]
    total = fsum(powers)
    return [power / total for power in powers]


def scores(weights: Weights, seen: Features) -> list[float]:
    known = [(weights[name], value) for name, value in zip(*seen, strict=True) if name in weights]
    return [fsum(row[of] * value for row, value in known) for of in range(len(next(iter(weights.values()))))]


def sharpen(said: Sequence[tuple[list[float], int]], shares: Sequence[float]) -> float:
    """The factor on the scores with which their probabilities surprise least."""

    def surprise(factor: float) -> float:
        chances = [softmax([score * factor for score in each])[right] for each, right in said]
        return -fsum(share * log(max(chance, 1e-9)) for share, chance in zip(shares, chances, strict=True))

    return min(SHARPNESS, key=surprise)


def pack(both: Sequence[Weights], sharpness: tuple[float, float], fingerprint: str) -> TrainedIntents:
    """The words with the largest weights, each weight in one byte."""
    intents, complexities = both
    largest = {name: max(map(abs, (*intents[name], *complexities[name]))) for name in intents}
    words = sorted(sorted(largest, key=lambda name: (-largest[name], name))[:WORDS])
    scales = [max(abs(weight) for name in words for weight in each[name]) / 127 for each in both]
    packed = bytearray()
    for name in words:
        for each, scale in zip(both, scales, strict=True):
            packed += bytes(128 + round(weight / scale) for weight in each[name])
    return TrainedIntents(
        made_of=fingerprint,
        words=words,
        weights=bytes(packed),
        scales=(scales[0], scales[1]),
        sharpness=sharpness,
    )


# Reading and unfolding the examples


class Section(NamedTuple):
    """With `*` as its name each line was written for itself. Otherwise its lines are templates and siblings."""

    name: str
    intent: str
    complexity: str
    options: dict[str, str]
    lines: list[str]


def training_examples(folder: Path) -> Iterator[Example]:
    slots, systems = read_slots(folder / "slots.txt"), read_slots(folder / "systems.txt")
    sections = [section for intent in sorted(INTENTS) for section in read_sections(folder / f"{intent}.txt")]
    firsts: defaultdict[str, list[str]] = defaultdict(list)
    for section in sections:
        if section.name == "*" and "first" not in section.options:
            firsts[section.intent] += [line.rpartition(" >> ")[2] for line in section.lines if " ~~ " not in line]
    for section in sections:
        for line in section.lines:
            yield from unfold(section, line, slots, systems, firsts)


def plain_examples(path: Path) -> Iterator[Example]:
    """As they stand, with nothing put in or around."""
    for section in read_sections(path):
        for line in section.lines:
            yield Example(line, section.intent, section.complexity, ask(section, line, random.Random(line)))


def unfold(
    section: Section,
    line: str,
    slots: dict[str, list[str]],
    systems: dict[str, list[str]],
    firsts: dict[str, list[str]],
) -> Iterator[Example]:
    """One line in several forms: slots filled, slips of the pen, a system prompt or an earlier message in front."""
    template = section.name != "*"
    many = int(section.options.get("each", 6)) if template and "{" in line else 2 if template else 3
    for number in range(many):
        chance = random.Random(f"{section.name}|{line}|{number}")
        asked = ask(section, fill(line, slots, chance) if template else line, chance)
        if template or number:
            asked.last = disturb(asked.last, chance)
        draw = chance.random()
        if not asked.system:
            if "system" in section.options:
                asked.system = chance.choice(systems[section.options["system"]])
            elif draw < 0.26:
                asked.system = chance.choice(systems["any" if draw < 0.2 else section.intent])
        if "first" in section.options:
            asked.first = chance.choice(firsts[section.options["first"]])
        elif asked.first == asked.last and chance.random() < 0.06:
            of = chance.choice(INTENTS) if chance.random() < 0.4 else section.intent
            asked.first = chance.choice(firsts[of])
        else:
            asked.first = asked.first or asked.last
        yield Example(section.name if template else line, section.intent, section.complexity, asked)


def ask(section: Section, line: str, chance: random.Random) -> Asked:
    """`system >> first ~~ last`, the first two of which may be missing, and the section's facts."""
    before, _, rest = line.rpartition(" >> ")
    first, _, last = rest.rpartition(" ~~ ")
    size = (len(before) + len(first) + len(last)) // 3 + 10
    if "tokens" in section.options:
        least, most = map(int, section.options["tokens"].split("-"))
        size = int(exp(chance.uniform(log(least), log(most))))
    elif first or "first" in section.options or chance.random() < 0.05:
        size += int(exp(chance.uniform(5, 9.5)))
    return Asked(
        last=last,
        system=before,
        first=first or last,
        images="images" in section.options,
        files="files" in section.options,
        input_tokens=size,
    )


def fill(line: str, slots: dict[str, list[str]], chance: random.Random) -> str:
    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name == "document":
            return "\n\n".join(chance.choice(slots["passage"]) for _ in range(chance.randint(5, 9)))
        if name == "codebase":
            names = ["src/main.py", "lib/db.ts", "app/auth.go", "cart/user.java"]
            return "\n\n".join(f"// {chance.choice(names)}\n{chance.choice(slots['code'])}" for _ in range(6))
        return chance.choice(slots[name]) if name in slots else found[0]

    return re.sub(r"\{(\w+)\}", put, line)


GREETINGS = ("hi, ", "hello! ", "hey ", "Hi there,\n\n", "please ", "can you ", "could you please ")
OPENERS = ("Hallo, ", "bonjour, ", "I have a question: ", "quick one: ", "So ", "ok so ", "hey can u ")
ENDS = (
    " :)",
    "!!",
    " ??",
    " thanks",
    " thank you!",
    " pls",
    " please",
    " asap",
    " danke",
    " merci",
    " Thanks in advance.",
)


def disturb(text: str, chance: random.Random) -> str:
    """As people type: lower case, no full stop, slips, a greeting, thanks."""
    if chance.random() < 0.25:
        text = text.lower()
    if chance.random() < 0.25:
        text = text.rstrip(".?! ")
    if len(text) > 12 and chance.random() < 0.12:
        at = chance.randrange(min(len(text), 120) - 2)
        text = f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}"
    if len(text) > 12 and chance.random() < 0.06:
        at = chance.randrange(min(len(text), 120) - 2)
        text = text[:at] + text[at + 1 :]
    draw = chance.random()
    if draw < 0.08:
        return chance.choice(GREETINGS + OPENERS) + text
    if draw < 0.15:
        return text.rstrip() + chance.choice(ENDS)
    return text.upper() if draw < 0.16 else text


def read_sections(path: Path) -> list[Section]:
    sections: list[Section] = []
    for line in read_lines(path):
        if line.startswith("== "):
            name, intent, complexity, *options = line[3:].split()
            if intent not in INTENTS or complexity not in COMPLEXITY:
                raise ValueError(f"{path.name}: no such class: {line}")
            pairs = (option.partition("=") for option in options)
            sections.append(Section(name, intent, complexity, {key: value for key, _, value in pairs}, []))
        else:
            sections[-1].lines.append(line)
    return sections


def read_slots(path: Path) -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    values: list[str] = []
    for line in read_lines(path):
        if re.fullmatch(r"\[\w+\]", line):
            values = slots.setdefault(line[1:-1], [])
        else:
            values.append(line)
    return slots


def read_lines(path: Path) -> Iterable[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and line != "#" and not line.startswith("# "):
            yield line.replace("\\n", "\n").replace("\\t", "\t")


# Saying how good it is


def report(model: IntentModel, examples: Sequence[Example]) -> Iterator[str]:
    """Recall of each class, and their mean."""
    said = [model.classify(example.asked) for example in examples]
    for labels, pairs in (
        (INTENTS, [(example.intent, each.name) for example, each in zip(examples, said, strict=True)]),
        (COMPLEXITY, [(example.complexity, each.complexity) for example, each in zip(examples, said, strict=True)]),
    ):
        recalls = recall(labels, pairs)
        yield f"mean {fsum(recalls.values()) / len(recalls):.3f} of {len(pairs)}: " + ", ".join(
            f"{name} {value:.2f}" for name, value in recalls.items()
        )


def recall(labels: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Of each class, how many of its examples were found."""
    found = Counter(right for right, told in pairs if right == told)
    there = Counter(right for right, _ in pairs)
    return {name: found[name] / there[name] for name in labels if there[name]}


if __name__ == "__main__":
    main()
