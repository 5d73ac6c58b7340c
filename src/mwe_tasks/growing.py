"""One tree, round by round: write candidates, rank them, pick, have the picked ones read, go on from the best.

Everything random is seeded by names, every call is cached under its tree, round and draw: the same tree comes out
of a run that was killed and started again, and nothing is paid for twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from inspect_ai.model import Model

from mwe_tasks.authoring import Call, rank_candidates, write_candidates
from mwe_tasks.behaviour import Behaviour
from mwe_tasks.calls import BudgetSpent, Caller
from mwe_tasks.cells import Cell
from mwe_tasks.form import fault_of_form
from mwe_tasks.judging import Fact
from mwe_tasks.jury import Verdict, try_facts
from mwe_tasks.replies import Candidate
from mwe_tasks.steering import RANKED_LOWER, Ranked, Steering, nearest, pick, shared_words
from mwe_tasks.tree import Node, PickedBy, in_order, node_id

KNOWN = 4
"""The most accepted facts that a prompt names, the nearest ones: its length does not grow with the dataset."""
MAX_WIDTH = 20
"""Letters that the likeliest 20 tokens can hold."""
MAX_ROUNDS = 8
BUDGET_SPENT = "budget spent"
DRY = 3
"""Rounds in a row that keep nothing, after which a tree ends."""


@dataclass(frozen=True)
class Settings:
    """How trees are steered."""

    width: int | None
    """Candidates a round; None for as many as are owed, and half as many more."""
    accept: int | None
    """The most that one round picks; None for as many as are owed, and some to spare."""
    shifts: int
    steering: Steering
    seed: int


class Roles(NamedTuple):
    """The models of a run."""

    generator: Model
    ranker: Model | None
    judges: Sequence[Model]


@dataclass
class Growing:
    """A tree while it grows."""

    tree: str
    behaviour: Behaviour
    cell: Cell
    settings: Settings
    roles: Roles
    caller: Caller
    known: list[Fact]
    """Facts of this cell that earlier trees have brought, then those of this one."""
    nodes: list[Node]
    allowance: float | None
    """Tokens of a budget that the tree may use: no round begins that would take as many as the last and exceed them."""
    after_round: "Callable[[Growing], None]"
    """Called after each round."""
    kept: int = 0
    caught: int = 0
    """Known-wrong facts that the open-book reading caught."""
    mixed_in: int = 0
    ended: str = ""
    """Why the tree ended."""

    async def grow(self) -> None:
        """Rounds until the cell has what it owes, a budget is spent, or nothing new comes."""
        dry = 0
        try:
            for round in range(1, MAX_ROUNDS + 1):
                before, used = self.kept, self.caller.tokens
                owed = self.cell.owed - self.kept
                try:
                    await self._round(round, owed=owed)
                finally:
                    self.after_round(self)
                another = 2 * self.caller.tokens - used
                if self.kept < self.cell.owed and self.allowance is not None and another > self.allowance:
                    raise BudgetSpent
                dry = 0 if self.kept > before else dry + 1
                if self.kept >= self.cell.owed:
                    self.ended = "complete"
                    return
                if dry == DRY:
                    self.ended = f"nothing kept in {DRY} rounds"
                    return
            self.ended = f"{MAX_ROUNDS} rounds"
        except BudgetSpent:
            self.ended = BUDGET_SPENT

    async def _round(self, round: int, *, owed: int) -> None:
        width, most = round_of(self.settings, owed)
        best = self._best().fact
        candidates, call = await write_candidates(
            self.caller,
            self.roles.generator,
            self.behaviour,
            self.cell,
            known=nearest(self.known, Fact.model_validate(best) if best else None, most=KNOWN),
            round=round,
            width=width,
        )
        if not candidates:
            self.caller.check()
        candidates = candidates or [Candidate("", None, "no reply")]
        faults = [each.reason or (fault_of_form(each.fact) if each.fact else None) for each in candidates]
        sound = [number for number, fault in enumerate(faults) if fault is None]
        reasons = {number: fault for number, fault in enumerate(faults) if fault is not None}
        reasons |= dict.fromkeys(sound[MAX_WIDTH:], "more than were asked for")
        facts = {number: fact for number in sound[:MAX_WIDTH] if (fact := candidates[number].fact) is not None}
        ranked, verdicts = Ranked(None, "unread"), dict[int, Verdict]()
        try:
            ranked, verdicts, passed_over = await self._choose(round, facts, most)
            reasons |= passed_over
        except BudgetSpent:
            reasons |= dict.fromkeys(facts, BUDGET_SPENT)
            raise
        finally:
            scores = dict(zip(facts, ranked.scores, strict=True)) if ranked.scores else {}
            self._record(round, candidates, call, reasons, scores, ranked.by, verdicts)
        kept = [facts[number] for number, verdict in verdicts.items() if verdict.says == "test"]
        self.known += kept
        self.kept += len(kept)

    async def _choose(
        self, round: int, facts: Mapping[int, Fact], most: int
    ) -> tuple[Ranked, dict[int, Verdict], dict[int, str]]:
        """The ranks of a round's sound candidates, the verdicts on the picked, and why the others were not."""
        ranked = await rank_candidates(
            self.caller,
            self.roles.ranker,
            self.behaviour,
            list(facts.values()),
            round=round,
            most=most,
            steering=self.settings.steering,
            shifts=self.settings.shifts,
        )
        scores = dict(zip(facts, ranked.scores, strict=True)) if ranked.scores else None
        form = shared_words(self.behaviour)
        shown = self.behaviour.examples[self.cell.arm]  # a generator that repeats its examples has written nothing
        left, verdicts, reasons = dict(facts), dict[int, Verdict](), dict[int, str]()
        passed: list[Fact] = []
        while left:
            part = Ranked(None if scores is None else [scores[number] for number in left], ranked.by)
            numbers, offered = list(left), list(left.values())
            picked, others = pick(offered, part, [*shown, *self.known, *passed], most=most, form=form)
            try:
                tried = await try_facts(
                    [offered[place] for place in picked],
                    behaviour=self.behaviour,
                    judges=self.roles.judges,
                    caller=self.caller,
                    name=f"{round}/{len(verdicts)}",
                )
            except BudgetSpent:
                if not verdicts:
                    raise
                return ranked, verdicts, {**reasons, **dict.fromkeys(left, BUDGET_SPENT)}
            self.mixed_in += tried.mixed_in
            self.caught += tried.caught
            verdicts |= {numbers[place]: verdict for place, verdict in zip(picked, tried.each, strict=True)}
            reasons = {**reasons, **{numbers[place]: reason for place, reason in others.items()}}
            passed = [facts[number] for number, verdict in verdicts.items() if verdict.says == "test"]
            left = {number: facts[number] for number in numbers if reasons.get(number) == RANKED_LOWER}
            owed = self.cell.owed - self.kept - len(passed)
            if owed <= 0 or not picked or self.settings.accept is not None:
                break
            most = owed + 1  # reading what was ranked lower is cheaper than a round more
            reasons = {number: reason for number, reason in reasons.items() if number not in left}
        reasons |= dict.fromkeys(left.keys() - verdicts.keys() - reasons.keys(), RANKED_LOWER)
        return ranked, verdicts, reasons

    def _record(
        self,
        round: int,
        candidates: Sequence[Candidate],
        call: Call,
        reasons: Mapping[int, str],
        scores: Mapping[int, float],
        by: PickedBy,
        verdicts: Mapping[int, Verdict],
    ) -> None:
        """Adds a round's candidates to the tree, each with what became of it."""
        parent = self._best().id
        for number, candidate in enumerate(candidates):
            verdict, score = verdicts.get(number), scores.get(number)
            self.nodes.append(
                Node(
                    id=node_id(self.tree, round, number),
                    parent=parent,
                    tree=self.tree,
                    round=round,
                    number=number,
                    text=candidate.text,
                    fact=candidate.fact.model_dump(exclude_defaults=True) if candidate.fact else None,
                    model=str(self.roles.generator),
                    parameters=call.parameters,
                    tokens=rounded(call.tokens / len(candidates)),
                    price=None if call.price is None else call.price / len(candidates),
                    rank=None if score is None else rounded(score),
                    picked=verdict is not None,
                    picked_by=by if verdict is not None else None,
                    verdict=None if verdict is None else verdict.says,
                    reason=reasons.get(number),
                    readings=[] if verdict is None else verdict.readings,
                )
            )

    def _best(self) -> Node:
        """The best node of the last round that picked any, a kept one where there is one; else the root."""
        chosen = [node for node in self.nodes if node.picked]
        last = [node for node in chosen if node.round == chosen[-1].round] or self.nodes[:1]
        return in_order([node for node in last if node.verdict == "test"] or last)[0]


def round_of(settings: Settings, owed: int) -> tuple[int, int]:
    """How many candidates a round asks for, and how many it picks at most, where so many facts are owed."""
    most = settings.accept or owed + 1 + owed // 4
    return min(MAX_WIDTH, settings.width or most + max(2, owed)), most


def rounded(number: float) -> float:
    """A number as it stands in a file: to a millionth."""
    return float(f"{number:.6f}")
