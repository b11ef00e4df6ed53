"""Names, addresses and certificates."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core.errors import UpstreamDown, UpstreamTimeout
from app.providers.http.client import HttpTransport
from app.providers.http.connection import Connection
from app.providers.http.dial import Dialer
from app.providers.http.pool import Pool
from app.providers.http.request_head import Origin
from app.providers.transport import Timeouts
from tests.providers.http.servers import OK, Scripted, read_request, request, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


def serving_with(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path, transport: HttpTransport) -> None:
    server = Scripted(OK)
    async with serving(server, serving_with(certificate)) as url, asyncio.timeout(5):
        with pytest.raises(UpstreamDown, match="No trusted TLS connection"):
            await transport.send(request(url))
    assert server.requests == []


async def test_a_certificate_for_another_name_is_refused(certificate: Path) -> None:
    trusting = HttpTransport(tls=ssl.create_default_context(cafile=str(certificate)))
    async with serving(Scripted(OK), serving_with(certificate)) as url, asyncio.timeout(5):
        with pytest.raises(UpstreamDown, match="No trusted TLS connection"):
            await trusting.send(request(url.replace("localhost", "127.0.0.1")))
    await trusting.aclose()


async def test_a_trusted_server_is_called_by_its_name_and_kept(certificate: Path) -> None:
    trusting = HttpTransport(tls=ssl.create_default_context(cafile=str(certificate)))
    names: list[str | None] = []
    context = serving_with(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    body = b"x" * 3_000_000
    server = Scripted(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body, OK)
    async with serving(server, context) as url, asyncio.timeout(10):
        assert await (await trusting.send(request(url))).read(len(body)) == body
        assert await (await trusting.send(request(url, body=b"y" * 1_000_000))).read(10) == b"ok"
        assert (server.connections, names) == (1, ["localhost"])
        await trusting.aclose()


async def test_leaving_a_tls_answer_is_seen_at_once(certificate: Path) -> None:
    trusting = HttpTransport(tls=ssl.create_default_context(cafile=str(certificate)))
    left = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        try:
            await reader.read()
        finally:
            left.set()

    async with serving(endless, serving_with(certificate)) as url, asyncio.timeout(5):
        answer = await trusting.send(request(url))
        answer.close()
        async with asyncio.timeout(0.5):
            await left.wait()
    await trusting.aclose()


async def test_a_server_that_accepts_no_connection_in_time_is_a_timeout(transport: HttpTransport) -> None:
    left = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        left.set()

    async with serving(mute) as url, asyncio.timeout(5):  # a TLS handshake that never goes on
        with pytest.raises(UpstreamTimeout, match="accepted no connection in time"):
            await transport.send(request(url.replace("http", "https"), timeouts=Timeouts(connect_s=0.1)))
        await left.wait()


async def test_a_guarded_dialer_judges_the_address_it_connects_to(event_loop_policy: Any) -> None:
    server = Scripted(OK)
    guarded = HttpTransport(block_private_networks=True)
    async with serving(server) as url, asyncio.timeout(5):
        for host in ("localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0"):
            with pytest.raises(UpstreamDown, match="private network"):
                await guarded.send(request(url.replace("localhost", host)))
    await guarded.aclose()
    assert server.connections == 0


async def test_an_address_that_fails_gives_way_to_the_next() -> None:
    async with serving(Scripted(OK)) as url, asyncio.timeout(5):
        port = int(url.rpartition(":")[2])
        pool, dialer = Pool(), Dialer(guarded=False)
        origin = Origin(False, "several.example", port)
        dialer.names.remember(origin.host, origin.port, ["127.0.0.2", "::1", "127.0.0.1"])
        connection = await dialer.connect(origin, lambda: Connection(pool, origin), 5)
        assert connection.usable
        await pool.aclose()


async def test_an_address_that_stays_silent_does_not_hold_up_the_next() -> None:
    full = socket.socket()  # its queue is full: a further connection waits without an answer
    full.bind(("127.0.0.3", 0))
    full.listen(0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.3", port))
    server = await asyncio.start_server(Scripted(OK), "127.0.0.1", port)
    pool, dialer = Pool(), Dialer(guarded=False)
    origin = Origin(False, "several.example", port)
    dialer.names.remember(origin.host, origin.port, ["127.0.0.3", "127.0.0.1"])
    async with asyncio.timeout(5):
        connection = await dialer.connect(origin, lambda: Connection(pool, origin), 5)
    assert connection.usable
    await pool.aclose()
    server.close()
    for one in [full, *fillers]:
        one.close()


async def test_callers_of_one_name_share_a_look_up_that_outlives_a_caller_who_leaves(transport: HttpTransport) -> None:
    server = Scripted(*[OK] * 5)
    async with serving(server) as url, asyncio.timeout(5):
        leaving = asyncio.create_task(transport.send(request(url)))
        staying = [asyncio.create_task(transport.send(request(url))) for _ in range(3)]
        await asyncio.sleep(0)
        leaving.cancel()
        answers = await asyncio.gather(*staying)
        assert [await answer.read(10) for answer in answers] == [b"ok"] * 3
