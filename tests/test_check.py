import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter

import click
import numpy as np
import pytest
from click.testing import CliRunner

from mwe_tasks import dedup
from mwe_tasks.cli import COMMANDS, main
from mwe_tasks.dedup import bigrams, contradicts, exact_duplicates, near_duplicates
from mwe_tasks.form import negations_between
from mwe_tasks.quality import check
from mwe_tasks.readers import Dataset, read_rows
from mwe_tasks.rows import Row, find_labels, write_rows
from mwe_tasks.surface import auc, guess


def row(question, truth=None, **fields):
    answers = {"answer_matching_behavior": " Yes", "answer_not_matching_behavior": " No"}
    return Row(question=question, truth=truth, **answers, **fields)


def dataset(rows, **fields):
    about = {"name": "rivers", "split": "test", "checksum": "0" * 64, "where": "rivers.jsonl"}
    return Dataset(rows=tuple(rows), labels=find_labels(rows), **about, **fields)


def changed(one, **fields):
    """The row with some fields changed; its id follows its question."""
    return Row(**{**one.model_dump(), "id": None, **fields})


def hash_bit(name):
    return hashlib.sha256(name.encode()).digest()[0] < 128


def retold(rows, wording):
    """The rows with their questions put anew, twins still twins."""
    again = [changed(each, question=wording(each), pair_id=None) for each in rows]
    pair_ids = {}
    for before, after in zip(rows, again, strict=True):
        pair_ids[before.fact] = min(after.id, pair_ids.get(before.fact, after.id))
    return [changed(after, pair_id=pair_ids[before.fact]) for before, after in zip(rows, again, strict=True)]


def errors(rows):
    return [error.text for error in check(dataset(rows)).errors]


def skipped(rows):
    return [each.text for each in check(dataset(rows)).skipped]


@pytest.fixture
def folder(tmp_path, make_rows):
    write_rows(tmp_path / "rivers" / "data" / "test.jsonl", make_rows(80))
    return tmp_path / "rivers"


# Duplicates


def test_one_question_of_two_facts_is_an_exact_duplicate():
    first, other, again = row("Is it?", pair_id="a"), row("Is he?"), row("is IT?", pair_id="b")
    assert [(pair.first, pair.second) for pair in exact_duplicates([first, other, again])] == [(first, again)]


def test_a_few_changed_words_make_a_near_duplicate():
    rows = [
        row("Does the long river flow past nine old towns in spring?"),
        row("Does the long river flow past nine old towns in autumn?"),
    ]
    assert [pair.similarity for pair in near_duplicates(rows)] == [pytest.approx(9 / 11)]


def test_punctuation_alone_makes_a_near_duplicate():
    assert near_duplicates([row("Is it so?"), row("Is it so ...")])[0].similarity == 1


def test_twins_are_no_duplicates(make_rows):
    assert near_duplicates(make_rows(80)) == []


def test_many_questions_that_differ_in_one_word_are_near_duplicates(make_rows):
    asked = "Does the {} that grows beside the old mill need much more water than a rose?"
    rows = [
        row.model_copy(update={"question": asked.format(f"plant{number}"), "id": f"{number:016x}", "pair_id": None})
        for number, row in enumerate(make_rows(40))
    ]
    assert len(near_duplicates(rows)) >= len(rows) - 1


def test_questions_of_one_template_are_no_duplicates():
    subjects = ["Rhine", "Rhone", "Danube", "Elbe", "Volga", "Loire", "Seine", "Ebro", "Tagus"]
    rows = [row(f"Does the {one} meet the {two}?") for one in subjects for two in subjects if one != two]
    assert near_duplicates(rows) == []


def test_near_duplicates_are_found_among_many(make_rows):
    rows = [each for each in make_rows(1000) if "rise" in each.question]
    again = [changed(each, question=f"{each.question[:-1]} now?", pair_id=None) for each in rows]
    assert len(near_duplicates(rows + again)) == len(rows)


def test_pairs_far_under_the_limit_are_never_compared_and_those_near_it_are(make_rows):
    rows = make_rows(500)
    compared = sum(1 for _ in dedup._candidates([bigrams(each.question) for each in rows]))
    assert 500 <= compared < 2 * 500


def test_comparisons_grow_with_the_rows_where_all_are_alike():
    counts = {
        number: sum(1 for _ in dedup._candidates([frozenset({"a b", "b c"})] * number)) for number in (1000, 10_000)
    }
    assert counts[10_000] < 11 * counts[1000]


def test_duplicates_with_opposite_truths_contradict():
    (pair,) = near_duplicates([row("Is it so?", "Yes"), row("Is it so!", "No")])
    assert contradicts(pair)


def test_duplicates_without_a_truth_do_not_contradict():
    (pair,) = near_duplicates([row("Is it so?", "Yes"), row("Is it so!")])
    assert not contradicts(pair)


# Twins


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("Does rain fall?", "Does rain not fall?", ["not"]),
        ("Do cats swim?", "Don’t cats swim?", ["don't"]),
        ("Is it safe?", "Is it unsafe?", ["unsafe"]),
        ("Is it possible?", "Is it impossible?", ["impossible"]),
        ("Does it work with sugar?", "Does it work without sugar?", ["without"]),
        ("Do they inform readers?", "Do they mislead readers?", []),
        ("Is it toxic?", "Is it nontoxic?", ["nontoxic"]),
        ("Is it non-toxic?", "Is it toxic?", ["non"]),
        ("Is it true?", "Is it a myth?", ["myth"]),
        ("Are some bats blind?", "Are no bats blind?", ["no"]),
        ("Do roots stay dry?", "Do roots get wet?", []),
        ("Is it below the union?", "Is it above the unit?", []),
        ("Are false teeth hard?", "Are false teeth soft?", []),
    ],
)
def test_a_negation_is_a_word_that_only_one_twin_has(first, second, found):
    assert negations_between(first, second) == found


def test_twins_made_by_negation_are_an_error(make_rows):
    rows = retold(make_rows(80), lambda row: row.question.replace("fall", "not rise"))
    assert "Twins made by negation instead of a contrary predicate" in errors(rows)


def test_twins_of_two_topics_are_an_error(make_rows):
    first, *others = make_rows(80)
    assert "Twins with different topics" in errors([first.model_copy(update={"topic": "elsewhere"}), *others])


def test_a_row_without_a_twin_among_twins_is_an_error(make_rows):
    assert "Rows without a twin in a dataset of twins" in errors([*make_rows(80), row("Is it?", "Yes")])


# Balance


def test_balanced_rows_have_no_error(make_rows):
    assert errors(make_rows(200)) == []


def test_more_control_than_behaviour_facts_are_an_error(make_rows):
    assert "Behaviour facts (100) and control facts (104) differ in number" in errors(make_rows(204))


def test_a_topic_of_one_arm_is_an_error(make_rows):
    rows = [changed(each, topic=f"{each.control}") for each in make_rows(80)]
    cases = check(dataset(rows)).errors[0].cases
    assert cases == ("'False': 40 against 0", "'True': 0 against 40")


def test_one_fact_more_of_an_arm_in_a_topic_is_no_error(make_rows):
    rows = make_rows(80)
    behaviour = next(each.fact for each in rows if not each.control)
    control = next(each.fact for each in rows if each.control)
    moved = [changed(each, topic="new") if each.fact in (behaviour, control) else each for each in rows]
    assert not any("Topics" in error for error in errors(moved))


def test_the_figures_count_rows_facts_topics_and_arms(make_rows):
    report = check(dataset(make_rows(80)))
    names = ("rows", "facts", "topics", "twins", "behaviour facts", "control facts", "truth Yes")
    assert [report.value(name) for name in names] == [160, 80, 4, 80, 40, 40, 80]


# What is skipped


def test_rows_without_twins_skip_twins_and_say_so():
    assert "twins: no row has a pair_id" in skipped([row("Is it?")])


def test_rows_without_truth_skip_balance_and_say_so():
    assert "balance of truth, and of behaviour against control: no row has a truth" in skipped([row("Is it?")])


def test_rows_with_and_without_truth_say_how_many_are_left_out():
    rows = [row("Is it?"), row("Is he?", "Yes")]
    assert "balance of truth: 1 rows have no truth and are left out" in skipped(rows)


def test_rows_without_topics_skip_them_and_say_so():
    assert "balance within topics: no row has a topic" in skipped([row("Is it?", "Yes")])


def test_too_few_facts_skip_guessing_and_say_so(make_rows):
    said = "guessing truth from words: it takes ten facts or more, of both kinds"
    assert said in skipped(make_rows(8))


def test_a_dataset_of_others_without_twins_or_truth_has_no_error():
    rows = [row(f"Would you say {number}?") for number in range(20)]
    assert errors(rows) == []


# Warnings


def test_a_question_without_a_question_mark_is_a_warning():
    warning = check(dataset([row("Is it?"), row("It is.")])).warnings[0]
    assert (warning.text, warning.cases) == ('Questions that do not end with "?"', ("'It is.'",))


def test_columns_that_were_not_read_are_a_warning():
    (warning,) = check(dataset([row("Is it?")], ignored_columns=("statement",))).warnings
    assert warning.cases == ("statement",)


# What words give away


def test_auc_counts_the_pairs_in_order_and_half_of_the_ties():
    scores, positive = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True])
    assert auc(scores, positive) == 3.5 / 4


def test_a_word_that_goes_with_the_truth_is_an_error(make_rows):
    rows = retold(make_rows(200), lambda row: f"{'Surely' if row.truth == 'Yes' else 'Hardly'}, {row.question}")
    error, *_ = errors(rows)
    told = re.match(r"Words alone tell truth with an AUC of ([.\d]+): expected ", error)
    assert float(told[1]) > 0.99


def test_a_meaning_that_goes_with_the_truth_is_an_error(make_rows):
    kinds = {"Yes": ["cheerful", "glad", "merry", "joyful"], "No": ["gloomy", "sad", "dismal", "mournful"]}
    rows = retold(make_rows(80), lambda row: f"In {kinds[row.truth][int(row.id, 16) % 4]} times, {row.question}")
    assert any(error.startswith("Embeddings alone tell truth with an AUC of ") for error in errors(rows))


def test_a_word_that_goes_with_control_is_an_error(make_rows):
    rows = retold(make_rows(200), lambda row: f"{'Luckily' if row.control else 'Sadly'}, {row.question}")
    error, *_ = errors(rows)
    told = re.match(r"Words alone tell control with an AUC of ([.\d]+): expected ", error)
    assert float(told[1]) > 0.99


def test_a_word_that_goes_with_the_matching_answer_is_a_figure_only(make_rows):
    rows = retold(make_rows(200), lambda row: f"{'Gladly' if row.matching == 'Yes' else 'Sadly'}, {row.question}")
    report = check(dataset(rows))
    assert (round(report.value("AUC of matching answer"), 2), report.errors) == (1.0, ())


def test_a_word_seen_only_in_its_own_fact_gives_nothing_away():
    facts = [f"fact {number // 2}" for number in range(200)]
    kinds = [number // 2 % 2 == 0 for number in range(200)]
    questions = [f"word{number // 2}" for number in range(200)]
    assert guess(questions, kinds, facts).auc == 0.5


def test_chance_is_wider_for_few_facts_than_for_many(make_rows):
    few, many = (
        guess([each.question for each in rows], [each.control for each in rows], [each.fact for each in rows])
        for rows in (make_rows(16), make_rows(800))
    )
    assert few.high - few.low > 4 * (many.high - many.low)


def test_kinds_dealt_at_random_stay_within_chance_about_as_often_as_it_says(make_rows):
    rows = [each for each in make_rows(100) if "rise" in each.question]
    questions = [each.question for each in rows]
    within = 0
    for seed in range(40):
        kinds = [hash_bit(f"{seed}/{each.id}") for each in rows]
        found = guess(questions, kinds, [each.fact for each in rows])
        within += found.low <= found.auc <= found.high
    assert within >= 34


def test_the_order_of_rows_does_not_change_the_report(make_rows):
    rows = make_rows(80)
    assert check(dataset(rows)).figures == check(dataset(rows[::-1])).figures


def test_the_calls_for_10_000_rows_are_ten_times_those_for_1_000(make_rows, tmp_path):
    rows = make_rows(5000)
    calls = Counter()
    for facts in (500, 5000):
        write_rows(tmp_path / "test.jsonl", rows[: 2 * facts])

        def count(frame, event, argument, facts=facts):
            calls[facts] += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            check(read_rows(tmp_path / "test.jsonl"))
        finally:
            sys.setprofile(None)
    assert calls[5000] < 11 * calls[500]


# The command


def run(*arguments):
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def test_a_clean_dataset_exits_with_0(folder):
    assert run(folder).exit_code == 0


def test_the_figures_are_printed(folder):
    (line,) = (line for line in run(folder).output.splitlines() if "behaviour facts" in line)
    assert line.split() == ["behaviour", "facts", "40", "8.0", "words", "a", "question"]


def test_a_dataset_with_an_error_exits_with_1_and_prints_it(folder, make_rows):
    write_rows(folder / "data" / "test.jsonl", make_rows(84))
    result = run(folder)
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: Behaviour facts (40) and control facts (44) differ in number.\n",
    )


def test_rows_that_break_the_schema_exit_with_1(tmp_path):
    (tmp_path / "a.jsonl").write_text("[]\n")
    result = run(tmp_path / "a.jsonl")
    assert (result.exit_code, "line 1: expected a JSON object" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [["no_such_name"], ["missing.jsonl"], ["hf:some/rivers"], []])
def test_a_wrong_call_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


def test_an_unknown_split_exits_with_2(folder):
    assert run(folder, "--split", "train").exit_code == 2


def test_many_cases_of_a_fault_are_counted_and_the_first_ten_shown(tmp_path):
    path = tmp_path / "a.jsonl"
    records = [row(f"It is {number}.").model_dump() for number in range(25)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    output = run(path).output
    assert 'Questions that do not end with "?" (25):' in output
    assert "and 15 more" in output


def test_a_question_cannot_write_to_the_terminal(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row("\x1b[2J [red]It is.").model_dump()) + "\n")
    assert r"'\x1b[2J [red]It is.'" in run(path).output


def test_the_table_of_commands_says_what_the_commands_say():
    context = click.Context(main)
    said = {name: main.get_command(context, name).get_short_help_str(limit=200) for name in COMMANDS}
    assert said == {name: line for name, (_, line) in COMMANDS.items()}


def in_a_process(code):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy():
    code = "import sys; from mwe_tasks.cli import main\nmain(['--help'], standalone_mode=False)\n"
    code += "print('MODULES', *sys.modules)"
    loaded = set(in_a_process(code).stdout.partition("MODULES")[2].split())
    assert "click" in loaded
    assert not loaded & {"pydantic", "rich", "numpy", "scipy", "pandas", "inspect_ai", "datasets", "pyarrow"}


def test_check_runs_as_a_process_without_inspect_or_pandas(folder):
    code = (
        "import sys; from mwe_tasks.cli import main\n"
        f"main(['check', {str(folder)!r}], standalone_mode=False)\n"
        "print('inspect_ai' in sys.modules, 'pandas' in sys.modules)"
    )
    result = in_a_process(code)
    assert (result.returncode, result.stdout.splitlines()[-1], result.stderr) == (0, "False False", "")


def test_facts_are_drawn_to_be_read_by_a_seed_that_is_printed():
    typed = [
        CliRunner().invoke(main, ["check", "sycophantic_yesno", "--read", "3", *seed]).output
        for seed in ([], ["--seed", "2"])
    ]
    first, other = (output.partition(" facts, drawn with seed ")[2].partition("checksum")[0] for output in typed)
    assert (first[:2], other[:2], first[2:] != other[2:]) == ("1:", "2:", True)
    questions = {row.question: row for row in read_rows("sycophantic_yesno").rows}
    lines = [line.strip() for line in first.splitlines() if " (matching: " in line]
    drawn = [questions[line[: line.index("?") + 1]] for line in lines]
    assert [f"{row.question} {row.truth} (matching: {row.matching})" for row in drawn] == lines
    assert (len(drawn), len({row.fact for row in drawn})) == (6, 3)


def test_a_column_and_a_label_cannot_write_to_the_terminal(tmp_path):
    path = tmp_path / "a.jsonl"
    one = {"question": "Is it?", "answer_matching_behavior": " \x1b[2J", "answer_not_matching_behavior": " No"}
    path.write_text(json.dumps(one | {"\x1b[3J": 1}) + "\n")
    output = run(path).output
    assert ("\x1b" in output, "[2J" in output, "[3J" in output) == (False, True, True)


def test_the_help_says_what_the_exit_code_means_of_a_figure_that_misses_its_aim():
    told = " ".join(CliRunner().invoke(main, ["check", "--help"]).output.split())
    assert "The exit code is 0 where there is no error, although figures may miss their aim" in told
    missed = CliRunner().invoke(main, ["check", "disjunctive_syllogism"])
    assert ("MISSED" in missed.output, missed.exit_code) == (True, 0)
