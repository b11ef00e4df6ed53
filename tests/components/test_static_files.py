"""The look's own files."""

import re

import pytest

from components import static_files

CSS = sorted(static_files.FOLDER.glob("*.css"))
SOURCES = sorted(
    path
    for path in static_files.FOLDER.parent.rglob("*")
    if path.suffix in (".py", ".js") and not {"node_modules", "bundle", "static"} & set(path.parts)
)
ICON = re.compile(
    r"icons\.svg#([\w-]+)|\bicon\(\s*\"([\w-]+)\"|icon_button\(\s*\"([\w-]+)\"|icon(?:_name)?=\"([\w-]+)\""
)


def test_an_address_changes_with_the_content() -> None:
    assert re.fullmatch(r"/static/tokens\.css\?v=[0-9a-f]{12}", static_files.address("tokens.css"))


@pytest.mark.parametrize("sheet", CSS, ids=lambda path: path.name)
def test_a_sheet_loads_nothing_from_elsewhere_and_names_no_roboto(sheet: object) -> None:
    text = sheet.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert "http" not in text
    assert "@import" not in text
    assert "roboto" not in text.lower().replace("roboto is left out", "")


@pytest.mark.parametrize("sheet", [path for path in CSS if path.name != "tokens.css"], ids=lambda path: path.name)
def test_a_literal_colour_stands_only_in_the_tokens(sheet: object) -> None:
    text = sheet.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    text = re.sub(r"@media \(prefers-color-scheme: dark\).*", "", text, flags=re.S)  # the tokens, once more
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s)])", text)) <= {"#fff"}  # the thumb of a switch


def test_every_icon_that_is_named_exists() -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', (static_files.FOLDER / "icons.svg").read_text(encoding="utf-8")))
    named = {
        name for path in SOURCES for match in ICON.findall(path.read_text(encoding="utf-8")) for name in match if name
    }
    assert named
    assert named <= known


def test_the_bundle_carries_its_licences_and_no_address_of_a_registry() -> None:
    folder = static_files.FOLDER.parent / "markdown"
    notes = (folder / "LICENSES.txt").read_text(encoding="utf-8")
    for package in ("markdown-it", "highlight.js", "katex"):
        assert f"\n{package} " in notes
    assert '"resolved"' not in (folder / "package-lock.json").read_text(encoding="utf-8")
