"""`mwe score` end to end on the simulated models: run, resume, a size added, a model that fails, what it would take."""

import warnings

import pytest
from click.testing import CliRunner
from inspect_ai.log import read_eval_log
from inspect_ai.model import ModelAPI, modelapi
from server import OpenAIServer, Reply

from mwe_tasks.cli import main
from mwe_tasks.errors import MweError, first_sentence, sentence_of
from mwe_tasks.families import Family, Member, find_family
from mwe_tasks.providers.sim import SimAPI
from mwe_tasks.rows import write_rows
from mwe_tasks.runs import Run, batches, choose_members, choose_models
from mwe_tasks.table import load

SMALL, LARGE = "sim/appeal-up-1b", "sim/appeal-up-7b"


@modelapi(name="burning")
def burning() -> type[ModelAPI]:
    return Burning


class Burning(SimAPI):
    """A simulated model that answers only while `works` says so."""

    works = False

    async def generate(self, *arguments, **named):
        if not self.works:
            raise RuntimeError("The machine is burning. Do not come near.")
        return await super().generate(*arguments, **named)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    monkeypatch.setattr(Burning, "works", False)


@pytest.fixture(scope="module")
def dataset(make_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made_up")
    write_rows(folder / "data" / "test.jsonl", make_rows(4))
    return str(folder)


@pytest.fixture
def score(dataset, tmp_path):
    """A function that runs `mwe score` on made-up questions, with logs in a folder of the test's own."""

    def run(*arguments, dataset=dataset):
        words = ["score", dataset, "--log-dir", str(tmp_path / "logs"), *arguments]
        return CliRunner().invoke(main, words)

    return run


@pytest.fixture
def logs(tmp_path):
    """A function that names the log files there are."""
    return lambda: sorted(path.name for path in (tmp_path / "logs").glob("*.eval"))


def family(folder, *models, extra=""):
    """A family file with these members, each as (model, revision)."""
    lines = ['name = "mine"']
    for model, revision in models:
        lines += ["[[members]]", f'model = "{model}"', 'role = "base"', 'style = "completion"']
        lines += [f'revision = "{revision}"'] if revision else []
    path = folder / "mine.toml"
    path.write_text("\n".join([*lines, extra]) + "\n", encoding="utf-8")
    return str(path)


def member(model, **values):
    return Member(model=model, **{"role": "base", "style": "completion", "source": "counted", **values})


def run_again_and_add(score, folder):
    first = score("--family", family(folder, (SMALL, None)))
    again = score("--family", family(folder, (SMALL, None)))
    added = score("--family", family(folder, (SMALL, None), (LARGE, None)))
    return first, again, added


def test_a_family_is_scored_and_the_same_command_scores_nothing_again_and_a_size_that_is_added_alone(
    score, tmp_path, logs
):
    first, again, added = run_again_and_add(score, tmp_path)
    assert [each.exit_code for each in (first, again, added)] == [0, 0, 0]
    assert f"Scoring {SMALL}." in first.output
    assert "Scoring" not in again.output
    assert f"Scoring {LARGE}." in added.output
    assert len(logs()) == 2


def test_the_end_names_each_model_its_questions_its_log_and_the_next_command(score, tmp_path, logs):
    path = family(tmp_path, (SMALL, None))
    printed = score("--family", path).output.splitlines()[-2:]
    assert printed[0].startswith(f"{SMALL}  8 questions  ")
    assert printed[0].endswith(logs()[0])
    assert printed[1] == f"Next: mwe fit {tmp_path / 'logs'} --family {path}"


def test_a_model_that_fails_leaves_the_others_logs_and_says_why_in_one_sentence(score, tmp_path):
    done = score("--model", SMALL, "--model", "burning/appeal-up-2b")
    assert done.exit_code == 1
    assert "FAILED  burning/appeal-up-2b: The machine is burning (" in done.output
    assert f"{SMALL}  8 questions" in done.output


def test_a_model_that_failed_is_scored_by_the_same_command_and_leaves_no_other_log_behind(score, logs, monkeypatch):
    command = ("--model", SMALL, "--model", "burning/appeal-up-2b")
    score(*command)
    before = logs()
    monkeypatch.setattr(Burning, "works", True)
    again = score(*command)
    assert (again.exit_code, "Scoring burning/appeal-up-2b." in again.output) == (0, True)
    assert (len(before), len(logs()), len(set(before) & set(logs()))) == (2, 2, 1)


def test_a_folder_with_the_log_of_a_model_that_failed_is_read_without_it(score, tmp_path):
    score("--model", SMALL, "--model", "burning/appeal-up-2b")
    with pytest.warns(UserWarning, match="ended with status error"):
        table = load(tmp_path / "logs")
    assert set(table["model"]) == {SMALL}


def test_a_model_without_provider_weights_or_key_fails_alone(score, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = score("--model", SMALL, "--model", "nowhere/x", "--model", "sim/nothing-1b", "--model", "openai/gpt-4o")
    assert done.exit_code == 1
    assert "FAILED  nowhere/x: There is no provider nowhere in this installation" in done.output
    assert "FAILED  sim/nothing-1b: No simulated truth is named 'nothing'" in done.output
    assert "FAILED  openai/gpt-4o: Unable to initialise OpenAI client: No OPENAI_API_KEY" in done.output
    assert f"{SMALL}  8 questions" in done.output


def test_checkpoints_of_one_model_are_told_apart_by_their_revision(score, tmp_path):
    first = score("--family", family(tmp_path, (SMALL, "step1"), (SMALL, "step4")))
    added = score("--family", family(tmp_path, (SMALL, "step1"), (SMALL, "step4"), (SMALL, "step16")))
    assert (first.exit_code, added.exit_code) == (0, 0)
    assert f"Scoring {SMALL}@step16." in added.output
    table = load(tmp_path / "logs")
    assert table.groupby("revision").size().to_dict() == {"step1": 8, "step4": 8, "step16": 8}


def test_a_model_without_revision_has_none_in_the_table(score, tmp_path):
    score("--model", SMALL)
    assert list(load(tmp_path / "logs")["revision"].unique()) == [None]


def test_each_member_is_asked_in_its_own_style_and_all_in_one_that_is_given(score, tmp_path):
    path = tmp_path / "mixed.toml"
    head = '[[members]]\nmodel = "{}"\nrole = "base"\nstyle = "{}"\n'
    path.write_text('name = "m"\n' + head.format(SMALL, "chat") + head.format(LARGE, "completion"), encoding="utf-8")
    score("--family", str(path))
    table = load(tmp_path / "logs")
    assert table.groupby("model")["style"].first().to_dict() == {SMALL: "chat", LARGE: "completion"}
    asked = choose_members(find_family(str(path)), style="chat")
    assert {run.style for run in asked.runs} == {"chat"}


def test_a_higher_limit_goes_on_from_the_questions_that_have_an_answer(score, tmp_path, logs):
    score("--model", SMALL, "--limit", "4")
    done = score("--model", SMALL, "--limit", "6")
    assert (done.exit_code, len(logs())) == (0, 1)
    assert len(load(tmp_path / "logs")) == 6


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([], ["--frame", "opinion"], "with frame plain, and frame is now opinion"),
        (["--template", "1"], [], "with template 1, and template is now 0"),
        (["--style", "chat"], ["--style", "completion"], f"of {SMALL} with style chat, now completion"),
        ([], ["--limit", "4"], "holds a log of 8 questions, and only 4 are asked now"),
    ],
)
def test_a_folder_that_holds_logs_made_in_another_way_is_refused(score, before, after, said):
    assert score("--model", SMALL, *before).exit_code == 0
    refused = score("--model", SMALL, *after)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output
    assert "name another --log-dir" in refused.output


def test_a_folder_with_a_log_that_was_cut_short_is_refused_by_its_name(score, tmp_path, logs):
    score("--model", SMALL)
    path = tmp_path / "logs" / logs()[0]
    path.write_bytes(path.read_bytes()[:100])
    refused = score("--model", SMALL)
    assert (refused.exit_code, f"{path} is no Inspect log, or was cut short" in refused.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--family", "pythai"], "No family is named 'pythai'"),
        ([], "Name the models in one way"),
        (["--family", "pythia", "--model", SMALL], "Name the models in one way"),
        (["--family", "pythia", "--max-params", "1k"], "No member of pythia is left to score"),
        (["--family", "pythia", "--max-params", "some"], "'some' is no size: write it like 135m, 1b or 6.7b"),
        (["--family", "pythia", "--role", "instruct"], "a member of role base"),
        (["--family", "gpt3-api"], "can no longer be called"),
        (["--model", "hf/EleutherAI/pythia-70m"], "name mwe-hf/EleutherAI/pythia-70m instead"),
        (["--model", "gpt-4o"], "gpt-4o names no provider"),
        (["--model", SMALL, "--model", SMALL], "is named twice"),
        (["--model", SMALL, "--role", "base"], "give --family"),
        (["--model", SMALL, "--frame", "nice"], "No frame is named 'nice'"),
        (["--model", SMALL, "--style", "rude"], "No style is named 'rude'"),
        (["--model", SMALL, "--shots", "3"], "No number of shots is named '3'"),
        (["--model", SMALL, "--split", "contested"], "contested"),
        (["--model", SMALL, "--model-cost-config", "nowhere.yaml"], "nowhere.yaml cannot be read"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence_and_exit_2(score, arguments, said):
    refused = score(*arguments)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output
    assert refused.output.count("\n") == 1


def test_a_dataset_that_is_not_there_is_one_sentence_that_lists_those_that_are(score):
    refused = score("--model", SMALL, dataset="nowhere")
    assert (refused.exit_code, "No dataset is named 'nowhere'. There are: " in refused.output) == (2, True)


def test_a_log_folder_that_cannot_be_is_refused_before_anything_is_loaded(score, tmp_path):
    (tmp_path / "file").write_text("")
    refused = score("--model", SMALL, "--log-dir", str(tmp_path / "file"))
    said = f"--log-dir {tmp_path / 'file'} cannot be written (File exists): name another"
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_what_a_failed_model_should_have_been_told_is_listed(score):
    failed = score("--model", "gguf/nowhere")
    assert "No model file is named 'nowhere'. There are: smollm2-135m, a path to a .gguf file" in failed.output


def test_a_family_file_with_a_key_that_there_is_not_is_refused_with_that_key(score, tmp_path):
    refused = score("--family", family(tmp_path, (SMALL, None), extra="size = 3"))
    assert (refused.exit_code, "size: there is no such key" in refused.output) == (2, True)


def test_members_that_can_only_be_replayed_and_those_too_large_are_named_as_left_out():
    members = (
        member("sim/flat-1b", params_total=10**9, params_active=10**9),
        member("openai/ada", replay_only=True),
        member("sim/flat-7b", params_total=7 * 10**9, params_active=7 * 10**9),
        member("openai/unknown"),
    )
    chosen = choose_members(Family(name="mine", members=members), max_params="3b")
    assert [run.model for run in chosen.runs] == ["sim/flat-1b"]
    assert chosen.left_out == (
        "openai/ada: can no longer be called, only its recorded results can be shown",
        "sim/flat-7b: 7,000,000,000 parameters, more than --max-params 3b",
        "openai/unknown: its size is not known",
    )


def test_a_model_that_is_named_gets_its_size_from_the_families():
    chosen = choose_models(["mwe-hf/EleutherAI/pythia-70m", "gguf/a.gguf"], [find_family("pythia")])
    assert [run.params for run in chosen.runs] == [70_426_624, None]


def test_models_whose_weights_are_held_here_run_one_at_a_time_and_the_others_together():
    runs = [Run("mwe-hf/a"), Run("openai/b"), Run("gguf/c"), Run("sim/d")]
    found = [[run.model for run in batch] for batch in batches(runs)]
    assert found == [["openai/b", "sim/d"], ["mwe-hf/a"], ["gguf/c"]]


def test_an_error_that_is_a_defect_says_its_class():
    assert sentence_of(KeyError("token")) == "KeyError: 'token' (a defect: please report it)"
    assert sentence_of(MweError("Take another. There are two.")) == "Take another. There are two."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It broke. Then more.", "It broke"),
        ("[bold]ERROR[/bold]: No key\n\nSet [blue]KEY[/blue] first.", "No key: Set KEY first"),
        ("version 1.5 is\ntoo old", "version 1.5 is too old"),
        ("RuntimeError('It\\'s \\nburning. Go.')", "It's burning"),
        ('MweError("It\'s [here].")', "It's [here]"),
        ("", "no reason was given"),
    ],
)
def test_the_first_sentence_of_an_error_is_one_line_without_markup(text, said):
    assert first_sentence(text) == said


def test_without_warnings_a_finished_folder_is_read_whole(score, tmp_path):
    score("--model", SMALL, "--model", LARGE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(tmp_path / "logs").groupby("model").size().to_dict() == {SMALL: 8, LARGE: 8}


def test_a_service_is_scored_by_its_name(score, monkeypatch, tmp_path):
    with OpenAIServer(lambda question, body: Reply({"Yes": -0.5, "No": -1.0})) as server:
        monkeypatch.setenv("TOY_BASE_URL", server.base_url)
        monkeypatch.setenv("TOY_API_KEY", "none")
        done = score("--model", "openai-api/toy/model")
    assert done.exit_code == 0, done.output
    assert set(load(tmp_path / "logs")["estimator"]) == {"top_logprobs"}


def test_a_run_that_is_stopped_says_how_it_goes_on_and_scores_no_other_model(score, monkeypatch):
    called = []
    monkeypatch.setattr("mwe_tasks.running.eval_set", lambda *_, **__: called.append(1) or (True, []))
    monkeypatch.setattr("mwe_tasks.running.batches", lambda runs: [[run] for run in runs])
    stopped = score("--model", SMALL, "--model", LARGE)
    assert (stopped.exit_code, len(called)) == (1, 1)
    assert "Interrupted: the same command goes on from here." in stopped.output


def test_the_datasets_own_task_is_run_where_it_has_one(score, tmp_path, logs):
    score("--model", SMALL, "--limit", "2", dataset="sycophantic_yesno")
    log = read_eval_log(str(tmp_path / "logs" / logs()[0]), header_only=True)
    assert log.eval.task == "mwe_tasks/sycophantic_yesno"
