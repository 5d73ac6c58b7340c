"""A checkpoint's files to a model and a tokenizer, through transformers; what must not be scored is refused.

No code of a checkpoint is run, and nothing is downloaded here. transformers fills weights that a file lacks with
random numbers and loads a model that sees what follows as if it were causal: both are errors here.
"""

from typing import Any, NamedTuple

from mwe_tasks.checkpoints import Checkpoint
from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.machine import fast_bfloat16, keep_to_cores

DTYPES = ("float32", "bfloat16", "float16")


class Pretrained(NamedTuple):
    """A model in evaluation mode, its tokenizer and what was found on the way."""

    model: Any
    tokenizer: Any
    dtype: str
    device: str
    unread: int
    """How many tensors of the files the model has no place for, beside those that transformers knows to be unused."""


def load_pretrained(checkpoint: Checkpoint, *, dtype: str | None = None, device: str | None = None) -> Pretrained:
    """The checkpoint on a device: a GPU where there is one, else the CPU.

    Where no dtype is asked for it is bfloat16 on a CPU that multiplies it itself, float32 on any other CPU, and the
    checkpoint's own on a GPU. On SmolLM2-135M bfloat16 moves the log odds of sycophantic_yesno's 1,000 questions by
    .039 nats on average and .20 at most (their spread is .61), up as often as down (mean +.010); 16 answers change and
    accuracy goes from .495 to .499 (`benchmarks/dtype_log_odds.py`). Ask for float32 where that matters.

    Raises MweError where torch or transformers are missing, a file is damaged, weights or tokenizer are missing, the
    model is not causal or needs code of its own, and for a device or dtype that is not there.
    """
    if dtype is not None and dtype not in DTYPES:
        raise UnknownName("dtype", dtype, known=DTYPES)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MweError("mwe-hf models need torch and transformers: pip install 'mwe-tasks[hf]'") from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    place = _device(torch, device)
    common: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    if checkpoint.gguf:
        common["gguf_file"] = checkpoint.gguf
    config = _loaded(checkpoint, "configuration", transformers.AutoConfig, **common)
    if type(config) not in transformers.MODEL_FOR_CAUSAL_LM_MAPPING or config.is_encoder_decoder:
        raise MweError(f"{checkpoint.name} ({config.model_type}) is no causal language model: give one that is.")
    common["config"] = config  # else a GGUF file is parsed again each time, in seconds
    tokenizer = _loaded(checkpoint, "tokenizer", transformers.AutoTokenizer, **common)
    if not tokenizer("Yes", add_special_tokens=False)["input_ids"]:
        raise MweError(f"The tokenizer of {checkpoint.name} knows no token of 'Yes': its files are missing or damaged.")
    keep_to_cores(torch)
    kind = _kind(torch, place, dtype)
    pickled = not checkpoint.gguf and checkpoint.weights[0].suffix == ".bin"
    model, found = _loaded(
        checkpoint,
        "weights",
        transformers.AutoModelForCausalLM,
        dtype=kind,
        output_loading_info=True,
        **({} if checkpoint.gguf else {"use_safetensors": not pickled}),
        **common,
    )
    _refuse_incomplete(checkpoint, type(model).__name__, found, config.architectures or ())
    try:
        model = model.to(place).eval()
    except (RuntimeError, AssertionError) as error:
        raise MweError(f"{checkpoint.name} does not fit {place} ({_why(error)}): try -M device=cpu.") from error
    refuse_blind(torch, checkpoint.name, model)
    return Pretrained(
        model, tokenizer, str(model.dtype).removeprefix("torch."), str(place), len(found["unexpected_keys"])
    )


def refuse_blind(torch: Any, name: str, model: Any) -> None:
    """Raises MweError where predictions are no numbers, or what follows a token changes the one after it."""
    last = model.get_input_embeddings().num_embeddings - 1
    tokens = [min(last, each) for each in (5, 17, 11, 8)]
    with torch.inference_mode():
        one, other = (
            model(input_ids=torch.tensor([[*tokens, end]], device=model.device), use_cache=False).logits[0, :-1].float()
            for end in (min(last, 3), min(last, 19))
        )
    if one.isnan().any():
        raise MweError(f"{name} predicts NaN, which is no number: its weights are damaged, or -M dtype= is too small.")
    size = one[one.isfinite()].abs().max().item()
    if not torch.allclose(one, other, rtol=0, atol=size * torch.finfo(model.dtype).eps ** 0.5):
        raise MweError(f"{name} is no causal language model: what it predicts depends on what follows.")


def _refuse_incomplete(checkpoint: Checkpoint, kind: str, found: Any, saved: Any) -> None:
    lacking = sorted(found["missing_keys"]) + sorted(str(each[0]) for each in found["mismatched_keys"])
    if lacking:
        raise MweError(
            f"{checkpoint.name} has no weights for {len(lacking)} parts of {kind}, such as {lacking[0]}: they would be "
            "random, so it is not scored."
        )
    # A classifier with tied embeddings has all the weights of a language model, and was trained to be none.
    if (
        saved
        and kind not in saved
        and not any(each.endswith(("LMHeadModel", "ForCausalLM", "Model")) for each in saved)
    ):
        raise MweError(
            f"{checkpoint.name} was saved as {saved[0]}, which is no causal language model: give one that is."
        )


def _kind(torch: Any, place: Any, dtype: str | None) -> Any:
    if dtype is None and place.type != "cpu":
        return "auto"
    return getattr(torch, dtype or ("bfloat16" if fast_bfloat16(torch) else "float32"))


def _device(torch: Any, device: str | None) -> Any:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.mps.is_available() else "cpu")
    try:
        place = torch.device(device)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise MweError(
            f"There is no device {device!r} here ({_why(error)}): leave -M device out or give cpu."
        ) from error
    return place


def _loaded(checkpoint: Checkpoint, what: str, of: Any, **options: Any) -> Any:
    """What transformers loads; its many errors as one."""
    try:
        return of.from_pretrained(str(checkpoint.folder), **options)
    except Exception as error:  # whatever a foreign file makes the loaders raise
        if "trust_remote_code" in str(error):
            why = "needs code of its own, and no code of a checkpoint is run"
            raise MweError(f"{checkpoint.name} {why}: use a model that transformers knows.") from error
        damaged = type(error).__name__ in ("SafetensorError", "UnpicklingError", "EOFError")
        hint = (
            "cut short or damaged: copy or download it again" if damaged else "give a whole checkpoint of transformers"
        )
        raise MweError(f"transformers cannot load the {what} of {checkpoint.name} ({_why(error)}): {hint}.") from error


def _why(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
