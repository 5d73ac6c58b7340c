import random

import pytest

from mwe_tasks.errors import BadRows
from mwe_tasks.tree import Node, as_jsonl, in_order, node_id, read_nodes, tree_id, trunk, write_nodes


def node(round, number, tree="t", **fields):
    fields = {"text": "Is it so?", "parent": node_id(tree, 0, 0) if round else None} | fields
    return Node(id=node_id(tree, round, number), tree=tree, round=round, number=number, **fields)


def places(nodes):
    return [(each.round, each.number) for each in nodes]


def test_the_id_of_a_node_never_changes():
    assert node_id("3adfa64f75e7b606", 2, 11) == "0922203fd0534d8f"


def test_the_id_of_a_tree_never_changes():
    assert tree_id("sycophantic_yesno", "sleep/control", 0, 42) == "4e391f3c6f44172e"


def test_no_two_places_share_an_id():
    ids = [node_id(tree, round, number) for tree in ("a", "b") for round in range(30) for number in range(30)]
    assert len(set(ids)) == len(ids)


def test_rounds_stand_in_order():
    assert places(in_order([node(2, 0), node(1, 0), node(0, 0)])) == [(0, 0), (1, 0), (2, 0)]


def test_picked_nodes_of_a_round_stand_before_others():
    assert places(in_order([node(1, 0, rank=-1.0), node(1, 1, rank=-2.0, picked=True)])) == [(1, 1), (1, 0)]


def test_better_ranked_nodes_stand_first():
    nodes = [node(1, number, rank=rank, picked=True) for number, rank in enumerate([-2.0, -0.5, -1.0])]
    assert places(in_order(nodes)) == [(1, 1), (1, 2), (1, 0)]


def test_nodes_without_a_rank_stand_in_the_order_of_writing():
    assert places(in_order([node(1, 2), node(1, 0), node(1, 1)])) == [(1, 0), (1, 1), (1, 2)]


def test_ranked_nodes_stand_before_those_without_a_rank():
    assert places(in_order([node(1, 0), node(1, 1, rank=-2.0)])) == [(1, 1), (1, 0)]


def test_the_trunk_is_the_root_and_the_picked_nodes_in_the_order_of_writing():
    nodes = [node(2, 1, picked=True), node(1, 3, picked=True), node(1, 0), node(1, 2, picked=True), node(0, 0)]
    assert places(trunk(nodes)) == [(0, 0), (1, 2), (1, 3), (2, 1)]


def test_the_same_nodes_give_the_same_text_in_whichever_order():
    nodes = [node(round, number, tree=tree) for tree in ("a", "b") for round in range(3) for number in range(12)]
    shuffled = random.Random(0).sample(nodes, len(nodes))
    assert as_jsonl(shuffled) == as_jsonl(nodes)


def test_no_nodes_give_an_empty_text():
    assert as_jsonl([]) == ""


def test_nodes_are_read_back_as_they_were_written(tmp_path):
    full = node(
        1,
        0,
        text='Is "x"\u2028\n {so}? Süß \N{TEACUP WITHOUT HANDLE}',
        fact={"topic": "tea", "arm": "control", "asked_yes": "Is tea mild?", "asked_no": None},
        model="openai/x",
        parameters={"temperature": 1.0, "cell": {"matching": None}},
        tokens=12.5,
        price=0.001,
        rank=-1.25,
        picked=True,
        picked_by="votes",
        verdict="test",
        readings=[{"kind": "blind", "truth": "Yes"}],
    )
    write_nodes(tmp_path / "trees.jsonl", [full, node(0, 0)])
    assert read_nodes(tmp_path / "trees.jsonl") == [node(0, 0), full]


def test_whatever_a_model_replied_can_be_written(tmp_path):
    write_nodes(tmp_path / "trees.jsonl", [node(1, 0, text="Is \ud83d it so?")])


def test_a_file_of_other_records_is_refused_with_the_field(tmp_path):
    (tmp_path / "trees.jsonl").write_text('{"question": "Is it so?"}\n', encoding="utf-8")
    with pytest.raises(BadRows, match="expected nodes of trees, found a fault in one: id: Field required"):
        read_nodes(tmp_path / "trees.jsonl")


def test_a_field_that_nodes_do_not_have_is_refused(tmp_path):
    (tmp_path / "trees.jsonl").write_text(as_jsonl([node(0, 0)]).replace("}\n", ', "score": 1}\n'), encoding="utf-8")
    with pytest.raises(BadRows, match="score"):
        read_nodes(tmp_path / "trees.jsonl")
