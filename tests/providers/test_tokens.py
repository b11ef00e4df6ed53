"""Token counts need no network."""

import hashlib
import os
from importlib import resources

from app.providers.tokens import count_tokens


def test_the_shipped_ranks_are_the_ones_tiktoken_expects() -> None:
    (ranks,) = [entry for entry in resources.files("data").joinpath("tiktoken").iterdir() if len(entry.name) == 40]
    digest = hashlib.sha256(ranks.read_bytes()).hexdigest()
    assert digest == "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


def test_texts_are_counted_in_any_script() -> None:
    assert count_tokens("") == 0
    assert count_tokens("Hello, world!") == 4
    assert 3 <= count_tokens("Grüße aus Zürich 🦉") <= 12


def test_special_words_are_plain_text() -> None:
    assert count_tokens("<|endoftext|>") > 1


def test_the_environment_is_left_as_it_was() -> None:
    count_tokens("x")
    assert "TIKTOKEN_CACHE_DIR" not in os.environ
