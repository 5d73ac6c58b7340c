"""A plan: what is going to be measured on which models, written down before anything is."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mwe_tasks.errors import MweError
from mwe_tasks.families import Size

STAMP = "mwe_plan"
"""The key in a log's metadata under which the sha256 of its plan stands."""
Score = Literal["appeal", "knowledge", "shift", "behaviour arm", "control arm"]
SCORES: tuple[Score, ...] = get_args(Score)
Orientation = Literal["more of the behaviour", "up is better"]
ORIENTATIONS: dict[Score, Orientation] = {
    "appeal": "more of the behaviour",
    "knowledge": "up is better",
    "shift": "more of the behaviour",
    "behaviour arm": "up is better",
    "control arm": "up is better",
}
"""What a score's increase means: of the arms the truth is measured."""
Level = Literal["checkpoints", "family"]
LEVELS: tuple[Level, ...] = get_args(Level)
ALPHA = 0.05
"""The rate of false claims that every verdict here keeps to; the intervals and critical values follow from it."""


class PlannedMember(BaseModel):
    """One model that is going to be scored, and how it is asked."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    model: str = Field(min_length=1)
    revision: str | None = None
    style: Literal["chat", "completion"] | None = None
    """None leaves it to the model."""


class Plan(BaseModel):
    """What was decided beforehand; the fields are the keys of plan.toml."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    dataset: str = Field(min_length=1)
    checksum: str = Field(min_length=1)
    """The sha256 of the split's file."""
    split: str = "test"
    family: str = Field(min_length=1)
    score: Score
    orientation: Orientation
    frame: str = "plain"
    template: int = 0
    shots: int = 0
    shot_seed: int = 0
    facts: int = Field(gt=0)
    """n: how many facts are asked."""
    questions: int = Field(gt=0)
    """How many questions those are, the dataset's first."""
    levels: tuple[Level, ...] = Field(min_length=1, strict=False)
    alpha: float
    x: Size
    """What the sizes of the models are measured in."""
    created: date
    members: tuple[PlannedMember, ...] = Field(min_length=1, strict=False)

    @field_validator("alpha")
    @classmethod
    def _known(cls, alpha: float) -> float:
        if alpha != ALPHA:
            raise ValueError(f"every verdict keeps to a rate of {ALPHA}")
        return alpha


def read_plan(path: Path) -> tuple[Plan, str]:
    """The plan in a file and the sha256 of its bytes; raises MweError that names file, key and fault."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MweError(f"The plan {path} cannot be read: {error.strerror or error}.") from None
    try:
        plan = Plan.model_validate(tomllib.loads(data.decode("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MweError(f"{path} is no TOML file: {error}.") from None
    except ValidationError as error:
        raise MweError("\n".join(f"{path}, {fault}." for fault in _faults(error))) from None
    return plan, hashlib.sha256(data).hexdigest()


def as_toml(plan: Plan) -> str:
    """The text of the file from which `read_plan` gives this plan back."""
    values = plan.model_dump(exclude_none=True)
    members = values.pop("members")
    lines = [
        "# Written by `mwe plan`. Its sha256 goes into every log that `mwe score --plan` makes: leave it as it is."
    ]
    lines += [f"{key} = {_value(value)}" for key, value in values.items()]
    for member in members:
        lines += ["", "[[members]]", *(f"{key} = {_value(value)}" for key, value in member.items())]
    return "\n".join(lines) + "\n"


def refuse_other(plan: Plan, asked: Mapping[str, object], members: Iterable[PlannedMember]) -> None:
    """Raises MweError where what is asked by hand is not what the plan says; `asked` is keyed as the plan is."""
    for key, value in asked.items():
        if value != (planned := getattr(plan, key)):
            raise MweError(f"The plan says {key} {planned}, not {value}: keep to it, or make another plan.")
    planned_styles = {(member.model, member.revision): member.style for member in plan.members}
    for member in members:
        name = member.model if member.revision is None else f"{member.model}@{member.revision}"
        if (member.model, member.revision) not in planned_styles:
            raise MweError(f"The plan has no member {name}: leave it out, or make another plan.")
        if member.style != (style := planned_styles[member.model, member.revision]):
            raise MweError(f"The plan says style {style} for {name}, not {member.style}: keep to it.")


def first_questions(facts: Sequence[str], n: int | None = None) -> tuple[int, int]:
    """How many facts, and how many of the first questions, n facts are; `facts` names each question's.

    Raises MweError where there are fewer, and where those facts' questions do not stand first and together.
    """
    order = list(dict.fromkeys(facts))
    if n is None:
        return len(order), len(facts)
    if n > len(order):
        raise MweError(f"The dataset has {len(order)} facts, fewer than {n}: ask for as many at the most.")
    wanted = set(order[:n])
    count = sum(fact in wanted for fact in facts)
    if set(facts[:count]) != wanted:
        raise MweError("The two questions of a fact stand apart in this dataset, so all of its facts must be asked.")
    return n, count


def _value(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    # JSON's text, whole numbers and fractions are TOML's, but for one character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _faults(error: ValidationError) -> Iterable[str]:
    for detail in error.errors(include_url=False):
        place = ", ".join(str(part + 1) if isinstance(part, int) else str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            known = PlannedMember if detail["loc"][0] == "members" else Plan
            yield f"{place}: there is no such key; there are: {', '.join(known.model_fields)}"
        elif detail["type"] == "missing":
            yield f"{place}: expected a value, found nothing"
        else:
            message = detail["msg"][0].lower() + detail["msg"][1:]
            yield f"{place}: {message}, found {repr(detail['input'])[:60]}"
