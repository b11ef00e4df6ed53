"""Starting fresh, stopping in the middle of answers, and what stands in the way of a start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.fault.server import ROOT, server
from tests.upstream.fixtures import RunningUpstream

START_S = 4.0
IDLE_MB = 160


def test_a_first_start_is_quick_and_small(tmp_path: Path) -> None:
    """Migrations included; processor time, since other tests run beside; memory as the system counts it."""
    with server(tmp_path / "data") as running:
        running.start()
        assert running.process is not None
        used = Path(f"/proc/{running.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        assert sum(map(int, used)) / os.sysconf("SC_CLK_TCK") < START_S
        pages = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1])
        assert pages * os.sysconf("SC_PAGE_SIZE") / 2**20 < IDLE_MB
        assert running.stop() == 0


def test_a_fresh_server_prints_a_setup_link_that_works_once(tmp_path: Path) -> None:
    with server(tmp_path / "data", ANYGPT_ADMIN_EMAIL="", ANYGPT_ADMIN_PASSWORD="") as running:
        running.start()
        link = running.setup_link()
        assert link is not None
        with httpx.Client(trust_env=False) as browser:
            assert browser.get(link).status_code == 200
            form = {"token": link.split("token=")[1], "email": "eve@example.org", "name": "Eve", "password": "short"}
            refused = browser.post(f"{running.url}/setup", data=form)
            assert refused.status_code == 400
            assert "8 to 1024 characters" in refused.text
            made = browser.post(f"{running.url}/setup", data={**form, "password": "long enough"})
            assert made.status_code == 303
            assert "httponly" in made.headers["set-cookie"].lower()
            assert browser.get(link).status_code == 404
            assert browser.post(f"{running.url}/setup", data=form).status_code == 404


@pytest.mark.timeout(90)
async def test_sigterm_lets_running_streams_end_and_keeps_their_rows(tmp_path: Path, upstream: RunningUpstream) -> None:
    with server(tmp_path / "data") as running:
        await asyncio.to_thread(running.start)
        slow = upstream.provider_url("openai/chat", "pace-100")
        await asyncio.to_thread(running.add_provider, "slow", slow)
        key = await asyncio.to_thread(running.add_key)
        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
        headers = {"authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{running.url}/v1/chat/completions", json=body) as answer,
        ):
            first = await answer.content.readany()
            assert running.process is not None
            running.process.send_signal(signal.SIGTERM)
            rest = await answer.content.read()
        assert (first + rest).rstrip().endswith(b"data: [DONE]")
        assert await asyncio.to_thread(running.process.wait, 40) == 0
        await asyncio.to_thread(running.start)
        with running.admin() as admin:
            found = admin.get(f"/api/logs/{answer.headers['x-request-id']}").raise_for_status().json()
        assert found["status"] == 200
        assert found["output_tokens"] > 0


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = _serve(tmp_path / "data", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot listen on 127.0.0.1 port" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_in_use_is_refused_and_the_first_server_goes_on(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        running.start()
        done = _serve(tmp_path / "data", "--port", "0")
        assert done.returncode == 1
        assert "is in use by another AnyGPT" in done.stderr
        assert httpx.get(f"{running.url}/ready", trust_env=False).status_code == 200


def test_a_bad_variable_stops_the_start_with_its_name(tmp_path: Path) -> None:
    done = _serve(tmp_path / "data", ANYGPT_PORT="eighty")
    assert done.returncode == 1
    assert 'ANYGPT_PORT is "eighty", but it takes a port from 1 to 65535' in done.stderr


def test_a_lost_master_key_is_named_and_nothing_is_overwritten(tmp_path: Path) -> None:
    with server(tmp_path / "data") as running:
        running.start()
        running.stop()
        key = tmp_path / "data" / "master.key"
        kept = key.read_bytes()
        key.unlink()
        done = _serve(tmp_path / "data", "--port", "0")
        assert done.returncode == 1
        assert "The master key is missing" in done.stderr
        assert not key.exists()
        key.write_bytes(kept)
        running.start()


def _serve(data_dir: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANYGPT_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "--data-dir", str(data_dir), "serve", *options],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
