"""What must grow with the rows and not with their square, counted in operations; and a broken line far down a file."""

import json
import random
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import WORDS

from mwe_tasks import meaning, quality, repeats
from mwe_tasks.cli import main
from mwe_tasks.errors import BadRows
from mwe_tasks.likeness import TooMany, alike_pairs, same_pairs
from mwe_tasks.meaning import DIMENSIONS, Meanings
from mwe_tasks.quality import check
from mwe_tasks.readers import Dataset
from mwe_tasks.repeats import sharing
from mwe_tasks.rows import Row, find_labels
from mwe_tasks.steering import ALIKE
from mwe_tasks.tasks import yesno

BROKEN = 190_001


def framed(number):
    """A question that shares its frame with all others, and its words with many."""
    one, two, three, four, five, six, seven = random.Random(number).sample(WORDS, 7)
    return f"Is {one} {two} more common than {three} {four} in the {five} {six} {seven}?"


def counted(facts, monkeypatch):
    """How many pairs of questions have the words counted that they share, among so many facts."""
    counts = []
    every = repeats.candidates
    with monkeypatch.context() as patch:
        patch.setattr(repeats, "candidates", lambda *of: (counts.append(len(pair[0])) or pair for pair in every(*of)))
        list(sharing([[framed(number)] for number in range(facts)], frozenset()))
    return sum(counts)


def test_fewer_pairs_are_counted_for_repeats_than_there_are_facts_where_all_share_a_frame(monkeypatch):
    assert 0 < counted(2000, monkeypatch) < 2000


@pytest.mark.parametrize("since", [0, 100, 150])
@pytest.mark.parametrize("form", [frozenset(), frozenset(WORDS[:2])], ids=["no form", "a form"])
def test_facts_that_share_enough_words_are_found_and_no_others(since, form, monkeypatch):
    monkeypatch.setattr(repeats, "CHUNK", 7)
    draw = random.Random(0)
    asked = [tuple(" ".join(draw.choices(WORDS[:9], k=draw.randint(1, 9))) for _ in "yn") for _ in range(150)]
    held = [[Counter(word for word in text.split() if word not in form) for text in texts] for texts in asked]

    def near(one, other):
        return any(0 < ALIKE * (a.total() + b.total()) / 2 <= (a & b).total() + 1e-9 for a, b in product(one, other))

    expected = {(i, j) for i, j in combinations(range(150), 2) if j >= since and near(held[i], held[j])}
    assert {tuple(sorted(pair)) for pair in sharing(asked, form, since=since)} == expected


def compared(count, monkeypatch):
    """How many vectors are compared while so many are taken in."""
    monkeypatch.setattr(meaning, "EXACT", 256)
    vectors = np.random.default_rng(0).normal(size=(count, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found, index = 0, Meanings()
    for vector in vectors:
        found += sum(len(part) for part, _ in index.compared(vector[None], np.zeros(1, dtype=np.int64)))
        index.add(vector[None])
    return found


def test_meanings_compared_grow_more_slowly_than_the_square_of_the_facts(monkeypatch):
    assert compared(16_000, monkeypatch) < 10 * compared(4_000, monkeypatch)


def test_the_closest_of_many_meanings_is_found_under_their_centres(monkeypatch):
    monkeypatch.setattr(meaning, "EXACT", 256)
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(4_000, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = Meanings()
    index.add(vectors)
    near = vectors[:200] + draw.normal(size=(200, DIMENSIONS)).astype(np.float32) * 0.03
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    found = np.array(index.closest([each[None] for each in near]))
    assert np.mean(np.abs(found - (near * vectors[:200]).sum(axis=1)) < 1e-5) > 0.95


def close(vectors, over):
    """The pairs of places of vectors with a cosine over this, all compared."""
    return {(int(one), int(other)) for one, other in np.argwhere(np.triu(vectors @ vectors.T, 1) > over)}


def near_ones(count):
    """So many vectors, and as many again that are near to them."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(count, DIMENSIONS)).astype(np.float32)
    near = vectors + draw.normal(size=(count, DIMENSIONS)).astype(np.float32) * 0.4
    both = np.concatenate([vectors, near])
    return both / np.linalg.norm(both, axis=1, keepdims=True)


def pairs_of(index, over):
    """The pairs of different vectors that an index lists."""
    listed = [
        pair for first, second, _ in index.pairs(over) for pair in zip(first.tolist(), second.tolist(), strict=True)
    ]
    return {(first, second) for first, second in listed if first != second}


def test_of_few_meanings_every_pair_that_is_close_is_listed(monkeypatch):
    monkeypatch.setattr(meaning, "CHUNK", 64)
    vectors = near_ones(150)
    index = Meanings()
    index.add(vectors)
    assert pairs_of(index, 0.92) == close(vectors, 0.92) != set()


def test_of_many_meanings_nearly_every_pair_that_is_close_is_listed_and_no_other(monkeypatch):
    monkeypatch.setattr(meaning, "EXACT", 256)
    monkeypatch.setattr(meaning, "CHUNK", 512)
    vectors = near_ones(2_000)
    index = Meanings()
    index.add(vectors)
    found, there = pairs_of(index, 0.92), close(vectors, 0.92)
    assert (found <= there, len(found) > 0.99 * len(there)) == (True, True)


def test_questions_far_down_are_found_to_mean_the_same_and_to_be_alike(monkeypatch):
    monkeypatch.setattr(meaning, "EXACT", 256)
    one, two, *words = WORDS[:6]
    asked = [framed(number) for number in range(6_000)]
    asked += [f"Did {one} of {two} grow?", f"Of {two}, did {one} grow?", f"Was {' '.join(words)} ever old?"]
    asked += [f"Was {' '.join(words)} never old?"]
    same, alike = (search(asked, range(len(asked))) for search in (same_pairs, alike_pairs))
    assert (6_000, 6_001) in {pair[:2] for pair in same}
    assert (6_002, 6_003) in {pair[:2] for pair in alike}


@pytest.mark.parametrize("most", [100, 4_949])
def test_where_nearly_all_questions_are_alike_fewer_are_compared_and_the_report_says_so(most, monkeypatch):
    monkeypatch.setattr(quality, "MOST_PAIRS", most)
    monkeypatch.setattr(quality, "ALL_PAIRS", 99)
    monkeypatch.setattr(quality, "FEW", 50)
    answers = {"answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}
    rows = [Row(question=f"Is it so that the number {number} is odd?", **answers) for number in range(100)]
    report = check(dataset(rows))
    said = "likeness: only the first 50 of 100 rows are compared with each other, since more than "
    assert f"{said}{most:,} pairs are alike" in {each.text for each in report.skipped}
    same = same_pairs([row.question for row in rows[:50]], range(50))
    assert (report.value("alike rows"), report.value("same meaning")) == (1.0, len(same))


@pytest.mark.parametrize("search", [alike_pairs, same_pairs])
def test_a_search_ends_where_there_are_more_pairs_than_asked_for(search):
    asked = [f"Is it so that the number {number} is odd?" for number in range(20)]
    found = search(asked, range(20))
    assert search(asked, range(20), most=len(found)) == found != []
    with pytest.raises(TooMany):
        search(asked, range(20), most=len(found) - 1)


def dataset(rows):
    return Dataset(tuple(rows), "made_up", "test", "", find_labels(rows), "made_up.jsonl")


def test_what_questions_give_away_takes_one_embedding_of_each(make_rows, monkeypatch):
    rows = make_rows(40)
    embedded = []
    embed = meaning.embed
    monkeypatch.setattr(meaning, "embed", lambda texts: embedded.extend(texts) or embed(texts))
    list(quality.check_surface(dataset(rows)))
    assert sorted(embedded) == sorted(row.question for row in rows)


def test_of_more_facts_than_are_guessed_the_report_says_how_many_are(make_rows, monkeypatch):
    monkeypatch.setattr(quality, "MOST_GUESSED", 40)
    said = [each.text for each in check(dataset(make_rows(80))).skipped]
    assert "guessing: it is from 40 of 80 facts, drawn by a hash of their names" in said


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A file of 200,000 lines, one of which is cut short."""
    path = tmp_path_factory.mktemp("large") / "questions.jsonl"
    answers = {"answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}
    lines = [json.dumps({"question": f"Is {number} odd?"} | answers) for number in range(1, 200_001)]
    lines[BROKEN - 1] = lines[BROKEN - 1][:20]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "command",
    [
        ["check", "{}"],
        ["import", "{}", "--format", "csv", "--out", "out.jsonl"],
        ["import", "{}", "--format", "anthropic", "--out", "out"],
        ["export", "{}", "--format", "csv", "--out", "out.csv"],
    ],
    ids=lambda command: " ".join(command[:1] + command[3:4]),
)
def test_a_broken_line_far_down_is_named_and_nothing_is_written(broken, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [each.format(broken) for each in command])
    assert (f"{broken}: 1 fault" in result.output, f"line {BROKEN}: " in result.output) == (True, True)
    assert (result.exit_code != 0, list(tmp_path.iterdir())) == (True, [])


def test_a_task_names_a_broken_line_far_down(broken):
    with pytest.raises(BadRows, match=f"line {BROKEN}: "):
        yesno(str(broken))
