"""What Inspect makes of a provider's replies; scoring leans on every one of these."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ContentReasoning, ContentText, GenerateConfig, Logprob, ModelOutput, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate
from openai import OpenAI
from server import REFUSAL, OpenAIServer, Reply

if TYPE_CHECKING:
    from pathlib import Path

CHAT = "openai-api"
TEXT = "openai-api-completions"
SIX = {" Yes": -0.5, "Yes": -1.5, " No": -2.0, "No": -3.0, " Maybe": -4.0, " I": -5.0}


def ask(server: OpenAIServer, *questions: str, provider: str = CHAT, **config: Any) -> list[ModelOutput]:
    """The outputs for some questions (one, where none is given), asked one after the other."""
    greedy = GenerateConfig(temperature=0, logprobs=True, top_logprobs=20, max_tokens=50)

    async def outputs() -> list[ModelOutput]:
        model = get_model(
            f"{provider}/local/toy", config=greedy, base_url=server.base_url, api_key="none", memoize=False
        )
        wanted = GenerateConfig(**config)
        async with model:
            return [await model.generate(question, config=wanted) for question in questions or ["Is it so?"]]

    return asyncio.run(outputs())


def reply_with(
    reply: Reply, *, provider: str = CHAT, config: dict[str, Any] | None = None, **options: Any
) -> ModelOutput:
    """The output for one question, of a server that always says the same."""
    with OpenAIServer(lambda question, body: reply, **options) as server:
        return ask(server, provider=provider, **(config or {}))[0]


def client(server: OpenAIServer) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key="none")


def positions(output: ModelOutput) -> list[Logprob]:
    logprobs = output.choices[0].logprobs
    assert logprobs is not None
    return logprobs.content


def top(position: Logprob) -> dict[str, float]:
    return {entry.token: entry.logprob for entry in position.top_logprobs or []}


either_provider = pytest.mark.parametrize("provider", [CHAT, TEXT])


@either_provider
def test_log_probabilities_arrive_with_their_tokens_as_they_are(provider: str) -> None:
    [position] = positions(reply_with(Reply(SIX), provider=provider))

    assert (position.token, position.logprob) == (" Yes", -0.5)
    assert top(position) == SIX


@either_provider
def test_the_most_probable_token_stands_first(provider: str) -> None:
    shuffled = dict(sorted(SIX.items()))
    [position] = positions(reply_with(Reply(shuffled), provider=provider))

    assert list(top(position)) == list(SIX)


@pytest.mark.parametrize(("provider", "has_bytes"), [(CHAT, True), (TEXT, False)])
def test_only_chat_brings_the_bytes_of_tokens(provider: str, has_bytes: bool) -> None:
    [position] = positions(reply_with(Reply(SIX), provider=provider))

    assert (position.bytes is not None) == has_bytes
    assert {entry.bytes is not None for entry in position.top_logprobs or []} == {has_bytes}


@either_provider
def test_a_top_list_can_be_shorter_than_asked_for(provider: str) -> None:
    [position] = positions(reply_with(Reply(SIX), provider=provider, max_top_logprobs=5))

    assert list(top(position)) == list(SIX)[:5]


def test_chat_leaves_a_token_outside_the_top_list_out_of_it() -> None:
    [position] = positions(reply_with(Reply(SIX, text=" I"), max_top_logprobs=2))

    assert (position.token, list(top(position))) == (" I", [" Yes", "Yes"])


def test_completions_append_a_token_outside_the_top_list_to_it() -> None:
    [position] = positions(reply_with(Reply(SIX, text=" I"), provider=TEXT, max_top_logprobs=2))

    assert (position.token, list(top(position))) == (" I", [" Yes", "Yes", " I"])


def test_chat_sends_what_was_asked_for() -> None:
    with OpenAIServer(lambda question, body: Reply(SIX)) as server:
        ask(server)
        [request] = server.requests

    assert (request.body["logprobs"], request.body["top_logprobs"]) == (True, 20)


def test_completions_send_the_number_of_log_probabilities() -> None:
    with OpenAIServer(lambda question, body: Reply(SIX)) as server:
        ask(server, provider=TEXT)
        [request] = server.requests

    assert request.body["logprobs"] == 20


@either_provider
def test_dropped_log_probabilities_are_none_and_no_error(provider: str) -> None:
    output = reply_with(Reply(SIX), provider=provider, logprobs="dropped")

    assert (output.completion, output.choices[0].logprobs) == (" Yes", None)


@pytest.mark.parametrize(("provider", "error"), [(CHAT, "ModelGenerateError"), (TEXT, "BadRequestError")])
def test_rejected_log_probabilities_raise_at_once(provider: str, error: str) -> None:
    with pytest.raises(Exception, match="'logprobs' is not supported") as caught:
        reply_with(Reply(SIX), provider=provider, logprobs="rejected")

    assert caught.type.__name__ == error


def test_rejected_log_probabilities_need_not_be_asked_for() -> None:
    output = reply_with(Reply(SIX), logprobs="rejected", config={"logprobs": False, "top_logprobs": None})

    assert output.completion == " Yes"


def test_a_refusal_in_its_field_stops_as_usual_and_is_marked_in_the_content() -> None:
    output = reply_with(Reply(SIX, refusal=REFUSAL))

    assert output.stop_reason == "stop"
    assert output.message.content == [ContentText(text=REFUSAL, refusal=True)]
    assert output.choices[0].stop_details is not None
    assert output.choices[0].stop_details.type == "refusal"


def test_a_refusal_in_its_field_has_no_log_probabilities() -> None:
    assert reply_with(Reply(SIX, refusal=REFUSAL)).choices[0].logprobs is None


@either_provider
def test_a_refusal_in_words_looks_like_any_text(provider: str) -> None:
    output = reply_with(Reply(SIX, text=REFUSAL), provider=provider)

    assert (output.message.content, output.stop_reason) == (REFUSAL, "stop")
    assert output.choices[0].stop_details is None
    assert top(positions(output)[0]).items() >= SIX.items()


@either_provider
def test_a_content_filter_is_a_stop_reason(provider: str) -> None:
    output = reply_with(Reply(text="", finish_reason="content_filter"), provider=provider)

    assert (output.completion, output.stop_reason) == ("", "content_filter")


THOUGHT = Reply(SIX, text=" Yes.", thinking="Perhaps No")


@pytest.mark.parametrize("field", ["content", "reasoning_content", "reasoning"])
def test_thinking_becomes_reasoning_and_leaves_the_completion(field: str) -> None:
    output = reply_with(THOUGHT, thinking_in=field)
    reasoning, _ = list(output.message.content)

    assert isinstance(reasoning, ContentReasoning)
    assert (reasoning.reasoning, output.completion.strip()) == ("Perhaps No", "Yes.")


def test_thinking_in_the_content_costs_the_answer_its_leading_space() -> None:
    assert reply_with(THOUGHT).completion == "Yes."
    assert reply_with(THOUGHT, thinking_in="reasoning_content").completion == " Yes."


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_log_probabilities_still_hold_the_thinking(field: str) -> None:
    content = positions(reply_with(THOUGHT, thinking_in=field))

    assert "".join(position.token for position in content) == "<think>\nPerhaps No\n</think>\n\n Yes."
    assert top(content[-2]) == SIX


def test_log_probabilities_can_start_after_thinking_in_a_field_of_its_own() -> None:
    content = positions(reply_with(THOUGHT, thinking_in="reasoning_content", thinking_logprobs=False))

    assert [position.token for position in content] == [" Yes", "."]


def test_thinking_whose_opening_tag_stood_in_the_prompt_stays_in_the_completion() -> None:
    output = reply_with(Reply(text="Perhaps No\n</think>\n\nYes"))

    assert output.message.content == "Perhaps No\n</think>\n\nYes"


def test_completions_leave_thinking_in_the_text() -> None:
    output = reply_with(THOUGHT, provider=TEXT)

    assert output.message.content == "<think>\nPerhaps No\n</think>\n\n Yes."


@either_provider
def test_a_reply_cut_by_length_stops_for_max_tokens(provider: str) -> None:
    output = reply_with(Reply(SIX, text=" Yes, it is"), provider=provider, config={"max_tokens": 2})

    assert (output.completion, output.stop_reason) == (" Yes,", "max_tokens")


def test_thinking_cut_by_length_is_an_answer_to_inspect() -> None:
    output = reply_with(THOUGHT, config={"max_tokens": 3})

    assert (output.completion, output.stop_reason) == ("<think>\nPerhaps No", "max_tokens")


def test_thinking_cut_by_length_in_a_field_of_its_own_leaves_no_answer() -> None:
    output = reply_with(THOUGHT, thinking_in="reasoning_content", config={"max_tokens": 3})

    assert (output.completion, output.stop_reason) == ("", "max_tokens")
    assert len(positions(output)) == 3


def test_an_empty_chat_reply_has_an_empty_list_of_log_probabilities() -> None:
    output = reply_with(Reply(SIX, text=""))

    assert (output.completion, output.stop_reason, positions(output)) == ("", "stop", [])


def test_an_empty_completion_has_no_log_probabilities() -> None:
    output = reply_with(Reply(SIX, text=""), provider=TEXT)

    assert (output.completion, output.stop_reason, output.choices[0].logprobs) == ("", "stop", None)


@either_provider
def test_faults_are_retried_until_the_answer_comes(provider: str) -> None:
    with OpenAIServer(lambda question, body: Reply(SIX), rate_limit_every=3, fail_every=4) as server:
        outputs = ask(server, *["Is it so?"] * 4, provider=provider)
        statuses = [request.status for request in server.requests]

    assert [output.completion for output in outputs] == [" Yes"] * 4
    assert statuses == [200, 200, 429, 500, 200, 429, 200]


@pytest.mark.parametrize(("every", "error"), [({429: 1}, "RateLimit"), ({500: 1}, "InternalServer")])
def test_faults_without_end_raise_the_last_of_them(every: dict[int, int], error: str) -> None:
    with pytest.raises(Exception, match=f"raised {error}Error"):
        reply_with(Reply(SIX), config={"max_retries": 0}, rate_limit_every=every.get(429), fail_every=every.get(500))


@either_provider
def test_several_choices_are_several_draws(provider: str) -> None:
    coin = Reply({" Yes": -0.7, " No": -0.7})
    output = reply_with(coin, provider=provider, config={"num_choices": 20, "temperature": 1})

    assert len(output.choices) == 20
    assert {choice.message.text for choice in output.choices} == {" Yes", " No"}


@either_provider
def test_dropped_choices_are_missing_without_an_error(provider: str) -> None:
    output = reply_with(Reply(SIX), provider=provider, n="dropped", config={"num_choices": 3})

    assert len(output.choices) == 1


def test_rejected_choices_raise() -> None:
    with pytest.raises(Exception, match="'n' is not supported"):
        reply_with(Reply(SIX), n="rejected", config={"num_choices": 3})


def test_repeated_draws_differ_and_a_run_of_them_repeats() -> None:
    def run() -> list[str]:
        with OpenAIServer(lambda question, body: Reply({"Yes": -0.7, "No": -0.7})) as server:
            return [output.completion for output in ask(server, *["Is it so?"] * 20, temperature=1)]

    first, second = run(), run()

    assert set(first) == {"Yes", "No"}
    assert first == second


def test_draws_follow_the_distribution() -> None:
    tenth = Reply({"Yes": -0.105, "No": -2.303})
    output = reply_with(tenth, config={"num_choices": 500, "temperature": 1})

    assert sum(choice.message.text == "No" for choice in output.choices) == pytest.approx(50, abs=25)


def test_faults_do_not_change_the_draws() -> None:
    def run(every: int | None) -> list[str]:
        coin = Reply({"Yes": -0.7, "No": -0.7})
        with OpenAIServer(lambda question, body: coin, rate_limit_every=every) as server:
            return [output.completion for output in ask(server, *["Is it so?"] * 10, temperature=1)]

    assert run(3) == run(None)


def test_usage_counts_thinking() -> None:
    usage = reply_with(THOUGHT).usage

    assert usage is not None
    assert (usage.output_tokens, usage.reasoning_tokens) == (9, 7)


def test_the_script_sees_the_last_user_message() -> None:
    with OpenAIServer(lambda question, body: Reply(text=question[::-1])) as server:
        [output] = ask(server, "Is it so?", system_message="Be brief.")

    assert output.completion == "?os ti sI"


def test_a_list_of_prompts_gets_its_choices_in_order() -> None:
    with (
        OpenAIServer(lambda question, body: Reply(text=question.upper())) as server,
        client(server) as openai,
    ):
        completion = openai.completions.create(model="toy", prompt=["one", "two"], n=2)

    assert [choice.text for choice in completion.choices] == ["ONE", "ONE", "TWO", "TWO"]
    assert [choice.index for choice in completion.choices] == [0, 1, 2, 3]


def test_the_model_is_listed() -> None:
    with OpenAIServer(lambda question, body: Reply(SIX)) as server, client(server) as openai:
        assert [model.id for model in openai.models.list()] == ["toy"]


def test_a_bug_in_a_script_is_named_and_not_retried() -> None:
    with pytest.raises(Exception, match="The script raised ValueError"):
        reply_with(Reply())


def test_an_eval_finds_the_server_by_its_environment(tmp_path: "Path", monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [Sample(input=f"Is {number} even?", target="No" if number % 2 else "Yes") for number in range(40)]
    answers = {str(sample.input): str(sample.target) for sample in questions}
    script = lambda question, body: Reply(text=answers[question])  # noqa: E731
    with OpenAIServer(script, rate_limit_every=7) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.base_url)
        monkeypatch.setenv("LOCAL_API_KEY", "none")
        [log] = eval(
            Task(dataset=questions, solver=generate(), scorer=match()),
            model="openai-api/local/toy",
            log_dir=str(tmp_path),
            display="none",
        )

    assert log.status == "success"
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == 1
