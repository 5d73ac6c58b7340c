"""What a user asks of a writing run, checked before anything is paid: its arguments, and the models of its roles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from inspect_ai.model import Model, get_model, get_model_info, model_roles

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.budget import no_price
from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.steering import STEERINGS, Steering

MAX_WIDTH = 20
"""Letters that the likeliest 20 tokens can hold."""
MAX_ASKED = 24
"""What a round asks for at most: some are of no sound form, or ask what is there, and are not ranked."""


@dataclass(frozen=True)
class Settings:
    """The arguments of a run, as `doorway.written` explains them; raises MweError for a wrong one."""

    rows: int
    topics: int | None
    width: int | None
    """Candidates a round; None for as many as bring what is owed where half of them pass."""
    accept: int | None
    """The most that a round picks, to be read; None to read all, and pick of those that pass."""
    shifts: int
    steering: Steering
    seed: int
    budget_tokens: int | None
    budget_usd: float | None
    dry_run: bool

    def __post_init__(self) -> None:
        for name in ("rows", "width", "accept", "shifts", "topics"):
            number = getattr(self, name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise MweError(f"-T {name}= takes a whole number above 0, not {number!r}.")
        if not isinstance(self.dry_run, bool):
            raise MweError(f"-T dry_run= takes true or false, not {self.dry_run!r}.")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise MweError(f"-T seed= takes a whole number, not {self.seed!r}.")
        for name in ("budget_tokens", "budget_usd"):
            budget = getattr(self, name)
            if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int | float) or budget <= 0):
                raise MweError(f"-T {name}= takes a number above 0, not {budget!r}.")
        for name in ("width", "shifts"):
            number = getattr(self, name)
            if number is not None and number > MAX_WIDTH:
                raise MweError(
                    f"-T {name}={number} is more than the {MAX_WIDTH} options that a ranker is shown at once."
                )
        if self.width is not None and self.accept is not None and self.accept > self.width:
            raise MweError(
                f"-T accept={self.accept} is more than the {self.width} candidates of a round: -T width= takes more."
            )
        if self.steering not in STEERINGS:
            raise UnknownName("steering", self.steering, known=STEERINGS)


class Roles(NamedTuple):
    """The models of a run."""

    generator: Model
    ranker: Model | None
    judges: Sequence[Model]


def round_of(settings: Settings, owed: int) -> tuple[int, int]:
    """How many candidates a round asks for, and how many it picks at most, where so many facts are owed.

    Where half of what is written passes, a round brings up to seven facts 97 times in 100: two standard deviations.
    """
    most = settings.accept or owed
    return settings.width or min(MAX_ASKED, 2 * owed + round(2 * math.sqrt(2 * owed))), most


def find_roles(behaviour: Behaviour, settings: Settings) -> Roles:
    """The models of the roles; raises MweError for one that is needed and missing, or lacks the price it needs."""
    given = model_roles()

    def models(role: str, needed: bool) -> list[Model]:
        if role not in given:
            if needed:
                raise MweError(f"Name a {role}: --model-role {role}=PROVIDER/MODEL.")
            return []
        found = given[role]
        return list(found) if isinstance(found, list) else [get_model(role=role, required=True)]

    generators, rankers = models("generator", True), models("ranker", settings.steering == "ranked")
    for role, named in (("generator", generators), ("ranker", rankers)):
        if len(named) > 1:
            raise MweError(f"{len(named)} models are named as {role}, which is one: only judges are several.")
    judges = models("judge", behaviour.truth_of is None)
    for model in [*generators, *rankers, *judges] if settings.budget_usd is not None else []:
        if (info := get_model_info(model)) is None or info.cost is None:
            raise MweError(no_price(model))
    return Roles(generators[0], rankers[0] if rankers else None, judges)
