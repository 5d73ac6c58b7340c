"""Two co-primaries, log odds and their bounded partner, to one word: it stands where both claim the same."""

from typing import NamedTuple

from mwe_tasks.levels import Level

DEPENDS = "depends on the score"


class Headline(NamedTuple):
    """What two co-primaries say together at one level."""

    level: str
    word: str
    """A word of both, or "depends on the score"."""
    refused: str | None
    """Why there is none."""


def headline(bounded: Level, log_odds: Level) -> Headline:
    """What both say at one level; raises ValueError for two levels."""
    if bounded.level != log_odds.level:
        raise ValueError(f"{bounded.level} and {log_odds.level} are two levels: a headline is of one")
    reasons = dict.fromkeys(each.refused for each in (bounded, log_odds) if each.refused)
    return Headline(bounded.level, agreed(bounded.word, log_odds.word), " ".join(reasons) or None)


def agreed(bounded: str, log_odds: str) -> str:
    """The word of both; refused where either is; else "depends on the score": one claims what the other does not."""
    if "refused" in (bounded, log_odds):
        return "refused"
    return bounded if bounded == log_odds else DEPENDS
