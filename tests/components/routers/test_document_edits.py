"""Edits of a router document: each makes a new one, and what is undone is as it was."""

from __future__ import annotations

from copy import deepcopy

from components.routers import document_edits as edits
from components.routers.document_edits import Document, History

A, B, C = ({"provider": name, "model": "m"} for name in "abc")
DOCUMENT: Document = {
    "name": "team",
    "rules": [
        {"name": "Pictures", "id": "rule_1", "when": {"capabilities": ["vision"]}, "targets": [A, B]},
        {"name": "Everything", "id": "rule_2"},
    ],
}


def names(document: Document) -> list[str]:
    return [rule["name"] for rule in document["rules"]]


def test_no_edit_touches_the_document_it_was_given() -> None:
    before = deepcopy(DOCUMENT)
    edits.add_rule(DOCUMENT, "New")
    edits.duplicate_rule(DOCUMENT, "rule_1")
    edits.move_rule(DOCUMENT, "rule_1", 1)
    edits.delete_rule(DOCUMENT, "rule_1")
    edits.with_rule(DOCUMENT, "rule_1", name="Other", when=None)
    targets = DOCUMENT["rules"][0]["targets"]
    edits.group_target(targets, (0,))
    edits.move_target(targets, (0,), 1)
    assert before == DOCUMENT


def test_a_new_rule_comes_before_a_last_one_that_always_holds_and_after_all_others() -> None:
    first, _ = edits.add_rule(DOCUMENT, "New rule")
    second, made = edits.add_rule(first, "New rule")
    assert names(second) == ["Pictures", "New rule", "New rule 2", "Everything"]
    assert edits.place_of(second, made) == 2
    assert names(edits.add_rule({"name": "x"}, "New rule")[0]) == ["New rule"]


def test_a_duplicate_stands_behind_its_rule_with_an_id_and_a_name_of_its_own() -> None:
    document, made = edits.duplicate_rule(DOCUMENT, "rule_1")
    assert names(document) == ["Pictures", "Pictures copy", "Everything"]
    assert document["rules"][1]["id"] == made != "rule_1"
    assert document["rules"][1]["targets"] == [A, B]


def test_a_rule_moves_within_the_list_and_never_out_of_it() -> None:
    assert names(edits.move_rule(DOCUMENT, "rule_1", 5)) == ["Everything", "Pictures"]
    assert names(edits.move_rule(DOCUMENT, "rule_2", -3)) == ["Everything", "Pictures"]
    assert edits.move_rule(DOCUMENT, "gone", 0) == DOCUMENT


def test_what_is_empty_is_left_out_of_a_rule() -> None:
    (rule, _) = edits.with_rule(DOCUMENT, "rule_1", when={}, strategy=None, targets=[A])["rules"]
    assert rule == {"name": "Pictures", "id": "rule_1", "targets": [A]}


def test_a_target_is_put_into_a_group_moved_there_and_taken_out_again() -> None:
    targets = edits.group_target([{**A, "weight": 3}, B], (0,))
    assert targets == [{"strategy": "priority", "targets": [A], "weight": 3}, B]
    targets = edits.add_target(targets, (0,), C)
    assert [path for path, _ in edits.walk(targets)] == [(0,), (0, 0), (0, 1), (1,)]
    targets = edits.move_target(targets, (0, 1), -1)
    assert targets[0]["targets"] == [C, A]
    assert edits.move_target(targets, (0, 0), -1) == targets
    assert edits.ungroup(targets, (0,)) == [C, A, B]


def test_a_group_goes_with_its_last_target() -> None:
    targets = edits.group_target([A, B], (0,))
    assert edits.put_target(targets, (0, 0), None) == [B]


def test_a_group_within_a_group_is_taken_apart_in_its_place() -> None:
    deep = [{"targets": [A, {"targets": [B, C]}]}]
    assert edits.ungroup(deep, (0, 1)) == [{"targets": [A, B, C]}]


def test_a_path_is_read_as_it_is_written() -> None:
    assert edits.read_path(edits.path_text((1, 0, 2))) == (1, 0, 2)
    assert edits.read_path("") == ()


def test_undo_and_redo_walk_through_the_edits() -> None:
    history = History({"name": "a"})
    assert not history.change({"name": "a"})
    history.change({"name": "b"})
    history.change({"name": "c"})
    assert (history.undo(), history.undo(), history.undo()) == (True, True, False)
    assert history.now == {"name": "a"}
    assert history.redo()
    history.change({"name": "d"})
    assert not history.can_redo
    assert history.undo()
    assert history.now == {"name": "b"}


def test_the_oldest_steps_are_forgotten() -> None:
    history = History({"step": 0})
    for step in range(1, edits.MAX_STEPS + 50):
        history.change({"step": step})
    while history.undo():
        pass
    assert history.now == {"step": 49}
