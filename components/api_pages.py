"""The management API's own documentation as one plain page, made from the OpenAPI document, without a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from components.markup import Html, h
from components.static_files import PLAIN_SHEETS, sheet_links


def api_page(document: dict[str, Any]) -> str:
    """A section for each tag, a block for each endpoint: what it does, what it takes."""
    info = document["info"]
    groups: dict[str, list[Html]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(method, path, operation, document))
    return "<!doctype html>" + h(
        "html",
        h(
            "head",
            h("meta", charset="utf-8"),
            h("meta", name="viewport", content="width=device-width, initial-scale=1"),
            h("meta", name="color-scheme", content="light dark"),
            h("title", f"API · {info['title']}"),
            h("link", rel="icon", href="/static/favicon.svg"),
            Html(sheet_links(PLAIN_SHEETS)),
        ),
        h(
            "body",
            h(
                "main.p-api",
                h("h1", f"{info['title']} management API"),
                h(
                    "p.a-t2",
                    "Version ",
                    info["version"],
                    ". As data: ",
                    h("a", "openapi.json", href="/api/openapi.json"),
                    ".",
                ),
                h("nav.a-row", [h("a", tag.capitalize(), href=f"#{tag}") for tag in groups], aria_label="Parts"),
                [h("section", h("h2", tag.capitalize(), id=tag), blocks) for tag, blocks in groups.items()],
            ),
            data_density="comfortable",
        ),
        lang="en",
    )


def _operation(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> Html:
    return h(
        "article.a-card.p-endpoint",
        h("h3", h("span.a-tag", method.upper()), " ", h("code", path)),
        h("p", operation.get("description") or operation.get("summary", "")),
        _fields("Query", [_parameter(each) for each in operation.get("parameters", ()) if each["in"] == "query"]),
        _fields("Body", list(_body(operation, document))),
    )


def _fields(title: str, rows: list[Html]) -> Html | None:
    return h("div", h("h4", title), h("ul", rows)) if rows else None


def _parameter(parameter: dict[str, Any]) -> Html:
    return _field(parameter["name"], parameter.get("schema", {}), bool(parameter.get("required")))


def _body(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[Html]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _resolved(content.get("schema", {}), document)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield _field(name, field, name in required)


def _field(name: str, schema: dict[str, Any], required: bool) -> Html:
    words = [_type(schema)]
    if required:
        words.append("required")
    elif schema.get("default") not in (None, "", [], {}):
        words.append(f"default {json.dumps(schema['default'])}")
    text = f" {', '.join(words)}"
    return h(
        "li", h("code", name), h("span.a-t2", text), f": {schema['description']}" if schema.get("description") else ""
    )


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1].removesuffix("Body").lower()
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    name = str(schema["$ref"]).rsplit("/", 1)[-1]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found
