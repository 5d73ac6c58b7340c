"""What scoring takes, said before anything is asked: calls, tokens, money, memory, downloads."""

import json
import re

import pytest
from click.testing import CliRunner
from inspect_ai.model import ModelCost

from mwe_tasks.cli import main
from mwe_tasks.downloads import Weights, find_weights_of, in_hub_cache
from mwe_tasks.needs import Prompts, count_prompts, downloads_in_words, in_bytes, need, table, to_download
from mwe_tasks.prompts import render
from mwe_tasks.rows import write_rows
from mwe_tasks.runs import Run

SERVICE, HERE = Weights(0, 0), Weights(2_000_000_000, 2_000_000_000)
PROMPTS = Prompts(number=100, characters=40_000)
COST = ModelCost(input=1.0, output=10.0, input_cache_write=0, input_cache_read=0)


@pytest.fixture
def dry_run(make_rows, tmp_path, monkeypatch):
    """A function that runs `mwe score` in an empty folder, with nothing in the Hub's cache."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "made-up.jsonl", make_rows(4))

    def run(*arguments, answer=None):
        return CliRunner().invoke(main, ["score", "made-up.jsonl", *arguments], input=answer)

    return run


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A function that puts a file into a Hub cache of the test's own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)

    def put(repository, file, text="", revision="main"):
        folder = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / revision).write_text(f"commit-of-{revision}", encoding="utf-8")
        path = folder / "snapshots" / f"commit-of-{revision}" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return put


def test_prompts_are_counted_as_they_are_put(make_rows):
    rows = make_rows(2)
    put = [render(row.question, labels=("Yes", "No"), style="chat", template=0)[0].text for row in rows]
    assert count_prompts(rows, ("Yes", "No"), style="chat") == Prompts(len(rows), sum(map(len, put)))


def test_a_frame_puts_each_question_four_ways(make_rows):
    assert count_prompts(make_rows(2), ("Yes", "No"), style="chat", frame="opinion").number == 4 * 4


def test_a_model_of_ours_is_asked_once_a_prompt_and_costs_nothing():
    found = need(Run("sim/flat-1b"), PROMPTS, 20, SERVICE, {})
    assert (found.calls, found.tokens_in, found.dollars) == ((100, 100), (10_000, 10_000), (0, 0))


def test_a_service_may_be_asked_as_often_as_answers_are_drawn():
    found = need(Run("openai/gpt-4o"), PROMPTS, 20, SERVICE, {"openai/gpt-4o": COST})
    assert found.calls == (100, 2_000)
    assert found.dollars == pytest.approx(((10_000 + 10 * 800) / 1e6, 20 * (10_000 + 10 * 800) / 1e6))


def test_a_service_without_log_probabilities_is_asked_for_every_draw():
    assert need(Run("anthropic/claude"), PROMPTS, 20, SERVICE, {}).calls == (2_000, 2_000)


def test_a_service_whose_price_is_not_known_says_so():
    assert table([need(Run("openai/gpt-4o"), PROMPTS, 20, SERVICE, {})])[1][-1] == "price unknown"


def test_money_is_a_range_where_the_number_of_calls_is():
    assert table([need(Run("openai/x"), PROMPTS, 20, SERVICE, {"openai/x": COST})])[1][-1] == "$0.02 to $0.36"


def test_downloads_are_summed_and_those_of_unknown_size_named():
    needs = [need(Run(f"mwe-hf/{name}"), PROMPTS, 20, weights, {}) for name, weights in
             (("a", HERE), ("b", HERE), ("c", Weights(None, None)), ("d", Weights(0, 10)))]  # fmt: skip
    assert to_download(needs) == (4_000_000_000, ["mwe-hf/c"])
    said = "To download: about 4 GB for 2 models, and an unknown number of bytes for mwe-hf/c."
    assert downloads_in_words(needs) == said


def test_nothing_to_download_is_nothing_said():
    assert downloads_in_words([need(Run("sim/flat-1b"), PROMPTS, 20, SERVICE, {})]) == ""


def test_bytes_are_words():
    assert [in_bytes(n) for n in (2_020_000_000, 98_362_432, 1_500, None)] == [
        "2.02 GB", "98.4 MB", "1.5 kB", "size unknown"]  # fmt: skip


@pytest.mark.usefixtures("cache")
def test_weights_that_are_not_here_are_counted_at_two_bytes_a_parameter_and_four_in_memory():
    assert find_weights_of(Run("mwe-hf/me/model", params=1_000)) == Weights(2_000, 4_000)
    assert find_weights_of(Run("vllm/me/model", params=1_000)) == Weights(2_000, 2_000)
    assert find_weights_of(Run("mwe-hf/me/model")) == Weights(None, None)


def test_weights_in_the_cache_are_not_downloaded(cache):
    cache("me/model", "model.safetensors")
    assert find_weights_of(Run("mwe-hf/me/model", params=1_000)) == Weights(0, 4_000)


def test_another_revision_in_the_cache_is_none(cache):
    cache("me/model", "model.safetensors")
    assert not in_hub_cache("me/model", "step1")
    cache("me/model", "model.safetensors", revision="step1")
    assert in_hub_cache("me/model", "step1")


def test_weights_in_parts_are_here_where_every_part_is(cache):
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    cache("me/model", "model.safetensors.index.json", index)
    cache("me/model", "model-1.safetensors")
    assert not in_hub_cache("me/model", None)
    cache("me/model", "model-2.safetensors")
    assert in_hub_cache("me/model", None)


def test_a_folder_and_a_gguf_file_of_ones_own_are_here(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"x" * 10)
    assert find_weights_of(Run(f"mwe-hf/{tmp_path}", params=10)) == Weights(0, 40)
    assert find_weights_of(Run(f"gguf/{tmp_path / 'a.gguf'}")) == Weights(0, 10)
    assert find_weights_of(Run(f"vllm/{tmp_path / 'a.gguf'}")) == Weights(0, 10)
    assert find_weights_of(Run(f"mwe-hf/{tmp_path / 'a.gguf'}", params=10)) == Weights(0, 40)
    assert find_weights_of(Run(f"mwe-hf/{tmp_path / 'a.gguf'}")) == Weights(0, None)


@pytest.mark.usefixtures("cache")
def test_weights_that_have_a_name_are_known_to_both_providers_that_take_it():
    named = find_weights_of(Run("gguf/smollm2-135m"))
    assert named.download is not None
    assert find_weights_of(Run("mwe-hf/smollm2-135m", params=10)) == Weights(named.download, 40)
    absent = "hf:me/model/a.gguf@main"
    assert find_weights_of(Run(f"mwe-hf/{absent}")) == find_weights_of(Run(f"gguf/{absent}")) == Weights(None, None)


@pytest.mark.usefixtures("cache")
def test_a_folder_that_is_not_there_is_no_download(dry_run, tmp_path):
    refused = dry_run("--model", f"mwe-hf/{tmp_path / 'nothing'}", "--dry-run")
    assert refused.exit_code == 2
    assert f"There is no folder or file {tmp_path / 'nothing'}, which mwe-hf/" in refused.output


def test_a_dry_run_prints_a_line_a_model_and_makes_nothing(dry_run, tmp_path):
    printed = dry_run("--family", "pythia", "--max-params", "100m", "--dry-run")
    lines = printed.output.splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("model "))
    assert lines[heading].split("  ")[-1] == "money"
    assert lines[heading + 3].split()[:6] == ["mwe-hf/EleutherAI/pythia-70m", "completion", "141", "MB", "282", "MB"]
    assert "To download: about 230 MB for 3 models." in printed.output
    assert (printed.exit_code, [path.name for path in tmp_path.iterdir()]) == (0, ["made-up.jsonl"])


def test_a_dry_run_takes_prices_from_inspects_own_form_of_file(dry_run, tmp_path):
    prices = {"openai/gpt-4o": {"input": 1e6, "output": 0, "input_cache_write": 0, "input_cache_read": 0}}
    (tmp_path / "prices.json").write_text(json.dumps(prices), encoding="utf-8")
    printed = dry_run("--model", "openai/gpt-4o", "--model-cost-config", "prices.json", "--dry-run").output
    (line,) = (line for line in printed.splitlines() if line.startswith("openai/gpt-4o"))
    *_, tokens, _, money = re.split(r"\s{2,}", line)
    at_a_dollar = [float(number.strip("$").replace(",", "")) for number in money.split(" to ")]
    assert at_a_dollar == pytest.approx([float(number.replace(",", "")) for number in tokens.split(" to ")], abs=1)


def test_a_file_that_holds_no_prices_is_refused(dry_run, tmp_path):
    (tmp_path / "prices.yaml").write_text("openai/gpt-4o: cheap", encoding="utf-8")
    refused = dry_run("--model", "openai/gpt-4o", "--model-cost-config", "prices.yaml", "--dry-run")
    assert (refused.exit_code, "holds no prices" in refused.output) == (2, True)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("models", [["--family", "pythia", "--max-params", "1.5b"], ["--model", "mwe-hf/me/unknown"]])
def test_a_large_or_unknown_download_is_asked_about_first_and_a_no_makes_nothing(dry_run, tmp_path, models):
    stopped = dry_run(*models, answer="n\n")
    assert "To download: " in stopped.output
    assert "Download them" in stopped.output
    assert (stopped.exit_code, [path.name for path in tmp_path.iterdir()]) == (1, ["made-up.jsonl"])
