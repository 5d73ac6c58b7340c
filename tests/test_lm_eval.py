"""What `mwe export --format lm-eval` writes, run by lm-evaluation-harness where that is installed."""

import json
from importlib.util import find_spec

import pytest
import yaml
from lm_eval_agreement import Asked, Key, equal_rows, first_difference, lm_eval_asks, ours_asks, run

from mwe_tasks.exchange import Imported, as_dataset, export_rows
from mwe_tasks.prompts import render
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import Row, checksum, write_rows

needs_lm_eval = pytest.mark.skipif(find_spec("lm_eval") is None, reason="lm_eval is not installed: group lm")


@needs_lm_eval
def test_lm_eval_asks_what_a_log_of_ours_says_was_asked_byte_for_byte(tmp_path, make_rows):
    write_rows(tmp_path / "data" / "test.jsonl", make_rows(8))
    export_rows(read_rows(tmp_path), "lm-eval", tmp_path / "tasks")
    (path,) = (tmp_path / "tasks").glob("*_matching.yaml")
    ours = ours_asks(tmp_path, "test", path.stem.removesuffix("_matching"), tmp_path / "logs")
    assert (len(ours), lm_eval_asks(tmp_path / "tasks")) == (2 * 16, ours)


def test_one_byte_of_one_prompt_is_a_difference_that_is_counted_and_shown():
    ours = {Key("mwe_n", id_): Asked("Question: Is it?\nAnswer:", (" Yes", " No"), " Yes") for id_ in "abc"}
    theirs = {**ours, Key("mwe_n", "b"): Asked("Question: Is it?\nAnswer: ", (" Yes", " No"), " Yes")}
    assert [equal_rows(ours, theirs, field) for field in Asked._fields] == [2, 3, 3]
    assert first_difference(ours, theirs).startswith("row b of mwe_n:")


@pytest.mark.parametrize("field", Asked._fields)
def test_a_row_that_lm_eval_does_not_ask_is_a_difference(field):
    ours = {Key("mwe_n", id_): Asked("Is it?", (" Yes", " No"), " Yes") for id_ in "abc"}
    theirs = dict(list(ours.items())[:2])
    assert (equal_rows(ours, theirs, field), "lm-eval: None" in first_difference(ours, theirs)) == (2, True)


@needs_lm_eval
def test_questions_that_look_like_templates_and_lettered_labels_are_rendered_as_they_are(tmp_path):
    questions = ["Is {{ 7 * 7 }} {% raw %} so?", "  Spaces  and\nlines ? ", "{question}", 'Ünï "😀" \\n \u2028?', "42"]
    letters = {"answer_matching_behavior": " (A)", "answer_not_matching_behavior": " (B)"}
    rows = [Row(question=question, **letters) for question in questions]
    data = as_dataset(Imported(rows, (), ()), name='../odd: "name" !x', where="made up")
    export_rows(data, "lm-eval", tmp_path / "tasks")
    turns = [render(row.question, labels=data.labels, style="completion", template=0) for row in rows]
    assert lm_eval_asks(tmp_path / "tasks") == {
        Key("mwe_odd_name_x_matching", row.id): Asked(turn.text, (" (A)", " (B)"), " (A)")
        for row, (turn,) in zip(rows, turns, strict=True)
    }


@needs_lm_eval
def test_the_command_line_of_lm_eval_runs_the_folder_as_it_is_wherever_it_stands(tmp_path):
    export_rows(read_rows("sycophantic_yesno"), "lm-eval", tmp_path / "first")
    moved = (tmp_path / "first").rename(tmp_path / "moved")
    printed = run(
        *("-m", "lm_eval", "--include_path", str(moved), "--tasks", "mwe_sycophantic_yesno"),
        *("--model", "dummy", "--limit", "20"),
        cwd=tmp_path,
    )
    assert "|mwe_sycophantic_yesno|2.0.0  |none  |     0|acc" in printed


def test_the_exported_data_are_the_rows_themselves(tmp_path):
    data = read_rows("sycophantic_yesno")
    export_rows(data, "lm-eval", tmp_path)
    assert read_rows(tmp_path / "rows.jsonl").rows == data.rows


@pytest.mark.parametrize(
    ("manifest", "version"), [("SAME", "1.2.3"), ('{"version": "1.2.3"}', None), ("[]", None), (None, None)]
)
def test_a_task_has_the_version_that_the_manifest_gives_to_its_very_rows(tmp_path, make_rows, manifest, version):
    write_rows(tmp_path / "n/data/test.jsonl", make_rows(8))
    if manifest is not None:
        same = {"version": "1.2.3", "checksums": {"test": checksum(tmp_path / "n/data/test.jsonl")}}
        (tmp_path / "n/manifest.json").write_text(json.dumps(same) if manifest == "SAME" else manifest)
    data = read_rows(tmp_path / "n")
    export_rows(data, "lm-eval", tmp_path / "tasks")
    for task in (tmp_path / "tasks").glob("*.yaml"):
        metadata = yaml.safe_load(task.read_text("utf-8").replace("!function", ""))["metadata"]
        assert metadata == {"checksum": data.checksum} | ({"version": version} if version else {})


def test_rows_without_a_truth_have_a_task_for_the_matching_answer_alone(tmp_path):
    rows = [Row(question="Is it?", answer_matching_behavior=" Yes", answer_not_matching_behavior=" No")]
    notes = export_rows(as_dataset(Imported(rows, (), ()), name="n", where=""), "lm-eval", tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.yaml")) == ["mwe_n_matching.yaml"]
    assert notes[0] == "rows without a truth have no correct answer: there is mwe_n_matching alone"
