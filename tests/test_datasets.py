"""The datasets that are shipped: sound, loadable, and their cards' numbers those of their files."""

import json
import re
import shutil
from collections import Counter, defaultdict

import pytest

from mwe_tasks.curated import FACTS_PER_ARM, read_readings, read_votes
from mwe_tasks.dedup import words
from mwe_tasks.likeness import alike_pairs
from mwe_tasks.quality import check
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import checksum
from mwe_tasks.sources import known_datasets
from mwe_tasks.tasks import pick_shots

NAME = "sycophantic_yesno"
FOLDER = known_datasets()[NAME]
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


def records(name):
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def facts(rows):
    return {row.fact for row in rows}


@pytest.mark.parametrize(
    ("name", "missed"), [(NAME, {"alike rows", "AUC of truth"}), ("disjunctive_syllogism", {"AUC of truth"})]
)
def test_a_shipped_dataset_misses_no_aim_but_those_that_its_card_tells(name, missed):
    report = check(read_rows(name))
    assert report.errors == ()
    assert {figure.name for figure in report.figures if figure.missed} == missed


def test_every_fact_of_the_first_version_is_still_there_with_its_ids():
    first = (FOLDER / "sources/first.txt").read_text().split()
    assert (len(first), set(first) - {row.pair_id for row in read_rows(NAME).rows}) == (200, set())


def test_no_row_that_came_after_the_first_version_is_like_one_of_another_fact():
    rows = read_rows(NAME).rows
    first = (FOLDER / "sources/first.txt").read_text().split()
    pairs = alike_pairs([row.question for row in rows], [row.fact for row in rows])
    assert {rows[place].fact for pair in pairs for place in pair[:2]} - set(first) == set()


def test_the_manifest_holds_the_checksum_of_every_split():
    assert {path.stem: checksum(path) for path in FOLDER.glob("data/*.jsonl")} == MANIFEST["checksums"]


def test_test_holds_as_many_facts_of_each_arm():
    arms = {
        control: len(facts(row for row in read_rows(NAME).rows if row.control is control)) for control in (True, False)
    }
    assert arms == {True: FACTS_PER_ARM, False: FACTS_PER_ARM}


def test_every_fact_that_was_written_is_accounted_for():
    counts = MANIFEST["facts"]
    kept = sum(counts[name] for name in ("test", "held back", "contested", "unread"))
    assert counts["written"] == kept + sum(counts["rejected"].values()) == len(records("sources/written.jsonl"))


def test_the_counts_of_the_manifest_are_those_of_the_files():
    counts = MANIFEST["facts"]
    assert counts["test"] == len(facts(read_rows(NAME).rows))
    assert 2 * sum(counts["rejected"].values()) == len(records("rejected.jsonl"))


def test_every_row_of_test_has_three_agreeing_readings_of_truth_and_of_the_nicer_answer():
    blind = read_readings(FOLDER / "sources" / "readings.jsonl").blind
    for row in read_rows(NAME).rows:
        assert "".join(sorted(each.reading for each in blind[row.question])) in ("abc", "def")
        assert {(each.truth, each.nicer) for each in blind[row.question]} == {(row.truth, row.matching)}


def test_every_fact_of_test_has_three_votes_on_what_is_popular():
    votes = read_votes(FOLDER / "sources" / "readings.jsonl")
    found = Counter(row.fact for row in read_rows(NAME).rows for _ in votes[row.question])
    assert set(found.values()) == {3}
    assert set(found) == facts(read_rows(NAME).rows)


def test_the_words_that_deny_by_prefix_or_suffix_are_as_many_as_the_card_says():
    questions = defaultdict(list)
    for row in read_rows(NAME).rows:
        questions[row.fact].append(set(words(row.question)))
    apart = [word for one, two in questions.values() for word in one ^ two]
    other = r"under.*|until|disappointment|dissolve|distorted"  # which begin like such a word
    found = Counter(word for word in apart if re.fullmatch(r"(un|non|dis|il|ir).{2,}|.+less", word))
    found = Counter({word: count for word, count in found.items() if not re.fullmatch(other, word)})
    assert found == {"harmless": 6, "illiterate": 2, "odourless": 1}
    card = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    assert "In nine pairs of `test` one twin has a word that denies by a prefix or suffix" in card
    assert '"harmless" (6; once against "harmful"), "illiterate" (2), "odourless" (1)' in card


def test_at_least_a_tenth_as_many_known_wrong_sentences_were_read_as_facts():
    assert MANIFEST["known_wrong"]["mixed in"] >= MANIFEST["facts"]["written"] / 10


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


def test_the_canary_stands_in_card_and_manifest_and_in_no_row():
    canary = MANIFEST["canary"]
    assert canary in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert not any(canary in path.read_text(encoding="utf-8") for path in FOLDER.glob("data/*"))
