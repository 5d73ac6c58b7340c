"""A family: models of one recipe that differ in size, read from families/NAME.toml or a file of a user's own.

Members stand in the order of their sizes: where those are unknown that order is all there is (an ordinal axis).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mwe_tasks.errors import MweError, UnknownName

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Size = Literal["params", "nonembedding", "compute", "tokens", "step"]
SIZES: tuple[Size, ...] = get_args(Size)
FOLDER = Path(__file__).parent / "families"
UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
EXPECTED = {
    "greater_than": "a number above 0",
    "greater_than_equal": "0 or a number above it",
    "int_type": "a whole number",
    "string_type": "text",
    "string_too_short": "text",
    "bool_type": "true or false",
    "missing": "a value",
    "too_short": "at least one [[members]]",
    "tuple_type": "[[members]]",
    "model_type": "[[members]]",
}


class Member(BaseModel):
    """One model, or one training checkpoint of it, and its sizes; None where a size is not known."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    model: str = Field(min_length=1)
    """As Inspect names it: mwe-hf/ORG/NAME, openai/NAME, sim/TRUTH-SIZE."""
    role: Literal["base", "instruct"]
    style: Literal["chat", "completion"]
    """How it is asked."""
    pair: str | None = None
    """The instruct version of this base model, or the base of this instruct model, as Inspect names it."""
    params_total: int | None = Field(default=None, gt=0)
    params_active: int | None = Field(default=None, gt=0)
    """Those that work on one token: fewer than all in a mixture of experts."""
    params_nonembedding: int | None = Field(default=None, gt=0)
    training_tokens: int | None = Field(default=None, ge=0)
    revision: str | None = None
    """The branch, tag or commit of a training checkpoint."""
    step: int | None = Field(default=None, ge=0)
    """The training step of that checkpoint."""
    moe: bool = False
    """A mixture of experts, which does not belong on a curve of dense models."""
    recipe: str | None = None
    """What this member was made from or how, where the members of its family differ in that: no one curve."""
    replay_only: bool = False
    """Can no longer be called: only results that were recorded can be shown."""
    estimated: bool = False
    """Whether a number is an estimate, or was recalled; `reason` says which."""
    reason: str | None = None
    source: str | None = None
    """Where the numbers are from."""
    note: str | None = None

    @model_validator(mode="after")
    def _keep_rules(self) -> "Member":
        numbers = (self.params_total, self.params_active, self.params_nonembedding, self.training_tokens, self.step)
        if self.source is None and any(number is not None for number in numbers):
            raise ValueError("source: expected where its numbers are from, found nothing")
        if self.estimated != (self.reason is not None):
            raise ValueError("reason: expected with estimated = true, and only there: why a number is estimated")
        if self.params_active is not None and self.params_total is not None:
            if self.params_active > self.params_total:
                raise ValueError("params_active: expected no more than params_total")
            if self.moe != (self.params_active < self.params_total):
                raise ValueError("moe: expected true where params_active is below params_total, and only there")
        return self

    @property
    def name(self) -> str:
        """The model, and of a training checkpoint its revision: MODEL@REVISION."""
        return self.model if self.revision is None else f"{self.model}@{self.revision}"


class Family(BaseModel):
    """Models of one recipe that differ in size, the smallest first."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str = Field(min_length=1)
    note: str | None = None
    """What holds for all of its members."""
    members: tuple[Member, ...] = Field(min_length=1, strict=False)

    @model_validator(mode="after")
    def _name_members_once(self) -> "Family":
        names = [member.name for member in self.members]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"model: {', '.join(twice)} stands in it more than once")
        return self


def known_families() -> dict[str, Path]:
    """The files of the families that this package brings, by name, in alphabetical order."""
    found = {path.name.removesuffix(".toml"): path for path in FOLDER.glob("*.toml")}
    return dict(sorted(found.items()))


def find_family(name_or_path: str | Path) -> Family:
    """The family of a name in families/, or of a TOML file of one's own.

    Raises MweError where there is none, and where the file breaks a rule, naming file, member and key.
    """
    known = known_families()
    if isinstance(name_or_path, str) and name_or_path in known:
        return read_family(known[name_or_path])
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.exists():
        raise UnknownName("family", name_or_path, known=[*known, "a path to a .toml file"])
    return read_family(path)


def read_family(path: Path) -> Family:
    """The family in a TOML file; raises MweError with every fault of it."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MweError(f"The family {path} cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MweError(f"{path} is no TOML file: {error}.") from None
    try:
        return Family.model_validate(values)
    except ValidationError as error:
        raise MweError("\n".join(f"{path}, {fault}." for fault in _faults(error, values))) from None


def size(member: Member, x: Size) -> float | None:
    """A member's size on an axis; None where it is not known.

    params: all parameters. nonembedding: those outside embeddings. tokens: of training. step: of training.
    compute: floating-point operations of training, 6 N D, with N active parameters and D tokens (Kaplan et al. 2020).
    """
    if x == "compute":
        n, d = member.params_active, member.training_tokens
        return None if n is None or d is None else 6.0 * n * d
    if x not in SIZES:
        raise UnknownName("size", x, known=SIZES)
    fields = {
        "params": member.params_total,
        "nonembedding": member.params_nonembedding,
        "tokens": member.training_tokens,
        "step": member.step,
    }
    found = fields[x]
    return None if found is None else float(found)


def sizes(members: Iterable[Member], x: Size) -> dict[str, float]:
    """Each member's size on an axis, by its name; raises MweError that names those whose size is not known."""
    found = {member.name: size(member, x) for member in members}
    if unknown := [name for name, value in found.items() if value is None]:
        raise MweError(f"No {x} is known of {', '.join(unknown)}: leave them out, or choose another size.")
    return {name: value for name, value in found.items() if value is not None}


def parse_size(size: str) -> float:
    """Parameters from "135m", "1b", "6.7b"; raises MweError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmbt])", size.lower())
    if found is None or float(found[1]) == 0:
        raise MweError(f"{size!r} is no size: write it like 135m, 1b or 6.7b.")
    return float(found[1]) * UNITS[found[2]]


def _faults(error: ValidationError, values: Mapping[str, Any]) -> Iterable[str]:
    found = error.errors(include_url=False)
    if len(found) > 1:  # where no member is sound, none are counted
        found = [detail for detail in found if detail["loc"] != ("members",)]
    for detail in found:
        place = [str(part) for part in detail["loc"]]
        inside = len(place) > 2 and place[0] == "members"
        if place[:1] == ["members"] and len(place) > 1:
            place = [f"member {_name_of(values['members'][int(place[1])], int(place[1]))}", *place[2:]]
        yield ", ".join([*place[:-1], _fault(place, detail, Member if inside else Family)])


def _fault(place: Sequence[str], detail: "ErrorDetails", model: type[BaseModel]) -> str:
    key = f"{place[-1]}: " if place else ""
    if detail["type"] == "value_error":  # a rule of ours, already a sentence
        return f"{place[-1]}, {detail['ctx']['error']}" if place else str(detail["ctx"]["error"])
    if detail["type"] == "extra_forbidden":
        return f"{key}there is no such key; there are: {', '.join(model.model_fields)}"
    known = detail["ctx"]["expected"] if detail["type"] == "literal_error" else EXPECTED.get(detail["type"])
    found = "nothing" if detail["type"] == "missing" else repr(detail["input"])[:60]
    return f"{key}expected {known or detail['msg']}, found {found}"


def _name_of(member: Any, number: int) -> str:
    """A member's model where it has one, else its number counted from 1."""
    return str(member["model"]) if isinstance(member, dict) and member.get("model") else str(number + 1)
