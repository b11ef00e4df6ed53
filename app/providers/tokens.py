"""Token counts where a provider reported none: tiktoken on the shipped ranks of o200k_base."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import cache
from importlib import resources
from threading import Lock

import tiktoken

_FOLDER = "TIKTOKEN_CACHE_DIR"
_files = ExitStack()
_lock = Lock()


def count_tokens(text: str) -> int:
    """Tokens of a text. Blocks (the first call loads the ranks, later ones read about 11 MB/s): run it off the loop."""
    return len(_encoding().encode(text, disallowed_special=()))


def _encoding() -> tiktoken.Encoding:
    with _lock:  # or two threads at once would each take the other's folder for what was there before
        return _loaded()


@cache
def _loaded() -> tiktoken.Encoding:
    # tiktoken downloads the ranks unless it finds them here, under the name that it derives from their address.
    folder = _files.enter_context(resources.as_file(resources.files("data").joinpath("tiktoken")))
    before = os.environ.get(_FOLDER)
    os.environ[_FOLDER] = str(folder)
    try:
        return tiktoken.get_encoding("o200k_base")
    finally:
        if before is None:
            del os.environ[_FOLDER]
        else:
            os.environ[_FOLDER] = before
