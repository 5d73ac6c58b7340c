"""Findings to sentences: what a verdict says, in the words that its level allows."""

import math
from collections.abc import Sequence

from mwe_tasks.families import Size
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.headline import DEPENDS, Headline
from mwe_tasks.levels import Level
from mwe_tasks.power import standard_errors
from mwe_tasks.verdict import KINDS

TRUTH = {
    "standard": "improves with size",
    "inverse": "gets worse with size",
    "U": "gets worse, then improves with size (U)",
    "inverted-U": "improves, then gets worse with size (inverted U)",
}
BEHAVIOUR = {
    "standard": "increases with size",
    "inverse": "decreases with size",
    "U": "decreases, then increases with size (U)",
    "inverted-U": "increases, then decreases with size (inverted U)",
}
DIFFERENCE = {
    "standard": "grows with size",
    "inverse": "falls with size",
    "U": "falls, then grows with size (U)",
    "inverted-U": "grows, then falls with size (inverted U)",
}
OTHERS = {
    "flat": "changes by less than counts",
    "inconclusive": "shows no trend that can be told from noise",
    "refused": "gets no verdict",
}
WITH: dict[Size, str] = {
    "params": "with size",
    "nonembedding": "with size",
    "compute": "with training compute",
    "tokens": "with training tokens",
    "step": "over training",
}
AXES: dict[Size, str] = {
    "params": "parameters",
    "nonembedding": "parameters outside embeddings",
    "compute": "training compute, 6 N D (floating-point operations)",
    "tokens": "training tokens",
    "step": "training step",
}
SUFFIXES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def predicate(finding: Finding, word: str) -> str:
    """What a word says of this score, as "increases with size"."""
    said = (BEHAVIOUR if finding.score.measures == "behaviour" else TRUTH).get(word, OTHERS.get(word, word))
    return said.replace("with size", WITH[finding.lineup.x])


def inverse_scaling(finding: Finding, word: str, level: str) -> str:
    """What is added where inverse scaling may be said: of a family, of behaviour facts, beside control facts."""
    has_control = bool(finding.lineup.runs[0].table["control"].eq(True).any())
    is_size = finding.lineup.x in ("params", "nonembedding", "compute")
    said = word == "inverse" and level == "family" and finding.score.control is False
    return " (inverse scaling)" if said and has_control and is_size else ""


def lead(finding: Finding) -> str:
    """One sentence: what can be said of the family; where nothing can, of its checkpoints; else why nothing is said."""
    where = f"{finding.lineup.where} ({standing(finding)})"
    if finding.low_coverage:
        where = f"COVERAGE UNDER .1 ({', '.join(finding.low_coverage)}): {where}"
    name = finding.score.name
    if finding.family.word != "refused":
        return f"{where}: {name} {_claim(finding, finding.family.word, 'family')}."
    if finding.checkpoints.word != "refused":
        claim = _claim(finding, finding.checkpoints.word, "checkpoints")
        why = reason(finding, "family")
        return f"{where}: over these {len(finding.lineup.runs)} models {name} {claim}. Of others like them: {why}"
    return f"{where}: {name} gets no verdict. {reason(finding, 'checkpoints')}"


def standing(finding: Finding) -> str:
    """Whether a finding was planned or explored."""
    return "planned" if finding.planned else "explored"


def reason(finding: Finding, level: str) -> str:
    """Why a level has no word, of whichever score lacks one."""
    return next((refused for scored in finding.pair if (refused := of_level(scored, level).refused)), "")


def _claim(finding: Finding, word: str, level: str) -> str:
    numbers = " and ".join(f"{scored.name} {slope(scored, level)}" for scored in finding.pair)
    if word == DEPENDS:
        said = ", ".join(f"{scored.name} {predicate(finding, of_level(scored, level).word)}" for scored in finding.pair)
        return f"depends on how it is scored: {said} ({numbers})"
    return f"{predicate(finding, word)}{inverse_scaling(finding, word, level)} ({numbers})"


def slope(scored: Scored, level: str) -> str:
    """A slope with its interval and unit: "+0.424 [+0.336, +0.512] nats a decade"."""
    return slope_of(of_level(scored, level), scored.kind)


def slope_of(level: Level, kind: str) -> str:
    """As `slope`, of a kind of score in `verdict.KINDS`."""
    unit = "nats a decade" if kind == "log odds" else "a decade"
    if not math.isfinite(level.low):
        return f"{level.slope:+.3f} {unit}"
    return f"{level.slope:+.3f} [{level.low:+.3f}, {level.high:+.3f}] {unit}"


def of_difference(both: Headline, levels: Sequence[Level], kinds: Sequence[str]) -> str:
    """What both scores of one level say of how a difference between two runs changes with size."""
    who = "these models" if both.level == "checkpoints" else "the family"
    said = DIFFERENCE.get(both.word, OTHERS.get(both.word, both.word))
    slopes = " and ".join(slope_of(level, kind) for level, kind in zip(levels, kinds, strict=True))
    return f"{who}: the difference {said} ({slopes})."


def detectable(scored: Scored) -> str:
    """The change over the whole range that these facts show in 80% of repeats at the checkpoints level, with its unit.

    By `power.standard_errors`, of those of the full change.
    """
    decades = math.log10(scored.verdict.sizes[-1] / scored.verdict.sizes[0])
    found = standard_errors() * scored.verdict.checkpoints.error * decades
    return f"{found:.3f}" + (" nats" if scored.kind == "log odds" else "")


def smallest(scored: Scored) -> str:
    """The smallest change over the whole range that counts, with its unit."""
    delta = KINDS[scored.kind].delta
    return f"{delta:g} nats" if scored.kind == "log odds" else f"{delta:g}"


def of_level(scored: Scored, level: str) -> Level:
    """The level of this name, "family" or "checkpoints"."""
    return scored.verdict.family if level == "family" else scored.verdict.checkpoints


def size_text(value: float | None, x: Size) -> str:
    """A size as it is said, to three digits: 1.9B parameters are "1.9B"."""
    if value is None:
        return "unknown"
    if x == "compute":
        return f"{value:.2g}"
    rounded = float(f"{value:.3g}")
    scale, suffix = next(((scale, suffix) for scale, suffix in SUFFIXES if rounded >= scale), (1.0, ""))
    return f"{rounded / scale:g}{suffix}"
