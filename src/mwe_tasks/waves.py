"""Which trees a run grows: one for each cell that owes facts, wave by wave, until every cell has its own."""

from collections import Counter
from dataclasses import dataclass, field

from inspect_ai import SampleSource
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalSample

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.budget import Ledger
from mwe_tasks.cells import FACTS_PER_TREE, Cell, Settled, settle
from mwe_tasks.growing import BUDGET_SPENT, DRY
from mwe_tasks.judging import Fact
from mwe_tasks.progress import Progress
from mwe_tasks.repeats import Asked
from mwe_tasks.settings import Settings
from mwe_tasks.steering import shared_words
from mwe_tasks.tree import Node, in_order, tree_id

MAX_WAVES = 60
FACT_TOKENS = 1200
"""Tokens of a fact, rejected ones and readings included: a guess, until trees have ended."""


@dataclass
class Run:
    """What the trees of one run share."""

    behaviour: Behaviour
    cells: list[Cell]
    settings: Settings
    ledger: Ledger
    settled: Settled = field(default_factory=lambda: Settled({}, {}, {}))
    """What the dataset takes of the waves that have ended."""
    wave: dict[str, list[Fact]] = field(default_factory=dict)
    """The facts that passed, by cell, from finished trees of the wave that grows."""
    waves: int = 0
    """Begun so far."""
    trees: Counter[str] = field(default_factory=Counter)
    """How many trees each cell has had."""
    dry: set[str] = field(default_factory=set)
    """Cells whose last tree kept nothing."""
    idle: Counter[str] = field(default_factory=Counter)
    """How many of a cell's trees in a row have brought nothing that the dataset takes."""
    asked: Asked = field(init=False)
    refused: dict[tuple[str, str], int] = field(default_factory=dict)
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.asked = Asked(shared_words(self.behaviour))
        self.progress = Progress(sum(cell.owed for cell in self.cells), self.ledger)

    def samples(self) -> list[Sample]:
        """One tree for each cell that still owes facts, unless its last one, or its last few, were of no use."""
        before, ended = self.settled.taken, set(self.wave)
        self.settled = settle(self.cells, self.wave, self.asked, before=self.settled)
        self.wave = {}
        self.waves += 1
        taken = self.settled.taken
        for name in ended:
            gained = len(taken[name]) > len(before.get(name, ()))
            self.idle[name] = 0 if gained else self.idle[name] + 1
        wanted = []
        for cell in self.cells:
            owed = cell.owed - len(taken[cell.name])
            dry = cell.name in self.dry or self.idle[cell.name] >= DRY
            if owed > 0 and not dry and self.trees[cell.name] < MAX_WAVES:
                wanted.append(cell._replace(owed=min(owed, FACTS_PER_TREE)))
        paid = self._affordable(wanted)
        share = self.ledger.budget_tokens and (self.ledger.budget_tokens - self.ledger.tokens) / max(1, len(paid))
        return [self._sample(cell, share) for cell in paid]

    def _affordable(self, cells: list[Cell]) -> list[Cell]:
        """The first of the cells that what is left can pay, so that their trees end; one topic's for a start.

        It depends on finished waves alone, so that a run which is started again grows the same trees.
        """
        facts = self.ledger.affordable(guess=FACT_TOKENS)
        paid: list[Cell] = []
        for topic in dict.fromkeys(cell.topic for cell in cells):  # one arm without the other makes no row
            more = [*paid, *(cell for cell in cells if cell.topic == topic)]
            if sum(cell.owed for cell in more) <= facts or (self.ledger.owed == 0 and not paid):
                paid = more
        return paid

    def _sample(self, cell: Cell, allowance: float | None) -> Sample:
        number = self.trees[cell.name]
        self.trees[cell.name] += 1
        tree = tree_id(self.behaviour.name, cell.name, number, self.settings.seed)
        passed = [*self.settled.taken[cell.name], *self.settled.held_back[cell.name]]
        known = [fact.model_dump(exclude_defaults=True) for fact in passed]
        about = f"{self.behaviour.name}: {cell.owed} facts of {cell.name}"
        place = next(number for number, each in enumerate(self.cells) if each.name == cell.name)
        metadata = {
            "cell": cell._asdict(),
            "owed": self.cells[place].owed,
            "place": place,
            "number": number,
            "wave": self.waves,
            "seed": self.settings.seed,
            "known": known,
            "allowance": allowance,
        }
        return Sample(id=tree, input=about, metadata=metadata)

    def take(self, sample: EvalSample) -> None:
        """Adds what a finished tree has brought."""
        stored = sample.store.get("tree")
        cell = Cell(**sample.metadata["cell"])
        nodes = [Node.model_validate(node) for node in stored["nodes"]] if stored else []
        kept = [Fact.model_validate(node.fact) for node in in_order(nodes) if node.verdict == "test"]
        self.wave.setdefault(cell.name, []).extend(kept)
        self.ledger.owed += cell.owed
        if not kept and stored and stored["ended"] != BUDGET_SPENT:
            self.dry.add(cell.name)


class Waves(SampleSource):
    """First a tree for each cell; when all have ended, one for each that still owes facts, and so on."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def initial_samples(self) -> list[Sample]:
        """The first wave."""
        return self.run.samples()

    async def sample_complete(self, sample: EvalSample) -> list[Sample] | None:
        """Takes in what a tree brought; the next wave waits for all of them."""
        self.run.take(sample)
        return None

    async def next_samples(self) -> list[Sample] | None:
        """The next wave; None where nothing is owed, or nothing can be paid."""
        return None if self.run.ledger.spent else self.run.samples() or None
