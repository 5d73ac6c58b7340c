"""Logs to families: the runs of each family on each dataset in the order of size, or why they are no one curve."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from mwe_tasks.errors import MweError
from mwe_tasks.families import SIZES, Family, Member, Size, find_family, known_families, size

ALIKE = {
    "checksum": "dataset version",
    "split": "split",
    "style": "style",
    "template": "template",
    "frame": "frame",
    "shots": "solved examples",
    "shot_seed": "order of solved examples",
    "prompts": "wording of templates and frames",
    "first_label": "labels",
    "second_label": "labels",
    "estimator": "estimator",
    "spellings": "spellings",
    "draws": "draws",
    "quantised": "quantisation",
}
"""The columns of a table that must hold one value in a fit, and what they are called."""


ACROSS = ("checksum", "split", "template", "frame", "prompts", "first_label", "second_label", "estimator", "spellings")
"""Those that must hold one value over all families of one report too, which may differ in style."""


class Run(NamedTuple):
    """One model's log, and what the model is."""

    member: Member
    size: float | None
    """On the axis asked for; None where it is not known."""
    table: pd.DataFrame
    """As `table.load` gives it, one log."""


class Lineup(NamedTuple):
    """One family's runs on one dataset, the smallest model first, that differ in size alone."""

    family: Family
    dataset: str
    x: Size
    runs: tuple[Run, ...]
    absent: tuple[str, ...]
    """Members of the family without a log."""

    @property
    def key(self) -> tuple[str, str]:
        """The family's name and the dataset, which no two lineups of a report share."""
        return self.family.name, self.dataset

    @property
    def where(self) -> str:
        """The same two, as an error or a table says them."""
        return f"{self.family.name} on {self.dataset}"

    @property
    def one_training_run(self) -> bool:
        """Whether all members are checkpoints of one model's training."""
        return len(self.runs) > 1 and len({run.member.model for run in self.runs}) == 1

    @property
    def ordinal(self) -> bool:
        """Whether some size is unknown, so that the family's order is all there is."""
        return any(run.size is None for run in self.runs)

    @property
    def positions(self) -> list[float]:
        """Where the models stand on the axis: their sizes, or where some are unknown 1, 2, 3."""
        sizes = [run.size for run in self.runs if run.size is not None]
        return [float(place) for place in range(1, len(self.runs) + 1)] if self.ordinal else sizes


def line_up(tables: Sequence[pd.DataFrame], families: Sequence[Family], x: Size) -> list[Lineup]:
    """The runs of each family on each dataset; x names the axis.

    tables: one a log. Raises MweError where a model belongs to none of the families or to several, and where the runs
    of a family differ in anything but size.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    by_name = {family.name: family for family in families}
    for table in tables:
        name = name_of(table)
        owners = [family for family in families if name in members_of(family)]
        if len(owners) != 1:
            raise MweError(_no_owner(name, owners, families))
        member = members_of(owners[0])[name]
        run = Run(member, size(member, x), table)
        groups.setdefault((owners[0].name, str(table["dataset"].iloc[0])), []).append(run)
    found = [_checked(by_name[family], dataset, runs, x) for (family, dataset), runs in groups.items()]
    for dataset in dict.fromkeys(lineup.dataset for lineup in found):
        every = [run for lineup in found if lineup.dataset == dataset for run in lineup.runs]
        refuse_differences(dataset, [(run.member.name, run.table) for run in every], ACROSS)
    return found


def families_of(tables: Iterable[pd.DataFrame], named: Sequence[str]) -> list[Family]:
    """The families named, else those of the package that the tables' models belong to.

    Raises MweError where a name or file is no family, and where none is named and a model belongs to several.
    """
    if named:
        return [find_family(name) for name in dict.fromkeys(named)]
    names = {name_of(table) for table in tables}
    return [family for family in map(find_family, known_families()) if names & members_of(family).keys()]


def name_of(table: pd.DataFrame) -> str:
    """The model of a run as its family names it: of a training checkpoint MODEL@REVISION."""
    head = table.iloc[0]
    revision = head.get("revision")
    return str(head["model"]) if revision is None or pd.isna(revision) else f"{head['model']}@{revision}"


def members_of(family: Family) -> Mapping[str, Member]:
    """A family's members by name."""
    return {member.name: member for member in family.members}


def _checked(family: Family, dataset: str, runs: Sequence[Run], x: Size) -> Lineup:
    names = [run.member.name for run in runs]
    where = f"{family.name} on {dataset}"
    if twice := sorted({name for name in names if names.count(name) > 1}):
        logs = ", ".join(str(run.table["log"].iloc[0]) for run in runs if run.member.name == twice[0])
        raise MweError(f"{where}: there are several logs of {twice[0]} ({logs}): name one of them.")
    _refuse_recipes(where, runs)
    refuse_differences(where, [(run.member.name, run.table) for run in runs], ALIKE)
    known = {run.member.name: run.size for run in runs if run.size is not None}
    if nothing := [name for name, value in known.items() if value == 0]:
        raise MweError(f"{where}: {nothing[0]} has {x} 0, which has no place on a logarithmic axis: leave it out.")
    steps, models = {run.member.step for run in runs}, {run.member.model for run in runs}
    if len(models) > 1 and len(steps) > 1:
        raise MweError(f"{where}: checkpoints of several training steps and models are no one curve: fit them apart.")
    if len(known) == len(runs):
        runs = sorted(runs, key=lambda run: known[run.member.name])
        for one, two in pairwise(runs):
            if one.size == two.size:
                raise MweError(
                    f"{where}: {one.member.name} and {two.member.name} have one size on the axis {x}: leave one out, "
                    f"or choose another axis with --x ({', '.join(SIZES)})."
                )
    else:
        order = list(members_of(family))
        runs = sorted(runs, key=lambda run: order.index(run.member.name))
    absent = tuple(member.name for member in family.members if member.name not in names)
    return Lineup(family, dataset, x, tuple(runs), absent)


def _refuse_recipes(where: str, runs: Sequence[Run]) -> None:
    for field, one, other in (("role", "base", "instruct"), ("moe", True, False)):
        firsts = [next((run for run in runs if getattr(run.member, field) == value), None) for value in (one, other)]
        if firsts[0] is not None and firsts[1] is not None:
            kinds = "a base and an instruct model" if field == "role" else "a mixture of experts and a dense model"
            names = " and ".join(run.member.name for run in firsts if run is not None)
            raise MweError(f"{where}: {names} are {kinds}, which are no one curve: fit them apart.")
    smallest = runs[0].member
    if odd := next((run.member for run in runs if run.member.recipe != smallest.recipe), None):
        raise MweError(
            f"{where}: {smallest.name} and {odd.name} are of two recipes ({smallest.recipe}; {odd.recipe}), which are "
            "no one curve: fit them apart."
        )


def refuse_differences(where: str, runs: Sequence[tuple[str, pd.DataFrame]], columns: Iterable[str]) -> None:
    """Raises MweError where runs, each with its name, differ in one of these columns of ALIKE or in their questions."""
    name, first = runs[0]
    for other, run in runs[1:]:
        for column in columns:
            if column not in first or _values(first, column) == _values(run, column):
                continue
            shown = " and ".join(", ".join(sorted(str(v)[:12] for v in _values(each, column))) for each in (first, run))
            raise MweError(
                f"{where}: the logs of {name} and {other} differ in {ALIKE[column]} ({shown}), so they do not compare: "
                "score them alike, or leave one out."
            )
        here, there = set(first["id"]), set(run["id"])
        asked = [len(ids) + int(each["failed"].iloc[0]) for ids, each in ((here, first), (there, run))]
        if asked[0] != asked[1] or len(here | there) > asked[0]:
            raise MweError(
                f"{where}: {name} was asked {asked[0]} questions and {other} {asked[1]}, {len(here & there)} of them "
                "in both: score them on the same questions."
            )


def _values(table: pd.DataFrame, column: str) -> set[object]:
    """The values of a column; missing ones are one value."""
    return {None if pd.isna(value) else value for value in table[column].unique()}


def _no_owner(name: str, owners: Sequence[Family], families: Sequence[Family]) -> str:
    if owners:
        several = " and ".join(family.name for family in owners)
        return f"{name} belongs to several families ({several}): name one with --family."
    if len(families) == 1:
        return f"{name} is no member of {families[0].name}: name its family, or a file like those of `mwe families`."
    return f"{name} belongs to no family here: name one with --family, or write a file like those of `mwe families`."
