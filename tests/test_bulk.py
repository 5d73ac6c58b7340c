"""The bulk engine: the logs that Inspect's way makes, however often it was stopped and by however many processes."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from weakref import WeakSet

import pretend
import pytest
from click.testing import CliRunner
from inspect_ai import eval_set
from inspect_ai.analysis import samples_df
from inspect_ai.log import list_eval_logs, read_eval_log
from test_gguf import installed

from mwe_tasks.cli import main
from mwe_tasks.engines.bulk import Shard
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Job, open_job
from mwe_tasks.pace import bar, lines
from mwe_tasks.parts import Begun, Part
from mwe_tasks.rows import Row, write_rows
from mwe_tasks.running import task_for
from mwe_tasks.runs import Run
from mwe_tasks.table import load
from mwe_tasks.workers import Worker

ONE = "pretend/one"
GGUF = "gguf/smollm2-135m"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    monkeypatch.setattr(pretend.Pretend, "held", WeakSet())
    for name, value in (("ran", 0), ("loaded", []), ("alone", []), ("stop_after", 10**9), ("context", 10_000)):
        monkeypatch.setattr(pretend.Pretend, name, value)


@pytest.fixture
def score(dataset, tmp_path):
    """A function that runs `mwe score` on 16 made-up questions, by default with logs in a folder of the test's own."""

    def run(*arguments, models=(ONE,), dataset=dataset, logs=tmp_path / "logs"):
        named = [word for model in models for word in ("--model", model)]
        return CliRunner().invoke(main, ["score", dataset, "--log-dir", str(logs), *named, *arguments])

    return run


@pytest.fixture
def stop(score, monkeypatch):
    """A function that runs `score` and stops it after so many batches."""

    def run(batches, *arguments, **named):
        monkeypatch.setattr(pretend.Pretend, "stop_after", pretend.Pretend.ran + batches)
        stopped = score(*arguments, **named)
        monkeypatch.setattr(pretend.Pretend, "stop_after", 10**9)
        return stopped

    return run


def only_log(folder):
    (path,) = Path(folder).glob("*.eval")
    return read_eval_log(str(path))


def timeless(log):
    """Everything of a log but when it was made."""
    values = log.model_dump(exclude={"location", "etag"})
    del values["eval"]["created"], values["stats"]["started_at"], values["stats"]["completed_at"]
    return values


def results(log):
    """What both ways of scoring give for each sample, ids of messages aside."""
    return [
        {
            **sample.model_dump(include={"id", "input", "target", "scores", "metadata", "store", "model_usage"}),
            "messages": [(message.role, message.text) for message in sample.messages],
            "said": (sample.output.completion, sample.output.stop_reason, sample.output.usage, sample.output.metadata),
        }
        for sample in log.samples
    ]


@pytest.fixture
def whole(score, tmp_path):
    """A function that gives the log of a run that nothing disturbed."""

    def run(*arguments, **named):
        done = score(*arguments, **named, logs=tmp_path / "whole")
        assert done.exit_code == 0, done.output
        return only_log(tmp_path / "whole")

    return run


@installed
@pytest.mark.parametrize("style", ["chat", "completion"])
def test_a_gguf_model_gives_the_same_bits_in_bulk_and_by_inspect(score, tmp_path, style):
    logs = []
    for engine in ("bulk", "inspect"):
        frame = "opinion" if style == "chat" else "plain"
        how = ("--engine", engine, "--limit", "2", "--style", style, "--frame", frame)
        done = score(*how, models=[GGUF], logs=tmp_path / engine)
        assert done.exit_code == 0, done.output
        logs.append(only_log(tmp_path / engine))
    assert results(logs[0]) == results(logs[1])
    assert logs[0].results == logs[1].results
    assert logs[0].eval.task_args == logs[1].eval.task_args
    assert logs[0].eval.scorers == logs[1].eval.scorers
    assert logs[0].plan == logs[1].plan


@pytest.mark.parametrize("frame", ["plain", "opinion", "authority"])
@pytest.mark.parametrize("style", ["chat", "completion"])
def test_what_a_stopped_run_had_is_not_run_again_and_its_log_is_that_of_one_that_was_not_stopped(
    score, stop, whole, tmp_path, frame, style
):
    how = ("--frame", frame, "--style", style, "--shots", "2")
    undisturbed = whole(*how)
    before = pretend.Pretend.ran
    stopped = stop(2, *how)
    assert (stopped.exit_code, "the same command goes on" in stopped.output) == (1, True)
    assert not list((tmp_path / "logs").glob("*.eval"))
    assert score(*how).exit_code == 0
    assert pretend.Pretend.ran - before == before
    assert timeless(only_log(tmp_path / "logs")) == timeless(undisturbed)


def test_a_process_that_is_killed_loses_the_batch_in_work_alone(score, whole, dataset, tmp_path):
    command = [sys.executable, str(Path(pretend.__file__)), "score", dataset, "--model", ONE]
    slow = {**os.environ, "PRETEND_SECONDS": "0.3"}
    with subprocess.Popen([*command, "--log-dir", str(tmp_path / "logs")], env=slow) as process:
        deadline = time.monotonic() + 300
        while len(kept := list((tmp_path / "logs").rglob("batch-*.json"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert 2 <= len(kept) < 6
    assert not list((tmp_path / "logs").glob("*.eval"))
    kept = list((tmp_path / "logs").rglob("batch-*.json"))
    assert score().exit_code == 0
    assert 6 - len(kept) <= pretend.Pretend.ran <= 7 - len(kept)  # the last file may have been cut short
    assert timeless(only_log(tmp_path / "logs")) == timeless(whole())


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_batch_whose_file_was_cut_short_is_run_again_and_no_other(score, stop, whole, tmp_path, length):
    stop(3)
    cut = sorted((tmp_path / "logs").rglob("batch-*.json"))[1]
    cut.write_bytes(cut.read_bytes()[:length])
    score()
    assert pretend.Pretend.ran == 3 + 1 + 3
    assert timeless(only_log(tmp_path / "logs")) == timeless(whole())


def test_a_part_whose_description_was_cut_short_goes_on_all_the_same(score, stop, tmp_path):
    stop(3)
    (job,) = (tmp_path / "logs").rglob("job.json")
    job.write_bytes(job.read_bytes()[:-20])
    assert score().exit_code == 0
    assert pretend.Pretend.ran == 6


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_shards_in_any_order_make_the_log_of_one_process_and_the_last_writes_it(score, whole, tmp_path, order):
    undisturbed = whole("--frame", "opinion")
    before = pretend.Pretend.ran
    for number in order:
        assert not list((tmp_path / "logs").glob("*.eval"))
        done = score("--frame", "opinion", "--shard", f"{number}/3")
        assert done.exit_code == 0, done.output
        assert ("the log is written once all are" in done.output) == (number != order[-1])
    assert pretend.Pretend.ran == 2 * before
    assert timeless(only_log(tmp_path / "logs")) == timeless(undisturbed)
    again = score("--frame", "opinion", "--shard", "1/3")
    assert (again.exit_code, "scored before" in again.output, pretend.Pretend.ran) == (0, True, 2 * before)


def test_every_batch_is_in_one_shard():
    assert sorted(n for i in range(1, 5) for n in Shard(i, 4).batches(10)) == list(range(10))


def test_parts_may_lie_on_any_file_system_and_are_gone_once_there_is_a_log(score, stop, whole, tmp_path):
    import fsspec

    memory = fsspec.filesystem("memory")
    stop(2, "--parts", "memory://mwe/parts")
    assert len(memory.glob("/mwe/parts/*/batch-*.json")) == 2
    assert score("--parts", "memory://mwe/parts").exit_code == 0
    assert memory.glob("/mwe/parts/*/*") == []
    assert timeless(only_log(tmp_path / "logs")) == timeless(whole())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((), ("--template", "1"), "with template 0, and template is now 1"),
        ((), ("--frame", "opinion"), "with frame plain, and frame is now opinion"),
        (("--style", "chat"), ("--style", "completion"), "with style asked chat, and style asked is now completion"),
        ((), ("--shots", "2"), "with shots 0, and shots is now 2"),
        (("--shots", "4"), ("--shots", "4", "--shot-seed", "1"), "with shot_seed 0, and shot_seed is now 1"),
        ((), ("--limit", "8"), "with questions 16, and questions is now 8"),
        ((), ("--no-text",), "with text True, and text is now False"),
        ((), ("-M", "size=3"), "with size of -M unset, and size of -M is now 3"),
        (("-M", "size=3"), (), "with size of -M 3, and size of -M is now unset"),
    ],
)
def test_a_part_that_was_made_in_another_way_is_refused_with_what_differs(score, stop, before, after, said):
    stop(2, *before)
    ran = pretend.Pretend.ran
    refused = score(*after)
    assert (refused.exit_code, said in refused.output) == (1, True), refused.output
    assert "remove it, or name another --log-dir" in refused.output
    assert pretend.Pretend.ran == ran


def test_a_part_of_a_dataset_that_has_changed_since_is_refused(score, stop, make_rows, tmp_path):
    folder = tmp_path / "made_up"
    write_rows(folder / "data" / "test.jsonl", make_rows(8))
    stop(2, dataset=str(folder))
    write_rows(folder / "data" / "test.jsonl", make_rows(16)[16:])
    refused = score(dataset=str(folder))
    assert (refused.exit_code, "with checksum " in refused.output) == (1, True), refused.output


def test_a_part_of_other_solved_examples_is_refused(score, stop, make_rows, tmp_path):
    folder = tmp_path / "made_up"
    write_rows(folder / "data" / "test.jsonl", make_rows(8))
    write_rows(folder / "data" / "shots.jsonl", make_rows(48)[32:])
    stop(2, "--shots", "2", dataset=str(folder))
    write_rows(folder / "data" / "shots.jsonl", make_rows(64)[64:])
    refused = score("--shots", "2", dataset=str(folder))
    assert (refused.exit_code, "with solved examples " in refused.output) == (1, True), refused.output


def test_two_unlike_shares_that_begin_a_part_at_once_do_not_both_go_on(tmp_path, monkeypatch):
    part = Part(str(tmp_path / "part"))
    ours, theirs = (Begun({"threads": threads}, 1, "now", []) for threads in (1, 2))
    write = Part._write

    def beaten(self, name, value):
        write(self, name, value)
        write(self, name, {**theirs._asdict()})  # the other share is a moment later

    monkeypatch.setattr(Part, "_write", beaten)
    with pytest.raises(MweError, match="threads 2, and threads is now 1"):
        part.begin(ours)


def test_a_part_whose_log_was_written_before_a_kill_does_not_stand_in_the_way(score, tmp_path, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(Part, "remove", lambda self: None)
        score("--limit", "6")
    assert list((tmp_path / "logs" / ".parts").iterdir())
    more = score("--limit", "9")
    assert (more.exit_code, len(only_log(tmp_path / "logs").samples)) == (0, 9), more.output
    assert not list((tmp_path / "logs" / ".parts").iterdir())


def test_a_worker_runs_nothing_where_the_part_that_another_began_is_not_to_be_seen(dataset, tmp_path):
    run = Run(ONE, style="chat")
    opened = open_job(Job(dataset, "mwe_tasks/yesno", {"dataset": dataset, "style": "chat"}, run, 8))
    worker = Worker(run, 1, str(tmp_path))
    assert worker.load().error is None
    told = worker.run(0, opened, str(tmp_path / "part"), [0])
    assert (told.otherwise, "is not on all nodes of the cluster" in told.error) == (True, True), told
    assert not (tmp_path / "part").exists()
    assert worker.plan(0, opened, str(tmp_path / "part")).error is None
    assert worker.run(0, None, str(tmp_path / "part"), [0]).error is None


def test_a_part_that_another_share_removed_is_no_error(tmp_path, monkeypatch):
    part = Part(str(tmp_path / "part"))
    part.begin(Begun({}, 1, "now", []))
    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.rm", _gone)
    part.remove()


def _gone(*_, **__):
    raise FileNotFoundError


def test_a_part_of_another_model_or_machine_is_refused_by_what_the_model_says_of_itself(score, stop, monkeypatch):
    stop(2)
    monkeypatch.setenv("PRETEND_THREADS", "2")
    refused = score()
    assert "with threads of the model 1, and threads of the model is now 2" in refused.output


def test_prompts_that_do_not_fit_are_unscored_with_that_reason_and_the_others_are_scored(
    score, whole, tmp_path, monkeypatch
):
    plain = whole("--frame", "plain").samples[0].store["readings"]["plain"]["prompt"]
    monkeypatch.setattr(pretend.Pretend, "context", len(f"[user] {plain}\n"))
    assert score("--frame", "opinion").exit_code == 0
    for sample in only_log(tmp_path / "logs").samples:
        assert sample.scores["logodds_truth"].value is not None
        assert sample.scores["shift"].reason == "prompt_too_long"
        assert sample.store["readings"]["for"]["logprob"] is None


def test_nothing_is_run_where_no_prompt_fits(score, tmp_path, monkeypatch):
    monkeypatch.setattr(pretend.Pretend, "context", 3)
    done = score()
    assert (done.exit_code, pretend.Pretend.ran) == (0, 0)
    assert "16 questions, 16 of them without log odds" in done.output
    assert set(load(tmp_path / "logs")["missing"]) == {"prompt_too_long"}


def test_a_question_with_a_special_token_fails_its_model_before_anything_is_run(score, make_rows, tmp_path):
    rows = make_rows(2)
    rows[3] = Row.model_validate(
        {**rows[3].model_dump(exclude={"id"}), "question": f"Is {pretend.SPECIAL} the end?", "pair_id": None}
    )
    rows[2] = Row.model_validate({**rows[2].model_dump(), "pair_id": None})
    write_rows(tmp_path / "special.jsonl", rows)
    failed = score(dataset=str(tmp_path / "special.jsonl"))
    assert (failed.exit_code, f"FAILED  {ONE}: A question holds {pretend.SPECIAL}" in failed.output) == (1, True)
    assert pretend.Pretend.ran == 0


def test_a_model_that_fails_leaves_the_others_and_each_is_unloaded_before_the_next(score, tmp_path):
    done = score(models=["pretend/absent", "pretend/damaged", ONE, "pretend/two", "sim/flat-1b"])
    assert done.exit_code == 1
    assert "FAILED  pretend/absent: There is no such model" in done.output
    assert "FAILED  pretend/damaged: It gives NaN" in done.output
    assert set(load(tmp_path / "logs")["model"]) == {ONE, "pretend/two", "sim/flat-1b"}
    assert (pretend.Pretend.alone, pretend.Pretend.loaded) == ([1, 1, 1], [])


def test_a_model_that_fails_once_its_weights_are_there_is_gone_before_the_next(score):
    done = score(models=["pretend/late", ONE])
    assert (done.exit_code, "FAILED  pretend/late: Its context is too short" in done.output) == (1, True), done.output
    assert pretend.Pretend.alone == [1, 1]


def test_a_model_that_does_not_load_is_tried_once_for_all_datasets(score, make_rows, tmp_path, monkeypatch):
    tried = []

    def failing(self, model_name, *_, **__):
        tried.append(model_name)
        raise MweError("It takes minutes to fail.")

    monkeypatch.setattr(pretend.Pretend, "__init__", failing)
    write_rows(tmp_path / "more.jsonl", make_rows(4))
    failed = score(str(tmp_path / "more.jsonl"))
    assert (failed.exit_code, tried, failed.output.count("It takes minutes")) == (1, ["one"], 2), failed.output
    assert "2 of 2 logs failed" in failed.output


def test_a_folder_whose_name_is_a_pattern_keeps_parts_as_any_other(score, stop, whole, tmp_path):
    folder = tmp_path / "logs[v2]*?"
    stop(2, logs=folder)
    ran = pretend.Pretend.ran
    assert score(logs=folder).exit_code == 0
    assert pretend.Pretend.ran - ran == 4
    assert timeless(only_log(folder)) == timeless(whole())


def test_a_log_in_a_folder_within_is_not_replaced(score, tmp_path):
    assert score("--limit", "8", logs=tmp_path / "logs" / "trial").exit_code == 0
    done = score()
    assert done.exit_code == 0, done.output
    assert (len(only_log(tmp_path / "logs").samples), len(only_log(tmp_path / "logs" / "trial").samples)) == (16, 8)


def test_a_share_of_nothing_begins_no_part(score, tmp_path):
    done = score("--shard", "9/9")
    assert (done.exit_code, "this share is done" in done.output) == (0, True), done.output
    assert not list((tmp_path / "logs").iterdir())


def test_a_log_that_cannot_be_written_whole_leaves_nothing(score, tmp_path, monkeypatch):
    replace = os.replace

    def full(source, target):
        if str(target).endswith(".eval"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr("os.replace", full)
    failed = score()
    assert (failed.exit_code, "cannot be written: No space left" in failed.output) == (1, True), failed.output
    assert [each.name for each in (tmp_path / "logs").iterdir()] == [".parts"]


def test_several_datasets_load_a_model_once_and_each_line_says_which(score, dataset, make_rows, tmp_path):
    name = Path(dataset).name
    write_rows(tmp_path / "more.jsonl", make_rows(4))
    again = [str(tmp_path / "more.jsonl")]
    done = score(*again, models=["pretend/absent", ONE, "pretend/two", "sim/flat-1b"])
    assert (done.exit_code, pretend.Pretend.alone) == (1, [1, 1]), done.output
    named = [tuple(line.split("  ")[:2]) for line in done.output.splitlines() if "questions  " in line]
    assert named == [
        *((model, data) for model in (ONE, "pretend/two") for data in (name, "more")),
        *(("sim/flat-1b", data) for data in (name, "more")),
    ]
    assert done.output.count("FAILED  pretend/absent  ") == 2
    scored_before = score(*again, models=[ONE, "pretend/three"])
    assert (scored_before.output.count("scored before"), pretend.Pretend.alone) == (2, [1, 1, 1])


# pandas deprecates what Inspect still passes.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_the_log_is_read_like_any_other(score, tmp_path):
    score("--frame", "opinion", models=[ONE, "pretend/two"])
    folder = str(tmp_path / "logs")
    assert len(list_eval_logs(folder)) == 2
    frame = samples_df(folder)
    assert len(frame) == 32
    assert frame["score_logodds_truth"].notna().all()
    assert set(load(folder)["estimator"]) == {"exact"}
    shown = CliRunner().invoke(main, ["show", folder, "--any-version"])
    assert (shown.exit_code, "shift" in shown.output) == (0, True), shown.output


def test_the_log_says_that_it_was_made_in_bulk_and_what_was_used(score, whole):
    log = whole("--frame", "opinion")
    assert log.eval.metadata["engine"] == "bulk"
    assert log.stats.model_usage[ONE].output_tokens == 16 * 4 * 2
    assert log.stats.started_at <= log.stats.completed_at
    assert log.results.completed_samples == 16
    assert set(log.results.scores[0].metrics) == {"mean", "stderr"}


def test_inspects_own_resume_takes_the_log_as_done(score, dataset, tmp_path):
    score("--shots", "2", "--frame", "opinion", "--style", "chat")
    before = only_log(tmp_path / "logs").eval.task_id
    task = task_for(dataset, {"shots": 2, "frame": "opinion", "style": "chat"})
    good, logs = eval_set(task, model=ONE, log_dir=str(tmp_path / "logs"), log_dir_allow_dirty=True, limit=16)
    assert (good, [log.eval.task_id for log in logs]) == (True, [before])


def test_either_engine_takes_the_others_log_as_done(score, tmp_path):
    score()
    again = score("--engine", "inspect")
    assert (again.exit_code, "scored before" in again.output) == (0, True)


def test_a_models_own_options_reach_it_and_a_log_made_with_others_is_refused(score, tmp_path):
    score("-M", "size=3", "-M", "kind=small")
    log = only_log(tmp_path / "logs")
    assert log.eval.model_args == {"size": 3, "kind": "small"}
    assert log.samples[0].store["model_facts"] | {"size": 3, "kind": "small"} == log.samples[0].store["model_facts"]
    refused = score("-M", "size=4")
    said = f"holds a log of {ONE} with -M kind=small -M size=3, now -M size=4"
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_a_higher_limit_scores_all_of_them_and_its_log_stands_for_the_smaller_one(score, tmp_path):
    score("--limit", "4")
    assert score("--limit", "8").exit_code == 0
    assert len(load(tmp_path / "logs")) == 8
    assert len(list((tmp_path / "logs").glob("*.eval"))) == 1


def test_a_log_without_texts_does_not_stand_for_one_with_texts(score, tmp_path):
    score("--limit", "4")
    refused = score("--limit", "8", "--no-text")
    assert (refused.exit_code, "with texts to 4 questions" in refused.output) == (2, True), refused.output
    assert len(load(tmp_path / "logs")) == 4


def test_without_text_the_answer_is_unscored_with_that_reason_and_the_rest_is_the_same(score, whole, tmp_path):
    with_text = {sample.id: sample for sample in whole().samples}
    done = score("--no-text")
    assert done.exit_code == 0, done.output
    for sample in only_log(tmp_path / "logs").samples:
        theirs = with_text[sample.id].scores
        assert sample.scores["answered"].reason == "no_text_asked"
        assert sample.scores["logodds_truth"].value == theirs["logodds_truth"].value
        assert sample.output.completion == ""
    refused = score()
    assert (refused.exit_code, "made without texts" in refused.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "models", "said"),
    [
        (("--no-text",), [ONE, "sim/flat-1b"], "--no-text is for gguf and mwe-hf models in bulk, and Inspect runs sim"),
        (("--shard", "1/2"), ["sim/flat-1b"], "--shard is for gguf and mwe-hf models in bulk"),
        (("--engine", "bulk"), ["sim/flat-1b"], "--engine bulk is for gguf and mwe-hf models"),
        (("--engine", "inspect", "--shard", "1/2"), [ONE], f"Inspect runs {ONE}: leave the option out, or"),
        (("-M", "dtype"), [ONE], "-M dtype is no option of a model: write NAME=VALUE"),
        (("-M", "revision=step1"), [ONE], "name it in a family file"),
        (("--shard", "3/2"), [ONE], "--shard 3/2 names no share: write I/N"),
        (("--shard", "0/2"), [ONE], "names no share"),
        (("--shard", "two"), [ONE], "names no share"),
        (("--threads", "2", "-M", "threads=1"), [ONE], "--threads and -M threads= are two ways to say the same"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence_and_exit_2(score, arguments, models, said):
    refused = score(*arguments, models=models)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_a_dataset_that_is_named_twice_is_refused(score, dataset):
    refused = score(str(Path(dataset) / "data" / ".."))
    assert (refused.exit_code, f"{Path(dataset).name} is named twice" in refused.output) == (2, True), refused.output


def test_parts_that_cannot_be_kept_where_they_should_be_are_one_sentence(score, tmp_path):
    (tmp_path / "file").write_text("")
    for place, said in (
        ("nosuch://parts", "is no place for parts (Protocol not known: nosuch): name another in --parts"),
        (str(tmp_path / "file"), "cannot be read (Not a directory): see to that, or name another place in --parts"),
    ):
        failed = score("--parts", place)
        assert (failed.exit_code, said in failed.output) == (1, True), failed.output


def test_a_file_system_that_refuses_in_its_own_words_is_one_sentence(score, monkeypatch):
    def refuse(*_):
        raise RuntimeError("Unable to locate credentials")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.cat_file", refuse)
    failed = score("--parts", "memory://mwe/parts")
    assert (failed.exit_code, "cannot be read (Unable to locate credentials): see to" in failed.output) == (1, True)


def test_the_next_command_is_one_that_has_something_to_say(score, tmp_path):
    assert "Next" not in score("--shard", "1/2").output
    assert f"Next: mwe show {tmp_path / 'logs'}" in score().output
    assert f"Next: mwe fit {tmp_path / 'logs'}" in score(models=[ONE, "pretend/two"]).output


def test_a_share_that_ends_after_the_log_was_made_leaves_no_batches_behind(score, stop, whole, tmp_path, monkeypatch):
    stop(2)
    add = Part.add

    def overtaken(part, begun, number, batch):
        monkeypatch.setattr(Part, "add", add)
        assert score().exit_code == 0
        add(part, begun, number, batch)

    monkeypatch.setattr(Part, "add", overtaken)
    done = score()
    assert done.exit_code == 0, done.output
    assert not list((tmp_path / "logs" / ".parts").iterdir())
    assert timeless(only_log(tmp_path / "logs")) == timeless(whole())


def test_plain_lines_say_how_far_a_run_is_how_fast_and_how_long_it_takes():
    said = []
    times = iter([0.0, 1.0, 20.0, 30.0])
    with lines(100, 20, say=said.append, clock=lambda: next(times)) as tell:
        for more in (10, 30, 40):
            tell(more)
    assert said == [
        "20 of 100 questions are done already.",
        "60 of 100 questions, 2 a second, 20 s left",
        "100 of 100 questions, 2.67 a second",
    ]


def test_a_terminal_gets_a_bar_with_questions_a_second(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with bar(10, 5) as tell:
        tell(5)
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", capsys.readouterr().out)
    assert "10/10" in shown
    assert "a second" in shown
