"""Tiny random checkpoints of several architectures, with tokenizers trained here; and whether torch is here at all."""

import importlib
import importlib.util
import os

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = [
    "Is it so? Yes, it is. You said no: Noam does not know. None of us say YES or NO now.",
    "Question: is the sky blue? Answer: Yes. Question: is it green? Answer: No. yes and no.",
    "User: Is iron heavier than a cat? Assistant: Yes or No, and nothing else, please.",
] * 20
TEMPLATE = (
    "{{ strftime_now('%Y') }}"
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
LLAMA = {**SIZES, "intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 256}
GEMMA = {**LLAMA, "head_dim": 8}
# Positions: learned (gpt2, opt), rotary (gpt_neox, llama, ...), linear biases (bloom, mpt, falcon-alibi), none (mamba).
ARCHITECTURES = {
    "llama": ("LlamaConfig", LLAMA, "metaspace"),
    "gpt_neox": ("GPTNeoXConfig", {**SIZES, "intermediate_size": 48, "max_position_embeddings": 256}, "bytes"),
    "opt": (
        "OPTConfig",
        {**SIZES, "ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 256},
        "bytes after BOS",
    ),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}, "bytes"),
    "qwen2": ("Qwen2Config", LLAMA, "bytes"),
    "gemma": ("GemmaConfig", GEMMA, "metaspace"),
    "gemma2": ("Gemma2Config", {**GEMMA, "sliding_window": 16, "query_pre_attn_scalar": 8}, "metaspace"),
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 4}, "bytes"),
    "falcon": ("FalconConfig", {**SIZES, "max_position_embeddings": 256}, "bytes"),
    "falcon-alibi": ("FalconConfig", {**SIZES, "alibi": True, "new_decoder_architecture": False}, "bytes"),
    "mpt": ("MptConfig", {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 256}, "bytes"),
    "mixtral": ("MixtralConfig", {**LLAMA, "num_local_experts": 4}, "metaspace"),
    "phi3": ("Phi3Config", LLAMA, "bytes"),
    "mamba": ("MambaConfig", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}, "bytes"),
}


def need(name):
    """The package of this name; where it is missing the module's tests are skipped, or under `make test-hf` fail."""
    if importlib.util.find_spec(name) is None and os.environ.get("MWE_HF") != "required":
        pytest.skip(f"{name} is not installed: make test-hf", allow_module_level=True)
    return importlib.import_module(name)


def tokenizer_of(kind):
    """A trained tokenizer: of bytes, of bytes after a BOS token, or like sentencepiece's with BOS and byte fallback."""
    special = ["<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>"]
    if kind == "metaspace":
        found = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
        found.normalizer = normalizers.Replace("\n", "\u2581\n")
        found.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        found.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
        alphabet = [*(f"<0x{n:02X}>" for n in range(256))]
        trainer = trainers.BpeTrainer(vocab_size=460, special_tokens=[*special, *alphabet])
    else:
        found = Tokenizer(models.BPE())
        found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        found.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=special, initial_alphabet=alphabet)
    found.train_from_iterator(TEXT, trainer)
    if kind != "bytes":
        found.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return found


def write_tokenizer(folder, kind, template=None):
    from transformers import PreTrainedTokenizerFast

    found = tokenizer_of(kind)
    options = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    saved = PreTrainedTokenizerFast(tokenizer_object=found, **options)
    saved.chat_template = template
    saved.save_pretrained(folder)
    return found.get_vocab_size()


def write_checkpoint(folder, architecture="llama", *, template=None, seed=0, spread=0.3, **changes):
    """Writes a random checkpoint of this architecture to a folder, and gives the folder back."""
    import torch
    import transformers

    name, options, kind = ARCHITECTURES[architecture]
    size = write_tokenizer(folder, kind, template)
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None}
    config = getattr(transformers, name)(vocab_size=size + 3, **ends, **{**options, **changes})
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    model.save_pretrained(folder)
    return folder
