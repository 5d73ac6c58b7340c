"""What mwe-hf refuses to score, on small weights that are spoiled on purpose."""

import asyncio
import json

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import GenerateConfig, ResponseSchema, get_model
from inspect_ai.util import json_schema
from tiny import TEMPLATE, need, write_checkpoint, write_tokenizer

import mwe_tasks.providers.mwe_hf  # noqa: F401  registers the provider
from mwe_tasks.errors import MweError
from mwe_tasks.rows import write_rows
from mwe_tasks.tasks import yesno

torch, transformers = need("torch"), need("transformers")
safetensors = need("safetensors.torch")


@pytest.fixture
def folder(tmp_path):
    return write_checkpoint(tmp_path / "tiny", "llama", template=TEMPLATE)


def opened(folder, **options):
    return get_model(f"mwe-hf/{folder}", memoize=False, device="cpu", **options)


def refused(folder, match, **options):
    with pytest.raises(MweError, match=match) as raised:
        opened(folder, **options)
    assert "\n" not in raised.value.message


def weights(folder, change):
    """Applies a change to the dictionary of a checkpoint's weights."""
    file = folder / "model.safetensors"
    tensors = safetensors.load_file(file)
    change(tensors)
    safetensors.save_file(tensors, file, metadata={"format": "pt"})


def configured(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), encoding="utf-8")


def ask(model, text, **options):
    return asyncio.run(model.generate(text, config=GenerateConfig(**options)))


def test_weights_that_a_file_lacks_are_never_random(folder):
    weights(folder, lambda tensors: tensors.pop("model.layers.1.mlp.up_proj.weight"))
    refused(folder, r"no weights for 1 parts of LlamaForCausalLM, such as model\.layers\.1\.mlp\.up_proj\.weight")


def test_a_head_that_a_file_lacks_is_never_random(folder):
    weights(folder, lambda tensors: tensors.pop("lm_head.weight"))
    refused(folder, r"such as lm_head\.weight")


def test_weights_of_another_shape_are_refused(folder):
    name = "model.layers.0.self_attn.q_proj.weight"
    weights(folder, lambda tensors: tensors.update({name: tensors[name][:8].clone()}))
    refused(folder, "the weights of")


@pytest.mark.parametrize("kept", [0, 20, 5000, -1])
def test_weights_that_are_cut_short_are_refused(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    refused(folder, "cut short or damaged")


def test_a_pickle_that_is_cut_short_is_refused(folder):
    tensors = safetensors.load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    content = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(content[:-5000])
    refused(folder, "cannot load the weights")


def test_a_gguf_file_that_is_cut_short_is_refused(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    refused(tmp_path / "a.gguf", "transformers cannot load")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model_type": "no-such-model"}'])
def test_a_config_that_says_nothing_is_refused(folder, content):
    (folder / "config.json").write_text(content, encoding="utf-8")
    refused(folder, "transformers cannot load the configuration")


def test_a_tokenizer_that_is_damaged_is_refused(folder):
    (folder / "tokenizer.json").write_text('{"version": "1.0"}', encoding="utf-8")
    refused(folder, "tokenizer")


def test_a_tokenizer_of_a_larger_vocabulary_is_refused(folder):
    weights(
        folder,
        lambda tensors: tensors.update(
            {name: tensors[name][:30].clone() for name in ("model.embed_tokens.weight", "lm_head.weight")}
        ),
    )
    configured(folder, vocab_size=30)
    with pytest.raises(MweError, match="do not belong together"):
        ask(opened(folder), "Is it so?", max_tokens=1)


def test_a_model_of_code_of_its_own_is_refused_and_the_code_does_not_run(folder, tmp_path):
    (folder / "modeling.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').write('x')", encoding="utf-8")
    own = {"AutoConfig": "modeling.Config", "AutoModelForCausalLM": "modeling.Model"}
    configured(folder, model_type="own", architectures=["Own"], auto_map=own)
    refused(folder, "no code of a checkpoint is run")
    assert not (tmp_path / "ran").exists()


def saved(folder, config, kind):
    size = write_tokenizer(folder, "bytes")
    config.vocab_size = size
    getattr(transformers, kind)(config).save_pretrained(folder)
    return folder


def test_a_model_that_sees_what_follows_is_refused(tmp_path):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    config = transformers.BertConfig(**sizes, initializer_range=0.5)
    refused(saved(tmp_path, config, "BertLMHeadModel"), "depends on what follows")


def test_a_translator_is_refused(tmp_path):
    config = transformers.T5Config(d_model=32, d_kv=8, d_ff=48, num_layers=1, num_heads=4)
    refused(saved(tmp_path, config, "T5ForConditionalGeneration"), r"\(t5\) is no causal language model")


def test_a_decoder_with_an_encoder_is_refused(tmp_path):
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4}
    config = transformers.BartConfig(d_model=32, encoder_ffn_dim=48, decoder_ffn_dim=48, **sizes)
    refused(saved(tmp_path, config, "BartForConditionalGeneration"), r"\(bart\) is no causal language model")


def test_a_classifier_whose_embeddings_could_serve_as_a_head_is_refused(tmp_path):
    config = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=1)
    refused(saved(tmp_path, config, "GPT2ForSequenceClassification"), "GPT2ForSequenceClassification")


def test_weights_that_are_no_numbers_are_refused(folder):
    weights(folder, lambda tensors: tensors["model.norm.weight"].fill_(float("nan")))
    refused(folder, "predicts NaN")


def test_a_question_whose_logits_are_no_numbers_has_an_error_and_no_score(folder):
    model = opened(folder)
    blue, green = (set(model.api.model.encode(f"Is it {colour}?\nAnswer:")) for colour in ("blue", "green"))
    with torch.no_grad():
        model.api.model.model.get_input_embeddings().weight[list(blue - green)] = float("nan")
    asked = {"labels": ["Yes", "No"], "style": "completion"}
    with pytest.raises(MweError, match="probability of 0 or NaN"):
        ask(model, "Is it blue?\nAnswer:", max_tokens=1, temperature=0.0, extra_body=asked)
    assert ask(model, "Is it green?\nAnswer:", max_tokens=1, temperature=0.0, extra_body=asked).metadata["labels"]


def test_a_text_of_logits_that_are_no_numbers_is_an_error(folder):
    model = opened(folder)
    with torch.no_grad():
        model.api.model.model.get_output_embeddings().weight[3] = float("nan")
    for temperature in (0.0, 1.0):
        with pytest.raises(MweError, match="predicts NaN"):
            ask(model, "Is it so?", max_tokens=2, temperature=temperature)


def test_a_log_of_a_model_without_numbers_is_an_error_that_says_so(folder, make_rows, tmp_path):
    write_rows(tmp_path / "data/test.jsonl", make_rows(8))
    model = opened(folder)
    with torch.no_grad():
        model.api.model.model.get_output_embeddings().weight[3] = float("nan")
    task = yesno(str(tmp_path), style="completion")
    log = inspect_eval(task, model=model, log_dir=str(tmp_path / "logs"), display="none")[0]
    assert log.status == "error"
    assert "probability of 0 or NaN" in log.error.message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "int8"}, "No dtype is named 'int8'. There are: float32, bfloat16, float16"),
        ({"context": 100_000}, "more than the 256 tokens"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(folder, options, said):
    refused(folder, said, **options)


def test_a_device_that_is_not_there_is_refused(folder):
    for device in ("cuda:7", "toaster"):
        with pytest.raises(MweError, match=f"There is no device '{device}' here"):
            get_model(f"mwe-hf/{folder}", memoize=False, device=device)


@pytest.mark.parametrize(
    "options",
    [
        {"logprobs": True},
        {"frequency_penalty": 0.5},
        {"response_schema": ResponseSchema(name="x", json_schema=json_schema(int))},
    ],
    ids=["logprobs", "frequency_penalty", "response_schema"],
)
def test_what_cannot_be_asked_is_refused_and_not_dropped(folder, options):
    with pytest.raises(MweError, match=f"know no {next(iter(options))}"):
        ask(opened(folder), "Is it so?", **options)


def test_a_chat_without_a_template_names_the_style_to_use(tmp_path):
    with pytest.raises(MweError, match="use style completion"):
        ask(opened(write_checkpoint(tmp_path, "gpt2")), "Is it so?", extra_body={"style": "chat"})


def test_a_template_that_refuses_a_chat_says_why(tmp_path):
    folder = write_checkpoint(tmp_path, "llama", template="{{ raise_exception('no system turns') }}")
    with pytest.raises(MweError, match=r"refuses these messages: no system turns\."):
        ask(opened(folder), "Is it so?")


def test_a_model_that_always_thinks_names_the_style_to_use(tmp_path):
    folder = write_checkpoint(tmp_path, "llama", template=TEMPLATE + "<think>\n")
    with pytest.raises(MweError, match="always thinks"):
        ask(opened(folder), "Is it so?")


def test_a_label_that_cannot_be_read_is_refused(folder):
    with pytest.raises(MweError, match="same tokens"):
        ask(opened(folder), "Is it so?", extra_body={"labels": ["No", "None"], "style": "completion"}, max_tokens=1)
