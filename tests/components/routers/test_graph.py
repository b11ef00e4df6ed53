"""The picture of a router: what is drawn, how thick, and what a dragged line means."""

from __future__ import annotations

from app.services.views import ModelView, ProviderView
from components.routers import graph
from components.routers.graph import Lit, Shares, picture
from components.routers.offers import Offers

DOCUMENT = {
    "name": "team",
    "rules": [
        {
            "name": "Pictures",
            "id": "rule_1",
            "targets": [
                {"provider": "fine", "model": "m"},
                {"strategy": "cheapest", "targets": [{"provider": "ill", "model": "m"}]},
            ],
            "on_failure": "router:other",
        },
        {"name": "Everything", "id": "rule_2"},
    ],
}
SHARES = Shares(
    700,
    7,
    {"Pictures": 350, "Everything": 350},
    {("Pictures", "fine", "m"): 280, ("Pictures", "ill", "m"): 70, ("Everything", "fine", "m"): 350},
)


def offers() -> Offers:
    return Offers([_provider("fine", "healthy"), _provider("ill", "failing")])


def _provider(name: str, state: str) -> ProviderView:
    model = ModelView("m", "alias", name, "openai", "openai", "OA", True, "M")
    return ProviderView(
        f"prov_{name}", name, "openai", "OpenAI", "OA", "openai", "", (), True, 1, ("k",), True, (model,), state, state
    )


def drawn(shares: Shares = SHARES, lit: Lit | None = None) -> graph.Picture:
    return picture(DOCUMENT, shares, offers(), lit or Lit())


def test_requests_rules_groups_and_targets_are_boxes_and_one_deployment_is_one_box() -> None:
    kinds = [node["kind"] for node in drawn().nodes]
    assert sorted(kinds) == ["group", "other", "other", "request", "rule", "rule", "target", "target"]
    assert next(node for node in drawn().nodes if node["kind"] == "request")["sub"] == "100 a day"


def test_lines_are_as_thick_as_their_share_and_coloured_by_health() -> None:
    edges = {edge["id"]: edge for edge in drawn().edges}
    fine, ill = edges["to:rule_1:0"], edges["to:rule_1:1.0"]
    assert fine["width"] > 3.9 * ill["width"]
    assert (fine["kind"], ill["kind"]) == ("share", "failing")


def test_what_nothing_passed_through_is_thin_and_dashed() -> None:
    edges = {edge["id"]: edge for edge in drawn(Shares()).edges}
    assert edges["to:rule_1:0"]["kind"] == "idle"
    assert {edge["width"] for edge in edges.values()} == {graph.THIN}


def test_the_way_of_a_try_is_lit() -> None:
    picture = drawn(lit=Lit("rule_1", (("ill", "m"), ("fine", "m"))))
    lit = {node["id"] for node in picture.nodes if node["lit"]}
    assert lit == {"request", "rule:rule_1", "group:rule_1:1", "target:ill/m"}
    assert {edge["id"] for edge in picture.edges if edge["kind"] == "lit"} == {
        "in:rule_1",
        "in-group:rule_1:1",
        "to:rule_1:0",
        "to:rule_1:1.0",
    }


def test_no_two_boxes_stand_on_each_other() -> None:
    places = [(node["x"], node["y"]) for node in drawn().nodes]
    assert len(set(places)) == len(places)


def test_ids_say_what_was_dragged_where() -> None:
    assert graph.read_edge("to:rule_1:1.0") == ("rule_1", (1, 0))
    assert graph.read_edge("in:rule_1") is None
    assert graph.read_target("target:openai-main/org/model") == ("openai-main", "org/model")
    assert graph.read_target("rule:rule_1") is None
    assert graph.read_start("rule:rule_1") == ("rule_1", ())
    assert graph.read_start("group:rule_1:1.0") == ("rule_1", (1, 0))


def test_a_router_of_hundreds_of_rules_is_drawn_in_part() -> None:
    rules = [{"name": f"rule {at}", "id": f"rule_{at}"} for at in range(300)]
    made = picture({"name": "big", "rules": rules}, Shares(), offers(), Lit())
    assert sum(node["kind"] == "rule" for node in made.nodes) == graph.MOST_RULES
    assert any(node["title"] == "220 other rules" for node in made.nodes)


def test_a_target_that_does_not_exist_is_drawn_as_failing() -> None:
    document = {"name": "x", "rules": [{"id": "r", "targets": [{"provider": "gone", "model": "m"}]}]}
    made = picture(document, Shares(), offers(), Lit())
    assert [node["health"] for node in made.nodes if node["kind"] == "target"] == ["er"]
