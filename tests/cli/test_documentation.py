"""What is not documented fails here: commands, options, variables, fields of the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.cli import COMMANDS, LazyGroup
from app.core.settings import PREFIX, Settings
from app.routing.conditions import Conditions
from app.routing.document import RouterDocument, Rule, Target
from app.services.config_file import document
from app.services.config_file.checks import check_once
from app.services.config_file.document import ConfigFile
from app.services.config_file.reading import NOT_IN_FILES
from app.services.runtime import KNOWN
from tests.cli.conftest import Run

DOCS = Path(__file__).parents[2] / "docs"
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
STRUCTS = [value for value in vars(document).values() if isinstance(value, type) and issubclass(value, msgspec.Struct)]


def commands() -> Iterator[tuple[str, Any]]:
    for name in COMMANDS:
        command = LazyGroup(name="anygpt").get_command(None, name)
        children = getattr(command, "commands", None)
        yield from ((f"{name} {child}", each) for child, each in children.items()) if children else [(name, command)]


@pytest.mark.parametrize(("name", "command"), [pytest.param(*each, id=each[0]) for each in commands()])
def test_every_command_is_described_with_its_options_and_an_example(name: str, command: Any) -> None:
    section = re.search(rf"^## anygpt {name}\n(.*?)(?=^## |\Z)", CLI, re.MULTILINE | re.DOTALL)
    assert section is not None, f"docs/cli.md has no section for anygpt {name}"
    assert f"\nanygpt {name}" in section[1], "an example"
    for option in (option for parameter in command.params for option in parameter.opts if option.startswith("--")):
        assert f"`{option}" in section[1] or (option == "--json" and f"{name} --json" in section[1]), option


@pytest.mark.parametrize(("name", "command"), [pytest.param(*each, id=each[0]) for each in commands()])
def test_every_command_explains_itself_with_an_example(anygpt: Run, name: str, command: Any) -> None:
    result = anygpt(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"Example: anygpt {name}" in result.stdout


def test_only_commands_that_exist_are_described() -> None:
    described = re.findall(r"^## anygpt (.+)$", CLI, re.MULTILINE)
    assert described == [name for name, _ in commands()]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_variable_is_described(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in CONFIGURATION


def test_only_variables_that_exist_are_described() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = {name.removesuffix("_FILE") for name in re.findall(r"\bANYGPT_[A-Z_]+", CONFIGURATION + CLI)}
    assert named <= known


@pytest.mark.parametrize("struct", [*STRUCTS, RouterDocument, Rule, Target, Conditions])
def test_every_field_of_the_file_is_described(struct: type[msgspec.Struct]) -> None:
    for field in struct.__struct_fields__:
        if (struct, field) not in NOT_IN_FILES and struct is not document.Document:
            assert re.search(rf"`[^`\n]*\b{field}\b[^`\n]*`", CONFIGURATION), field


@pytest.mark.parametrize("name", KNOWN)
def test_every_setting_is_described_with_its_default(name: str) -> None:
    default = KNOWN[name].default
    shown = default if isinstance(default, int | float) else json.dumps(default)
    assert f"| `{name}` | `{shown}` |" in CONFIGURATION


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", CONFIGURATION, re.DOTALL))
def test_every_example_of_a_file_reads(example: str) -> None:
    check_once(ConfigFile(example).document)
