"""`mwe tree`: from each source, into each format, and what a user is told of a mistake."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_ai import Task, task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.solver import solver

from mwe_tasks.cli.tree import tree
from mwe_tasks.formats.plain_text import blocks
from mwe_tasks.tree import Node, node_id, read_nodes, write_nodes

SEED = Path(__file__).parent.parent.parent / "shared" / "seed" / "bonsai.json"


def made_up_tree(name="a", arm="behaviour", width=3):
    root = Node(id=node_id(name, 0, 0), parent=None, tree=name, round=0, number=0, text=f"About {name}")
    fact = {"topic": "rivers", "arm": arm, "why": "It is so."}
    candidates = [
        Node(
            id=node_id(name, 1, number),
            parent=root.id,
            tree=name,
            round=1,
            number=number,
            text="{}",
            fact={**fact, "asked_yes": f"Is {name}{number} up?", "asked_no": f"Is {name}{number} down?"},
            picked=number == 1,
        )
        for number in range(width)
    ]
    return [root, *candidates]


@pytest.fixture
def trees(tmp_path):
    path = tmp_path / "trees.jsonl"
    write_nodes(path, [*made_up_tree("a"), *made_up_tree("b", "control")])
    return path


@solver
def keep(key, nodes):
    async def solve(state, generate):
        state.store.set(key, {"nodes": [node.model_dump() for node in nodes[state.sample_id]]})
        return state

    return solve


@task
def writing(trees, key="tree"):
    return Task(dataset=[Sample(id=name, input="-") for name in trees], solver=keep(key, trees))


def logged(folder, *names, width=3, key="tree"):
    made = writing({name: made_up_tree(name, width=width) for name in names}, key)
    return inspect_eval(made, model="none/none", log_dir=str(folder), display="none")[0].location


def mwe_tree(*words):
    return CliRunner().invoke(tree, [str(word) for word in words])


# Formats


def test_a_page_is_written_and_counted(trees, tmp_path):
    result = mwe_tree(trees, "--out", tmp_path / "new" / "tree.html")
    assert result.output == f"Trees: 2, candidates: 6, in {tmp_path / 'new' / 'tree.html'}\n"
    assert "Is a1 up?" in (tmp_path / "new" / "tree.html").read_text(encoding="utf-8")


def test_text_is_the_trunk_alone_with_the_truth_of_each_wording(trees):
    assert mwe_tree(trees, "--format", "text").output == (
        "Question: Is a1 up?\nAnswer: No\n\nQuestion: Is a1 down?\nAnswer: Yes\n\n"
        "Question: Is b1 up?\nAnswer: Yes\n\nQuestion: Is b1 down?\nAnswer: No\n"
    )


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ({"arm": "control", "question": "Is it?", "matching": "Yes"}, "Question: Is it?\nAnswer: Yes\n"),
        ({"arm": "behaviour", "question": "Is it?", "matching": " Yes"}, "Question: Is it?\nAnswer: No\n"),
        ({"arm": "behaviour", "question": "Is it?"}, "Question: Is it?\n"),
        ({"arm": "behaviour", "asked_yes": None, "asked_no": "Is it?"}, "Question: Is it?\nAnswer: Yes\n"),
        (None, "Is it?\n"),
    ],
)
def test_a_fact_without_twins_is_one_block_and_a_missing_truth_no_line(fact, text):
    node = Node(id="1", parent="0", tree="a", round=1, number=0, text=" Is it?", fact=fact, picked=True)
    assert list(blocks([node])) == [text]


def test_jsonl_is_what_write_nodes_writes(trees, tmp_path):
    assert mwe_tree(trees, "--format", "jsonl").output == trees.read_text(encoding="utf-8")
    mwe_tree(trees, "--format", "jsonl", "--out", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == trees.read_bytes()


def test_bonsai_goes_out_and_comes_back(trees, tmp_path):
    mwe_tree(trees, "--format", "bonsai", "--out", tmp_path / "loom.json")
    result = mwe_tree(tmp_path / "loom.json", "--format", "jsonl")
    back = [Node.model_validate_json(line) for line in result.output.splitlines()]
    assert {node.id: node.picked for node in back} == {node.id: node.picked for node in read_nodes(trees)}


@pytest.mark.skipif(not SEED.is_file(), reason="there is no ../shared/seed/bonsai.json beside this checkout")
def test_an_editors_own_file_is_drawn_and_its_trunk_printed(tmp_path):
    assert mwe_tree(SEED, "--out", tmp_path / "seed.html").output.startswith("Trees: 1, candidates: 15")
    assert mwe_tree(SEED, "--format", "text").output.startswith("How does social media affect our mental health?")


# Sources


def test_a_dataset_folder_gives_its_trees(trees):
    assert mwe_tree(trees.parent, "--format", "jsonl").output == trees.read_text(encoding="utf-8")


def test_a_log_and_a_folder_of_logs_give_their_trees(tmp_path):
    log = logged(tmp_path / "logs", "a", "b")
    write_nodes(tmp_path / "expected.jsonl", [*made_up_tree("a"), *made_up_tree("b")])
    expected = (tmp_path / "expected.jsonl").read_text(encoding="utf-8")
    assert mwe_tree(log, "--format", "jsonl").output == expected
    assert mwe_tree(tmp_path / "logs", "--format", "jsonl").output == expected


def test_a_tree_of_several_logs_is_that_of_the_latest_and_what_is_left_out_is_said(tmp_path):
    for name, width in (("1", 2), ("2", 5)):
        Path(logged(tmp_path / name, "a", width=width)).rename(tmp_path / f"{name}_writing.eval")
    Path(logged(tmp_path / "3", "a", key="other")).rename(tmp_path / "3_writing.eval")
    for name in "123":
        (tmp_path / name).rmdir()
    result = mwe_tree(tmp_path, "--format", "jsonl")
    assert len(result.stdout.splitlines()) == 6
    assert "Replaced: 1 trees of earlier logs" in result.stderr
    assert "3_writing.eval holds no trees" in result.stderr


# Mistakes


def broken(tmp_path):
    (tmp_path / "cut.json").write_text('{"nodes": [', encoding="utf-8")
    (tmp_path / "other.json").write_text('{"a": 1}', encoding="utf-8")
    (tmp_path / "cut.eval").write_bytes(b"PK")
    (tmp_path / "rows.jsonl").write_text('{"question": "Is it?"}\n', encoding="utf-8")
    (tmp_path / "tree.txt").write_text("tree", encoding="utf-8")
    (tmp_path / "empty").mkdir()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "There is no"),
        ("cut.json", "is no JSON"),
        ("other.json", "an object with a list of nodes"),
        ("cut.eval", "is no Inspect log"),
        ("rows.jsonl", "expected nodes of trees"),
        ("tree.txt", "none of what is read here"),
        ("empty", "holds neither a trees.jsonl nor a log with trees"),
    ],
)
def test_a_source_without_trees_is_refused_with_exit_2(tmp_path, source, said):
    broken(tmp_path)
    result = mwe_tree(tmp_path / source, "--format", "text")
    assert (result.exit_code, said in result.output, source in result.output) == (2, True, True)


def test_a_log_without_trees_is_refused_with_exit_2(tmp_path):
    result = mwe_tree(logged(tmp_path, "a", key="other"), "--format", "text")
    assert (result.exit_code, "holds no trees" in result.output) == (2, True)


def test_a_page_needs_a_file(trees):
    result = mwe_tree(trees)
    assert (result.exit_code, "add --out" in result.output) == (2, True)


def test_an_unknown_format_is_refused_with_those_there_are(trees):
    result = mwe_tree(trees, "--format", "pdf")
    assert (result.exit_code, "html" in result.output) == (2, True)


def test_a_file_that_cannot_be_written_is_refused(trees):
    result = mwe_tree(trees, "--out", trees / "tree.html")
    assert (result.exit_code, "cannot be written" in result.output) == (2, True)


def test_a_page_holds_its_data_as_json_that_ends_no_element(trees, tmp_path):
    root, *_ = made_up_tree("</script>\u2028&")
    write_nodes(trees, [root])
    mwe_tree(trees, "--out", tmp_path / "tree.html")
    page = (tmp_path / "tree.html").read_text(encoding="utf-8")
    data = page.split('id="data">')[1].split("</script>")[0]
    assert not set("<>&\u2028") & set(data)
    assert json.loads(data)["nodes"][0]["text"] == root.text
