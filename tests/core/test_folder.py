"""The data folder: rights, and the lock that keeps it to one server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.errors import StartError
from app.core.folder import DataFolder


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StartError, match="cannot be written .* ANYGPT_DATA_DIR"):
        DataFolder(tmp_path / "file" / "data").prepare()


def test_only_one_process_holds_a_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    script = (
        "import sys; from pathlib import Path; from app.core.folder import DataFolder;"
        "f = DataFolder(Path(sys.argv[1])); f.lock(); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    assert folder.is_locked()
    with pytest.raises(StartError, match=f"in use by another AnyGPT .process {holder.pid}"):
        folder.lock()
    holder.stdin.close()
    holder.wait(10)
    assert not folder.is_locked()
    folder.lock()
    folder.unlock()
