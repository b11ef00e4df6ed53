"""Which addresses count as public, and that a private one is not fetched."""

from __future__ import annotations

import httpx
import pytest

from app.core.errors import BadRequest, UpstreamDown
from app.providers.private_networks import GuardedWeb, check_public, is_public


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
     "2002:7f00:1::", "fd00:ec2::254", "127.1", "0x7f000001", "localhost", ""],
)  # fmt: skip
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434/v1", "http://localhost/v1", "http://169.254.169.254/latest"])
async def test_a_private_base_url_is_refused_by_its_field(url: str) -> None:
    with pytest.raises(BadRequest, match=r"^base_url: .* private network") as caught:
        await check_public(url)
    assert caught.value.field == "base_url"


async def test_a_public_address_passes() -> None:
    await check_public("https://8.8.8.8/v1")


async def test_a_name_that_is_not_found_is_said_so() -> None:
    with pytest.raises(BadRequest, match="no-such-host"):
        await check_public("https://no-such-host.invalid/v1")


async def test_lookups_connect_to_the_address_that_was_judged() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    guarded = GuardedWeb(httpx.MockTransport(answer))
    async with httpx.AsyncClient(transport=guarded) as client:
        await client.get("https://8.8.8.8/v1/models")
        with pytest.raises(UpstreamDown, match="private network"):
            await client.get("https://localhost/v1/models")
    (request,) = asked
    assert (request.url.host, request.headers["host"]) == ("8.8.8.8", "8.8.8.8")
    assert request.extensions["sni_hostname"] == "8.8.8.8"
