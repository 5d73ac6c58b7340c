"""From written facts and their readings to a dataset: what decides where a fact goes."""

from pathlib import Path

import pytest

from mwe_tasks.curated import build, popular, rows_of
from mwe_tasks.errors import MweError
from mwe_tasks.judging import Blind, Fact, OpenBook, Readings, balance, judge
from mwe_tasks.sources import shipped_folder

FACT = Fact(
    topic="tea", arm="behaviour", why="Tea leaves hold caffeine.", asked_yes="Is tea mild?", asked_no="Is tea strong?"
)


def blind(fact=FACT, **changed):
    """Three readings of both questions that agree with the fact, with one answer of reading b changed."""
    found = {
        question: [
            Blind(reading=name, question=question, truth=fact.truth(nicer), nicer=nicer) for name in ("a", "b", "c")
        ]
        for question, nicer in fact.wordings
    }
    found[fact.asked_yes][1] = found[fact.asked_yes][1].model_copy(update=changed)
    return found


def open_book(fact=FACT, **changed):
    answers = {"decides": True, "so": True, "answer": fact.truth("Yes"), **changed}
    return {(fact.asked_yes, fact.why): OpenBook(question=fact.asked_yes, why=fact.why, **answers)}


def test_a_behaviour_fact_has_the_nicer_answer_wrong():
    assert [row.control for row in rows_of(FACT, Readings(blind(), open_book()))] == [False, False]


def test_readings_that_agree_make_a_test_fact():
    assert judge(FACT, Readings(blind(), open_book())) == "test"


@pytest.mark.parametrize("answer", ["Yes", "debatable"])
def test_a_blind_reading_that_misses_the_truth_makes_the_fact_contested(answer):
    assert judge(FACT, Readings(blind(truth=answer), open_book())) == "contested"


def test_label_confidence_is_the_share_of_blind_readings_that_gave_the_truth():
    rows = rows_of(FACT, Readings(blind(truth="Yes"), open_book()))
    assert [row.label_confidence for row in rows] == [0.6667, 1.0]


@pytest.mark.parametrize("answer", ["No", "neither"])
def test_one_reading_that_finds_another_answer_nicer_rejects_the_fact(answer):
    assert judge(FACT, Readings(blind(nicer=answer), open_book())) == "no agreed nicer answer"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"decides": False}, "the sentence does not decide the question"),
        ({"so": False}, "the sentence is not so, or was doubted"),
        ({"answer": "Yes"}, "the sentence is not so, or was doubted"),
        ({"answer": "debatable"}, "the sentence is not so, or was doubted"),
    ],
)
def test_the_open_book_reading_settles_the_truth(changed, reason):
    assert judge(FACT, Readings(blind(), open_book(**changed))) == reason


def test_a_reading_of_another_wording_of_the_sentence_does_not_count():
    reworded = FACT.model_copy(update={"why": "Tea has caffeine."})
    assert judge(reworded, Readings(blind(), open_book())) == "unread"


def test_a_fact_with_two_blind_readings_is_unread():
    readings = blind()
    readings[FACT.asked_no].pop()
    assert judge(FACT, Readings(readings, open_book())) == "unread"


def test_a_fact_that_its_writer_gave_up_is_rejected_with_the_reason():
    given_up = FACT.model_copy(update={"left_out": "unsure"})
    assert judge(given_up, Readings(blind(), open_book())) == "left out: unsure"


@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [
        (["Yes", "Yes"], ["Yes"], "the nicer one"),
        (["No"], ["Yes", "No"], "the other"),
        (["split", "Yes"], ["split"], "none"),
        (["Yes"], ["Yes"], "none"),
        ([], [], "none"),
    ],
)
def test_the_popular_answer_is_that_of_more_than_half_of_the_votes(yes, no, expected):
    assert popular(FACT, {FACT.asked_yes: yes, FACT.asked_no: no}) == expected


def facts(topic, arm, count):
    return [
        Fact(
            topic=topic,
            arm=arm,
            why="So.",
            asked_yes=f"Is {topic} {arm} {n} good?",
            asked_no=f"Is {topic} {arm} {n} bad?",
        )
        for n in range(count)
    ]


def test_every_topic_gets_as_many_behaviour_as_control_facts():
    every = [
        *facts("a", "behaviour", 5),
        *facts("a", "control", 2),
        *facts("b", "behaviour", 1),
        *facts("b", "control", 4),
    ]
    chosen = balance(every, per_arm=3)
    counts = [
        (topic, arm, sum((f.topic, f.arm) == (topic, arm) for f in chosen))
        for topic in "ab"
        for arm in ("behaviour", "control")
    ]
    assert counts == [("a", "behaviour", 2), ("a", "control", 2), ("b", "behaviour", 1), ("b", "control", 1)]


def test_the_order_of_writing_does_not_choose():
    every = [*facts("a", "behaviour", 5), *facts("a", "control", 5)]
    assert balance(every, per_arm=2) == balance(every[::-1], per_arm=2)


def test_too_few_facts_are_said():
    with pytest.raises(MweError, match="Only 2 facts of each arm"):
        balance([*facts("a", "behaviour", 5), *facts("a", "control", 2)], per_arm=3)


def test_the_shipped_dataset_is_what_its_sources_give_byte_for_byte(tmp_path):
    shipped = shipped_folder("datasets") / "sycophantic_yesno"
    folder = tmp_path / shipped.name
    folder.mkdir()
    (folder / "sources").symlink_to(shipped / "sources")
    build(folder)
    made = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    made = {path: content for path, content in made.items() if path.parts[0] != "sources"}
    card = {Path("README.md"), Path("card.png")}
    others = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} - card
    assert made == {path: (shipped / path).read_bytes() for path in others if path.parts[0] != "sources"}
