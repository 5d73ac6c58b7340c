"""What results of other pipelines share: whose they are, of which questions, and what was read; one file a model."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.errors import MweError, printable
from mwe_tasks.families import Family, Member
from mwe_tasks.scoring import Reading


class Answered(NamedTuple):
    """One question and what was read of it."""

    row: Mapping[str, Any]
    """The keys of a Row, None where the file does not say."""
    reading: Reading


@dataclass(frozen=True)
class Results:
    """One file's results: the model, the questions, and what was read of each."""

    file: Path
    format: str
    family: str
    member: Member
    dataset: str
    where: str
    split: str
    checksum: str
    """Of the dataset or, where the questions are not known, of their indices and labels."""
    labels: tuple[str, str]
    in_dataset: int
    answered: tuple[Answered, ...]
    template: int | None = None
    """Of completion style; None where the prompts are not known."""
    date: float = 0.0
    """When the results were made, in seconds since 1970; 0 where the file does not say."""
    settings: Mapping[str, Any] = field(default_factory=dict)


def find_member(family: Family, said: str, spelled: Callable[[Member], Sequence[str]], source: str) -> Member:
    """The one member that is spelled so; raises MweError with those there are. `source` is what says it."""
    found = [member for member in family.members if said in spelled(member)]
    if len(found) != 1:
        known = ", ".join(spelled(member)[0] for member in family.members)
        hint = "" if source == "--model" else " --model names one by hand."
        raise MweError(
            f"{source} names {printable(said)!r}, as {len(found) or 'no'} members of {family.name} are named. There "
            f"are: {known}.{hint}"
        )
    return found[0]


def by_hand(member: Member) -> tuple[str, ...]:
    """How --model may name a member: in full, without the provider, or by the last part."""
    return member.name, member.name.partition("/")[2], stem_of(member)


def stem_of(member: Member) -> str:
    """The last part of a member's name, which the prize's files are named after: ada for openai/ada."""
    return member.name.rpartition("/")[2]


def refuse_two_of_one(members: Mapping[Path, Member]) -> None:
    """Raises MweError where two files are of one member."""
    for name, count in Counter(member.name for member in members.values()).items():
        if count > 1:
            files = " and ".join(str(file) for file, member in members.items() if member.name == name)
            raise MweError(f"{files} are both of {name}: give one file a model.")


def refuse_other_questions(found: Sequence[Results]) -> None:
    """Raises MweError where two files are not of the same questions with the same labels."""
    for results in found[1:]:
        _refuse_other_questions(results, found[0])


def _refuse_other_questions(results: Results, first: Results) -> None:
    rows, others = ({each.row["id"]: each.row["truth"] for each in one.answered} for one in (results, first))
    if rows.keys() != others.keys():
        raise MweError(
            f"{results.file} and {first.file} are of other questions ({len(rows)} and {len(others)}, of which "
            f"{len(rows.keys() & others.keys())} are the same): import them apart."
        )
    if differ := sum(rows[name] != others[name] for name in rows):
        raise MweError(
            f"{results.file} and {first.file} imply other labels at {differ} of {len(rows)} positions, so they are of "
            "other questions: import them apart."
        )
    if results.checksum != first.checksum:
        raise MweError(f"{results.file} and {first.file} are of two versions of one dataset: import them apart.")
