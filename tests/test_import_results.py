"""`mwe import-results`: results of other pipelines as logs, and what is refused.

lm_eval_samples/ was written by lm-eval 0.4.13, on the first six rows of sycophantic_yesno and a GPT-2 of random weights
(two layers of width 16, byte-level BPE of 600 tokens, seed 0); its description of the machine was taken out:

    lm_eval --include_path tasks --tasks mwe_six,mwe_six_matching --model hf --device cpu \\
            --model_args pretrained=tiny/random-2l,dtype=float32 --log_samples --output_path out
"""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_ai.analysis import samples_df
from inspect_ai.log import read_eval_log, recompute_metrics

import mwe_tasks
from mwe_tasks.cli import main
from mwe_tasks.contrasts import figures
from mwe_tasks.errors import MweError
from mwe_tasks.formats.prize_results import FLOOR, logodds_of_label
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import write_rows

SEED = Path(__file__).parents[2] / "shared" / "seed"
MEMBERS = ("ada", "babbage", "curie", "davinci")
SAMPLES = Path(__file__).parent / "lm_eval_samples" / "tiny__random-2l"
FAMILY = """
name = "tiny"
[[members]]
model = "mwe-hf/tiny/random-2l"
role = "base"
style = "completion"
[[members]]
model = "mwe-hf/tiny/random-2l"
revision = "step5"
role = "base"
style = "completion"
[[members]]
model = "mwe-hf/tiny/larger"
role = "base"
style = "completion"
"""
needs_seed = pytest.mark.skipif(not SEED.is_dir(), reason="needs ../shared/seed, which is no part of the repository")


def run(*words):
    return CliRunner().invoke(main, ["import-results", *map(str, words)])


def refused(*words):
    """The message of a command that exits with 2."""
    result = run(*words)
    assert result.exit_code == 2, result.output
    return result.output


def prize_lines(logodds, truths, coverage=0.5):
    """The lines that the prize's pipeline writes for log odds of Yes against No, one a question."""
    lines = []
    for number, (value, truth) in enumerate(zip(logodds, truths, strict=True)):
        of_truth = value if truth == "Yes" else -value
        lines.append(
            {
                "index": number,
                "loss": math.log1p(math.exp(-of_truth)),
                "correct": int(of_truth > 0),
                "predicted": " Yes" if value > 0 else " No",
                "total_logprob": math.log(coverage),
            }
        )
    return lines


def write_csv(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


LOGODDS = [2.0, -1.0, 0.5, -0.25, 3.0, -4.0]
TRUTHS = ["Yes", "Yes", "No", "No", "Yes", "No"]


@pytest.fixture
def ada(tmp_path):
    return write_csv(tmp_path / "results" / "ada.csv", prize_lines(LOGODDS, TRUTHS))


@pytest.fixture
def into(tmp_path):
    return ("--family", "gpt3-api", "--log-dir", tmp_path / "logs")


@pytest.fixture
def samples(tmp_path):
    """A copy of the samples of the truth, with the results beside it, for tests to spoil."""
    shutil.copytree(SAMPLES, tmp_path / SAMPLES.name)
    (path,) = (tmp_path / SAMPLES.name).glob("samples_mwe_six_2*.jsonl")
    return path


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(FAMILY, encoding="utf-8")
    return ("--family", path, "--log-dir", tmp_path / "logs")


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seed")
    files = [SEED / "results" / f"{name}.csv" for name in MEMBERS]
    result = run(*files, "--family", "gpt3-api", "--log-dir", folder)
    assert result.exit_code == 0, result.output
    return mwe_tasks.load(folder)


def edit(path, **changes):
    """Changes the second line of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    lines[1] |= changes
    return write_csv(path, lines)


def edit_samples(path, change):
    """Changes every line of a file of samples."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        change(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@needs_seed
@pytest.mark.parametrize(
    ("score", "means", "digits"),
    [
        ("accuracy", [0.602, 0.547, 0.726, 0.816], 3),
        ("logodds_truth", [0.375, 0.423, 0.888, 1.452], 3),
        ("loss", [0.6257, 0.6482, 0.5457, 0.4381], 4),
    ],
)
def test_the_reference_numbers_of_the_seed_come_out_of_its_files(seed, score, means, digits):
    found = []
    for member in MEMBERS:
        table = seed[seed["model"] == f"openai/{member}"]
        by_name = {each.name: each.value for each in figures(table)}
        found.append(by_name["loss"] if score == "loss" else table[score].mean())
    assert [round(value, digits) for value in found] == means


@needs_seed
def test_accuracy_by_log_odds_is_what_the_files_say_is_correct(seed):
    for member in MEMBERS:
        with (SEED / "results" / f"{member}.csv").open(encoding="utf-8", newline="") as file:
            correct = [float(line["correct"]) for line in csv.DictReader(file)]
        assert seed.loc[seed["model"] == f"openai/{member}", "accuracy"].tolist() == correct


@needs_seed
def test_the_total_of_the_seed_is_the_ln_of_the_sum_and_no_sum_of_two_lns():
    for member in MEMBERS:
        with (SEED / "results" / f"{member}.csv").open(encoding="utf-8", newline="") as file:
            lines = [(float(line["loss"]), float(line["total_logprob"])) for line in csv.DictReader(file)]
        assert max(total for _, total in lines) < 0
        # As a sum of the two, ln P1 + ln P2 = 2 ln(P1 + P2) + ln q + ln(1 - q), it would make probabilities above 1.
        assert max((total + loss - math.log1p(-math.exp(-loss))) / 2 for loss, total in lines) > math.log(1.8)


@needs_seed
def test_the_labels_of_the_seed_differ_from_its_dataset_at_70_positions(into):
    files = [SEED / "results" / f"{name}.csv" for name in MEMBERS]
    said = refused(*files, *into, "--dataset", SEED / "classification-dataset.csv")
    assert "other labels than" in said
    assert "at 70 of 201 positions" in said
    assert not into[-1].exists()


def test_log_odds_come_back_as_they_were(ada, into):
    assert run(ada, *into).exit_code == 0
    table = mwe_tasks.load(into[-1])
    assert table["logodds_first"].tolist() == pytest.approx(LOGODDS)
    assert table["truth"].tolist() == TRUTHS
    assert table["coverage"].tolist() == pytest.approx([0.5] * 6)


def test_a_loss_of_500_nats_does_not_overflow_and_one_of_0_is_a_bound():
    assert logodds_of_label(1000.0) == (-1000.0, -1000.0)
    assert logodds_of_label(0.0) == (FLOOR, None)


def test_a_loss_of_0_is_censored(ada, into):
    run(edit(ada, loss=0.0, correct=1, predicted=" Yes"), *into)
    table = mwe_tasks.load(into[-1])
    assert table["censored"].tolist() == [False, True, False, False, False, False]
    assert table["logodds_truth"][1] == FLOOR


def test_a_log_invents_no_question_no_prompt_and_no_output(ada, into):
    run(ada, *into)
    (path,) = into[-1].glob("*.eval")
    sample = read_eval_log(str(path)).samples[0]
    assert "without the text of what was asked" in sample.input
    assert (sample.messages, sample.output.choices, sample.store["readings"]["plain"]["prompt"]) == ([], [], None)
    assert sample.metadata["row"]["question"] is None


def test_a_log_says_where_it_came_from(ada, into):
    run(ada, *into)
    (path,) = into[-1].glob("*.eval")
    made = read_eval_log(str(path), header_only=True).eval.metadata["mwe"]["results"]
    assert (made["file"], made["format"], made["family"], made["member"]) == (
        *("ada.csv", "prize", "gpt3-api"),
        "openai/ada",
    )
    assert len(made["sha256"]) == 64


def test_results_without_a_matching_answer_are_shown_and_drawn(ada, into, tmp_path):
    run(ada, *into)
    (log,) = into[-1].glob("*.eval")
    shown = CliRunner().invoke(main, ["show", str(log), "--details", "--figure", str(tmp_path / "run.png")])
    assert shown.exit_code == 0, shown.output
    assert "appeal not scored, knowledge" in shown.output
    assert "No matching answer is known" in shown.output
    found = {each.name: each for each in figures(mwe_tasks.load(log))}
    assert (found["appeal"].n, found["matching share"].n, found["knowledge"].n) == (0, 0, 6)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Inspect's own call of pandas
def test_inspect_reads_the_log_with_its_scores(ada, into):
    run(ada, *into)
    frame = samples_df(str(into[-1]))
    assert frame["score_logodds_truth"].astype(float).mean() == pytest.approx((2 - 1 - 0.5 + 0.25 + 3 + 4) / 6)


def test_metrics_computed_again_are_those_in_the_log(ada, into):
    run(ada, *into)
    (path,) = into[-1].glob("*.eval")
    log = read_eval_log(str(path))
    before = log.results.model_dump()
    assert {each.name: set(each.metrics) for each in log.results.scores}["logodds_truth"] == {"mean", "stderr"}
    recompute_metrics(log)
    assert log.results.model_dump() == before


def test_importing_again_gives_the_same_log(ada, into):
    logs = []
    for _ in range(2):
        assert run(ada, *into).exit_code == 0
        (path,) = into[-1].glob("*.eval")
        logs.append(read_eval_log(str(path)).model_dump(exclude={"location", "etag"}))
    assert logs[0] == logs[1]


def test_a_log_of_other_results_is_not_written_over(ada, into):
    run(ada, *into)
    write_csv(ada, prize_lines([2 * value for value in LOGODDS], TRUTHS))
    assert "exists already" in refused(ada, *into)


def test_models_that_were_imported_apart_join_where_their_labels_are_the_same(ada, into):
    babbage = write_csv(ada.with_name("babbage.csv"), prize_lines(LOGODDS[::-1], TRUTHS))
    run(ada, *into)
    run(babbage, *into)
    table = mwe_tasks.load(into[-1])
    assert (table["checksum"].nunique(), sorted(table["model"].unique())) == (1, ["openai/ada", "openai/babbage"])


def as_prize(path, rows):
    """A dataset of the prize's own form, in the order of the rows."""
    classes = [" Yes", " No"]
    lines = [
        {
            "prompt": f"Question: {row.question}\nAnswer:",
            "classes": classes,
            "answer_index": classes.index(f" {row.truth}"),
        }
        for row in rows
    ]
    return write_csv(path, lines)


@pytest.mark.parametrize("form", ["jsonl", "prize"])
def test_a_dataset_with_the_same_labels_gives_results_their_questions(form, ada, into, make_rows, tmp_path):
    rows = make_rows(16)
    if form == "jsonl":
        path = tmp_path / "mine.jsonl"
        write_rows(path, rows)
        rows = read_rows(path).rows
    else:
        path = as_prize(tmp_path / "mine.csv", rows)
    asked = {row.question: 0.1 * (number + 1) for number, row in enumerate(rows)}
    write_csv(ada, prize_lines(asked.values(), [row.truth for row in rows]))
    result = run(ada, *into, "--dataset", path)
    assert result.exit_code == 0, result.output
    table = mwe_tasks.load(into[-1])
    assert dict(zip(table["question"], table["logodds_first"], strict=True)) == pytest.approx(asked)
    assert table["logodds_matching"].notna().all()


def test_too_few_labels_do_not_show_that_a_dataset_is_the_one(ada, into, make_rows, tmp_path):
    write_rows(tmp_path / "mine.jsonl", make_rows(3))
    truths = [row.truth for row in read_rows(tmp_path / "mine.jsonl").rows]
    write_csv(ada, prize_lines(LOGODDS, truths))
    assert "too few or too alike to show" in refused(ada, *into, "--dataset", tmp_path / "mine.jsonl")


def test_a_dataset_of_another_length_is_refused(ada, into):
    said = refused(ada, *into, "--dataset", "sycophantic_yesno")
    assert "holds 6 questions up to index 5, sycophantic_yesno 1000 rows" in said


PRIZE_FAULTS = {
    "a loss that is NaN": ({"loss": "nan"}, "line 3, loss: expected a number of nats, 0 or more, found 'nan'"),
    "a negative loss": ({"loss": -0.5}, "line 3, loss: expected a number of nats, 0 or more, found '-0.5'"),
    "no loss": ({"loss": ""}, "line 3, loss: expected a number of nats, 0 or more, found nothing"),
    "another correct": ({"correct": 2}, "line 3, correct: expected 0 or 1, found '2'"),
    "a correct against the loss": ({"correct": 1}, "line 3, correct: expected 0 with a loss of 1.31"),
    "a number as label": ({"predicted": 1}, "line 3, predicted: expected a label such as ' Yes', found '1'"),
    "a probability above 1": ({"total_logprob": 0.2}, "line 3, total_logprob: expected the ln of a probability"),
    "an index twice": ({"index": 0}, "index: expected each once, found 0 2 times"),
    "an index that is none": ({"index": "x"}, "line 3, index: expected a whole number, found 'x'"),
    "a third label": ({"predicted": " Maybe"}, "expected two labels in all, predicted are 3"),
}


@pytest.mark.parametrize("fault", PRIZE_FAULTS)
def test_a_fault_of_a_csv_is_said_and_nothing_is_written(fault, ada, into):
    changes, said = PRIZE_FAULTS[fault]
    good = write_csv(ada.with_name("babbage.csv"), prize_lines(LOGODDS, TRUTHS))
    assert said in refused(good, edit(ada, **changes), *into)
    assert not into[-1].exists()


def test_a_column_that_is_missing_is_named(ada, into):
    lines = [{name: value for name, value in line.items() if name != "loss"} for line in prize_lines(LOGODDS, TRUTHS)]
    assert "expected a column loss, found only correct" in refused(write_csv(ada, lines), *into)


def test_an_empty_file_is_said(ada, into):
    ada.write_text("")
    assert "expected at least one row, found an empty file" in refused(ada, *into)


def test_a_file_that_is_none_is_said(ada, into):
    assert "There is no file" in refused(ada.with_name("curie.csv"), *into)


def test_a_stem_that_is_no_member_lists_the_members(ada, into):
    said = refused(ada.rename(ada.with_name("adda.csv")), *into)
    assert "names 'adda', as no members of gpt3-api are named. There are: ada, babbage, curie, davinci. --model" in said


def test_a_member_may_be_named_by_hand(ada, into):
    run(ada.rename(ada.with_name("adda.csv")), *into, "--model", "openai/curie")
    assert mwe_tasks.load(into[-1])["model"].unique().tolist() == ["openai/curie"]


def test_two_files_of_one_member_are_refused(ada, into, tmp_path):
    (tmp_path / "again").mkdir()
    said = refused(ada, shutil.copy(ada, tmp_path / "again" / "ada.csv"), *into)
    assert "are both of openai/ada: give one file a model" in said


def test_two_files_of_other_rows_are_refused(ada, into):
    other = write_csv(ada.with_name("babbage.csv"), prize_lines(LOGODDS[:5], TRUTHS[:5]))
    assert "are of other questions (5 and 6, of which 5 are the same)" in refused(ada, other, *into)


def test_two_files_of_other_labels_are_refused(ada, into):
    other = write_csv(ada.with_name("babbage.csv"), prize_lines(LOGODDS, ["No", *TRUTHS[1:]]))
    assert "imply other labels at 1 of 6 positions" in refused(ada, other, *into)
    assert not into[-1].exists()


def test_one_label_alone_needs_a_dataset(ada, into):
    write_csv(ada, prize_lines([1.0, 2.0], ["Yes", "No"]))
    assert "expected two labels in all, predicted are 1 (Yes): give --dataset" in refused(ada, *into)


def test_a_file_of_another_kind_is_said(ada, into):
    assert "none of the results read here" in refused(ada.rename(ada.with_name("ada.json")), *into)
    assert "should end in .jsonl" in refused(ada.with_name("ada.json").rename(ada), *into, "--format", "lm-eval")


def test_samples_of_lm_eval_are_log_odds_of_the_canonical_spellings(samples, tiny):
    result = run(samples, *tiny)
    assert result.exit_code == 0, result.output
    table = mwe_tasks.load(tiny[-1]).set_index("id")
    lines = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    assert len(table) == len(lines) == 6
    for line in lines:
        yes, no = (float(reply[0][0]) for reply in line["resps"])
        found = table.loc[line["doc"]["id"]]
        sign = 1 if line["doc"]["truth"] == "Yes" else -1
        assert found["logodds_truth"] == pytest.approx(sign * (yes - no))
        assert found["canonical"] == found["logodds_first"] == pytest.approx(yes - no)
        assert found["coverage"] == pytest.approx(math.exp(yes) + math.exp(no))
        assert found["accuracy"] == line["acc"]


def test_both_tasks_of_one_run_hold_the_same_log_odds(samples, tiny, tmp_path):
    (other,) = samples.parent.glob("samples_mwe_six_matching_*.jsonl")
    run(samples, *tiny)
    run(other, *tiny[:3], tmp_path / "others")
    one, two = (mwe_tasks.load(folder) for folder in (tiny[-1], tmp_path / "others"))
    assert one["logodds_matching"].tolist() == two["logodds_matching"].tolist()
    assert one["checksum"].equals(two["checksum"])


def test_samples_carry_the_checksum_of_the_dataset_that_was_exported(samples, tiny, tmp_path):
    write_rows(tmp_path / "six" / "data" / "test.jsonl", read_rows("sycophantic_yesno").rows[:6])
    run(samples, *tiny)
    assert mwe_tasks.load(tiny[-1])["checksum"][0] == read_rows(tmp_path / "six").checksum


@pytest.mark.parametrize("beside", [True, False])
def test_the_member_is_told_by_the_results_or_else_by_the_folder(beside, samples, tiny):
    if not beside:
        next(samples.parent.glob("results_*.json")).unlink()
    run(samples, *tiny)
    (path,) = tiny[-1].glob("*.eval")
    log = read_eval_log(str(path), header_only=True)
    assert (log.eval.model, log.eval.model_args) == ("mwe-hf/tiny/random-2l", {})


@pytest.mark.parametrize("arguments", [{"revision": "step5"}, "pretrained=tiny/random-2l,revision=step5"])
def test_another_revision_is_another_member(arguments, samples, tiny):
    results = next(samples.parent.glob("results_*.json"))
    said = json.loads(results.read_text(encoding="utf-8"))
    said["config"]["model_args"] = arguments
    results.write_text(json.dumps(said), encoding="utf-8")
    run(samples, *tiny)
    (path,) = tiny[-1].glob("*.eval")
    assert read_eval_log(str(path), header_only=True).eval.model_args == {"revision": "step5"}


def test_adapted_weights_are_no_member(samples, tiny):
    results = next(samples.parent.glob("results_*.json"))
    said = json.loads(results.read_text(encoding="utf-8"))
    said["config"]["model_args"]["peft"] = "some/adapter"
    results.write_text(json.dumps(said), encoding="utf-8")
    assert "peft=some/adapter: adapted weights are no member" in refused(samples, *tiny)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config": {"model_args": [1]}, "configs": {"mwe_six": {}}}'])
def test_results_that_are_none_are_one_sentence(text, samples, tiny):
    next(samples.parent.glob("results_*.json")).write_text(text, encoding="utf-8")
    assert "is no file of lm-eval's results for mwe_six" in refused(samples, *tiny)


def test_a_model_that_is_no_member_lists_the_members(samples, tiny):
    said = refused(samples, "--family", "pythia", *tiny[2:])
    assert "names 'tiny/random-2l', as no members of pythia are named. There are: EleutherAI/pythia-14m" in said


def test_canonical_spellings_and_all_of_them_are_no_one_table(samples, tiny):
    run(samples, *tiny)
    ours = Path(__file__).parent.parent / "logs" / "sycophantic_yesno" / "smollm2-135m.eval"
    with pytest.raises(MweError, match="those of mwe-hf/tiny/random-2l the canonical one"):
        mwe_tasks.load([ours, tiny[-1]])


def drop_id(line):
    del line["doc"]["id"]


def put_nan(line):
    line["resps"][0][0][0] = "nan"


def add_a_shot(line):
    for request in line["arguments"].values():
        request["arg_0"] = "Question: Is it?\nAnswer: Yes\n\n" + request["arg_0"]


def cut_a_request(line):
    del line["arguments"]["gen_args_1"]


def ask_otherwise(line):
    line["doc"]["question"] = "Is it so?"


SAMPLE_FAULTS = {
    "rows without our ids": (drop_id, "carry no ids of ours"),
    "a log likelihood that is NaN": (put_nan, "line 1, resps: expected a finite log likelihood"),
    "a solved example": (add_a_shot, "6 of 6 prompts in"),
    "one request": (cut_a_request, "line 1, arguments: expected two requests"),
    "a question that is not its id's": (ask_otherwise, "line 1, doc: expected a row of ours"),
}


@pytest.mark.parametrize("fault", SAMPLE_FAULTS)
def test_a_fault_of_samples_is_said_and_nothing_is_written(fault, samples, tiny):
    change, said = SAMPLE_FAULTS[fault]
    edit_samples(samples, change)
    assert said in refused(samples, *tiny)
    assert not tiny[-1].exists()


def test_a_line_that_was_cut_is_said(samples, tiny):
    samples.write_text(samples.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    assert "line 6: expected a JSON object, found a fault in it" in refused(samples, *tiny)


def test_rows_that_the_dataset_does_not_have_are_counted(samples, tiny):
    said = refused(samples, *tiny, "--dataset", "disjunctive_syllogism")
    assert "6 of 6 rows of" in said
    assert "are not in it" in said


def test_samples_join_to_the_dataset_that_they_are_of(samples, tiny, tmp_path):
    folder = tmp_path / "six"
    write_rows(folder / "data" / "test.jsonl", read_rows("sycophantic_yesno").rows[:6])
    assert run(samples, *tiny, "--dataset", folder).exit_code == 0
    shown = CliRunner().invoke(main, ["show", str(tiny[-1]), "--dataset", str(folder)])
    assert shown.exit_code == 0, shown.output


def test_a_dataset_of_another_version_is_refused(samples, tiny):
    assert "is of another version of sycophantic_yesno" in refused(samples, *tiny, "--dataset", "sycophantic_yesno")


def test_two_files_of_samples_of_one_model_are_refused(samples, tiny):
    assert "are both of mwe-hf/tiny/random-2l" in refused(*samples.parent.glob("samples_*.jsonl"), *tiny)


def test_samples_of_two_models_are_refused_where_their_rows_differ(samples, tiny, tmp_path):
    other = tmp_path / "tiny__larger" / samples.name
    other.parent.mkdir()
    other.write_text("".join(samples.read_text(encoding="utf-8").splitlines(keepends=True)[:4]), encoding="utf-8")
    assert "are of other questions (4 and 6, of which 4 are the same)" in refused(samples, other, *tiny)
