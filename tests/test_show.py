"""`mwe show`, `mwe models` and `mwe_tasks.load` on real logs, of simulated models."""

import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model
from server import OpenAIServer, Reply

import mwe_tasks
from mwe_tasks.cli import main
from mwe_tasks.contrasts import figures
from mwe_tasks.errors import MweError
from mwe_tasks.plot import draw_run
from mwe_tasks.rows import write_rows
from mwe_tasks.summary import notes
from mwe_tasks.table import SCORES
from mwe_tasks.tasks import yesno


@pytest.fixture(scope="module")
def dataset(make_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made_up")
    write_rows(folder / "data" / "test.jsonl", make_rows(80))
    return folder


@pytest.fixture(scope="module")
def log(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    return inspect_eval(yesno(str(dataset)), model="sim/appeal-up-10b", log_dir=str(folder), display="none")[0].location


def mwe(*words):
    return CliRunner().invoke(main, list(words))


def test_the_sentence_comes_first(log):
    assert mwe("show", log).output.lstrip().startswith("sim/appeal-up-10b on made_up")


def test_a_simulated_model_is_called_simulated(log):
    assert "SIMULATED" in mwe("show", log).output


def test_details_show_every_figure(log):
    names = [each.name for each in figures(mwe_tasks.load(log))]
    output = CliRunner().invoke(main, ["show", log, "--details"], env={"COLUMNS": "160"}).output
    lines = [line.strip() for line in output.splitlines()]
    assert [name for name in names if not any(line.startswith(f"{name}  ") for line in lines)] == []


def test_appeal_is_half_the_truth_on_controls_less_that_on_behaviour_facts(log):
    found = {each.name: each.value for each in figures(mwe_tasks.load(log))}
    assert found["appeal"] == pytest.approx((found["truth, control arm"] - found["truth, behaviour arm"]) / 2)


def test_planted_appeal_and_knowledge_lie_in_their_intervals(log):
    found = {each.name: each for each in figures(mwe_tasks.load(log))}
    assert found["appeal"].low < 1.0 < found["appeal"].high
    assert found["knowledge"].low < 1.0 < found["knowledge"].high


def test_pair_states_add_up_to_one(log):
    found = {each.name: each.value for each in figures(mwe_tasks.load(log))}
    assert sum(found[name] for name in ("both right", "both wrong", "both Yes", "both No")) == pytest.approx(1)


def test_a_stance_shifts_log_odds_by_what_was_planted(dataset, tmp_path):
    task = yesno(str(dataset), frame="opinion")
    run = inspect_eval(task, model="sim/flat-1b", log_dir=str(tmp_path), display="none")[0].location
    found = {each.name: each.value for each in figures(mwe_tasks.load(run))}
    both = found["shift, for less neutral"] + found["shift, neutral less against"]
    assert (found["shift"], both / 2) == (pytest.approx(0.5), pytest.approx(found["shift"]))
    assert found["flips right to wrong"] > 0


def test_questions_without_truth_have_figures_in_a_frame_too(make_rows, tmp_path):
    rows = [row.model_copy(update={"truth": None}) for row in make_rows(16)]
    write_rows(tmp_path / "data" / "test.jsonl", rows)
    task = yesno(str(tmp_path), frame="opinion")
    run = inspect_eval(task, model="sim/flat-1b", log_dir=str(tmp_path / "logs"), display="none")[0].location
    assert mwe("show", run, "--details").exit_code == 0
    assert not [each for each in figures(mwe_tasks.load(run)) if "right" in each.name]
    assert mwe("show", run, "--figure", str(tmp_path / "run.png")).exit_code == 0


def test_answers_of_two_epochs_count_as_one_fact(dataset, tmp_path):
    task = yesno(str(dataset))
    run = inspect_eval(task, model="sim/flat-1b", epochs=2, log_dir=str(tmp_path), display="none")[0].location
    assert {each.n for each in figures(mwe_tasks.load(run)) if " arm" not in each.name} == {80}


def test_a_figure_is_drawn(log, tmp_path):
    draw_run(mwe_tasks.load(log), tmp_path / "new" / "run.png")
    assert (tmp_path / "new" / "run.png").read_bytes().startswith(b"\x89PNG")


def test_show_draws_the_figure_of_one_log(log, tmp_path):
    assert mwe("show", log, "--figure", str(tmp_path / "run.png")).exit_code == 0
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_of_two_logs_is_refused(log, dataset, tmp_path):
    other = inspect_eval(yesno(str(dataset)), model="sim/flat-1b", log_dir=str(tmp_path), display="none")[0].location
    result = mwe("show", log, other, "--figure", str(tmp_path / "run.png"))
    assert (result.exit_code, "name one" in result.output) == (2, True)


def test_a_log_of_another_version_of_the_dataset_is_refused(log, make_rows, tmp_path):
    write_rows(tmp_path / "data" / "test.jsonl", make_rows(8))
    result = mwe("show", log, "--dataset", str(tmp_path))
    assert (result.exit_code, "has checksum" in result.output) == (2, True)


def test_a_log_of_an_older_version_of_a_shipped_dataset_says_so():
    run = mwe_tasks.load("logs/sycophantic_yesno/smollm2-135m.eval")
    assert not [line for line in notes(run, figures(run)) if "has checksum" in line]
    assert [line for line in notes(run.assign(checksum="0" * 64), figures(run)) if "has checksum 000000000000" in line]


def test_a_run_of_quantised_weights_says_what_that_costs(log):
    run = mwe_tasks.load(log)
    assert any("8 bits" in line for line in notes(run.assign(quantised=True), figures(run)))


@pytest.mark.parametrize("words", [("--figure", "/dev/null/run.png")])
def test_a_figure_that_cannot_be_written_is_one_sentence(log, words):
    result = mwe("show", log, *words)
    assert (result.exit_code, "cannot be written" in result.output) == (2, True)


def test_a_dataset_file_that_changed_since_its_log_is_noticed_without_being_named(make_rows, tmp_path):
    path = tmp_path / "mine.jsonl"
    write_rows(path, make_rows(8))
    run = inspect_eval(yesno(str(path)), model="sim/flat-1b", log_dir=str(tmp_path / "l"), display="none")[0].location
    assert mwe("show", run).exit_code == 0
    write_rows(path, make_rows(16))
    assert (mwe("show", run).exit_code, mwe("show", run, "--any-version").exit_code) == (2, 0)
    with pytest.warns(UserWarning, match="has checksum"):
        mwe_tasks.load(run)


def test_logs_of_two_versions_of_one_dataset_are_no_one_table(log, make_rows, tmp_path):
    folder = tmp_path / re.search(r"made_up\d*", mwe_tasks.load(log)["dataset"].iloc[0])[0]
    write_rows(folder / "data" / "test.jsonl", make_rows(16))
    other = inspect_eval(yesno(str(folder)), model="sim/flat-1b", log_dir=str(tmp_path), display="none")[0]
    with pytest.raises(MweError, match="differ in checksum"):
        mwe_tasks.load([log, other.location])


@pytest.mark.parametrize("content", [None, "", "no log"])
def test_what_is_no_log_is_one_sentence_and_exit_2(tmp_path, content):
    path = tmp_path / "some.eval"
    if content is not None:
        path.write_text(content)
    result = mwe("show", str(path))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_two_estimators_of_one_of_two_datasets_are_no_one_table(log, make_rows, tmp_path):
    write_rows(tmp_path / "other" / "data" / "test.jsonl", make_rows(8))
    task = yesno(str(tmp_path / "other"))
    exact = inspect_eval(task, model="sim/flat-1b", log_dir=str(tmp_path), display="none")[0].location
    with OpenAIServer(lambda question, body: Reply({"Yes": -0.5, "No": -1.0})) as server:
        model = get_model("openai-api/local/toy", base_url=server.base_url, api_key="none", memoize=False)
        listed = inspect_eval(task, model=model, log_dir=str(tmp_path), display="none")[0].location
    with pytest.raises(MweError, match="exact and top_logprobs, which are no one table"):
        mwe_tasks.load([log, exact, listed])


def test_a_figure_in_an_unknown_format_is_one_sentence(log, tmp_path):
    assert mwe("show", log, "--figure", str(tmp_path / "run.foo")).exit_code == 2


def test_a_log_in_a_folder_that_is_none_is_left_out_and_said(log, tmp_path):
    shutil.copy(log, tmp_path)
    (tmp_path / "2026-11-24T10-00-00_cut-short_x.eval").write_text("cut short")
    result = mwe("show", str(tmp_path))
    assert (result.exit_code, "appeal" in result.output, "Left out: " in result.output) == (0, True, True)
    with pytest.warns(UserWarning, match="cut short"):
        assert len(mwe_tasks.load(tmp_path)) == 160


def test_runs_of_two_estimators_are_shown_one_after_the_other(log, dataset, tmp_path):
    with OpenAIServer(lambda question, body: Reply({"Yes": -0.5, "No": -1.0})) as server:
        model = get_model("openai-api/local/toy", base_url=server.base_url, api_key="none", memoize=False)
        other = inspect_eval(yesno(str(dataset)), model=model, log_dir=str(tmp_path), display="none")[0].location
    assert mwe("show", log, other).output.count("Estimator: ") == 2
    with pytest.raises(MweError, match="exact and top_logprobs, which are no one table"):
        mwe_tasks.load([log, other])


def test_the_same_log_twice_is_no_one_table(log):
    with pytest.raises(MweError, match="named twice"):
        mwe_tasks.load([log, log])


def test_every_column_of_the_table_is_documented(dataset, tmp_path):
    task = yesno(str(dataset), frame="opinion")
    run = mwe_tasks.load(inspect_eval(task, model="sim/flat-1b", log_dir=str(tmp_path), display="none")[0].location)
    stances = {f"logodds_first_{stance}_{end}" for stance in ("for", "against", "neutral") for end in ("low", "high")}
    documented = set(re.findall(r"\w+", mwe_tasks.load.__doc__)) | set(SCORES) | stances
    assert set(run.columns) - documented == set()


def test_facts_without_a_truth_are_said_and_in_no_mean(make_rows, tmp_path):
    rows = make_rows(16)
    untrue = [row.model_copy(update={"truth": None}) if row.fact == rows[0].fact else row for row in rows]
    write_rows(tmp_path / "data" / "test.jsonl", untrue)
    task = yesno(str(tmp_path))
    run = mwe_tasks.load(inspect_eval(task, model="sim/flat-1b", log_dir=str(tmp_path), display="none")[0].location)
    found = {each.name: each for each in figures(run)}
    assert {found[name].n for name in ("appeal", "knowledge", "pair accuracy")} == {15}
    assert "No truth: 1 fact, in none of the means." in notes(run, figures(run))


def test_an_empty_folder_of_logs_says_how_to_make_one(tmp_path):
    assert "inspect eval mwe_tasks/" in mwe("show", str(tmp_path)).output


def test_models_lists_the_embedded_weights_and_how_to_install_them():
    assert "gguf/smollm2-135m" in mwe("models").output


def test_help_imports_neither_inspect_nor_pandas():
    code = "import sys; from mwe_tasks.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"inspect_ai", "pandas", "numpy", "pydantic"} & set(printed.split())
