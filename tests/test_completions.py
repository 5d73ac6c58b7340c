"""What a completions server is asked, and its replies in the shapes that vLLM, SGLang and llama.cpp document."""

import json
import math

import pytest
from inspect_ai.model import GenerateConfig

from mwe_tasks.completions import (
    UNNAMED,
    Incomplete,
    Scored,
    choices_of,
    completion_of,
    list_options,
    read_spellings,
    scored_of,
    text_options,
    with_spellings,
)
from mwe_tasks.errors import MweError

VLLM = """{"id": "cmpl-5f1", "object": "text_completion", "created": 1700000000, "model": "meta-llama/Llama-3.1-8B",
"choices": [{"index": 0, "text": " Yes", "logprobs": {"text_offset": [0, 4], "token_logprobs": [-0.25, -0.5],
"tokens": [" Yes", "."], "top_logprobs": [{" Yes": -0.25, " No": -1.75, "Yes": -4.5}, {".": -0.5, "\\n": -1.0}]},
"finish_reason": "length", "stop_reason": null, "token_ids": null, "prompt_logprobs": [null,
{"25": {"logprob": -3.5, "rank": 12, "decoded_token": ":"}}, {"7566": {"logprob": -0.25, "rank": 1,
"decoded_token": " Yes"}}], "prompt_token_ids": null}], "service_tier": null, "system_fingerprint": null,
"usage": {"prompt_tokens": 3, "total_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": null},
"kv_transfer_params": null}"""
SGLANG = """{"id": "8c1", "object": "text_completion", "created": 1700000000, "model": "meta-llama/Llama-3.1-8B",
"choices": [{"index": 0, "text": " Yes", "logprobs": {"text_offset": [], "token_logprobs": [-0.25, -0.5],
"tokens": [" Yes", "."], "top_logprobs": [{" Yes": -0.25, " No": -1.75, "Yes": -4.5}, {".": -0.5, "\\n": -1.0}]},
"finish_reason": "length", "matched_stop": null}],
"usage": {"prompt_tokens": 3, "total_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": null}}"""
LLAMA_CPP = """{"choices": [{"text": " Yes.", "index": 0, "logprobs": {"content": [{"id": 3363, "token": " Yes",
"bytes": [32, 89, 101, 115], "logprob": -0.25, "top_logprobs": [{"id": 3363, "token": " Yes", "bytes": [32, 89, 101,
115], "logprob": -0.25}, {"id": 1770, "token": " No", "bytes": [32, 78, 111], "logprob": -1.75}, {"id": 9693,
"token": "Yes", "bytes": [89, 101, 115], "logprob": -4.5}]}, {"id": 30, "token": ".", "bytes": [46], "logprob": -0.5,
"top_logprobs": [{"id": 30, "token": ".", "bytes": [46], "logprob": -0.5}, {"id": 198, "token": "\\n", "bytes": [10],
"logprob": -1.0}]}]}, "finish_reason": "length"}], "created": 1700000000, "model": "smollm2", "system_fingerprint":
"b6700-abcdef12", "object": "text_completion", "usage": {"completion_tokens": 2, "prompt_tokens": 3, "total_tokens": 5},
"id": "chatcmpl-1"}"""
LISTED = [
    {
        "token": " Yes",
        "logprob": -0.25,
        "top_logprobs": [
            {"token": " Yes", "logprob": -0.25},
            {"token": " No", "logprob": -1.75},
            {"token": "Yes", "logprob": -4.5},
        ],
    },
    {
        "token": ".",
        "logprob": -0.5,
        "top_logprobs": [{"token": ".", "logprob": -0.5}, {"token": "\n", "logprob": -1.0}],
    },
]


@pytest.mark.parametrize("reply", [VLLM, SGLANG, LLAMA_CPP], ids=["vllm", "sglang", "llama.cpp"])
def test_the_likeliest_tokens_are_read_from_each_servers_shape(reply):
    [choice] = choices_of(json.loads(reply), 1)
    found = completion_of(choice)
    assert (list(found.listed), found.tokens, found.finished) == (LISTED, 2, False)


def test_a_prompt_s_own_tokens_are_read_from_vllm_s_shape():
    [choice] = choices_of(json.loads(VLLM), 1)
    assert scored_of(choice) == Scored((UNNAMED, 25, 7566), (0.0, -3.5, -0.25))


@pytest.mark.parametrize(
    "positions",
    [
        None,
        [],
        [None],
        [None, None],
        [{"5": {"logprob": -1.0}}, {"6": {"logprob": -1.0}}],
        [None, {"6": {"logprob": -1.0}, "7": {"logprob": -0.5}}],
        [None, {" Yes": {"logprob": -1.0}}],
        [None, {"6": -1.0}],
    ],
)
def test_what_does_not_give_each_token_alone_is_no_prompt_log_probability(positions):
    assert scored_of({"prompt_logprobs": positions}) is None


def test_choices_are_put_in_the_order_of_the_prompts():
    reply = {"choices": [{"index": 1, "text": "b"}, {"index": 0, "text": "a"}]}
    assert [choice["text"] for choice in choices_of(reply, 2)] == ["a", "b"]


@pytest.mark.parametrize(
    "reply",
    [
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0}, {"index": 0}]},
        {"choices": [{"index": 0}, {"index": 1}, {"index": 2}]},
        {"choices": ["a", "b"]},
        {"choices": None},
        {},
        "<html>",
        None,
    ],
)
def test_other_than_one_choice_a_prompt_is_incomplete(reply):
    with pytest.raises(Incomplete):
        choices_of(reply, 2)


@pytest.mark.parametrize("value", [None, math.nan, "-0.5", 0.7])
@pytest.mark.parametrize("place", ["token", "list"])
def test_what_is_no_log_of_a_probability_at_the_answer_position_is_refused(value, place):
    top = {" Yes": -0.25 if place == "token" else value, " No": -1.0}
    logprobs = {"tokens": [" Yes"], "token_logprobs": [value if place == "token" else -0.25], "top_logprobs": [top]}
    with pytest.raises(MweError, match="gives no log of a probability for one of the likeliest tokens"):
        completion_of({"text": " Yes", "logprobs": logprobs, "finish_reason": "stop"})


def test_null_or_nan_further_on_ends_what_is_kept():
    logprobs = {"tokens": [" Yes", "."], "token_logprobs": [-0.5, None], "top_logprobs": [{" Yes": -0.5}, None]}
    found = completion_of({"text": " Yes.", "logprobs": logprobs, "finish_reason": "stop"})
    assert ([each["token"] for each in found.listed], found.tokens) == ([" Yes"], 2)


def test_a_text_is_asked_for_as_inspect_asks_for_one():
    config = GenerateConfig(max_tokens=8, temperature=0.0, stop_seqs=["\n"], top_logprobs=20, logprobs=True)
    assert text_options(config) == {"max_tokens": 8, "temperature": 0.0, "stop": ["\n"], "logprobs": 20}


def test_a_list_alone_is_asked_for_without_a_stop_sequence():
    assert list_options(20) == {"max_tokens": 1, "temperature": 0.0, "logprobs": 20}


def test_each_spelling_of_each_label_is_sent_behind_the_prompt():
    assert with_spellings("Q:", ["Yes", "No"]) == [
        *("Q:", "Q: Yes", "Q: yes", "Q: YES", "Q:Yes", "Q:yes", "Q:YES"),
        *("Q: No", "Q: no", "Q: NO", "Q:No", "Q:no", "Q:NO"),
    ]


ADDED = {  # the tokens that each spelling adds, with ln P of each
    " Yes": [(1, -1.0)],
    " yes": [(2, -2.0)],
    " YES": [(3, -3.0), (4, -0.5)],
    "Yes": [(5, -4.0)],
    "yes": [(6, -5.0)],
    "YES": [(1, -1.0), (7, -0.1)],  # begins with what " Yes" is, as no tokenizer should have it
    " No": [(8, -1.5)],
    " no": [(9, -2.5)],
    " NO": [(10, -3.5)],
    "No": None,  # joined with the prompt's end
    "no": [(8, -1.5)],  # the same tokens as " No"
    "NO": [(11, -6.0)],
}
BEFORE = Scored((UNNAMED, 100, 101), (0.0, -1.0, -1.0))


def scored(added):
    if added is None:
        return Scored((UNNAMED, 100, 999), (0.0, -1.0, -9.0))
    ids, logprobs = zip(*added, strict=True)
    return Scored((*BEFORE.ids, *ids), (*BEFORE.logprobs, *logprobs))


def read(**changed):
    return read_spellings([BEFORE, *(scored(each) for each in {**ADDED, **changed}.values())], ["Yes", "No"])


def log_sum(*values):
    return math.log(sum(map(math.exp, values)))


def test_ln_p_of_a_label_is_the_sum_over_its_spellings_none_counted_twice_and_no_other_word():
    found = read()
    assert found.logprob["Yes"] == pytest.approx(log_sum(-1.0, -2.0, -3.5, -4.0, -5.0), abs=1e-12)
    assert found.logprob["No"] == pytest.approx(log_sum(-1.5, -2.5, -3.5, -6.0), abs=1e-12)
    assert (found.tolerance, found.canonical) == (0.0, {"Yes": -1.0, "No": -1.5})


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_what_is_no_number_is_refused_with_the_spelling_that_has_it(value):
    with pytest.raises(MweError, match="no log of a probability for ' yes'"):
        read(**{" yes": [(2, value)]})


@pytest.mark.parametrize(
    ("value", "kept"), [(-0.5, -0.5), (1e-6, 1e-6), (0.7, math.nan), (None, math.nan), ("x", math.nan)]
)
def test_of_the_log_probabilities_of_a_prompt_those_that_are_none_become_nan(value, kept):
    found = scored_of({"prompt_logprobs": [None, {"6": {"logprob": value}}]})
    assert found.logprobs[1] == pytest.approx(kept, nan_ok=True)


def test_a_label_that_the_tokenizer_joins_with_the_prompt_is_refused():
    with pytest.raises(MweError, match="'No' cannot be read after these prompts"):
        read(**dict.fromkeys([" No", " no", " NO", "No", "no", "NO"]))
