"""/api/routers: what is read is live, what is written changes the draft; a draft is tried, published and taken back."""

from __future__ import annotations

from typing import Any

from fastapi import Body
from pydantic import Field

from app.api.management import shapes
from app.api.management.access import ActorOf, Endpoints, ServicesOf
from app.api.management.paging import Paged
from app.core.errors import BadRequest, NotFound
from app.security.permissions import Permission
from app.services.container import Services
from app.services.router_views import ArmNumbers, DocChange, DraftView, Problem, RouterView, VersionView

MANAGE = Permission.MANAGE_GATEWAY
ROUTER = Endpoints(prefix="/api/routers", tags=["routers"])
Document = dict[str, Any]

OURS = (
    *("id", "version", "enabled", "published_at", "published_by", "created_at", "updated_at", "has_draft", "canary"),
    *("exists", "base", "at", "by", "problems"),
)


class Publishing(shapes.Body):
    percent: float | None = Field(None, description="of the requests, for a canary; left out: everybody")
    note: str = ""


class Rollback(shapes.Body):
    version: int


@ROUTER.on("GET", "", needs=MANAGE)
async def list_routers(services: ServicesOf, paged: Paged) -> dict[str, Any]:
    return paged.page([_shape(view) for view in await services.routers.list()])


@ROUTER.on("POST", "", needs=MANAGE, status=201)
async def add_router(services: ServicesOf, actor: ActorOf, body: Document = Body()) -> dict[str, Any]:
    """A draft until it is published."""
    view = await services.routers.create(actor, _document(body))
    return await _draft(services, view.id)


@ROUTER.on("GET", "/{id}", needs=MANAGE)
async def get_router(id: str, services: ServicesOf) -> dict[str, Any]:
    """The live version; of a router that was never published, version 0 with what its draft says."""
    return _shape(await services.routers.get(id))


@ROUTER.on("PUT", "/{id}", needs=MANAGE)
async def change_router(id: str, services: ServicesOf, actor: ActorOf, body: Document = Body()) -> dict[str, Any]:
    """The whole draft. A router keeps its name: keys refer to it."""
    await services.routers.save_draft(actor, id, _document(body))
    return await _draft(services, id)


@ROUTER.on("DELETE", "/{id}", needs=MANAGE, status=204)
async def delete_router(id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.routers.delete(actor, id)


@ROUTER.on("POST", "/{id}/rules", needs=MANAGE, status=201)
async def add_rule(id: str, services: ServicesOf, actor: ActorOf, body: Document = Body()) -> dict[str, Any]:
    """To the draft, before the rules without conditions, which would otherwise always come first."""
    return await services.routers.add_rule(actor, id, body)


@ROUTER.on("PUT", "/{id}/rules/{rule_id}", needs=MANAGE)
async def change_rule(
    id: str, rule_id: str, services: ServicesOf, actor: ActorOf, body: Document = Body()
) -> dict[str, Any]:
    return await services.routers.change_rule(actor, id, rule_id, body)


@ROUTER.on("DELETE", "/{id}/rules/{rule_id}", needs=MANAGE, status=204)
async def delete_rule(id: str, rule_id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.routers.delete_rule(actor, id, rule_id)


@ROUTER.on("GET", "/{id}/draft", needs=MANAGE)
async def get_draft(id: str, services: ServicesOf) -> dict[str, Any]:
    """With what is wrong with it; where nothing was changed, `exists` is false and it says what is live."""
    return await _draft(services, id)


@ROUTER.on("DELETE", "/{id}/draft", needs=MANAGE, status=204)
async def discard_draft(id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.routers.discard(actor, id)


@ROUTER.on("GET", "/{id}/diff", needs=MANAGE)
async def diff(id: str, services: ServicesOf) -> dict[str, Any]:
    """What publishing the draft would change."""
    view, draft = await services.routers.get(id), await services.routers.draft(id)
    return {
        "base": draft.base,
        "version": view.version,
        "changes": [_change(each) for each in draft.changes],
        "problems": [_problem(each) for each in draft.problems],
    }


@ROUTER.on("POST", "/{id}/publish", needs=MANAGE)
async def publish(id: str, services: ServicesOf, actor: ActorOf, body: Publishing | None = None) -> dict[str, Any]:
    """In force for the next request. With a percent the draft runs as a canary beside the live version."""
    said = body or Publishing()
    return _shape(await services.routers.publish(actor, id, percent=said.percent, note=said.note))


@ROUTER.on("GET", "/{id}/canary", needs=MANAGE)
async def get_canary(id: str, services: ServicesOf) -> dict[str, Any]:
    """Both versions since the canary began."""
    view = await services.routers.get(id)
    if view.canary is None:
        raise NotFound(f'No canary of router "{view.name}" is running.')
    report = await services.routers.canary_report(id)
    return {
        "version": view.canary.version,
        "percent": view.canary.percent,
        "since": shapes.moment(view.canary.since),
        "live": _arm(report.live),
        "canary": _arm(report.canary),
        "note": report.note,
    }


@ROUTER.on("DELETE", "/{id}/canary", needs=MANAGE, status=204)
async def stop_canary(id: str, services: ServicesOf, actor: ActorOf) -> None:
    await services.routers.stop_canary(actor, id)


@ROUTER.on("GET", "/{id}/versions", needs=MANAGE)
async def list_versions(id: str, services: ServicesOf, paged: Paged) -> dict[str, Any]:
    """The newest first."""
    versions = [_version(each) for each in await services.routers.versions(id)]
    return paged.page(versions, "version")


@ROUTER.on("POST", "/{id}/rollback", needs=MANAGE)
async def roll_back(id: str, body: Rollback, services: ServicesOf, actor: ActorOf) -> dict[str, Any]:
    """A new version that says what the old one said, live at once."""
    return _shape(await services.routers.rollback(actor, id, body.version))


@ROUTER.on("POST", "/{id}/explain", needs=MANAGE)
async def explain(id: str, services: ServicesOf, body: Document = Body()) -> dict[str, Any]:
    """What would happen to a request; nobody is called. The body is one of OpenAI's chat completions, or `text` and
    `model`; `draft`, `document`, `key` and `person` are ours."""
    request = dict(body)
    draft, document = request.pop("draft", False), request.pop("document", None)
    key, person = request.pop("key", None), request.pop("person", None)
    if not isinstance(draft, bool):
        raise BadRequest("draft: true or false.", field="draft")
    if document is not None and not isinstance(document, dict):
        raise BadRequest("document: an object, as a router has it.", field="document")
    for name, value in (("key", key), ("person", person)):
        if value is not None and not isinstance(value, str):
            raise BadRequest(f"{name}: a name.", field=name)
    given = None if document is None else _document(document)
    found = await services.explain.explain(id, request, document=given, draft=draft, key=key, person=person)
    return shapes.explained(found)


async def _draft(services: Services, id: str) -> dict[str, Any]:
    view, draft = await services.routers.get(id), await services.routers.draft(id)
    return {**_shape(view, draft.document), **_draft_fields(draft)}


def _draft_fields(draft: DraftView) -> dict[str, Any]:
    return {
        "exists": draft.exists,
        "base": draft.base,
        "at": shapes.moment(draft.at),
        "by": draft.by,
        "problems": [_problem(each) for each in draft.problems],
    }


def _shape(view: RouterView, document: Document | None = None) -> dict[str, Any]:
    canary = view.canary
    return {
        **(view.document if document is None else document),
        "name": view.name,
        "id": view.id,
        "version": view.version,
        "enabled": view.enabled,
        "published_at": shapes.moment(view.published_at),
        "published_by": view.published_by,
        "created_at": shapes.moment(view.created_at),
        "updated_at": shapes.moment(view.updated_at),
        "has_draft": view.has_draft,
        "canary": None
        if canary is None
        else {"version": canary.version, "percent": canary.percent, "since": shapes.moment(canary.since)},
    }


def _version(view: VersionView) -> dict[str, Any]:
    return {
        "version": view.version,
        "published_at": shapes.moment(view.published_at),
        "published_by": view.published_by,
        "note": view.note,
        "document": view.document,
        "live": view.live,
        "canary": view.canary,
    }


def _change(change: DocChange) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "rule_id": change.rule_id,
        "rule": change.rule,
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "sentence": change.sentence,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {"level": problem.level, "rule_id": problem.rule_id, "message": problem.message}


def _arm(arm: ArmNumbers) -> dict[str, Any]:
    return {
        "version": arm.version,
        "requests": arm.requests,
        "failures": arm.failures,
        "failure_rate": arm.failure_rate,
        "cost_usd": shapes.money(arm.cost),
        "p50_ms": arm.p50_ms,
        "p95_ms": arm.p95_ms,
        "first_token_ms": arm.first_token_ms,
    }


def _document(body: Document) -> Document:
    """What was read may be sent back: fields of ours are left out."""
    return {name: value for name, value in body.items() if name not in OURS}
