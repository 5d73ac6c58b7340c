"""The bonsai format, there and back, on made-up trees and on a file that a loom editor wrote."""

import json
from pathlib import Path

import pytest

from mwe_tasks.errors import BadRows
from mwe_tasks.formats.bonsai import from_bonsai, to_bonsai
from mwe_tasks.tree import Node, node_id, trunk

SEED = Path(__file__).parent.parent.parent / "shared" / "seed" / "bonsai.json"


@pytest.fixture(scope="module")
def seed():
    if not SEED.is_file():
        pytest.skip("there is no ../shared/seed/bonsai.json beside this checkout")
    return json.loads(SEED.read_text(encoding="utf-8"))


def made_up_tree(tree="a", rounds=3, width=4, picks=(1, 3)):
    """Rounds of candidates, of which some are picked and the first of those is the next round's parent."""
    root = Node(id=node_id(tree, 0, 0), parent=None, tree=tree, round=0, number=0, text=f"About {tree}")
    nodes, parent = [root], root.id
    for number_of_round in range(1, rounds + 1):
        for number in range(width):
            nodes.append(
                Node(
                    id=node_id(tree, number_of_round, number),
                    parent=parent,
                    tree=tree,
                    round=number_of_round,
                    number=number,
                    text=f"Is {tree} {number_of_round} {number}?",
                    rank=-float(number),
                    picked=number in picks,
                )
            )
        parent = node_id(tree, number_of_round, picks[0])
    return nodes


def plain(number, *parents, **fields):
    return {"id": number, "text": "", "parentIds": list(parents), **fields}


def bonsai(*nodes):
    return {"nodes": list(nodes)}


def places(nodes):
    return [(node.id, node.parent, node.round, node.number, node.text, node.picked) for node in nodes]


def test_what_the_format_holds_of_a_tree_comes_back():
    nodes = made_up_tree()
    assert places(from_bonsai(to_bonsai(nodes, "a"))) == places(nodes)


def test_several_trees_come_back_as_several():
    nodes = [*made_up_tree("a"), *made_up_tree("b")]
    back = from_bonsai(to_bonsai(nodes, "both"))
    assert places(back) == places(nodes)
    assert len({node.tree for node in back}) == 2


def test_the_path_leads_from_the_root_to_the_best_of_the_last_picked():
    written = to_bonsai(made_up_tree(), "a")
    path = [node_id("a", 0, 0), *(node_id("a", number, 1) for number in (1, 2, 3))]
    assert (written["pathNodes"], written["focusedId"]) == (path, path[-1])


def test_group_path_is_the_trunk():
    nodes = made_up_tree()
    grouped = {node["id"] for node in to_bonsai(nodes, "a")["nodes"] if node.get("group") == "path"}
    assert grouped == {node.id for node in trunk(nodes)}


def test_every_child_is_named_by_its_parent_and_by_an_edge():
    written = to_bonsai(made_up_tree(), "a")
    links = {(parent, node["id"]) for node in written["nodes"] for parent in node["parentIds"]}
    assert links == {(node["id"], child) for node in written["nodes"] for child in node["childrenIds"]}
    assert links == {(edge["from"], edge["to"]) for edge in written["edges"]}


def test_an_editors_own_file_comes_back_as_it_was(seed):
    back = to_bonsai(from_bonsai(seed), seed["name"])
    assert {node["id"]: node for node in back["nodes"]} == {node["id"]: node for node in seed["nodes"]}
    assert sorted(map(str, back["edges"])) == sorted(map(str, seed["edges"]))
    assert {key: back[key] for key in ("name", "pathNodes", "focusedId")} == {
        key: seed[key] for key in ("name", "pathNodes", "focusedId")
    }


def test_the_trunk_of_an_editors_own_file_is_its_path(seed):
    assert [node.id for node in trunk(from_bonsai(seed))] == seed["pathNodes"]


def test_a_chain_of_thousands_is_read():
    nodes = [plain("0"), *(plain(str(number), str(number - 1)) for number in range(1, 5000))]
    assert max(node.round for node in from_bonsai(bonsai(*nodes))) == 4999


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ([], "an object with a list of nodes"),
        ({"nodes": {}}, "an object with a list of nodes"),
        (bonsai(), "at least one node"),
        (bonsai("node"), "node 1"),
        (bonsai({"id": "1", "parentIds": []}), "text"),
        (bonsai(plain("1"), plain("1")), "each id once"),
        (bonsai(plain("1"), plain("2", "3")), "a parent that is there, found '3'"),
        (bonsai(plain("1"), plain("2"), plain("3", "1", "2")), "one parent at most"),
        (bonsai(plain("1", "2"), plain("2", "1")), "a root above every node, found none above 2"),
    ],
)
def test_what_is_no_tree_is_refused_with_the_reason(data, fault):
    with pytest.raises(BadRows, match=r"loom\.json") as refused:
        from_bonsai(data, "loom.json")
    assert fault in refused.value.message
