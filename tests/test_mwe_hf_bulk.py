"""Whole lists of prompts through answering.plan and answering.run, against one prompt a row."""

import pytest
from test_mwe_hf import CLOSE, LABELS, PROMPTS, asked_of, direct, opened
from tiny import ARCHITECTURES, need, write_checkpoint

from mwe_tasks.answering import answer
from mwe_tasks.asks import Ask, Draft
from mwe_tasks.completing import complete

torch, transformers = need("torch"), need("transformers")
SHOTS = "Question: is the sky blue? Answer: Yes. Question: is it green?\nAnswer: No.\n"
ENDS = ("?", "? User: iron. I am fairly sure that it is so.", "? I am fairly sure that it is otherwise.")
MANY = [f"{SHOTS}{prompt[:-9]}{end}\nAnswer:" for prompt in PROMPTS for end in ENDS]
SHARING = {"llama", "gpt_neox", "opt", "gpt2", "qwen2", "gemma", "gemma2", "mixtral", "phi3", "falcon"}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def folder(architecture, tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp(architecture), architecture)


@pytest.fixture(scope="module")
def model(folder):
    return opened(folder)


def asks_of(model, prompts, labels=LABELS, **draft):
    drafts = [(Draft(model.encode(each), **draft),) if draft else () for each in prompts]
    return [Ask(*asked, each) for asked, each in zip(asked_of(model, prompts, labels), drafts, strict=True)]


def test_prompts_share_rows_where_that_is_exact(model, architecture):
    assert (model.reach > 0) == (architecture in SHARING)


def test_prompts_that_share_rows_and_a_prefix_have_the_numbers_of_forward_passes_of_their_own(model, folder):
    asks = asks_of(model, MANY)
    for given, expected in zip(answer(model, asks), direct(folder, MANY), strict=True):
        assert given.labels.logprob == pytest.approx(expected, abs=CLOSE)


def test_texts_go_on_from_what_the_labels_pass_kept(model):
    asks = asks_of(model, MANY, max_tokens=6)
    alone = [text for ask in asks for text in complete(model, ask.drafts)]
    assert [text for given in answer(model, asks) for text in given.texts] == alone
