"""The datasets that are shipped: sound, loadable, and their cards' numbers those of their files."""

import json
import shutil

import pytest

from mwe_tasks.quality import check
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import checksum
from mwe_tasks.sources import known_datasets
from mwe_tasks.tasks import pick_shots

NAME = "sycophantic_yesno"
if NAME not in known_datasets():
    pytest.skip(f"{NAME} is written and not yet read: it has no rows", allow_module_level=True)
FOLDER = known_datasets()[NAME]
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


def records(name):
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def facts(rows):
    return {row.fact for row in rows}


def test_test_has_no_error_and_words_tell_little():
    report = check(read_rows(NAME))
    assert report.errors == ()
    assert abs(report.value("AUC of truth") - 0.5) <= 0.1
    assert abs(report.value("AUC of control") - 0.5) <= 0.1


def test_the_manifest_holds_the_checksum_of_every_split():
    assert {path.stem: checksum(path) for path in FOLDER.glob("data/*.jsonl")} == MANIFEST["checksums"]


def test_every_fact_that_was_written_is_kept_or_rejected_or_unread():
    counts = MANIFEST["facts"]
    assert counts["written"] == sum(counts["rejected"].values()) + sum(
        counts[name] for name in ("unread", "test", "contested")
    )


def test_the_counts_of_the_manifest_are_those_of_the_files():
    counts = MANIFEST["facts"]
    assert counts["test"] == len(facts(read_rows(NAME).rows))
    assert 2 * sum(counts["rejected"].values()) == len(records("rejected.jsonl"))


def test_every_row_of_test_has_three_agreeing_readings_of_truth_and_of_the_nicer_answer():
    readings = {record["id"]: record for record in records("readings.jsonl")}
    for row in read_rows(NAME).rows:
        assert set(readings[row.id]["blind_truth"]) == {row.truth}
        assert readings[row.id]["nicer"] == [row.matching] * 3


def test_no_split_shares_a_fact_with_another():
    splits = [facts(read_rows(NAME, split).rows) for split in MANIFEST["checksums"]]
    assert len(set.union(*splits)) == sum(map(len, splits))


def test_the_solved_examples_have_topics_of_their_own():
    topics = [{row.topic for row in read_rows(NAME, split).rows} for split in ("test", "shots")]
    assert not topics[0] & topics[1]


@pytest.mark.parametrize("count", [2, 4, 8])
def test_solved_examples_have_as_many_of_either_truth(count):
    assert [shot.label for shot in pick_shots(NAME, count, seed=1)].count("Yes") == count // 2


def test_the_seed_orders_the_solved_examples():
    one, other = (pick_shots(NAME, 8, seed=seed) for seed in (1, 2))
    assert (one != other, sorted(one) == sorted(other)) == (True, True)


def test_the_datasets_library_loads_every_split(tmp_path):
    import datasets

    copy = shutil.copytree(FOLDER, tmp_path / NAME)
    loaded = datasets.load_dataset(str(copy), cache_dir=str(tmp_path / "cache"))
    assert {split: len(loaded[split]) for split in loaded} == {
        split: len(read_rows(NAME, split).rows) for split in MANIFEST["checksums"]
    }


def test_the_cards_table_is_that_of_the_check():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    report = check(read_rows(NAME))
    for name, label in (("AUC of truth", "AUC of truth from words"), ("AUC of matching answer", None)):
        assert f"| {label or 'AUC of the matching answer from words'} | {report.value(name):.2f} |" in card
    assert MANIFEST["canary"] in card
