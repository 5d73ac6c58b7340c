"""One tree, round by round: write candidates, rank them and have them read, pick, go on from the best.

Everything random is seeded by names, every call is cached under its tree, round and draw: the same tree comes out
of a run that was killed and started again, and nothing is paid for twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from inspect_ai.util import collect

from mwe_tasks.authoring import Call, rank_candidates, write_candidates
from mwe_tasks.behaviour import Behaviour
from mwe_tasks.budget import BudgetSpent
from mwe_tasks.calls import Caller
from mwe_tasks.cells import Cell
from mwe_tasks.form import fault_of_form
from mwe_tasks.judging import Fact
from mwe_tasks.jury import Verdict, try_facts
from mwe_tasks.replies import Candidate
from mwe_tasks.settings import MAX_WIDTH, Roles, Settings, round_of
from mwe_tasks.steering import Ranked, nearest, pick, shared_words
from mwe_tasks.tree import Node, PickedBy, in_order, node_id

KNOWN = 4
"""The most accepted facts that a prompt names, the nearest ones: its length does not grow with the dataset."""
MAX_ROUNDS = 8
BUDGET_SPENT = "budget spent"
DRY = 3
"""Rounds in a row that keep nothing, after which a tree ends; waves in a row, after which a cell does."""


class Chosen(NamedTuple):
    """What became of a round's sound candidates, by their numbers."""

    scores: Mapping[int, float]
    """Of those that were ranked."""
    picked: Mapping[int, PickedBy]
    verdicts: Mapping[int, Verdict]
    """Of those that were read."""
    reasons: Mapping[int, str]
    """Why each of the others was not read."""


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
    tried: list[Fact] = field(default_factory=list)
    """Facts that were read here, whatever came of it: nobody reads the like again."""
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
                if dry == DRY and self.settings.accept is None:  # few picks a round are unlucky more often
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
        facts = {number: fact for number in sound if (fact := candidates[number].fact) is not None}
        chosen = await self._choose(round, facts, most)
        self._record(round, candidates, call, chosen._replace(reasons={**reasons, **chosen.reasons}))
        kept = [facts[number] for number, verdict in chosen.verdicts.items() if verdict.says == "test"]
        self.known += kept
        self.kept += len(kept)
        self.caller.check()

    async def _choose(self, round: int, facts: Mapping[int, Fact], most: int) -> Chosen:
        """What becomes of a round's sound candidates.

        All that are new are read while they are ranked, and the best of those that pass are picked. Where the user
        says how many a round accepts, so many are picked by rank, and they alone are read.
        """
        new, reasons = self._pick(facts, Ranked(None, "order"), {}, before=self.tried, most=len(facts))
        left = {number: facts[number] for number in sorted(new)[:MAX_WIDTH]}
        reasons |= dict.fromkeys(sorted(new)[MAX_WIDTH:], "more than are ranked at once")
        ranking = rank_candidates(
            self.caller,
            self.roles.ranker,
            self.behaviour,
            list(left.values()),
            round=round,
            most=most,
            steering=self.settings.steering,
            shifts=self.settings.shifts,
        )
        if self.settings.accept is None:
            done: list[Any] = list(await collect(ranking, self._read(round, left)))
            ranked, verdicts = done
        else:
            ranked, verdicts = await ranking, {}
        scores = dict(zip(left, ranked.scores, strict=True)) if ranked.scores else {}
        passed = {number: left[number] for number, verdict in verdicts.items() if verdict.says == "test"}
        picked, lower = self._pick(left if self.settings.accept else passed, ranked, scores, most=most)
        if self.settings.accept is not None:
            verdicts = await self._read(round, {number: left[number] for number in picked})
            reasons |= lower
        unread = [number for number, verdict in verdicts.items() if verdict.says == "unread" and self.caller.stopped]
        reasons |= dict.fromkeys(unread, BUDGET_SPENT)
        verdicts = {number: verdict for number, verdict in verdicts.items() if number not in unread}
        return Chosen(scores, {number: ranked.by for number in picked if number in verdicts}, verdicts, reasons)

    def _pick(
        self,
        facts: Mapping[int, Fact],
        ranked: Ranked,
        scores: Mapping[int, float],
        *,
        before: Sequence[Fact] = (),
        most: int,
    ) -> tuple[list[int], dict[int, str]]:
        """`steering.pick` of some of a round's candidates, by their numbers; none alike to known ones or `before`."""
        shown = self.behaviour.examples[self.cell.arm]  # a generator that repeats its examples has written nothing
        numbers, form = list(facts), shared_words(self.behaviour)
        part = ranked._replace(scores=[scores[number] for number in numbers] if scores else None)
        picked, others = pick(list(facts.values()), part, [*shown, *self.known, *before], most=most, form=form)
        return [numbers[place] for place in picked], {numbers[place]: why for place, why in others.items()}

    async def _read(self, round: int, facts: Mapping[int, Fact]) -> dict[int, Verdict]:
        """The verdict on each of some candidates, by their numbers."""
        tried = await try_facts(
            list(facts.values()),
            behaviour=self.behaviour,
            judges=self.roles.judges,
            caller=self.caller,
            name=str(round),
        )
        read = zip(facts.values(), tried.each, strict=True)
        self.tried += [fact for fact, verdict in read if verdict.says != "unread"]
        self.mixed_in += tried.mixed_in
        self.caught += tried.caught
        return dict(zip(facts, tried.each, strict=True))

    def _record(self, round: int, candidates: Sequence[Candidate], call: Call, chosen: Chosen) -> None:
        """Adds a round's candidates to the tree, each with what became of it."""
        parent = self._best().id
        for number, candidate in enumerate(candidates):
            verdict, score = chosen.verdicts.get(number), chosen.scores.get(number)
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
                    picked=number in chosen.picked,
                    picked_by=chosen.picked.get(number),
                    verdict=None if verdict is None else verdict.says,
                    reason=chosen.reasons.get(number),
                    readings=[] if verdict is None else verdict.readings,
                )
            )

    def _best(self) -> Node:
        """The best node of the last round that picked any, a kept one where there is one; else the root."""
        chosen = [node for node in self.nodes if node.picked]
        last = [node for node in chosen if node.round == chosen[-1].round] or self.nodes[:1]
        return in_order([node for node in last if node.verdict == "test"] or last)[0]


def rounded(number: float) -> float:
    """A number as it stands in a file: to a millionth."""
    return float(f"{number:.6f}")
