"""A router as a picture: where its boxes stand, which lines join them, how thick these are and what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.flow.route_flow import Edge, Node
from components.format import count, plural, share
from components.routers.document_edits import Document, Path, is_group, path_text, read_path, rules_of, shown_name
from components.routers.offers import Offers
from components.routers.rule_card import by_strategy

REQUEST = "request"
COLUMN, RULE_STEP, TARGET_STEP = 240, 84, 60  # pixels between columns, between rules, between targets
HIGH = {"request": 56, "rule": 46, "group": 46, "target": 40, "other": 40}
MOST_RULES = 80  # drawn; a picture of more says nothing
THICK, THIN = 30.0, 1.5  # a line for all of the traffic, and for none that was seen
KINDS = {"wa": "degraded", "er": "failing"}  # by the class of a health's dot


@dataclass
class Shares:
    """What passed through a router. Rules by name, targets by rule, provider and model."""

    requests: int = 0
    days: int = 7
    by_rule: Mapping[str, int] = field(default_factory=dict)
    by_target: Mapping[tuple[str, str, str], int] = field(default_factory=dict)

    def of_rule(self, name: str) -> float | None:
        return self.by_rule.get(name, 0) / self.requests if self.requests else None

    def of_target(self, rule: str, provider: str, model: str) -> float | None:
        return self.by_target.get((rule, provider, model), 0) / self.requests if self.requests else None


@dataclass(frozen=True)
class Lit:
    """The way of a request that was tried: its rule, and the deployments in the order they would be asked."""

    rule_id: str | None = None
    order: tuple[tuple[str, str], ...] = ()


@dataclass
class Picture:
    nodes: list[Node]
    edges: list[Edge]
    label: str


def picture(
    document: Document, shares: Shares, offers: Offers, lit: Lit, fresh: frozenset[str] = frozenset()
) -> Picture:
    """`fresh` are rules that are not live yet: nothing has passed through them."""
    return _Drawing(document, shares, offers, lit, fresh).picture()


def rule_node(rule_id: str) -> str:
    return f"rule:{rule_id}"


def target_edge(rule_id: str, path: Path) -> str:
    return f"to:{rule_id}:{path_text(path)}"


def read_edge(edge_id: str) -> tuple[str, Path] | None:
    """The rule and the target's place that a line stands for; None for lines that are no target's."""
    kind, _, rest = edge_id.partition(":")
    rule_id, _, path = rest.rpartition(":")
    return (rule_id, read_path(path)) if kind == "to" and rule_id else None


def read_start(node_id: str) -> tuple[str, Path] | None:
    """The rule, and the group within it (or an empty path), that a box stands for."""
    kind, _, rest = node_id.partition(":")
    if kind == "rule":
        return rest, ()
    rule_id, _, path = rest.rpartition(":")
    return (rule_id, read_path(path)) if kind == "group" else None


def read_target(node_id: str) -> tuple[str, str] | None:
    """Provider and model of a box; None where it is no deployment."""
    kind, _, rest = node_id.partition(":")
    provider, _, model = rest.partition("/")
    return (provider, model) if kind == "target" else None


class _Drawing:
    def __init__(self, document: Document, shares: Shares, offers: Offers, lit: Lit, fresh: frozenset[str]) -> None:
        self._shares, self._offers, self._lit, self._fresh = shares, offers, lit, fresh
        self._rules = rules_of(document)
        self._strategy = str(document.get("strategy", "priority"))
        self._everywhere: Counter[tuple[str, str]] = Counter()
        for (_, provider, model), number in shares.by_target.items():
            self._everywhere[provider, model] += number
        self._columns: dict[int, list[Node]] = {0: [], 1: [], 2: []}
        self._last = 2 + max((_depth(rule.get("targets", ())) for rule in self._rules), default=0)
        self._seen: dict[str, Node] = {}
        self._edges: list[Edge] = []

    def picture(self) -> Picture:
        requests, days = self._shares.requests, self._shares.days
        a_day = f"{count(round(requests / days))} a day" if requests >= days else plural(requests, "request")
        self._box(
            0, REQUEST, "request", "Request", a_day if requests else "none yet", lit=self._lit.rule_id is not None
        )
        for at, rule in enumerate(self._rules[:MOST_RULES]):
            self._rule(at, rule)
        if len(self._rules) > MOST_RULES:
            more = plural(len(self._rules) - MOST_RULES, "other rule")
            self._box(1, "more", "other", more, "only on the cards", lit=False)
        self._place()
        return Picture([node for column in self._columns.values() for node in column], self._edges, self._words())

    def _rule(self, at: int, rule: dict[str, Any]) -> None:
        rule_id, name = str(rule.get("id", "")), shown_name(rule, at)
        lit = self._lit.rule_id == rule_id
        passed = self._shares.of_rule(str(rule.get("name") or rule_id))
        sub = (
            "new, no traffic yet"
            if rule_id in self._fresh
            else f"{share(passed)} of requests"
            if passed is not None
            else "no traffic yet"
        )
        self._box(1, rule_node(rule_id), "rule", f"{at + 1}  {name}", sub, lit=lit)
        self._line(f"in:{rule_id}", REQUEST, rule_node(rule_id), passed, "lit" if lit else "share")
        targets = rule.get("targets", ())
        if targets:
            self._targets(rule, targets, rule_node(rule_id), (), lit)
        else:
            self._box(self._last, "any", "other", "The model asked for", "wherever it is served", lit=lit)
            self._line(f"any:{rule_id}", rule_node(rule_id), "any", passed, "lit" if lit else "share")
        follows = str(rule.get("on_failure", ""))
        if follows.startswith("router:"):
            self._box(
                self._last, follows, "other", follows.removeprefix("router:"), "router, after failures", lit=False
            )
            self._line(f"after:{rule_id}", rule_node(rule_id), follows, 0.0, "idle")

    def _targets(
        self, rule: dict[str, Any], targets: Sequence[dict[str, Any]], start: str, above: Path, lit: bool
    ) -> None:
        """The boxes of a rule, or of a group in it, and the lines to them."""
        rule_id = str(rule.get("id", ""))
        for at, target in enumerate(targets):
            path = (*above, at)
            if is_group(target):
                node = f"group:{rule_id}:{path_text(path)}"
                strategy = by_strategy(str(target.get("strategy") or rule.get("strategy") or self._strategy))
                sub = f"{strategy}, {plural(len(target['targets']), 'target')}"
                self._box(2 + len(above), node, "group", "Group", sub, lit=lit)
                self._line(f"in-{node}", start, node, self._passed(rule, target), "lit" if lit else "share")
                self._targets(rule, target["targets"], node, path, lit)
            else:
                self._deployment(rule, target, start, path, lit)

    def _deployment(self, rule: dict[str, Any], target: dict[str, Any], start: str, path: Path, lit: bool) -> None:
        offer = self._offers.of(target)
        named = (offer.provider, offer.model)
        place = self._lit.order.index(named) if lit and named in self._lit.order else -1
        node, requests = f"target:{offer.id}", self._shares.requests
        value = share(self._everywhere[named] / requests) if requests else ""
        self._box(
            self._last,
            node,
            "target",
            offer.alias,
            offer.provider,
            value=value,
            accent=offer.accent,
            health=offer.dot,
            lit=place == 0,
        )
        passed = self._passed(rule, target)
        kind = "lit" if place >= 0 else KINDS.get(offer.dot, "share") if passed else "idle"
        edge = target_edge(str(rule.get("id", "")), path)
        self._line(edge, start, node, passed, kind, movable=True, first=place == 0)

    def _passed(self, rule: dict[str, Any], target: dict[str, Any]) -> float | None:
        if not self._shares.requests:
            return None
        if is_group(target):
            return sum(self._passed(rule, member) or 0.0 for member in target["targets"])
        offer = self._offers.of(target)
        return self._shares.of_target(str(rule.get("name") or rule.get("id")), offer.provider, offer.model)

    def _box(
        self,
        column: int,
        node_id: str,
        kind: str,
        title: str,
        sub: str,
        *,
        value: str = "",
        accent: str = "",
        health: str = "",
        lit: bool,
    ) -> None:
        if node_id in self._seen:
            self._seen[node_id]["lit"] = self._seen[node_id]["lit"] or lit
            return
        box = Node(
            id=node_id, kind=kind, title=title, sub=sub, value=value, accent=accent, health=health, lit=lit, x=0, y=0
        )
        self._seen[node_id] = box
        self._columns.setdefault(column, []).append(box)

    def _line(
        self,
        edge_id: str,
        source: str,
        target: str,
        passed: float | None,
        kind: str,
        *,
        movable: bool = False,
        first: bool = True,
    ) -> None:
        width = max((passed or 0.0) * THICK, THIN)
        if kind == "lit":
            width = max(width, 5.0 if first else 2.0)
        self._edges.append(
            Edge(
                id=edge_id,
                source=source,
                target=target,
                width=round(width, 1),
                kind=kind,
                from_shift=0,
                to_shift=0,
                movable=movable,
            )
        )

    def _place(self) -> None:
        """Columns beside each other, each centred; lines stacked where they leave and meet a box, in the order of the
        boxes at their other end."""
        steps = {1: RULE_STEP}
        tall = {at: len(nodes) * steps.get(at, TARGET_STEP) for at, nodes in self._columns.items()}
        most = max(tall.values(), default=0)
        for at, nodes in self._columns.items():
            for place, node in enumerate(nodes):
                step = steps.get(at, TARGET_STEP)
                node["x"] = at * COLUMN - (70 if at else 0)
                node["y"] = (most - tall[at]) / 2 + place * step + (step - HIGH[node["kind"]]) / 2
        tops = {node["id"]: node["y"] for nodes in self._columns.values() for node in nodes}
        for end, other, shift in (("source", "target", "from_shift"), ("target", "source", "to_shift")):
            by_box: dict[str, list[Edge]] = {}
            for edge in self._edges:
                by_box.setdefault(edge[end], []).append(edge)  # type: ignore[literal-required]
            for edges in by_box.values():
                edges.sort(key=lambda edge: tops[edge[other]])  # type: ignore[literal-required]
                at = -sum(edge["width"] + 1 for edge in edges) / 2
                for edge in edges:
                    edge[shift] = round(at + (edge["width"] + 1) / 2, 1)  # type: ignore[literal-required]
                    at += edge["width"] + 1

    def _words(self) -> str:
        rules = plural(len(self._rules), "rule")
        targets = plural(sum(node["kind"] == "target" for node in self._columns.get(self._last, ())), "deployment")
        return f"Flow: requests through {rules} to {targets}. The rules beside it say the same in words."


def _depth(targets: Sequence[dict[str, Any]]) -> int:
    return max((1 + _depth(target["targets"]) for target in targets if is_group(target)), default=0)
