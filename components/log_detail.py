"""One request in full: the sentence, what it took, each attempt, and why this model was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from app.core.money import show_usd
from app.services.views import RequestDetail, RequestRow
from components.badges import badge, tag
from components.charts import seconds_axis, waterfall
from components.format import count, date, duration, exact, log_time, tokens
from components.log_table import cost_text
from components.markup import Child, Html, h, icon_button, join

FORMATS = {
    "openai-chat": "OpenAI chat",
    "openai-responses": "OpenAI responses",
    "openai-completions": "OpenAI completions",
    "openai-embeddings": "OpenAI embeddings",
    "openai-images": "images",
    "openai-speech": "speech",
    "openai-transcriptions": "transcription",
    "openai-moderations": "moderation",
    "anthropic-messages": "Anthropic messages",
    "gemini": "Gemini",
    "gemini-embeddings": "Gemini embeddings",
    "chat": "this chat",
}
Look = Mapping[str, tuple[str, str]]  # provider name → monogram, accent


def log_detail(detail: RequestDetail, zone: tzinfo, look: Look) -> Html:
    row = detail.row
    return join(
        _head(row.id),
        h(
            "div.a-detail-body",
            h("p.a-f13.a-detail-sentence", detail.sentence),
            h(
                "div.a-facts.is-row",
                _fact("Cost", cost_text(row)),
                _fact("Tokens", f"{count(row.input_tokens)} in, {count(row.output_tokens)} out"),
                _fact("Took", duration(row.latency_ms)),
                _fact("Key", row.key or "chat"),
            ),
            _attempts(detail) if detail.attempts else None,
            _decision(detail, look),
            _dropped(detail.decision),
            _approximated(detail.decision),
            h(
                "div.a-facts",
                _fact("At", h("time", f"{date(row.at, zone)}, {log_time(row.at, zone)}", title=exact(row.at))),
                _fact("Person", row.user or "none"),
                _fact("Asked as", _asked_as(row)),
                _fact("Model asked for", row.model_asked or "n/a"),
                _fact("Needs", _needs(detail)),
                _fact("Router", f"{row.router or 'default'}{f', rule {row.rule}' if row.rule else ''}"),
                _fact("The provider says", show_usd(row.provider_cost)) if row.provider_cost is not None else None,
                _fact("Cached input", tokens(row.cache_read_tokens)) if row.cache_read_tokens else None,
                _fact("Written to the cache", tokens(row.cache_write_tokens)) if row.cache_write_tokens else None,
                _fact("Reasoning", tokens(row.reasoning_tokens)) if row.reasoning_tokens else None,
                _fact("First token", duration(row.first_token_ms)) if row.first_token_ms is not None else None,
                _fact("Tags", ", ".join(row.tags)) if row.tags else None,
                h("div.a-fact-wide", _fact("Error", row.error)) if row.error else None,
            ),
            tabindex="0",
        ),
    )


def detail_waiting(request_id: str) -> Html:
    return join(
        _head(request_id),
        h(
            "div.a-detail-body",
            [h("div.a-skel", style=f"width:{width}%") for width in (90, 60, 100, 100, 40)],
            aria_busy="true",
        ),
    )


def detail_failed(request_id: str, sentence: str) -> Html:
    return join(_head(request_id), h("div.a-detail-body", h("p.a-f13.a-t2", sentence)))


def _head(request_id: str) -> Html:
    return h(
        "header",
        h("span.a-mono.a-cut.a-detail-id", request_id, title=request_id),
        icon_button("copy", "Copy id", data_copy=request_id),
        h("span.a-grow"),
        icon_button("chev", "Next request", data_act="next"),
        icon_button("x", "Close", data_act="close", data_esc=True),
    )


def _fact(label: str, value: Child) -> Html:
    return h("div.a-col", h("span.a-f11.a-t3", label), h("span.a-f13.a-mid.a-break", value))


def _asked_as(row: RequestRow) -> str:
    return FORMATS.get(row.format, row.format) + (", streamed" if row.stream else "")


def _needs(detail: RequestDetail) -> str:
    parts = [*detail.needs, f"{tokens(detail.estimated_input)} input"]
    if detail.max_tokens:
        parts.append(f"at most {tokens(detail.max_tokens)} out")
    return ", ".join(parts)


def _attempts(detail: RequestDetail) -> Html:
    attempts = detail.attempts
    first = attempts[0].started_at
    total = max(
        detail.row.latency_ms,
        *(round((each.started_at - first).total_seconds() * 1000) + each.latency_ms for each in attempts),
    )
    return h(
        "section",
        h(
            "div.a-row.a-f12.a-detail-title",
            h("h2.a-strong.a-f13", "Attempts"),
            h("span.a-grow"),
            _key("var(--border-control)", "waiting"),
            _key("var(--success)", "writing"),
            _key("var(--danger)", "failed"),
        ),
        [
            h(
                "div.a-attempt",
                h(
                    "div.a-row.a-f12",
                    badge(each.monogram, each.accent, "is-sm"),
                    h("span.a-mid.a-t1.a-cut", f"{each.model} at {each.provider}"),
                    tag(each.status or "no answer", "ok" if 200 <= each.status < 400 else "er"),
                    h("span.a-grow"),
                    h("span.a-t2.a-nowrap", f"{each.latency_ms:,} ms"),
                ),
                waterfall(attempts, each, total),
                h("div.a-f12.a-t3", each.error or _spoken(detail, each)),
            )
            for each in attempts
        ],
        h("div.a-row.a-f11.a-t3.a-between", seconds_axis(total)),
    )


def _spoken(detail: RequestDetail, attempt: Any) -> str:
    if attempt.first_token_ms is None:
        return "answered whole"
    writing = attempt.latency_ms - attempt.first_token_ms
    text = f"first token {duration(attempt.first_token_ms)}"
    if writing > 50 and detail.row.output_tokens:
        text += f", {detail.row.output_tokens / writing * 1000:.0f} tokens/s"
    return text


def _key(colour: str, word: str) -> Html:
    return h("span.a-row.a-t3.a-key", h("i", style=f"background:{colour}"), word)


def _decision(detail: RequestDetail, look: Look) -> Html | None:
    """Every candidate in the order of the plan, with what became of it."""
    candidates = [each for each in detail.decision.get("candidates", ()) if each.get("kept")]
    if not candidates:
        return None
    places = {
        (each.get("provider"), each.get("model")): place for place, each in enumerate(detail.decision.get("order", ()))
    }
    candidates.sort(key=lambda each: places.get((each.get("provider"), each.get("model")), len(places)))
    results = {(each.provider, each.model): each.status for each in detail.attempts}
    columns = _columns(candidates)
    return h(
        "section.a-scroll-x",
        h("h2.a-strong.a-f13", "Decision"),
        h(
            "table.a-table.a-decision",
            h(
                "thead",
                h(
                    "tr",
                    h("th", "#", scope="col"),
                    h("th", "Candidate", scope="col"),
                    [
                        h("th.a-num", _words(name), scope="col", class_=_wide(place))
                        for place, name in enumerate(columns)
                    ],
                    h("th.a-num", "Result", scope="col"),
                ),
            ),
            h(
                "tbody",
                [
                    h(
                        "tr",
                        h("td.a-t3", place),
                        h(
                            "td",
                            h(
                                "div.a-row",
                                badge(*look.get(str(each.get("provider")), ("", "custom")), "is-sm"),
                                h(
                                    "span.a-cut.a-log-model",
                                    each.get("model"),
                                    title=f"{each.get('model')} at {each.get('provider')}",
                                ),
                            ),
                        ),
                        [
                            h("td.a-num", _value(name, each.get("numbers", {}).get(name)), class_=_wide(column))
                            for column, name in enumerate(columns)
                        ],
                        h("td.a-num", _result(results.get((each.get("provider"), each.get("model"))))),
                    )
                    for place, each in enumerate(candidates, 1)
                ],
            ),
        ),
    )


def _columns(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    """At most two numbers that differ between the candidates: those that decided."""
    names = list(dict.fromkeys(name for each in candidates for name in each.get("numbers", {}) if name != "value"))
    differing = [name for name in names if len({str(each.get("numbers", {}).get(name)) for each in candidates}) > 1]
    return (differing or names)[:2]


def _wide(column: int) -> str:
    """The second number has no room on a phone."""
    return "a-wide-cell" if column else ""


def _words(name: str) -> str:
    return name.removesuffix("_ms").replace("_", " ").capitalize()


def _value(name: str, value: Any) -> str:
    if value is None:
        return "n/a"
    if "cost" in name or "price" in name:
        return show_usd(value) if isinstance(value, int) else str(value)
    if name.endswith("_ms"):
        return duration(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _result(status: int | None) -> Html:
    if status is None:
        return h("span.a-t3", "not needed")
    if 200 <= status < 400:
        return h("span.a-ok", "answered")
    return h("span.a-er", status or "no answer")


def _dropped(decision: Mapping[str, Any]) -> Html | None:
    dropped = [each for each in decision.get("candidates", ()) if not each.get("kept")]
    if not dropped:
        return None
    return h(
        "section.a-f12.a-t2.a-dropped",
        h("h2.a-strong.a-t1.a-f13", "Dropped"),
        [
            h(
                "div.a-row.a-between",
                h("span.a-cut", f"{each.get('model')} at {each.get('provider')}"),
                h("span.a-t3.a-right", each.get("reason")),
            )
            for each in dropped
        ],
    )


def _approximated(decision: Mapping[str, Any]) -> Html | None:
    """What the provider's format could not say as the client's did."""
    notes = decision.get("approximated", ())
    if not notes:
        return None
    return h(
        "section.a-f12.a-t2.a-dropped",
        h("h2.a-strong.a-t1.a-f13", "Said differently"),
        [h("div", note) for note in notes],
    )
