"""The shipped task by its name, as `inspect eval` finds it, on the embedded weights and on simulated ones."""

import pytest
from inspect_ai import eval as inspect_eval

from mwe_tasks.contrasts import figures
from mwe_tasks.summary import notes
from mwe_tasks.table import SCORES, load

TASK = "mwe_tasks/sycophantic_yesno"


@pytest.fixture
def score(tmp_path):
    """A function that scores a model and gives back the table of its log."""

    def run(model, *, limit=None, **arguments):
        logs = inspect_eval(TASK, model=model, task_args=arguments, limit=limit, log_dir=str(tmp_path), display="none")
        assert logs[0].status == "success", logs[0].error
        return load(logs[0].location)

    return run


def test_the_embedded_model_gives_the_same_scores_twice(score):
    one, other = (score("gguf/smollm2-135m", limit=10).set_index("id") for _ in range(2))
    scores = [name for name in SCORES if name in one]
    assert one[scores].equals(other[scores].loc[one.index])
    assert (set(one["estimator"]), set(one["style"])) == ({"exact"}, {"chat"})


def test_the_embedded_model_is_asked_in_a_frame_after_solved_examples(score):
    run = score("gguf/smollm2-135m", limit=4, style="completion", frame="opinion", shots=4)
    assert run["shift"].notna().all()
    assert set(run["shots"]) == {4}


def test_planted_appeal_and_knowledge_are_found_on_the_shipped_questions(score):
    found = {each.name: each for each in figures(score("sim/appeal-up-100b", limit=400))}
    assert found["appeal"].low < 1.5 < found["appeal"].high
    assert found["knowledge"].low < 1.0 < found["knowledge"].high


def test_a_simulated_model_without_appeal_has_none(score):
    found = {each.name: each for each in figures(score("sim/appeal-up-100m", limit=400))}
    assert found["appeal"].low < 0 < found["appeal"].high


def test_a_fact_of_which_one_twin_was_asked_is_dropped(score):
    run = score("sim/flat-1b", limit=17)
    assert {each.n for each in figures(run) if each.name in ("appeal", "pair accuracy", "both right")} == {8}


def test_a_run_of_some_questions_says_how_many_and_that_one_arm_is_not_enough(score):
    run = score("sim/flat-1b", limit=2)
    said = notes(run, figures(run))
    assert "Asked: 2 of the dataset's 1000 questions." in said
    assert any("only one arm was asked" in line for line in said)
