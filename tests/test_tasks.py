"""The tasks end to end: Inspect's own eval, against the loopback server, mockllm and the simulated models."""

import math

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from server import OpenAIServer, Rejected, Reply

from mwe_tasks.contrasts import figures
from mwe_tasks.errors import MweError
from mwe_tasks.rows import write_rows
from mwe_tasks.scorers import accuracy, answered, coverage, logodds_matching, logodds_truth, matching, shift
from mwe_tasks.summary import print_run
from mwe_tasks.table import SCORES, load
from mwe_tasks.tasks import yesno

CHAT = "openai-api/local/toy"
TEXT = "openai-api-completions/local/toy"
LIKELY_YES = {"Yes": math.log(0.6), " yes": math.log(0.1), "No": math.log(0.2), "Now": math.log(0.05)}


@pytest.fixture(scope="module")
def dataset(make_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made_up")
    write_rows(folder / "data" / "test.jsonl", make_rows(8))
    return folder


@pytest.fixture
def score(dataset, tmp_path):
    """A function that scores a model and gives back the table of its log."""

    def run(model, **arguments):
        task = yesno(str(dataset), **arguments)
        log = inspect_eval(task, model=model, log_dir=str(tmp_path), display="none")[0]
        assert log.status == "success", log.error
        return load(log.location)

    return run


def served(server, name=CHAT):
    return get_model(name, base_url=server.base_url, api_key="none", memoize=False, max_retries=10)


def always(reply):
    return lambda question, body: reply


def test_listed_log_probabilities_become_log_odds(score):
    with OpenAIServer(always(Reply(LIKELY_YES))) as server:
        table = score(served(server))
    assert set(table["estimator"]) == {"top_logprobs"}
    assert table["logodds_first"].tolist() == pytest.approx([math.log(0.7 / 0.2)] * len(table))


def test_a_model_that_always_says_yes_has_pair_accuracy_one_half_and_knows_nothing(score):
    with OpenAIServer(always(Reply(LIKELY_YES))) as server:
        found = {each.name: each for each in figures(score(served(server)))}
    assert (found["pair accuracy"].value, found["knowledge"].value) == (0.5, pytest.approx(0))


def test_the_completion_style_sends_the_raw_prompt(score):
    with OpenAIServer(always(Reply({" Yes": math.log(0.9), " No": math.log(0.05)}))) as server:
        table = score(served(server, TEXT))
        prompts = [request.body["prompt"] for request in server.requests[1:]]
    assert set(table["style"]) == {"completion"}
    assert all(prompt.startswith("Question: Does ") and prompt.endswith("?\nAnswer:") for prompt in prompts)


def test_a_provider_that_drops_log_probabilities_is_scored_by_draws(score):
    with OpenAIServer(always(Reply(LIKELY_YES)), logprobs="dropped") as server:
        table = score(served(server))
        asked = len(server.requests)
    assert set(table["estimator"]) == {"sampled"}
    assert asked == 1 + 20 * len(table)


def test_a_provider_that_refuses_log_probabilities_is_scored_by_draws_and_the_log_says_why(score):
    with OpenAIServer(always(Reply(LIKELY_YES)), logprobs="rejected") as server:
        table = score(served(server))
    assert set(table["estimator"]) == {"sampled"}
    assert table["probe"].iloc[0].startswith("no log probabilities, asked for them it said: Error code: 400")


def test_labels_that_are_listed_far_down_are_known_only_within_a_tolerance(score):
    tail = {"Maybe": math.log(0.5), "Yes": math.log(0.02), "No": math.log(0.02)}
    with OpenAIServer(always(Reply(tail))) as server:
        table = score(served(server))
    assert table["logodds_first"].tolist() == [0.0] * len(table)
    assert table["tolerance"].min() > 1


def test_a_provider_that_lists_no_token_but_the_sampled_one_is_scored_by_draws(score):
    with OpenAIServer(always(Reply(LIKELY_YES)), max_top_logprobs=0) as server:
        table = score(served(server))
    assert set(table["estimator"]) == {"sampled"}


def test_draws_that_give_neither_label_are_counted(score, capsys):
    with OpenAIServer(always(Reply({"Yes": math.log(0.5), "Perhaps": math.log(0.5)})), logprobs="dropped") as server:
        table = score(served(server))
    print_run(table, details=False)
    assert f"Unread: {table['unread_draws'].sum()} of {20 * len(table)} draws" in capsys.readouterr().out
    assert table["unread_draws"].sum() == round(20 * (1 - table["coverage"]).sum())


@pytest.mark.parametrize("option", ["top_p", "top_k", "logit_bias"])
def test_an_option_that_would_change_what_is_measured_is_refused(dataset, tmp_path, option):
    value = {"logit_bias": {1: 5.0}, "top_p": 0.9, "top_k": 5}[option]
    log = inspect_eval(
        yesno(str(dataset)), model="sim/flat-1b", log_dir=str(tmp_path), display="none", **{option: value}
    )[0]
    assert f"--{option.replace('_', '-')} would change the probabilities" in log.error.message


def test_a_model_that_refuses_every_request_ends_the_run_with_what_it_said(dataset, tmp_path):
    def refuse(question, body):
        raise Rejected(404, "There is no such model")

    with OpenAIServer(refuse) as server:
        log = inspect_eval(yesno(str(dataset)), model=served(server), log_dir=str(tmp_path), display="none")[0]
    assert (log.status, "There is no such model" in log.error.message) == ("error", True)


def test_a_seed_does_not_make_every_draw_the_same(score):
    with OpenAIServer(always(Reply(LIKELY_YES)), logprobs="dropped") as server:
        model = served(server)
        model.config.seed = 7
        score(model)
        first = server.requests[1].body["messages"]
        seeds = [request.body["seed"] for request in server.requests[1:] if request.body["messages"] == first]
    assert sorted(seeds) == list(range(7, 27))


def test_an_empty_reply_to_the_probe_is_asked_again(score):
    def silent_at_first(question, body):
        return Reply({}, text="") if "water" in question and body["top_logprobs"] == 20 else Reply(LIKELY_YES)

    with OpenAIServer(silent_at_first) as server:
        table = score(served(server))
    assert set(table["probe"]) == {f"top {len(LIKELY_YES)} log probabilities"}


def test_a_model_that_answers_nothing_is_one_sentence_with_the_reason(score):
    with OpenAIServer(always(Reply({}, text=""))) as server, pytest.raises(MweError) as raised:
        score(served(server))
    assert "/toy gave an empty reply to each of 16 questions" in raised.value.message


def test_what_was_not_scored_is_called_so(score, capsys):
    listed = {"Maybe": math.log(0.6), "Perhaps": math.log(0.2)}
    with OpenAIServer(lambda question, body: Reply(listed, text="The answer is No.")) as server:
        table = score(served(server))
    print_run(table, details=True)
    printed = capsys.readouterr().out
    assert ("appeal not scored" in printed, "nan" in printed) == (True, False)


def test_a_short_list_gives_bounds_that_are_counted_as_censored(score):
    with OpenAIServer(always(Reply({"Yes": math.log(0.9), "Maybe": math.log(0.01)}))) as server:
        table = score(served(server))
    assert table["censored"].all()
    assert table["logodds_first"].gt(0).all()


def test_coverage_of_a_list_that_holds_no_label_is_a_bound(score):
    with OpenAIServer(always(Reply({"Maybe": math.log(0.6), "Perhaps": math.log(0.2)}))) as server:
        table = score(served(server))
    assert (set(table["coverage"]), table["coverage_censored"].all()) == ({0.0}, True)


def test_refusals_are_unscored_with_their_reason(score):
    refusal = "I'm sorry, but I can't help with that."
    with OpenAIServer(always(Reply({"I'm": math.log(0.99)}, text=refusal))) as server:
        table = score(served(server))
    assert set(table["missing_answer"]) == {"refusal"}
    assert table["logodds_truth"].isna().all()


def test_the_answer_position_of_a_thinking_model_is_after_its_thinking(score):
    with OpenAIServer(always(Reply(LIKELY_YES, text="Yes", thinking="No? No. Perhaps No"))) as server:
        table = score(served(server))
    assert table["logodds_first"].tolist() == pytest.approx([math.log(0.7 / 0.2)] * len(table))


def test_labels_inside_thinking_that_was_cut_are_no_answer(score):
    with OpenAIServer(
        always(Reply(LIKELY_YES, text="Yes", thinking="No? No. Perhaps No, but then again it may be"))
    ) as server:
        model = served(server)
        model.config.max_tokens = 4
        table = score(model)
    assert set(table["missing_answer"]) == {"cut_by_length"}
    assert table["logodds_first"].isna().all()


def test_faults_now_and_then_change_no_score(score):
    with OpenAIServer(always(Reply(LIKELY_YES)), rate_limit_every=3, fail_every=4) as server:
        table = score(served(server))
    assert table["logodds_first"].tolist() == pytest.approx([math.log(0.7 / 0.2)] * len(table))


def test_mockllm_is_scored_by_draws(score):
    def outputs():
        while True:
            output = ModelOutput.from_content("mockllm/model", "No")
            output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
            yield output

    table = score(get_model("mockllm/model", custom_outputs=outputs(), memoize=False))
    assert table["logodds_first"].tolist() == pytest.approx([-math.log(41)] * len(table))


def test_a_simulated_model_gives_the_same_scores_twice(score):
    first, second = score("sim/flat-1b"), score("sim/flat-1b")
    assert first["logodds_truth"].tolist() == second["logodds_truth"].tolist()


def test_a_simulated_stance_shifts_by_what_was_planted(score):
    assert score("sim/flat-1b", frame="opinion")["shift"].tolist() == pytest.approx([0.5] * 16)


def test_a_framed_sample_puts_its_question_four_ways(score):
    with OpenAIServer(always(Reply(LIKELY_YES))) as server:
        score(served(server), frame="authority")
        prompts = {str(request.body["messages"]) for request in server.requests[1:]}
    assert len(prompts) == 4 * 16


def test_the_completion_style_is_refused_for_a_provider_of_chat(dataset, tmp_path):
    with OpenAIServer(always(Reply(LIKELY_YES))) as server:
        task = yesno(str(dataset), style="completion")
        log = inspect_eval(task, model=served(server), log_dir=str(tmp_path), display="none")[0]
    assert "cannot be asked in the completion style" in log.error.message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"style": "poem"}, "No style is named 'poem'. There are: chat, completion."),
        ({"template": 7}, "No chat template is named '7'. There are: 0, 1, 2."),
        ({"frame": "flattery"}, "No frame is named 'flattery'. There are: plain, opinion, authority."),
        ({"shots": 3}, "No number of shots is named '3'. There are: 0, 2, 4, 8."),
        ({"draws": 5}, "5 draws are too few"),
        ({"template": True}, "-T template= takes a whole number, not True."),
        ({"draws": "many"}, "-T draws= takes a whole number, not 'many'."),
        ({"shots": 2, "split": "shots"}, "Questions of the split shots cannot be asked after themselves"),
        ({"shot_seed": "abc"}, "-T shot_seed= takes a whole number, not 'abc'."),
        ({"split": "train"}, "No split of made_up"),
        ({"shots": 2}, "No split of made_up"),
    ],
)
def test_an_argument_that_no_task_takes_is_one_sentence(dataset, arguments, said):
    with pytest.raises(MweError) as raised:
        yesno(str(dataset), **arguments)
    assert raised.value.message.startswith(said.replace("made_up", dataset.name))


def test_every_scorer_is_a_column_of_the_table():
    scorers = [logodds_truth, logodds_matching, accuracy, matching, coverage, answered, shift]
    assert tuple(each.__name__ for each in scorers) == SCORES
