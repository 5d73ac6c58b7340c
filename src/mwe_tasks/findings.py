"""What a check of a dataset can find: figures, faults, warnings, and checks that could not be made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number of a dataset."""

    name: str
    value: float
    note: str = ""
    aim: tuple[float, float] | None = None
    """The least and the most that a dataset should have of it, both included; None where nothing is aimed at."""

    @property
    def text(self) -> str:
        """The value as people read it: whole numbers whole, others to three places, or to one from ten up."""
        if isinstance(self.value, int):
            return f"{self.value:,}"
        return f"{self.value:.3f}" if abs(self.value) < 10 else f"{self.value:,.1f}"

    @property
    def notes(self) -> str:
        """The note, with what is aimed at, and whether that is missed."""
        if self.aim is None:
            return self.note
        least, most = (Figure("", limit).text for limit in self.aim)
        aim = ("MISSED, " if self.missed else "") + (f"aim {least}" if least == most else f"aim {least} to {most}")
        return f"{self.note}; {aim}" if self.note else aim

    @property
    def missed(self) -> bool:
        """Whether the value, to the places that it is read to, lies outside what is aimed at."""
        return self.aim is not None and not self.aim[0] <= round(self.value, 3) <= self.aim[1]


@dataclass(frozen=True)
class Fault:
    """Something wrong with a dataset, in a sentence, and every case of it."""

    text: str
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Warned:
    """Something that other people's data may well have and ours should not, and every case of it."""

    text: str
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """A check that was not made, and why."""

    text: str


Finding = Figure | Fault | Warned | Skipped


@dataclass(frozen=True)
class Report:
    """Everything that was found about one split of a dataset."""

    name: str
    split: str
    checksum: str
    figures: tuple[Figure, ...]
    errors: tuple[Fault, ...]
    warnings: tuple[Warned, ...]
    skipped: tuple[Skipped, ...]

    def value(self, name: str) -> float:
        """The value of the figure with this name."""
        return {figure.name: figure.value for figure in self.figures}[name]
