"""What the intent classifier looks at in a request: its words by where they stand, and its shape."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise
from math import sqrt

import msgspec

# how much is looked at, in characters: not 2,000 in all, whatever the size of the request
LAST_BEGIN = 900
LAST_END = 400
SYSTEM = 360
FIRST = 200

_OPENING_WORDS = 32
_CLOSING_WORDS = 16
_MOST_WORDS = 200  # of a place: prose has fewer in its slice, rows of signs have more
_LONGEST_WORD = 24
_PREFIX = 5
SHAPE_SHARE = 0.35


class Asked(msgspec.Struct, kw_only=True):
    """A request as the classifier takes it: the text of the last user message, of the system prompt and of the first
    user message, of which only slices are read; what is attached; the estimated tokens of the whole input."""

    last: str = ""
    system: str = ""
    first: str = ""
    images: bool = False
    files: bool = False
    input_tokens: int = 0


class Seen(msgspec.Struct, kw_only=True):
    """Names of features. `fields` are places of text, each weighed as one whole however many words it has; each of
    `shape` counts by itself. A name's first sign says where it stood: ^ at the very beginning, ~ after the opening,
    @ in the system prompt, < in the first message, # shape; without one it is of the opening or the closing words."""

    fields: list[set[str]]
    shape: list[str]

    def places(self) -> list[tuple[Collection[str], float]]:
        """The names with how much each of them counts. A field's names share it by the root of their number: a long
        text shouts no louder than a short one."""
        return [*((field, 1 / sqrt(len(field))) for field in self.fields), (self.shape, SHAPE_SHARE)]


def see(asked: Asked) -> Seen:
    last = asked.last
    text = last if len(last) <= LAST_BEGIN + LAST_END else f"{last[:LAST_BEGIN]}\n{last[-LAST_END:]}"
    words = _words(text)
    fields = [_opening(words)]
    if len(words) > _OPENING_WORDS:
        fields.append({f"~{word}" for word in words[_OPENING_WORDS:_MOST_WORDS]})
        fields.append(_names(words[max(_OPENING_WORDS, len(words) - _CLOSING_WORDS) :]))
    if asked.system:
        fields.append({f"@{name}" for name in _names(_words(asked.system[:SYSTEM])[:_MOST_WORDS])})
    if asked.first and asked.first != last:
        fields.append({f"<{name}" for name in _names(_words(asked.first[:FIRST])[:_OPENING_WORDS])})
    return Seen(fields=[field for field in fields if field], shape=_shape(asked, text, words))


# a word, a number, a sign or two; scripts written without spaces give one sign each, and are known by their pairs
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|\d+|```|[^\w\s'’,.\"]{1,2}")


def _words(text: str) -> list[str]:
    """Lower case; numbers are all one, and so is what is too long to be a word."""
    return [
        "0" if word.isdecimal() else word if len(word) <= _LONGEST_WORD else "…"
        for word in _TOKEN.findall(text.lower())
    ]


def _opening(words: list[str]) -> set[str]:
    """Where most requests say what they want: also how it begins."""
    names = _names(words[:_OPENING_WORDS])
    names.update([f"^{word}" for word in words[:1]])
    if len(words) > 1:
        names.add(f"^{words[0]} {words[1]}")
    return names


def _names(words: list[str]) -> set[str]:
    """Words, pairs of words, and the beginnings of longer words, which forgive endings and slips."""
    names = set(words)
    names.update([f"{one} {two}" for one, two in pairwise(words)])
    names.update([f"{word[:_PREFIX]}*" for word in words if len(word) > _PREFIX])
    return names


def _shape(asked: Asked, text: str, words: list[str]) -> list[str]:
    size = len(text)
    digits = sum(map(text.count, "0123456789"))
    shape = [
        "#",
        f"#long {min(len(asked.last), 1_000_000).bit_length()}",
        f"#input {min(asked.input_tokens, 1_000_000).bit_length() if asked.input_tokens > 1000 else 0}",
        f"#lines {min(text.count(chr(10)), 63).bit_length()}",
        f"#sentences {min(len(_SENTENCE_END.findall(text)), 12)}",
        f"#commas {min(text.count(','), 31).bit_length()}",
        f"#questions {min(text.count('?'), 3)}",
        f"#bullets {min(len(_BULLET.findall(text)), 31).bit_length()}",
        f"#digits {_share(digits, size)}",
        f"#signs {_share(len(words) - sum(map(str.isalnum, words)), len(words))}",
        f"#scripts {0 if text.isascii() else _share(len(_OTHER_SCRIPT.findall(text)), size)}",
        f"#languages {_languages(words)}",
    ]
    shape += [name for name, needed, pattern in _PATTERNS if needed in text and pattern.search(text)]
    if digits and _SUM.search(text):
        shape.append("#sum")
    if text.rstrip().endswith(("?", "？")):
        shape.append("#asks")
    facts = (asked.images, "#images"), (asked.files, "#files"), (asked.system, "#system"), (asked.first, "#first")
    return shape + [name for holds, name in facts if holds]


_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。？！]")
_BULLET = re.compile(r"(?m)^ {0,3}(?:[-*•]|\d{1,2}[.)])\s")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u04ff\u0590-\u06ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SUM = re.compile(r"\d ?[-+*/^×÷=] ?\(?[\d-]|\b[a-z] ?[-+*/^=] ?\d|\d[a-z]\b ?[-+=]")
_ENDINGS = "py|js|ts|tsx|jsx|go|rs|java|c|cpp|cs|rb|php|sh|ya?ml|toml|json|sql|css|html"
# name, what the text must hold for the pattern to have a chance, pattern
_PATTERNS = [
    ("#fence", "```", re.compile("```")),
    ("#indented", "\n", re.compile(r"\n(?: {2,}|\t)\S")),
    ("#call", ")", re.compile(r"\w\([^()\n]{0,60}\)")),
    ("#snake", "_", re.compile(r"[a-z]_[a-z]")),
    ("#camel", "", re.compile(r"[a-z][A-Z][a-z]")),
    ("#path", "/", re.compile(r"[\w.~]?/[\w.-]+/[\w.-]+")),
    ("#file", ".", re.compile(rf"\w\.(?:{_ENDINGS})\b")),
    ("#address", "://", re.compile(r"https?://")),
    ("#markup", "<", re.compile(r"</?[a-zA-Z][^<>\n]{0,60}>")),
    ("#quoted", '"', re.compile(r'"[^"\n]{12,}"')),
    ("#quoted", "“", re.compile(r"“[^“”\n]{12,}”")),
    ("#quoted", "«", re.compile(r"«[^«»\n]{12,}»")),
]


def _share(part: int, whole: int) -> int:
    """0 for none, then in steps of a doubling: 1 below 2 %, 7 from 64 %."""
    return 0 if not part else min(max(part * 100 // whole, 1).bit_length(), 7)


# the commonest small words: two languages in one text tell of a translation
_SMALL_WORDS = {
    "en": "the of and to is that for with you are this it was not we our be have",
    "de": "der die das und ist nicht ein eine wir sie ich mit für auf den im bitte zu",
    "fr": "le la les des et est une pour dans vous nous je que qui du au pas votre",
    "es": "el los las una para por con es usted nosotros que del pero como está su y",
    "it": "il gli una per che non sono di è della alla con siamo vi dei questo",
    "pt": "o os uma para não com que do da você está em são dos nós obrigado",
    "nl": "het een van niet de en wij ik voor met dat op zijn naar",
    "pl": "się nie jest na że do dla jak czy proszę w z i po",
}
_LANGUAGES = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}


def _languages(words: list[str]) -> int:
    """How many languages have at least three different small words here: 0, 1, 2 (two and more)."""
    used = set(words)
    return min(sum(len(used & small) > 2 for small in _LANGUAGES.values()), 2)
