"""What counts as saying a label: its spellings, their tokens, and the log probabilities that follow.

" Yes" and "Yes" are different tokens, "YES" is two, and the first of those two may begin "You": no event is
counted twice and no other word is counted. Sums are taken in log space; log probabilities are in nats.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from mwe_tasks.errors import MweError

Tokens = tuple[int, ...]

BETWEEN_WORDS = re.compile(r"(?<=[a-z]) (?=[a-z])")
END = 100
"""Characters of a long prompt that are encoded together with what follows it, at least."""

ABOVE_ZERO = 1e-3
"""Nats by which a provider's rounding may put a log probability above 0; anything more is no log of a probability."""
ROUNDING = 1e-6
"""Providers round: what a list leaves over is known to this, so that much is always left for what is not listed."""


class LabelLogprobs(BaseModel):
    """ln P of each label at the answer position, from an engine that knows the probability of any token."""

    model_config = ConfigDict(frozen=True)

    logprob: dict[str, float]
    """ln P of each label, nats: logsumexp over its spellings."""
    canonical: dict[str, float | None]
    """ln P of the label behind one space (" Yes") alone; None where it was left out or cannot be read."""
    tolerance: float
    """The largest possible addition to any label's ln P from what was left out, nats."""
    spellings: dict[str, float]
    """ln P of each spelling that was read, nats; one whose tokens another shares stands under the first."""


class LabelBounds(BaseModel):
    """Bounds of ln P of each label, from a list of the k likeliest tokens."""

    model_config = ConfigDict(frozen=True)

    low: dict[str, float | None]
    """ln of the listed probability, nats; None where no spelling is listed (censored)."""
    high: dict[str, float]
    """ln of the most that the label can have, nats."""

    def logodds(self, label: str, other: str) -> tuple[float, float] | None:
        """The interval of ln P(label) - ln P(other), nats: infinite on an open side, None if both are.

        low = low(label) - high(other); high = high(label) - low(other).
        """
        below, above = self.low[label], self.low[other]
        if below is None and above is None:
            return None
        low = -math.inf if below is None else below - self.high[other]
        high = math.inf if above is None else self.high[label] - above
        return low, high


def spellings(label: str) -> tuple[str, ...]:
    """The label with and without a leading space, as given and in lower, title and upper case; distinct."""
    word = label.strip()
    cases = dict.fromkeys((word, word.lower(), word.title(), word.upper()))
    return tuple(space + case for space in (" ", "") for case in cases)


def continuations(
    encode: Callable[[str], Sequence[int]], prompt: str, labels: Iterable[str]
) -> dict[str, dict[Tokens, str]]:
    """For each label, the token sequences that its spellings add after the prompt, and the spelling of each.

    Prompt and spelling are encoded together, because a tokenizer may join them; where the prompt's own ids
    do not begin the joint encoding, that spelling cannot be read at this position and is left out. The set
    is prefix-free over all labels: of two sequences of which one begins the other only the shorter is kept,
    since whoever says the longer has said the shorter. Equal sequences are one event.

    Raises MweError where a label has no spelling left, and where two share a sequence or one's begins the other's.
    """
    before = tuple(encode(prompt))
    return prefix_free(before, _encode_end(encode, prompt, before), labels)


def prefix_free(
    before: Tokens, encode_joint: Callable[[str], Tokens], labels: Iterable[str]
) -> dict[str, dict[Tokens, str]]:
    """The same from the prompt's tokens, and a function from a spelling to those of prompt and spelling together."""
    added: dict[str, dict[Tokens, str]] = {}
    for label in labels:
        added[label] = {}
        for spelling in spellings(label):
            joint = encode_joint(spelling)
            if len(joint) > len(before) and joint[: len(before)] == before:
                added[label].setdefault(joint[len(before) :], spelling)
        if not added[label]:
            raise MweError(f"{label!r} cannot be read after these prompts: the tokenizer joins it with their end.")
    _refuse_shared(added)
    return {
        label: {
            tokens: spelling
            for tokens, spelling in found.items()
            if not any(tokens[:n] in found for n in range(1, len(tokens)))
        }
        for label, found in added.items()
    }


def _encode_end(encode: Callable[[str], Sequence[int]], prompt: str, before: Tokens) -> Callable[[str], Tokens]:
    """A function from a spelling to the tokens of prompt and spelling together.

    Of a long prompt only the end is encoded anew, from a space between two words on: no tokenizer joins what stands on
    either side of one. Where the end alone has other tokens than in the prompt (some put a space before a text), all
    of it is.
    """
    cut = max(
        (match.start() for match in BETWEEN_WORDS.finditer(prompt, len(prompt) - 2 * END, len(prompt) - END)), default=0
    )
    start = len(encode("")) if cut else 0  # a BOS token
    end = tuple(encode(prompt[cut:]))[start:] if cut else ()
    if not end or before[-len(end) :] != end:
        return lambda spelling: tuple(encode(prompt + spelling))
    head = before[: -len(end)]
    return lambda spelling: (*head, *encode(prompt[cut:] + spelling)[start:])


def from_top_logprobs(top: Sequence[tuple[str, float]], labels: Iterable[str]) -> LabelBounds | None:
    """Bounds of each label's ln P from (token, log probability) pairs; None for an empty list.

    A token counts where its whole stripped string is a spelling: "Not", "Now", "None" and "Noam" never do.
    Equal strings are distinct tokens, and are summed. With S the summed probability of the label's listed
    tokens, B that of the listed tokens that begin one of its unlisted spellings (" Y" of " YES"), u its unlisted
    spellings, p_k the least listed probability and R = max(1e-6, 1 - all listed):

        low  = ln S                       (None where nothing is listed)
        high = ln (S + B + min(u p_k, R)) (an unlisted token has at most p_k, and all of them at most R)

    Raises MweError where one is NaN or above 0.
    """
    if not top:
        return None
    if wrong := [(token, logprob) for token, logprob in top if not logprob <= ABOVE_ZERO]:
        raise MweError(
            f"The log probability of {wrong[0][0]!r} is given as {wrong[0][1]:g}, which is none: the server is not to "
            "be trusted with log probabilities."
        )
    smallest = min(logprob for _, logprob in top)
    rest = _log_rest(logprob for _, logprob in top)
    low: dict[str, float | None] = {}
    high: dict[str, float] = {}
    for label in labels:
        known = spellings(label)
        words = {spelling.strip() for spelling in known}
        listed = [(token, logprob) for token, logprob in top if token.strip() in words]
        unlisted = set(known) - {token for token, _ in listed}
        begun = [ln for token, ln in top if token and any(s.startswith(token) and s != token for s in unlisted)]
        total = logsumexp(logprob for _, logprob in listed)
        low[label] = total if listed else None
        most = smallest + math.log(len(unlisted)) if unlisted else -math.inf
        high[label] = logsumexp([total, *begun, min(most, rest)])
    return LabelBounds(low=low, high=high)


def logsumexp(logs: Iterable[float]) -> float:
    """ln of the sum of exp of each, without overflow; -inf for none (nats)."""
    values = list(logs)
    top = max(values, default=-math.inf)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def _log_rest(logprobs: Iterable[float]) -> float:
    rest = 1 - math.fsum(math.exp(logprob) for logprob in logprobs)
    return math.log(max(rest, ROUNDING))


def _refuse_shared(added: Mapping[str, Mapping[Tokens, str]]) -> None:
    owner = {tokens: (label, spelling) for label, found in added.items() for tokens, spelling in found.items()}
    for label, found in added.items():
        for tokens, spelling in found.items():
            for n in range(1, len(tokens) + 1):
                other, theirs = owner.get(tokens[:n], (label, spelling))
                if other != label:
                    raise MweError(
                        f"{spelling!r} ({label}) and {theirs!r} ({other}) begin with the same tokens: choose others"
                    )
