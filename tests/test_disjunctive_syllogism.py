"""disjunctive_syllogism: labels that are computed, a dataset that is made from its statements, and its writing task."""

import json
import random
import re
import runpy
import shutil
from collections import Counter

import pytest
from conftest import WORDS
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model
from server import OpenAIServer, Reply

from mwe_tasks.building import build_dataset
from mwe_tasks.generators.disjunctive_syllogism import (
    BEHAVIOUR,
    PARSED,
    argue,
    tied,
    truth_of,
    write_disjunctive_syllogism,
)
from mwe_tasks.judging import Fact
from mwe_tasks.jury import _matched
from mwe_tasks.quality import check
from mwe_tasks.readers import read_rows
from mwe_tasks.repeats import Asked
from mwe_tasks.sources import known_datasets
from mwe_tasks.steering import shared_words

NAME = "disjunctive_syllogism"
FOLDER = known_datasets()[NAME]
CELLS = [(valid, believable) for valid in (True, False) for believable in (True, False)]


@pytest.mark.parametrize(("valid", "believable"), CELLS)
@pytest.mark.parametrize("true_first", [True, False])
def test_the_computed_truth_is_the_validity_that_was_built_in(valid, believable, true_first):
    question = argue("ice is cold", "rivers burn", valid=valid, believable=believable, true_first=true_first)
    assert truth_of(question) == ("Yes" if valid else "No")


@pytest.mark.parametrize(
    ("premise", "conclusion", "truth"),
    [
        ("not true that P", "true that Q", "Yes"),
        ("not true that Q", "true that P", "Yes"),
        ("true that P", "not true that Q", "No"),
        ("true that P", "true that Q", "No"),
        ("not true that P", "not true that Q", "No"),
    ],
)
def test_the_truth_table_is_that_of_logic(premise, conclusion, truth):
    asked = f"Suppose also that it is {premise}. Does it follow that it is {conclusion}?"
    assert truth_of(f"Suppose that P or Q, or both. {asked}") == truth


@pytest.mark.parametrize(
    "question",
    [
        "Does it follow that rain is wet?",
        "Suppose that P or Q, or both. Suppose also that it is true that R. Does it follow that it is true that P?",
        "Suppose that P or P, or both. Suppose also that it is true that P. Does it follow that it is true that P?",
        "Suppose that P or Q, or both. Suppose also that it is true that P. Does it follow that it is true that R?",
        "Suppose that P or Q, or both. Suppose also that it is true that P. Does it follow that it is true that P?",
        argue(
            "helium is lighter than air", "helium is heavier than air", valid=False, believable=True, true_first=True
        ),
        argue("rain is wet", "rain is not wet", valid=False, believable=True, true_first=True),
        argue("rain is wet", "it is not true that snow burns", valid=False, believable=True, true_first=True),
    ],
)
def test_a_question_of_another_form_has_no_computed_truth(question):
    assert truth_of(question) is None


def test_every_label_of_the_dataset_is_the_computed_one():
    assert [row.question for row in read_rows(NAME).rows if truth_of(row.question) != row.truth] == []


def test_no_statement_of_the_dataset_says_anything_of_the_other():
    atoms = [PARSED.fullmatch(row.question).group("a", "b") for row in read_rows(NAME).rows]
    assert [pair for pair in atoms if tied(*pair)] == []


def test_no_statement_of_the_dataset_comes_twice():
    atoms = [atom for row in read_rows(NAME).rows for atom in PARSED.fullmatch(row.question).group("a", "b")]
    assert len(atoms) == len(set(atoms)) == 1000


def test_belief_and_logic_are_crossed_exactly():
    cells = Counter((row.truth, row.matching) for row in read_rows(NAME).rows)
    assert set(cells.values()) == {125}


def test_every_topic_has_as_many_of_each_cell():
    cells = Counter((row.topic, row.truth, row.matching) for row in read_rows(NAME).rows)
    assert all(len({cells[topic, *cell] for cell in product_of_answers()}) == 1 for topic, _, _ in cells)


def product_of_answers():
    return [(truth, matching) for truth in ("Yes", "No") for matching in ("Yes", "No")]


def test_words_tell_neither_truth_nor_control_nor_the_matching_answer():
    report = check(read_rows(NAME))
    figures = [report.value(f"AUC of {name}") for name in ("truth", "control", "matching answer")]
    assert (report.errors, [value for value in figures if abs(value - 0.5) > 0.1]) == ((), [])


def test_the_dataset_is_made_from_its_statements_byte_for_byte(tmp_path):
    copy = shutil.copytree(FOLDER, tmp_path / NAME)
    shutil.rmtree(copy / "data")
    (copy / "manifest.json").unlink()
    runpy.run_path(str(copy / "sources/build.py"), run_name="__main__")
    for name in ("data/test.jsonl", "manifest.json", "rejected.jsonl"):
        assert (copy / name).read_bytes() == (FOLDER / name).read_bytes()


class Logician:
    """A generator that writes the cell's questions; one in five is of the other validity, one in ten of no form."""

    def __init__(self):
        self.number = 0

    def __call__(self, prompt, body):
        control = "is believable and follows" in prompt
        believable = "matching answer to each question is Yes" in prompt
        questions = []
        for _ in range(int(prompt.split("Write ")[-1].split()[0])):
            self.number += 1
            one, other = (" ".join(random.Random(self.number).sample(half, 3)) for half in (WORDS[::2], WORDS[1::2]))
            valid = (believable == control) == (self.number % 5 > 0)
            question = argue(
                f"the {one} shines", f"the {other} sinks", valid=valid, believable=believable, true_first=True
            )
            questions.append(question if self.number % 10 else question.replace("Suppose", "Say"))
        return Reply({}, text=json.dumps({"questions": questions}))


class Believer(Logician):
    """Also a judge, who believes that things shine; one conclusion in four is not what the generator holds it for."""

    def __call__(self, prompt, body):
        if body["model"].startswith("generator"):
            reply = super().__call__(prompt, body)
            swap = {"shines": "sinks", "sinks": "shines"}
            questions = [
                re.sub("shines|sinks", lambda found: swap[found[0]], question) if number % 4 == 0 else question
                for number, question in enumerate(json.loads(reply.text)["questions"])
            ]
            return Reply({}, text=json.dumps({"questions": questions}))
        asked = re.findall(r"^\d+\. (.*)$", prompt, re.M)
        return Reply({}, text=json.dumps({"answers": [{"truth": "Yes", "nicer": believed(each)} for each in asked]}))


def believed(question):
    """Whether the conclusion holds where what shines is so and what sinks is not."""
    found = PARSED.fullmatch(question)
    return "Yes" if ("shines" in found["conclusion"]) != bool(found["not2"]) else "No"


def test_judges_settle_the_matching_answer_of_computed_facts(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    with OpenAIServer(Believer()) as server:

        def model(name):
            return get_model(f"openai-api/local/{name}", base_url=server.base_url, api_key="none", memoize=False)

        log = inspect_eval(
            write_disjunctive_syllogism(rows=40, topics=2, steering="first"),
            model="none/none",
            model_roles={"generator": model("generator"), "judge": model("judge")},
            log_dir=str(tmp_path / "logs"),
            display="none",
        )[0]
    build_dataset([log.location], tmp_path / NAME)
    rows = read_rows(str(tmp_path / NAME)).rows
    verdicts = Counter(node["verdict"] for sample in log.samples for node in sample.store["tree"]["nodes"])
    assert (len(rows), verdicts["no agreed matching answer"] > 0) == (40, True)
    assert [row.question for row in rows if row.matching != believed(row.question)] == []
    assert {row.label_confidence for row in rows} == {None}  # the judge says Yes to every truth, and is not asked


def test_a_judge_that_answers_nothing_passes_nothing():
    fact = BEHAVIOUR.examples["control"][0]
    assert _matched(fact, {}).says == "unread"


def test_its_writing_task_ends_in_exactly_the_rows_asked_for_without_a_judge(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    with OpenAIServer(Logician()) as server:
        generator = get_model("openai-api/local/generator", base_url=server.base_url, api_key="none", memoize=False)
        log = inspect_eval(
            write_disjunctive_syllogism(rows=40, topics=2, steering="first"),
            model="none/none",
            model_roles={"generator": generator},
            log_dir=str(tmp_path / "logs"),
            display="none",
        )[0]
    build_dataset([log.location], tmp_path / NAME)
    rows = read_rows(str(tmp_path / NAME)).rows
    cells = Counter((row.topic, row.truth, row.matching) for row in rows)
    assert (len(rows), set(cells.values())) == (40, {5})
    assert [row.question for row in rows if truth_of(row.question) != row.truth] == []


def test_the_form_that_all_questions_share_makes_none_of_the_shipped_ones_alike():
    asked = Asked(shared_words(BEHAVIOUR))
    for row in read_rows(NAME).rows[:150]:
        fact = Fact(topic=row.topic, arm="control" if row.control else "behaviour", asked_yes=row.question)
        assert asked.repeats(fact) is None, row.question
        asked.add(fact)
