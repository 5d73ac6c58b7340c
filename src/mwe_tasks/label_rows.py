"""From an engine that gives ln P of any token after any tokens to ln P of each label, exactly.

A label's spellings add token sequences after the prompt (`labels.continuations`). The engine is run on rows of
tokens, the prompt and what a sequence adds before its last token; each row is read after several of its tokens.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mwe_tasks.labels import LabelLogprobs, Tokens, logsumexp

Added = Mapping[str, Mapping[Tokens, str]]
"""Label -> the token sequences that its spellings add after the prompt, and the spelling of each."""


class Wanted(NamedTuple):
    """One number that is wanted: ln P of a token after the prompt and these tokens."""

    after: Tokens
    token: int


class TokenRow(NamedTuple):
    """Tokens to run through a causal model at once, and what to read of them."""

    tokens: Tokens
    prompt: int
    """How many of them are the prompt."""
    wanted: tuple[Wanted, ...]

    def position(self, wanted: Wanted) -> int:
        """The position whose output gives what is wanted, counted from 0."""
        return self.prompt - 1 + len(wanted.after)


def token_rows(prompt: Tokens, added: Added) -> list[TokenRow]:
    """As few rows as give every number that `read_labels` wants, each number in one of them."""
    wanted = {
        Wanted(tokens[:n], tokens[n])
        for sequences in added.values()
        for tokens in sequences
        for n in range(len(tokens))
    }
    after = {each.after for each in wanted}
    ends = sorted(one for one in after if not any(other[: len(one)] == one and other != one for other in after))
    rows = []
    for end in ends:
        here = sorted(each for each in wanted if end[: len(each.after)] == each.after)
        wanted.difference_update(here)
        rows.append(TokenRow((*prompt, *end), len(prompt), tuple(here)))
    return rows


def read_labels(known: Mapping[Wanted, float], added: Added) -> LabelLogprobs:
    """ln P of each label: the sum over its spellings of the product over their tokens, nats; nothing is left out."""
    found = {
        label: {
            tokens: math.fsum(known[Wanted(tokens[:n], token)] for n, token in enumerate(tokens))
            for tokens in sequences
        }
        for label, sequences in added.items()
    }
    spellings = {
        spelling: found[label][tokens] for label, sequences in added.items() for tokens, spelling in sequences.items()
    }
    return LabelLogprobs(
        logprob={label: logsumexp(each.values()) for label, each in found.items()},
        canonical={label: spellings.get(f" {label}") for label in added},
        tolerance=0.0,
        spellings=spellings,
    )


def batches(
    lengths: Sequence[int], *, most: int | None, padded: bool, tokens: int | None = None
) -> Iterator[list[int]]:
    """The numbers of the rows that run together: neighbours by length, at most so many rows and so many tokens.

    A row of more tokens runs alone. Where rows may not be padded only those of one length run together.
    """
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda each: lengths[each]):
        full = len(batch) == most or (tokens is not None and (len(batch) + 1) * lengths[number] > tokens)
        if batch and (full or (not padded and lengths[number] != lengths[batch[0]])):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
