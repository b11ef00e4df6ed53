"""The element that draws a route graph; dragging an edge's end, or a new line, comes back as an event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypedDict

from nicegui import ui
from nicegui.events import GenericEventArguments

from components.notify import guarded

HERE = Path(__file__).parent


class Node(TypedDict):
    """A box. `kind` is request, rule, group, target or other; `health` a dot's class; `x` and `y` its corner."""

    id: str
    kind: str
    title: str
    sub: str
    value: str
    accent: str
    health: str
    lit: bool
    x: float
    y: float


class Edge(TypedDict):
    """A line as thick as `width` (pixels). `kind` is share, degraded, failing, idle or lit. The shifts say where it
    meets the sides of its boxes, from their middle. `movable`: its end may be dragged to another target."""

    id: str
    source: str
    target: str
    width: float
    kind: str
    from_shift: float
    to_shift: float
    movable: bool


class RouteFlow(ui.element, component=HERE / "route_flow.js", esm={"anygpt-flow": str(HERE / "bundle")}):
    """An extra view for those who see it: `label` says the same in words, and everything it does can be done elsewhere.
    Vue Flow is fetched only by browsers wide enough to show it."""

    def __init__(self) -> None:
        super().__init__()
        self.show([], [], "")
        self.classes("a-flow")

    def show(self, nodes: list[Node], edges: list[Edge], label: str) -> None:
        self._props["nodes"] = tuple(nodes)
        self._props["edges"] = tuple(edges)
        self._props["label"] = label

    def on_retarget(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """`handler(edge id, id of the box it was dropped on)`."""
        self._on("retarget", lambda args: handler(str(args["edge"]), str(args["target"])))

    def on_connect(self, handler: Callable[[str, str], Awaitable[object] | object]) -> None:
        """A new line: `handler(id of the box it starts at, id of the box it was dropped on)`."""
        self._on("join", lambda args: handler(str(args["source"]), str(args["target"])))

    def on_pick(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """A box was clicked: `handler(its id)`."""
        self._on("pick", lambda args: handler(str(args["node"])))

    def _on(self, name: str, call: Callable[[dict[str, Any]], Awaitable[object] | object]) -> None:
        def read(event: GenericEventArguments) -> Awaitable[object] | object:
            return call(event.args)

        self.on(name, guarded(read))
