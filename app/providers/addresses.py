"""Addresses of upstreams: what a base URL may be, and where a format's call goes on it."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.core.errors import BadRequest
from app.providers.kinds import Kind

_FIELD = "base_url"
_EXAMPLE = "write it like https://host/v1"

# Formats whose clients leave the API's version to the server's address: (added when absent, all that count as present).
_ANTHROPIC = ("/v1", ("/v1",))
_GEMINI = ("/v1beta", ("/v1", "/v1beta", "/v1beta1", "/publishers/google"))
_OLLAMA = ("/api", ("/api",))
_COHERE = ("/v2", ("/v2",))
_VERSIONS = {
    "anthropic-messages": _ANTHROPIC,
    "anthropic-count": _ANTHROPIC,
    "gemini": _GEMINI,
    "gemini-embeddings": _GEMINI,
    "gemini-count": _GEMINI,
    "ollama": _OLLAMA,
    "ollama-embeddings": _OLLAMA,
    "cohere-chat": _COHERE,
    "cohere-embeddings": _COHERE,
}


def call_url(base_url: str, format_name: str, path: str, query: str = "") -> str:
    """Where a call of a format goes. A version that `path` brings itself is not written twice."""
    base = base_url.rstrip("/")
    version, known = _VERSIONS.get(format_name, ("", ()))
    if not version:
        return with_query(base + path, query)
    for prefix in known:
        if path.startswith(prefix + "/"):
            path = path[len(prefix) :]
            break
    return with_query(base + path if base.endswith(known) else base + version + path, query)


def lookup_url(base_url: str, kind: Kind, path: str) -> str:
    """Where a kind lists its models, or is probed: on the base URL, or in place of its end."""
    cut = kind.models.cut if kind.models else ""
    if not cut:
        return call_url(base_url, kind.formats[0], path, kind.query)
    base = base_url.rstrip("/")
    start = len(base) - len(urlsplit(base).path)
    at = (base + "/").rfind(cut, start)
    return with_query((base if at < 0 else base[:at]) + path, kind.query)


def with_query(url: str, query: str) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query}"


def base_url_of(kind: Kind, given: str | None) -> str:
    """The address of a provider: the one given, checked and completed, or else the kind's own."""
    if given:
        return _completed(check_base_url(given), kind)
    if kind.base_url is None:
        raise BadRequest(f"{_FIELD}: a provider of kind {kind.name} needs its address; {_EXAMPLE}.", field=_FIELD)
    return kind.base_url


def _completed(base: str, kind: Kind) -> str:
    if kind.adds is None:
        return base
    path, unless = kind.adds.path, kind.adds.unless
    heads = [path[:at] for at in range(len(path), 0, -1) if at == len(path) or path[at] == "/"]
    own = urlsplit(base).path
    present = next((head for head in heads if own.endswith(head)), "")
    return base if present == path or unless in own else base + path[len(present) :]


def check_base_url(text: str) -> str:
    """A user's base URL without its final slashes. Raises BadRequest naming the field."""
    fault = _fault(text)
    if fault:
        raise BadRequest(f"{_FIELD}: {fault}; {_EXAMPLE}.", field=_FIELD)
    return text.strip().rstrip("/")


def host_of(url: str) -> str:
    """Host and port as people recognise them: for error messages."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url


def _fault(text: str) -> str | None:
    text = text.strip()
    if any(character.isspace() or not character.isprintable() for character in text):
        return "an address has no spaces or control characters"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "this is not a valid address"
    if parts.scheme not in ("http", "https"):
        return "an address starts with http:// or https://"
    if not parts.hostname or port == 0:
        return "the host is missing"
    if "@" in parts.netloc:
        return "an address holds no user name or password (keys have a field of their own)"
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        return 'an address ends before any "?" or "#"'
    return None
