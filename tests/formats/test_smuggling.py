"""However a request spells it, no parser upstream reads another model's name than the one that was admitted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.core.errors import ClientError
from tests.formats.test_fuzz import CLIENTS, questions

ADMITTED, SECRET = "admitted-model", "secret-model"
NAMES = {
    "plain": '"model": "{}"',
    "escaped": '"m\\u006fdel": "{}"',
    "large": '"Model": "{}"',
    "large and escaped": '"\\u004dODEL" : "{}"',
    "no text": '"model": {{"{}": 1}}',
    "nothing": '"model": null, "x": "{}"',
    "nested": '"x": {{"model": "{}"}}',
    "nested in a list": '"x": [{{"y": 1, "model": "{}"}}]',
}
asked = [name for name in CLIENTS if name != "openai-transcriptions"]  # a form: its model stands once


@pytest.mark.parametrize("wire", asked)
@pytest.mark.parametrize("second", [None, *NAMES])
@pytest.mark.parametrize("first", NAMES)
def test_the_admitted_model_is_the_only_one(wire: str, first: str, second: str | None) -> None:
    client = CLIENTS[wire]
    body = json.loads(questions(wire)[0])
    body.pop("model", None)
    for one in body.get("requests", ()):
        one["model"] = f"models/{SECRET}"
    named = [NAMES[first].format(SECRET), *([NAMES[second].format(SECRET)] if second else [])]
    whole = ("{" + ", ".join(named) + ", " + json.dumps(body)[1:]).encode()
    try:
        peek = client.peek(whole, "asked-model", False)
        call = client.relay_request(whole, ADMITTED, peek, False)
    except ClientError:
        return
    found = list(_models(json.loads(call.body, object_pairs_hook=list)))
    assert set(found) <= {ADMITTED, f"models/{ADMITTED}"}, call.body
    assert found or ADMITTED in call.path


def _models(pairs: Any) -> Iterator[Any]:
    """What any parser might take for the model: of a key that stands twice both, in small letters or large."""
    for key, value in pairs:
        if key.lower() == "model":
            yield value if isinstance(value, str) else repr(value)
        elif key == "requests":
            for one in value:
                yield from _models(one)
