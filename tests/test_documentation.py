"""The documents say what the code does: kinds, jobs, settings, permissions, links, examples, recipes."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import app.jobs
from app.core.discover import instances
from app.core.settings import PREFIX, Settings
from app.jobs.base import ScheduledJob
from app.providers.kinds import Kind, kinds
from app.routing.strategies import STRATEGIES
from app.routing.strategies.base import Strategy
from app.security.permissions import Permission, Role, allows
from app.services.config_file.apply import apply
from app.services.container import Services
from app.services.runtime import KNOWN
from app.services.startup import open_services
from components.page import PageSpec

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DOCUMENTS = sorted(DOCS.glob("*.md"))
ALL = [*DOCUMENTS, *(path for path in (ROOT / "README.md", ROOT / "CHANGELOG.md") if path.exists())]
JOBS = instances(app.jobs, ScheduledJob)


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def row(document: str, name: str) -> str:
    """The line of a table that begins with a name."""
    found = re.search(rf"^\| `{re.escape(name)}` \|.*$", text(document), re.MULTILINE)
    assert found is not None, f"docs/{document} has no row for {name}"
    return found[0]


def blocks(document: Path, language: str) -> list[str]:
    """The fenced examples of a language, also those that are indented."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_every_kind_of_provider_is_described(kind: Kind) -> None:
    line = row("providers.md", kind.name)
    for fact in (kind.key_env, None if kind.in_process else kind.base_url):
        assert fact is None or f"`{fact}`" in line


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_is_described(job: ScheduledJob) -> None:
    assert row("operations.md", job.name)


@pytest.mark.parametrize("name", KNOWN)
def test_every_setting_is_described(name: str) -> None:
    default = KNOWN[name].default
    default = f"`{json.dumps(default)}`" if isinstance(default, dict) else default
    assert row("operations.md", name).startswith(f"| `{name}` | {default} |" if default else f"| `{name}` | |")


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_is_described(name: str) -> None:
    assert f"`{name}`" in text("routers.md")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_variables_that_exist_are_named(path: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*", path.read_text(encoding="utf-8"))
    assert {name.removesuffix("_FILE") for name in named} <= known


def test_the_table_of_permissions_is_the_one_in_force() -> None:
    head = re.search(r"^\| permission \| allows \| (.+) \|$", text("security.md"), re.MULTILINE)
    assert head is not None
    roles = [Role(name) for name in head[1].split(" | ")]
    assert set(roles) == set(Role)
    for permission in Permission:
        cells = row("security.md", permission).strip("| ").split(" | ")[2:]
        assert [cell == "✓" for cell in cells] == [allows(role, permission) for role in roles], permission


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = path.parent / name if name else path
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_document_is_in_the_index(path: Path) -> None:
    assert path.name == "README.md" or f"({path.name})" in text("README.md")


def test_the_changelog_has_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.fixture
async def empty(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """Services with two owners and every provider key in the environment; no provider lists models."""
    for name in {kind.key_env for kind in kinds().values() if kind.key_env}:
        monkeypatch.setenv(name, "sk-example-key")
    nothing = httpx.MockTransport(lambda request: httpx.Response(200, json={"object": "list", "data": []}))
    async with open_services(settings, serving=False, web=nothing) as services:
        await services.people.add("test", "grace@example.org", "Grace", "owner", "correct horse")
        yield services


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if blocks(path, "toml")], ids=lambda path: path.name)
async def test_every_example_of_a_file_can_be_applied(path: Path, empty: Services) -> None:
    """One after the other, since later ones may name what earlier ones made; without a note that says what to mend."""
    for example in blocks(path, "toml"):
        assert (await apply(empty, example, dry_run=True)).changes, example
        report = await apply(empty, example)
        assert not report.notes, example
        assert not (await apply(empty, example)).changes, example


def test_the_recipe_of_a_kind_is_a_whole_row() -> None:
    section = re.search(r"^```\n(\[\w+\]\n.*?)^```$", text("development.md"), re.MULTILINE | re.DOTALL)
    assert section is not None
    [(name, fields)] = tomllib.loads(section[1]).items()
    assert name not in kinds()
    assert msgspec.convert({"name": name, **fields}, Kind).label


def test_the_recipes_of_code_run() -> None:
    made = [_run(example) for example in blocks(DOCS / "development.md", "python")]
    strategy, page, job, migration = made
    assert isinstance(strategy["STRATEGY"], Strategy)
    assert isinstance(page["hello"], PageSpec)
    assert isinstance(job["JOB"], ScheduledJob)
    assert migration["down_revision"] < migration["revision"]


def _run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(code, "docs/development.md", "exec"), names)
    return names


def _anchors(path: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
