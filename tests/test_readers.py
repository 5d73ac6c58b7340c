import csv
import json
import os
import subprocess
import sys
import tracemalloc
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow
import pyarrow.parquet
import pytest
from hub import HubStandIn

from mwe_tasks import sources
from mwe_tasks.errors import BadRows, MweError, UnknownName
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import Row, checksum, row_id, write_rows

BARE = {
    "question": "Is it so?",
    "answer_matching_behavior": " Yes",
    "answer_not_matching_behavior": " No",
}


def jsonl(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def faults_of(source, split="test"):
    with pytest.raises(BadRows) as caught:
        read_rows(source, split)
    return caught.value.faults


def error_of(source, split="test"):
    with pytest.raises(MweError) as caught:
        read_rows(source, split)
    return caught.value.message


@pytest.fixture
def bad(tmp_path):
    """A function from bytes to the one fault that reading them as JSON lines gives."""

    def fault_of(content, suffix=".jsonl"):
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(content)
        (fault,) = faults_of(path)
        return fault

    return fault_of


@pytest.fixture
def folder(tmp_path, make_rows):
    """A dataset folder of two splits."""
    write_rows(tmp_path / "rivers" / "data" / "test.jsonl", make_rows(8))
    write_rows(tmp_path / "rivers" / "data" / "shots.jsonl", make_rows(2))
    return tmp_path / "rivers"


# What is read


def test_rows_come_back_as_they_were_written(folder, make_rows):
    assert sorted(read_rows(folder).rows, key=repr) == sorted(make_rows(8), key=repr)


def test_jsonl_csv_and_parquet_hold_the_same_rows(tmp_path, make_rows):
    records = [row.model_dump() for row in make_rows(4)]
    records[0]["label_confidence"] = 0.75
    jsonl(tmp_path / "a.jsonl", *records)
    with (tmp_path / "b.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), tmp_path / "c.parquet")
    assert len({read_rows(tmp_path / name).rows for name in ("a.jsonl", "b.csv", "c.parquet")}) == 1


def test_three_columns_are_enough(tmp_path):
    (row,) = read_rows(jsonl(tmp_path / "a.jsonl", BARE)).rows
    assert row == Row(id=row_id("Is it so?"), **BARE)


def test_other_columns_are_named_and_not_read(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", {**BARE, "statement": "It is so.", "more": {"nested": [1]}})
    assert read_rows(path).ignored_columns == ("statement", "more")


def test_a_dataset_says_what_it_is(folder):
    dataset = read_rows(folder, "shots")
    path = folder / "data" / "shots.jsonl"
    assert (dataset.name, dataset.split, dataset.labels) == ("rivers", "shots", ("Yes", "No"))
    assert (dataset.where, dataset.checksum) == (str(path), checksum(path))


def test_a_file_is_its_own_split(folder):
    dataset = read_rows(folder / "data" / "shots.jsonl")
    assert (dataset.name, dataset.split) == ("rivers", "shots")


def test_a_byte_order_mark_crlf_and_blank_lines_are_accepted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(BARE).encode() + b"\r\n\r\n")
    assert len(read_rows(path).rows) == 1


def test_csv_with_a_byte_order_mark_and_crlf_is_accepted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ",".join(BARE).encode() + b"\r\nIs it so?, Yes, No\r\n")
    assert len(read_rows(path).rows) == 1


def test_a_line_separator_inside_a_question_does_not_end_its_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**BARE, "question": "Is\u2028it?"}, ensure_ascii=False), "utf-8")
    assert read_rows(path).rows[0].question == "Is\u2028it?"


def test_the_shard_name_of_the_hub_is_a_split(tmp_path):
    (tmp_path / "data").mkdir()
    table = pyarrow.Table.from_pylist([BARE])
    pyarrow.parquet.write_table(table, tmp_path / "data" / "test-00000-of-00001.parquet")
    assert read_rows(tmp_path).split == "test"


def test_a_dataset_is_found_by_its_name(folder, monkeypatch):
    monkeypatch.setattr(sources, "shipped_folder", lambda name: folder.parent)
    assert read_rows("rivers").name == "rivers"


def test_in_a_checkout_datasets_stand_at_the_top_level(tmp_path):
    module = tmp_path / "src" / "mwe_tasks" / "sources.py"
    (tmp_path / "pyproject.toml").touch()
    assert sources.shipped_folder("datasets", module=module) == tmp_path / "datasets"


def test_in_a_wheel_datasets_stand_beside_the_modules(tmp_path):
    module = tmp_path / "site-packages" / "mwe_tasks" / "sources.py"
    assert sources.shipped_folder("datasets", module=module) == module.parent / "datasets"


# What a file may be at fault for


def test_a_missing_column_is_one_fault_for_all_rows(tmp_path):
    records = [{"question": f"Is it {number}?", "answer_matching_behavior": " Yes"} for number in range(50)]
    assert faults_of(jsonl(tmp_path / "a.jsonl", *records)) == (
        "expected a column answer_not_matching_behavior, found only 'question', 'answer_matching_behavior'",
    )


def test_a_value_missing_from_one_row_is_a_fault_of_that_row(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", BARE, {**BARE, "question": None})
    assert faults_of(path) == ("line 2, question: expected text, found nothing",)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("question", ["Is it?"], "question: expected text, found a list"),
        ("question", {"text": "Is it?"}, "question: expected text, found an object"),
        ("question", 7, "question: expected text, found 7"),
        ("topic", {"name": "x"}, "topic: expected text or nothing, found an object"),
        ("label_confidence", "high", "label_confidence: expected a number from 0 to 1, found 'high'"),
        ("truth", "Maybe", "truth: expected 'Yes' or 'No' or nothing, found 'Maybe'"),
        ("id", "x", f"id: expected '{row_id('Is it so?')}', the hash of its question, found 'x'"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(bad, field, value, said):
    assert bad(json.dumps({**BARE, field: value}).encode()) == f"line 1, {said}"


def test_all_bad_rows_are_reported_at_once(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", *({**BARE, "question": number} for number in range(30)))
    assert len(faults_of(path)) == 30


def test_a_fault_in_a_row_does_not_hide_a_fault_between_rows(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", BARE, BARE, {**BARE, "question": 7})
    assert [fault.partition(":")[0] for fault in faults_of(path)] == ["line 3, question", "line 2, id"]


def test_a_twin_is_not_called_alone_because_its_other_half_is_broken(tmp_path, make_rows):
    one, two = (row.model_dump() for row in make_rows(1))
    (fault,) = faults_of(jsonl(tmp_path / "a.jsonl", one, {**two, "question": 7}))
    assert fault.startswith("line 2, question")


def test_a_third_label_is_a_fault(tmp_path):
    maybe = {**BARE, "question": "Is it?", "answer_not_matching_behavior": " Maybe"}
    path = jsonl(tmp_path / "a.jsonl", BARE, maybe)
    said = "expected the dataset's label ' Yes' or ' No', found ' Maybe'"
    assert faults_of(path) == (f"line 2, answer_not_matching_behavior: {said}",)


def test_the_same_question_twice_is_a_fault(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", BARE, {**BARE, "question": "IS it  so?"})
    said = f"expected a question asked once, found {row_id('Is it so?')} at line 1 too"
    assert faults_of(path) == (f"line 2, id: {said}",)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda one, two: [one], "on two rows, found it on 1"),
        (lambda one, two: [one, {**two, "pair_id": "f" * 16}], "on two rows, found it on 1"),
        (
            lambda one, two: [{**one, "pair_id": "f" * 16}, {**two, "pair_id": "f" * 16}],
            "the smaller id of the twins, found 'ffffffffffffffff'",
        ),
        (
            lambda one, two: [one, {**two, "truth": one["truth"]}],
            "truth: expected the opposite of its twin's",
        ),
        (lambda one, two: [one, {**two, "truth": None}], "truth: expected the opposite of its twin's"),
        (
            lambda one, two: [
                one,
                {**one, "question": two["question"], "id": two["id"], "truth": two["truth"]},
            ],
            "answer_matching_behavior: expected the opposite of its twin's at line 1",
        ),
    ],
    ids=["alone", "another pair", "not the smaller id", "equal truths", "one truth", "equal answers"],
)
def test_twins_that_are_none_are_a_fault(tmp_path, make_rows, spoil, said):
    records = spoil(*(row.model_dump() for row in make_rows(1)))
    assert said in faults_of(jsonl(tmp_path / "a.jsonl", *records))[0]


def test_another_encoding_is_named_by_line_and_byte(bad):
    content = json.dumps(BARE).encode() + b"\n" + '{"question": "Größe?"}'.encode("latin-1")
    assert bad(content) == "line 2: expected UTF-8, found 0xf6 as byte 17 of the line"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_an_empty_file_is_a_fault(bad, suffix):
    assert bad(b"", suffix) == "expected at least one row, found an empty file"


def test_a_parquet_file_without_rows_is_a_fault(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([BARE]).slice(0, 0), path)
    assert faults_of(path) == ("expected at least one row, found none",)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_thirty_megabytes_on_one_line_are_refused_in_little_memory(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"x" * 30_000_000)
    tracemalloc.start()
    (fault,) = faults_of(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault == "line 1: expected at most 1,048,576 bytes on a line, found more"
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"[1]", "found a list"),
        (b"null", "found nothing"),
        (b'"text"', "found 'text'"),
        (b"{", "found a fault in it: Expecting property name"),
        (b'{"label_confidence": NaN}', "found a fault in it: NaN is no JSON value"),
        (b'{"label_confidence": -Infinity}', "found a fault in it: -Infinity is no JSON value"),
        (b"[" * 100_000, "found one nested too deeply"),
        (b'{"label_confidence": ' + b"9" * 5000 + b"}", "found a fault in it: Exceeds the limit"),
    ],
    ids=["list", "null", "text", "half an object", "NaN", "-Infinity", "deep nesting", "5,000 digits"],
)
def test_a_line_that_is_no_json_object_is_a_fault(bad, line, found):
    assert bad(line).startswith(f"line 1: expected a JSON object, {found}")


def test_nan_in_parquet_is_a_fault(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{**BARE, "label_confidence": float("nan")}]), path)
    assert faults_of(path) == ("row 1, label_confidence: expected a number from 0 to 1, found nan",)


def test_a_truncated_parquet_file_is_a_fault(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([BARE] * 100), path)
    path.write_bytes(path.read_bytes()[:-20])
    (fault,) = faults_of(path)
    assert fault.startswith("expected a whole Parquet file, found a fault in it: ")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b"Is it?, Yes\n", "line 2: expected 3 cells as in the header, found 2"),
        (b"Is it?, Yes, No, \n", "line 2: expected 3 cells as in the header, found 4"),
        (b'"Is it?, Yes, No\n', "line 2: expected CSV, found a fault in it: unexpected end of data"),
    ],
    ids=["a cell too few", "a cell too many", "an open quote"],
)
def test_ragged_csv_is_a_fault(bad, lines, said):
    assert bad(",".join(BARE).encode() + b"\n" + lines, ".csv") == said


def test_a_csv_with_semicolons_is_told_so(bad):
    assert (
        bad(b"question;answer\nIs it?;Yes\n", ".csv") == "line 1: expected commas between the columns, found semicolons"
    )


def test_a_csv_of_a_header_alone_has_no_row(bad):
    assert bad(b"question,answer\n", ".csv") == "expected at least one row, found none"


def test_a_csv_column_twice_is_a_fault(bad):
    said = "line 1: expected each column once, found 'question' twice"
    assert bad(b"question,question\nIs it?,Is it?\n", ".csv") == said


def test_a_csv_row_is_named_by_its_first_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(BARE) + '\n"Is\nit?", Yes, No\nIs he?,Yes, No\n')
    assert faults_of(path)[0].startswith("line 4, answer_matching_behavior")


# What a source may be at fault for


def test_a_missing_file_is_named(tmp_path):
    assert error_of(tmp_path / "a.jsonl") == f"There is no file or folder {tmp_path / 'a.jsonl'}."


def test_a_folder_where_a_file_should_be_is_named(tmp_path):
    (tmp_path / "a.jsonl").mkdir()
    assert error_of(tmp_path / "a.jsonl").startswith(f"{tmp_path / 'a.jsonl'} is a folder without a dataset")


def test_a_folder_in_the_place_of_a_split_is_no_split(tmp_path):
    (tmp_path / "data" / "test.jsonl").mkdir(parents=True)
    assert error_of(tmp_path).startswith(f"{tmp_path} is a folder without a dataset")


def test_another_format_is_refused_with_those_there_are(tmp_path):
    (tmp_path / "a.xlsx").touch()
    assert error_of(tmp_path / "a.xlsx").endswith("none of the formats read here: .jsonl, .csv, .parquet.")


@pytest.mark.parametrize("name", ["lakes", "", "rivers\n", "a\0b"])
def test_an_unknown_name_lists_the_known_ones(folder, monkeypatch, name):
    monkeypatch.setattr(sources, "shipped_folder", lambda name: folder.parent)
    with pytest.raises(UnknownName, match=r"There are: rivers\."):
        read_rows(name)


@pytest.mark.parametrize("name", ["../rivers", "./../rivers", "x/../../rivers"])
def test_a_name_never_leads_out_of_the_datasets_folder(folder, monkeypatch, name):
    inside, elsewhere = folder.parent / "datasets", folder.parent / "some" / "where" / "else"
    inside.mkdir()
    elsewhere.mkdir(parents=True)
    monkeypatch.setattr(sources, "shipped_folder", lambda name: inside)
    monkeypatch.chdir(elsewhere)
    assert error_of(name) == f"There is no file or folder {Path(name)}."


@pytest.mark.parametrize("split", ["train", "../data/test", "*", ""])
def test_an_unknown_split_lists_those_there_are(folder, split):
    assert error_of(folder, split) == f"No split of rivers is named {split!r}. There are: shots, test."


def test_a_split_of_a_single_file_is_refused(folder):
    assert "is one file, without a split 'shots'" in error_of(folder / "data" / "test.jsonl", "shots")


def test_a_split_in_two_files_is_refused(folder):
    (folder / "data" / "test.csv").touch()
    said = "Split 'test' of rivers stands in 2 files (test.csv, test.jsonl): expected one."
    assert error_of(folder) == said


def test_a_name_too_long_for_a_path_is_a_sentence():
    assert error_of("x" * 5000 + ".jsonl").endswith("cannot be read: File name too long.")


# The Hub


def test_a_hub_dataset_without_a_revision_is_refused():
    said = "hf:some/rivers names no revision, and a dataset on the Hub can change: write hf:ORG/NAME@REVISION."
    assert error_of("hf:some/rivers") == said


@pytest.mark.parametrize("source", ["hf:rivers@v1", "hf:../rivers@v1", "hf:some/rivers@", "hf:a/b/c@v1"])
def test_a_hub_dataset_in_another_form_is_refused(source):
    assert error_of(source) == f"{source} is not of the form hf:ORG/NAME@REVISION."


@pytest.fixture
def read_from_hub(folder, tmp_path):
    """A function that reads a source in a process of its own, whose Hub is a stand-in with the folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(HubStandIn, folder=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    script = (
        "import sys; from mwe_tasks.errors import MweError; from mwe_tasks.readers import read_rows\n"
        "try: found = read_rows(*sys.argv[1:])\n"
        "except MweError as error: print(error.message)\n"
        "else: print(found.name, found.split, len(found.rows), found.checksum, found.where)"
    )

    def read(*arguments, **environment):
        hub = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path / "hub")}
        command = [sys.executable, "-c", script, *arguments]
        environment = {**os.environ, **hub, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    yield read
    server.shutdown()
    server.server_close()


def test_a_hub_dataset_is_read_and_named_by_its_commit(read_from_hub, folder):
    expected = f"some/rivers test 16 {checksum(folder / 'data' / 'test.jsonl')} hf:some/rivers@{HubStandIn.commit}"
    assert read_from_hub("hf:some/rivers@v1") == expected


def test_a_hub_dataset_read_before_is_read_without_a_network(read_from_hub):
    online = read_from_hub("hf:some/rivers@v1")
    assert read_from_hub("hf:some/rivers@v1", HF_HUB_OFFLINE="1") == online


def test_an_unknown_split_on_the_hub_lists_those_there_are(read_from_hub):
    said = "No split of some/rivers is named 'train'. There are: shots, test."
    assert read_from_hub("hf:some/rivers@v1", "train") == said


def test_an_unknown_dataset_on_the_hub_is_a_sentence(read_from_hub):
    said = "The Hub has no dataset some/lakes, or none that this login may read."
    assert read_from_hub("hf:some/lakes@v1") == said


def test_an_unknown_revision_on_the_hub_is_a_sentence(read_from_hub):
    said = "Dataset some/rivers has no revision 'v2': name a tag or a commit."
    assert read_from_hub("hf:some/rivers@v2") == said


def test_a_hub_that_does_not_answer_is_a_sentence(read_from_hub):
    said = read_from_hub("hf:some/rivers@v1", HF_ENDPOINT="http://127.0.0.1:9")
    assert said.startswith("hf:some/rivers@v1 could not be fetched: ")
