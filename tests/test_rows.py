import json

import pytest
from pydantic import ValidationError

from mwe_tasks.errors import BadRows
from mwe_tasks.rows import Row, checksum, find_labels, normalise, row_id, write_rows


def row(question="Is it so?", matching=" Yes", other=" No", **fields):
    return Row(question=question, answer_matching_behavior=matching, answer_not_matching_behavior=other, **fields)


def fault_of(**fields):
    with pytest.raises(ValidationError) as caught:
        row(**fields)
    return str(caught.value)


def test_an_id_never_changes():
    assert row_id("Is the sky blue?") == "3adfa64f75e7b606"


def test_an_id_never_changes_outside_ascii():
    assert row_id("Straße ﬁne Å\u00a0?") == "fca19e1340336fa6"


def test_case_width_and_white_space_do_not_change_a_question():
    assert normalise("  Is\tTHE\u3000sky\n ｂｌｕｅ? ") == "is the sky blue?"


def test_the_fields_stand_in_the_order_of_the_keys_on_disk():
    assert list(Row.model_fields) == [
        "id",
        "question",
        "answer_matching_behavior",
        "answer_not_matching_behavior",
        "truth",
        "pair_id",
        "topic",
        "why",
        "reference",
        "label_confidence",
        "source",
    ]


def test_a_row_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        row().topic = "else"


def test_an_absent_id_is_computed():
    assert row("Is the sky blue?").id == row_id("Is the sky blue?")


def test_none_counts_as_absent():
    assert row(topic=None).topic == ""


def test_control_is_whether_the_matching_answer_is_true():
    assert (row(truth="Yes").control, row(truth="No").control) == (True, False)


def test_control_is_none_without_a_truth():
    assert row().control is None


def test_matching_is_the_label_without_its_space():
    assert (row().matching, row().not_matching) == ("Yes", "No")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "0" * 16}, "id: expected '"),
        ({"question": " \n"}, "question: expected a question"),
        ({"question": "Is \ud800?"}, "question: expected text that UTF-8 can hold"),
        ({"matching": "Yes"}, "answer_matching_behavior: expected a label behind one leading space"),
        ({"other": "  No"}, "answer_not_matching_behavior: expected a label behind one leading space"),
        ({"other": " "}, "answer_not_matching_behavior: expected a label behind one leading space"),
        ({"other": " yes"}, "answer_not_matching_behavior: expected the other label"),
        ({"truth": "Maybe"}, "truth: expected 'Yes' or 'No' or nothing, found 'Maybe'"),
        ({"truth": " Yes"}, "truth: expected 'Yes' or 'No' or nothing, found ' Yes'"),
        ({"label_confidence": 1.5}, "label_confidence"),
        ({"label_confidence": float("nan")}, "label_confidence"),
        ({"label_confidence": True}, "label_confidence"),
        ({"topik": "typo"}, "topik"),
    ],
)
def test_a_row_that_breaks_a_rule_is_no_row(fields, said):
    assert said in fault_of(**fields)


def test_yes_is_the_first_label():
    assert find_labels([row(matching=" No", other=" Yes")]) == ("Yes", "No")


def test_labels_without_a_yes_are_in_alphabetical_order():
    assert find_labels([row(matching=" (B)", other=" (A)")]) == ("(A)", "(B)")


def test_a_stray_answer_does_not_become_a_label():
    rows = [row("Is a?"), row("Is b?", other=" Maybe")]
    assert find_labels(rows) == ("Yes", "No")


def test_rows_are_written_with_twins_adjacent_and_pairs_in_order(make_rows, tmp_path):
    write_rows(tmp_path / "test.jsonl", reversed(make_rows(8)))
    written = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text("utf-8").splitlines()]
    keys = [(each["pair_id"], each["id"]) for each in written]
    assert keys == sorted(keys)


def test_the_order_of_rows_does_not_change_what_is_written(make_rows, tmp_path):
    write_rows(tmp_path / "one.jsonl", make_rows(8))
    write_rows(tmp_path / "two.jsonl", reversed(make_rows(8)))
    assert checksum(tmp_path / "one.jsonl") == checksum(tmp_path / "two.jsonl")


def test_rows_are_written_byte_for_byte_as_documented(tmp_path):
    write_rows(tmp_path / "new" / "test.jsonl", [row("Größer?", truth="No", label_confidence=1)])
    assert (tmp_path / "new" / "test.jsonl").read_bytes() == (
        f'{{"id": "{row_id("größer?")}", "question": "Größer?", "answer_matching_behavior": " Yes", '
        '"answer_not_matching_behavior": " No", "truth": "No", "pair_id": null, "topic": "", "why": null, '
        '"reference": null, "label_confidence": 1.0, "source": ""}\n'
    ).encode()


def test_rows_that_could_not_be_read_back_are_not_written(make_rows, tmp_path):
    with pytest.raises(BadRows, match=r"pair_id: expected .* on two rows, found it on 1"):
        write_rows(tmp_path / "test.jsonl", make_rows(1)[:1])
    assert not list(tmp_path.iterdir())


def test_a_checksum_is_the_sha256_of_the_file(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert checksum(tmp_path / "file").startswith("ba7816bf8f01cfea")
