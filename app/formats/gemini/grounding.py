"""Where an answer's statements come from: Gemini's grounding and citations ↔ citations of addresses.

Gemini counts places in bytes of UTF-8, all others in characters."""

from __future__ import annotations

from typing import Any

from app.core.chat import Part, Text
from app.formats.payload import as_count, as_dict, as_dicts, as_list, as_text

MAX_TEXT = 1024 * 1024  # characters of an answer that places are counted in


def cite(parts: list[Part], candidate: dict[str, Any]) -> None:
    """Puts a candidate's citations on its last text."""
    texts = [part for part in parts if isinstance(part, Text)]
    if texts and (found := read_citations(candidate, "".join(part.text for part in texts))):
        texts[-1].citations = found


def read_citations(candidate: dict[str, Any], text: str) -> list[dict[str, Any]]:
    """Citations in OpenAI's words, which the other formats read; `text` is what the candidate has said so far."""
    grounding = as_dict(candidate.get("groundingMetadata"))
    if not grounding and "citationMetadata" not in candidate:
        return []
    raw = text[:MAX_TEXT].encode("utf-8", "replace")
    sources = [_source(chunk) for chunk in as_dicts(grounding.get("groundingChunks"))]
    found = []
    named: set[int] = set()
    for support in as_dicts(grounding.get("groundingSupports")):
        for number in as_list(support.get("groundingChunkIndices")):
            if isinstance(number, int) and 0 <= number < len(sources) and sources[number]["url"]:
                named.add(number)
                found.append(_citation(sources[number], as_dict(support.get("segment")), raw))
    found += [
        _citation(source, {}, raw) for number, source in enumerate(sources) if source["url"] and number not in named
    ]
    quoted = as_dict(candidate.get("citationMetadata"))
    for entry in as_dicts(quoted.get("citationSources")) or as_dicts(quoted.get("citations")):
        if url := as_text(entry.get("uri")):
            found.append(_citation({"url": url, "title": as_text(entry.get("title"))}, entry, raw))
    return found


def write_grounding(citations: list[dict[str, Any]], text: str) -> dict[str, Any] | None:
    """`groundingMetadata` of what names an address; None where nothing does."""
    chunks: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    supports = []
    for value in citations:
        inner = as_dict(value.get("url_citation")) or value
        url = as_text(inner.get("url"))
        if not url:
            continue
        if url not in chunks:
            numbers[url] = len(chunks)
            chunks[url] = {"web": {"uri": url, "title": as_text(inner.get("title"))}}
        start, end = as_count(inner.get("start_index")), as_count(inner.get("end_index"))
        if end > start:
            said = text[start:end]
            before = len(text[:start].encode("utf-8", "replace"))
            place = {"startIndex": before, "endIndex": before + len(said.encode("utf-8", "replace")), "text": said}
            supports.append({"segment": place, "groundingChunkIndices": [numbers[url]]})
    if not chunks:
        return None
    grounding: dict[str, Any] = {"groundingChunks": list(chunks.values())}
    if supports:
        grounding["groundingSupports"] = supports
    return grounding


def _source(chunk: dict[str, Any]) -> dict[str, Any]:
    inner = next((as_dict(value) for value in chunk.values() if isinstance(value, dict)), {})  # web, maps …
    return {"url": as_text(inner.get("uri")), "title": as_text(inner.get("title"))}


def _citation(source: dict[str, Any], segment: dict[str, Any], raw: bytes) -> dict[str, Any]:
    start, end = (
        len(raw[: as_count(segment.get(key))].decode("utf-8", "ignore")) for key in ("startIndex", "endIndex")
    )
    return {"type": "url_citation", "url_citation": source | {"start_index": start, "end_index": end}}
