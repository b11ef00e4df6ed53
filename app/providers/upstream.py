"""A configured provider, ready to be called: addresses, credentials and faults in one place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from app.core.errors import (
    BadCredential,
    RequestRefused,
    UnreadableAnswer,
    UpstreamDown,
    UpstreamError,
    UpstreamTimeout,
)
from app.formats.base import UpstreamCall
from app.formats.payload import read_any
from app.providers.addresses import base_url_of, call_url, host_of, lookup_url
from app.providers.failures import ReadError, failure_of, read_any_error
from app.providers.kinds import Kind, ModelList
from app.providers.model_lists import FoundModel, Page, read_page, unique
from app.providers.redaction import redact
from app.providers.transport import Timeouts, Transport, UpstreamAnswer, UpstreamRequest

_ERROR_BODY = 64 * 1024
_LIST_BODY = 16 * 1024 * 1024
_MAX_PAGES = 20
_LOOKUP = httpx.Timeout(15.0, connect=5.0)


class Upstream:
    """Calls of models go through `transport`; looking up models and probing through `web`."""

    def __init__(
        self,
        name: str,
        kind: Kind,
        base_url: str | None,
        transport: Transport,
        web: httpx.AsyncBaseTransport,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.base_url = base_url_of(kind, base_url)
        self.kind = kind.located(self.base_url)
        self.host = host_of(self.base_url)
        self._transport = transport
        self._web = web
        self._headers = {**kind.headers, **{key.lower(): value for key, value in (headers or {}).items()}}

    async def call(
        self,
        format_name: str,
        upstream_call: UpstreamCall,
        secret: str | None,
        read_error: ReadError,
        timeouts: Timeouts = Timeouts(),
    ) -> UpstreamAnswer:
        """The answer once its headers say success. Raises UpstreamError subclasses."""
        upload = upstream_call.upload
        answer = await self._transport.send(
            UpstreamRequest(
                method="POST",
                url=call_url(self.base_url, format_name, upstream_call.path, self.kind.query),
                headers={
                    "content-type": "application/json",
                    **self._headers,
                    **upstream_call.headers,
                    **self.kind.auth_headers(secret),
                },
                body=upstream_call.body if upload is None else upload,
                content_length=None if upload is None else upload.length,
                timeouts=timeouts,
            )
        )
        if answer.status < 300:
            return answer
        try:
            said = await _beginning(answer)
        finally:
            answer.close()
        raise failure_of(answer.status, answer.headers, said, read_error, secret)

    async def list_models(self, secret: str | None) -> list[FoundModel]:
        """What the provider lists, page after page. Raises UpstreamError subclasses that name what to check."""
        models = self.kind.models
        if models is None:
            raise RequestRefused(f"{self.kind.label} has no list of models; name them, or leave it to the catalogue.")
        found: list[FoundModel] = []
        query = dict(_PAGE_SIZE.get(models.shape, {}))
        for _ in range(_MAX_PAGES):
            page = await self._page(models, query, secret)
            found += page.models
            if page.more is None or page.more.items() <= query.items():
                break
            query |= page.more
        return unique(found)

    async def probe(self, secret: str | None) -> None:
        """A request that costs nothing. Returns when the provider answers it (and takes the key, where it looks)."""
        try:
            body = await self._ask(self.kind.probe, {}, secret, self.kind.probe_body)
        except RequestRefused as error:
            if self.kind.probe_body is None or error.upstream_status != 404:
                raise
            body = error.body  # the probe's model is gone: whoever says so in JSON has looked at the key
        try:
            read_any(body)
        except UnreadableAnswer:
            raise self._not_an_api() from None

    async def _page(self, models: ModelList, query: dict[str, str], secret: str | None) -> Page:
        body = await self._ask(models.path, query, secret)
        try:
            return read_page(models.shape, body)
        except UnreadableAnswer as error:
            raise self._not_an_api(error.message) from None

    async def _ask(self, path: str, query: dict[str, str], secret: str | None, question: str | None = None) -> bytes:
        if self.kind.key_required and not secret:
            raise BadCredential(f"{self.name} has no API key; add one ({self.kind.label} answers nobody without).")
        url = lookup_url(self.base_url, self.kind, path)
        headers = {"accept": "application/json", "user-agent": "AnyGPT", **self._headers}
        if question is not None:
            headers["content-type"] = "application/json"
        client = httpx.AsyncClient(transport=self._web, timeout=_LOOKUP, follow_redirects=False, trust_env=False)
        # The transport is shared: the client is left to the garbage collector, since closing it would close that too.
        try:
            async with (
                asyncio.timeout(30),
                client.stream(
                    "GET" if question is None else "POST",
                    httpx.URL(url).copy_merge_params(query) if query else url,
                    content=question,
                    headers=headers | self.kind.auth_headers(secret),
                ) as response,
            ):
                body = await _bounded(response)
        except (httpx.TimeoutException, TimeoutError):
            raise UpstreamTimeout(
                f"{self.host} did not answer in time; check base_url and that the server runs."
            ) from None
        except httpx.ConnectError as error:
            raise UpstreamDown(self._unreachable(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UpstreamDown(f"{self.host} did not answer in HTTP; check scheme and port of base_url.") from error
        if response.status_code < 300:
            return body
        raise self._with_advice(
            failure_of(response.status_code, dict(response.headers), body[:_ERROR_BODY], read_any_error, secret), url
        )

    def _unreachable(self, error: httpx.ConnectError) -> str:
        text = str(error).lower()
        if "certificate" in text or "ssl" in text:
            return (
                f"No trusted TLS connection to {self.host}; check its certificate, or whether base_url should be http."
            )
        if "name" in text or "address" in text or "getaddrinfo" in text:
            return f"The name of {self.host} was not found; check the spelling of base_url and this machine's DNS."
        return f"{self.host} accepts no connections; check base_url and that the server runs."

    def _not_an_api(self, detail: str = "") -> UnreadableAnswer:
        detail = f" ({detail.rstrip('.').lower()})" if detail else ""
        return UnreadableAnswer(
            f"{self.host} does not answer like {self.kind.label}{detail}; check base_url {self.base_url}."
        )

    def _with_advice(self, error: UpstreamError, url: str) -> UpstreamError:
        """The same error, ending with what an admin should look at."""
        said = error.message.rstrip(".")
        match error:
            case BadCredential():
                error.message = f"{said}; check the API key of {self.name}."
            case UpstreamDown() | UpstreamTimeout():
                pass
            case _ if error.upstream_status in (404, 405):
                error.message = f"{said}; nothing is at {redact(url)}: check base_url."
            case _:
                error.message = f"{said}."
        error.args = (error.message,)
        return error


_PAGE_SIZE = {"anthropic": {"limit": "1000"}, "gemini": {"pageSize": "1000"}, "cohere": {"page_size": "1000"}}


async def _beginning(answer: UpstreamAnswer) -> bytes:
    """At most 64 KiB of an error body; one that breaks off or dawdles is judged by what came of it."""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(10):
            async for chunk in answer.chunks():
                pieces.append(chunk)
                size += len(chunk)
                if size >= _ERROR_BODY:
                    break
    except (UpstreamError, TimeoutError):
        pass
    return b"".join(pieces)[:_ERROR_BODY]


async def _bounded(response: httpx.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > _LIST_BODY:
            raise UnreadableAnswer(f"The list of models is longer than {_LIST_BODY} bytes.")
        pieces.append(chunk)
    return b"".join(pieces)
