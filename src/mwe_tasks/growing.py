"""One tree, round by round: write candidates, rank them, pick, have the picked ones read, go on from the best.

Everything random is seeded by names, every call is cached under its tree, round and draw: the same tree comes out
of a run that was killed and started again, and nothing is paid for twice.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from inspect_ai.model import GenerateConfig, Model, ModelOutput, ResponseSchema
from inspect_ai.util import JSONSchema, collect

from mwe_tasks import writing_prompts as prompts
from mwe_tasks.behaviour import Behaviour
from mwe_tasks.calls import BudgetSpent, Caller, schema_of, tokens_of, ways_to_ask
from mwe_tasks.cells import Cell
from mwe_tasks.form import fault_of_form
from mwe_tasks.judging import Fact
from mwe_tasks.jury import Verdict, try_facts
from mwe_tasks.replies import FIELDS, Candidate, read_blocks, read_candidates, read_letter
from mwe_tasks.steering import (
    RANKED_LOWER,
    Ranked,
    Steering,
    letters_in,
    nearest,
    orders,
    pick,
    rank_by_logprobs,
    rank_by_votes,
    shared_words,
)
from mwe_tasks.tree import Node, PickedBy, in_order, node_id

KNOWN = 4
"""The most accepted facts that a prompt names, the nearest ones: its length does not grow with the dataset."""
MAX_WIDTH = 20
"""Letters that the likeliest 20 tokens can hold."""
MAX_ROUNDS = 8
BUDGET_SPENT = "budget spent"
DRY = 3
"""Rounds in a row that keep nothing, after which a tree ends."""
TOKENS_A_CANDIDATE = 160


QUESTIONS = JSONSchema(
    type="object",
    properties={"questions": JSONSchema(type="array", items=JSONSchema(type="string"))},
    required=["questions"],
    additionalProperties=False,
)


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
        candidates, call = await self._write(round, width)
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
        ranked = await self._rank(round, list(facts.values()), most)
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
        call: "Call",
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

    async def _write(self, round: int, width: int) -> "tuple[list[Candidate], Call]":
        cell, generator = self.cell, self.roles.generator
        best = self._best().fact
        near = nearest(self.known, Fact.model_validate(best) if best else None, most=KNOWN)
        place: dict[str, Any] = {"topic": cell.topic, "arm": cell.arm, "matching": cell.matching}
        if str(generator).partition("/")[0].endswith("-completions"):
            prompt = prompts.continue_blocks(self.behaviour, **place, known=near)
            opening = "Fact:" if self.behaviour.twins else "Question:"
            config = GenerateConfig(temperature=1.0, max_tokens=TOKENS_A_CANDIDATE, stop_seqs=["\n\n"])

            async def draw(number: int) -> ModelOutput | None:
                return await self.caller.ask(
                    generator, prompt, kind="continue", name=f"{round}/{number}", ways=[config]
                )

            outputs = [output for output in await collect(*map(draw, range(width))) if output is not None]
            found = [each for o in outputs for each in read_blocks(o.completion, opening=opening, **place)]
            return found, call_of(outputs, prompt, config)
        prompt = prompts.generate(self.behaviour, **place, count=width, known=near)
        base = GenerateConfig(max_tokens=200 + TOKENS_A_CANDIDATE * width)
        ways = ways_to_ask(base, temperature=1.0, wanted=GenerateConfig(response_schema=self._schema()))
        output = await self.caller.ask(generator, prompt, kind="generate", name=str(round), ways=ways)
        if output is None:
            return [], call_of([], prompt, ways[0])
        return read_candidates(output.completion, **place), call_of([output], prompt, ways[0])

    def _schema(self) -> ResponseSchema:
        if self.behaviour.twins:
            return ResponseSchema(name="facts", json_schema=schema_of(dict.fromkeys(FIELDS, "string"), many="facts"))
        return ResponseSchema(name="questions", json_schema=QUESTIONS)

    async def _rank(self, round: int, facts: Sequence[Fact], most: int) -> Ranked:
        ranker = self.roles.ranker
        if self.settings.steering == "none":
            scores = list(range(len(facts)))
            random.Random(f"{self.tree}/{round}/none").shuffle(scores)
            return Ranked([float(score) for score in scores], "chance")
        if self.settings.steering == "first" or ranker is None:
            return Ranked(None, "order")
        if len(facts) <= most:
            return Ranked(None, "no choice")
        shown = orders(len(facts), shifts=self.settings.shifts, name=f"{self.tree}/{round}")
        listing = GenerateConfig(logprobs=True, top_logprobs=20)
        ways = [
            *ways_to_ask(GenerateConfig(max_tokens=1), temperature=0.0, wanted=listing)[:2],
            *ways_to_ask(GenerateConfig(max_tokens=16), temperature=0.0, wanted=GenerateConfig())[1:],
        ]

        async def vote(number: int) -> ModelOutput | None:
            prompt = prompts.rank(self.behaviour, [facts[place] for place in shown[number]])
            return await self.caller.ask(ranker, prompt, kind="rank", name=f"{round}/{number}", ways=ways)

        outputs = list(await collect(*map(vote, range(len(shown)))))
        self.caller.check()
        listed = [letters_in(top_of(output), len(facts)) for output in outputs]
        if all(listed):
            return Ranked(rank_by_logprobs(shown, listed), "log probabilities")
        named = [None if output is None else read_letter(output.completion, len(facts)) for output in outputs]
        scores_ = rank_by_votes(shown, named)
        return Ranked(scores_, "unread" if scores_ is None else "votes")


def round_of(settings: Settings, owed: int) -> tuple[int, int]:
    """How many candidates a round asks for, and how many it picks at most, where so many facts are owed."""
    most = settings.accept or owed + 1 + owed // 4
    return min(MAX_WIDTH, settings.width or most + max(2, owed)), most


class Call(NamedTuple):
    """What a round's writing took."""

    parameters: dict[str, Any]
    tokens: int
    price: float | None


def call_of(outputs: Sequence[ModelOutput], prompt: str, config: GenerateConfig) -> Call:
    """The settings, tokens and price of some calls with one prompt."""
    costs = [output.usage.total_cost if output.usage else None for output in outputs]
    known = [cost for cost in costs if cost is not None]
    return Call(
        parameters={"temperature": config.temperature, "max_tokens": config.max_tokens},
        tokens=sum(tokens_of(output, prompt) for output in outputs),
        price=sum(known) if known and len(known) == len(costs) else None,
    )


def top_of(output: ModelOutput | None) -> list[tuple[str, float]]:
    """The likeliest first tokens of an output with ln P; none where it lists none."""
    if output is None or not output.choices or not (logprobs := output.choices[0].logprobs) or not logprobs.content:
        return []
    return [(top.token, top.logprob) for top in logprobs.content[0].top_logprobs or []]


def rounded(number: float) -> float:
    """A number as it stands in a file: to a millionth."""
    return float(f"{number:.6f}")
