"""What pip installs: everything the product ships, and nothing that a used checkout keeps."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECRETS = {"data/master.key": "not a real key", "data/anygpt.db": "not a real database", "data/logs/x.jsonl": "{}"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy that looks like a checkout in use."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        source = ROOT / name
        if source.is_file() and not name.startswith("tests/"):
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    for name, text in SECRETS.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)],
        check=True,
        capture_output=True,
        timeout=200,
    )
    return next(out.glob("*.whl"))


@pytest.mark.timeout(240)
def test_a_wheel_holds_every_shipped_file(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "app", "components", "pages", "data"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    only_for_building = (
        *("components/flow/src/", "components/flow/build.mjs", "components/flow/package"),
        *("components/markdown/src/", "components/markdown/build.mjs", "components/markdown/package"),
        "data/intents/",
    )
    missing = [name for name in listed if name not in held and not name.startswith(only_for_building)]
    assert missing == []


@pytest.mark.timeout(240)
def test_a_wheel_from_a_used_checkout_holds_no_key_and_no_database(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert [name for name in held if name in SECRETS or name.endswith((".db", ".key", ".jsonl"))] == []
    assert not any(name.startswith("tests/") for name in held)


@pytest.mark.timeout(240)
def test_an_installed_wheel_runs_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    """Its own files, not those of the checkout: the catalogue, the kinds, the migrations, the look."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import app, components.static_files as s;"
        "assert app.__file__.startswith(sys.argv[1]), app.__file__;"
        "from app.cli import main; sys.argv = ['anygpt', '--data-dir', sys.argv[2], 'provider', 'list', '--json']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(site), str(tmp_path / "data")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert '"demo"' in done.stdout
