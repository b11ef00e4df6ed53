"""Accents of providers can be read: as marks on the page, and as monograms on their tint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "components" / "static" / "tokens.css").read_text(encoding="utf-8")
HEADS = {"light": ":root {", "dark": ':root[data-theme="dark"], body.body--dark {'}
ACCENTS = re.findall(r'^\[data-provider="([\w-]+)"\]', CSS, re.MULTILINE)
MARK, TEXT = 3.0, 4.5  # WCAG 2.2 AA: 1.4.11 and 1.4.3


def tokens(mode: str) -> dict[str, str]:
    block = CSS.split(HEADS[mode], 1)[1].split("\n}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", HEADS)
@pytest.mark.parametrize("accent", ACCENTS)
def test_an_accent_is_seen_and_its_text_is_read(accent: str, mode: str) -> None:
    known = tokens(mode)
    mark, text, tint = known[f"pv-{accent}"], known[f"pv-{accent}-text"], known[f"pv-{accent}-tint"]
    for plane in (known["surface"], known["canvas"]):
        assert contrast(mark, plane) >= MARK
        assert contrast(text, plane) >= TEXT
    assert contrast(text, tint) >= TEXT
