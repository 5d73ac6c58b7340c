"""From an engine that lists the likeliest next tokens to ln P of each label, within a known tolerance."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from itertools import groupby
from typing import NamedTuple

from mwe_tasks.labels import LabelLogprobs, Tokens, logsumexp

Listing = Callable[[Tokens, int], Mapping[int, float]]
"""(tokens so far, k) -> ln P of the k likeliest next tokens, or of all where there are fewer (nats)."""

SIZES = (200, 2_000, 8_000, 1_000_000)
"""How many tokens are listed, until those wanted are among them: the last is any vocabulary, and slow."""

TOLERANCE = 1e-4
"""What may be left out of a label: less than this many nats of its ln P."""


class _Found(NamedTuple):
    known: dict[Tokens, float]
    """Sequence -> ln P, for those that were read."""
    left: list[float]
    """Upper bounds of ln P of those that were not."""


def measure(likeliest: Listing, prompt: Tokens, added: Mapping[str, Mapping[Tokens, str]]) -> LabelLogprobs:
    """ln P of each label whose spellings add these token sequences after the prompt.

    A sequence of several tokens has the product of its tokens' probabilities, each after those before it.
    A sequence is left out where an upper bound of its probability (that of the tokens read so far, or of
    the least likely listed token) is below 1e-4 / n of its label's, for n spellings: all that is left out
    adds less than 1e-4 nats. Everything else is read, from as much of the vocabulary as it takes.
    """
    likeliest = cache(likeliest)
    found = {label: _read_label(likeliest, prompt, set(sequences)) for label, sequences in added.items()}
    logprob = {label: logsumexp(each.known.values()) for label, each in found.items()}
    spellings = {
        spelling: found[label].known[tokens]
        for label, sequences in added.items()
        for tokens, spelling in sequences.items()
        if tokens in found[label].known
    }
    return LabelLogprobs(
        logprob=logprob,
        canonical={label: spellings.get(f" {label}") for label in added},
        tolerance=max(math.log1p(math.exp(logsumexp(found[x].left) - logprob[x])) for x in added),
        spellings=spellings,
    )


def _read_label(likeliest: Listing, prompt: Tokens, sequences: set[Tokens]) -> _Found:
    def floor(listing: Mapping[int, float]) -> float:
        single = [listing[tokens[0]] for tokens in sequences if len(tokens) == 1 and tokens[0] in listing]
        return logsumexp(single) + math.log(TOLERANCE / len(sequences))

    listing = _list(likeliest, prompt, sequences, floor)
    return _read(likeliest, prompt, 0.0, listing, sequences, floor(listing))


def _read(
    likeliest: Listing,
    before: Tokens,
    ln_before: float,
    listing: Mapping[int, float],
    sequences: Iterable[Tokens],
    floor: float,
) -> _Found:
    found = _Found({}, [])
    for token, group in groupby(sorted(sequences), key=lambda tokens: tokens[0]):
        rest = {tokens[1:] for tokens in group}
        reached = ln_before + listing.get(token, min(listing.values()))
        if token in listing and rest == {()}:  # prefix-free: a sequence that ends here stands alone
            found.known[(token,)] = reached
        elif token not in listing or reached < floor:
            found.left.extend([reached] * len(rest))
        else:
            after = (*before, token)
            following = _list(likeliest, after, rest, partial(_constant, floor - reached))
            deeper = _read(likeliest, after, reached, following, rest, floor)
            found.known.update({(token, *tokens): value for tokens, value in deeper.known.items()})
            found.left.extend(deeper.left)
    return found


def _list(
    likeliest: Listing,
    after: Tokens,
    sequences: Iterable[Tokens],
    floor: Callable[[Mapping[int, float]], float],
) -> Mapping[int, float]:
    """A listing that holds the first token of each sequence, or whose least token is below the floor."""
    wanted = {tokens[0] for tokens in sequences}
    listing: Mapping[int, float] = {}
    for size in SIZES:
        listing = likeliest(after, size)
        if wanted <= listing.keys() or min(listing.values()) < floor(listing):
            break
    return listing


def _constant(value: float, _: Mapping[int, float]) -> float:
    return value
