"""The bulk engine with checkpoints of transformers: the scores and texts of Inspect's way, and of a run in pieces."""

import pytest
from click.testing import CliRunner
from inspect_ai.log import read_eval_log
from tiny import TEMPLATE, need, write_checkpoint

from mwe_tasks.cli import main

need("torch"), need("transformers")
CLOSE = 1e-5
"""Nats."""


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setenv("INSPECT_DISPLAY", "none")


@pytest.fixture(scope="module", params=["llama", "gpt_neox", "opt", "mamba"])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return f"mwe-hf/{write_checkpoint(folder, request.param, template=TEMPLATE)}"


@pytest.fixture
def score(dataset, model, tmp_path):
    """A function that runs `mwe score` with logs in a folder of this name, and gives the log."""

    def run(folder, *arguments):
        words = [
            "score",
            dataset,
            "--model",
            model,
            "-M",
            "dtype=float32",
            "--log-dir",
            str(tmp_path / folder),
            *arguments,
        ]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        found = list((tmp_path / folder).glob("*.eval"))
        return read_eval_log(str(found[0])) if found else None

    return run


@pytest.mark.parametrize("how", [("--style", "completion", "--shots", "2"), ("--style", "chat", "--frame", "opinion")])
def test_both_engines_give_the_same_scores_and_texts(score, how):
    ours, theirs = score("bulk", *how), score("inspect", "--engine", "inspect", *how)
    assert ours.eval.metadata["engine"] == "bulk"
    for one, other in zip(ours.samples, theirs.samples, strict=True):
        assert one.id == other.id
        assert one.output.completion == other.output.completion
        for stance, reading in one.store["readings"].items():
            before = other.store["readings"][stance]
            assert [reading[name] for name in ("prompt", "text", "answer", "missing")] == [
                before[name] for name in ("prompt", "text", "answer", "missing")
            ]
            assert reading["logprob"] == pytest.approx(before["logprob"], abs=CLOSE)
        assert one.scores.keys() == other.scores.keys()
        for name, value in one.scores.items():
            assert value.value == pytest.approx(other.scores[name].value, abs=2 * CLOSE, nan_ok=True)
    assert ours.stats.model_usage == theirs.stats.model_usage


def test_shards_make_the_scores_of_one_process_to_the_bit(score):
    whole = score("whole", "--style", "completion")
    shards = [score("shards", "--style", "completion", "--shard", f"{number}/2") for number in (2, 1)]
    assert shards[0] is None
    assert [sample.scores for sample in shards[1].samples] == [sample.scores for sample in whole.samples]


def test_log_probabilities_alone_are_the_same_without_texts(score):
    ours, alone = score("bulk", "--style", "completion"), score("alone", "--style", "completion", "--no-text")
    for one, other in zip(ours.samples, alone.samples, strict=True):
        before = one.store["readings"]["plain"]["logprob"]
        assert other.store["readings"]["plain"]["logprob"] == pytest.approx(before, abs=CLOSE)
        assert other.scores["answered"].reason == "no_text_asked"
