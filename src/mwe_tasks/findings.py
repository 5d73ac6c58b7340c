"""What a check of a dataset can find: figures, faults, warnings, and checks that could not be made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number of a dataset."""

    name: str
    value: float
    note: str = ""


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
