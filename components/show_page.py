"""Shows one page inside the frame: who may, what if it takes long, what if it fails."""

from __future__ import annotations

import asyncio

from nicegui import ui

from app.core.errors import AnyGPTError
from components.fragment import Fragment
from components.markup import h, join
from components.page import PageContext, PageRoot, header_text
from components.states import failed, not_allowed, not_found, skeleton

SHOW_SKELETON_AFTER = 0.15
OFFER_CANCEL_AFTER = 5.0


async def show_page(context: PageContext) -> None:
    """Build the page, or the state that stands in its place. The permission is asked on every navigation:
    moving between pages goes through the socket, where no middleware is asked."""
    spec = context.spec
    ui.page_title(f"{spec.title} · AnyGPT")
    with PageRoot() as root:
        context.root = root
        if context.rest and not spec.deep:
            _state(context, "Not found", not_found(f"{spec.path.rstrip('/')}/{context.rest}"))
        elif not spec.open_to(context.person.role):
            _state(context, spec.title, not_allowed(spec.title))
        else:
            await _build(context)


async def _build(context: PageContext) -> None:
    root = context.root
    building = asyncio.current_task()
    waiting = root.spawn(_while_waiting(context, building), "loading state")
    built = False
    try:
        await context.spec.build(context)
        built = True
    except AnyGPTError as error:
        built = True
        root.clear()
        _state(context, context.spec.title, failed(f"{context.spec.title} could not be shown", error.message))
    finally:
        waiting.cancel()
        for child in [child for child in root if "a-waiting" in child.classes]:
            child.delete()
        if not built and not root.is_deleted:  # a fault of ours: logged where it is raised, never shown as a trace
            root.clear()
            _state(
                context,
                context.spec.title,
                failed(
                    f"{context.spec.title} could not be shown",
                    "Nothing is lost. The server's log says what went wrong.",
                ),
            )


async def _while_waiting(context: PageContext, building: asyncio.Task[None] | None) -> None:
    await asyncio.sleep(SHOW_SKELETON_AFTER)
    place = Fragment(skeleton(), cancel=lambda _: building.cancel() if building else None).classes("a-body a-waiting")
    place.move(context.root)
    await asyncio.sleep(OFFER_CANCEL_AFTER - SHOW_SKELETON_AFTER)
    place.show(
        join(
            skeleton(),
            h(
                "div.a-row.a-f13.a-t2",
                h("span", "This takes longer than usual."),
                h("button.a-btn.is-sm", "Cancel", type="button", data_act="cancel"),
            ),
        )
    )


def _state(context: PageContext, title: str, markup: str) -> None:
    with context.root:
        with ui.element("header").classes("a-head"):
            Fragment(header_text(title)).classes("a-row a-grow")
        Fragment(markup, retry=lambda _: ui.navigate.reload()).classes("a-body")
