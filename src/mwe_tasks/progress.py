"""How far a writing run is, in Inspect's display."""

import time
from collections import Counter
from dataclasses import dataclass, field

from inspect_ai.util import display_counter

from mwe_tasks.budget import Ledger
from mwe_tasks.growing import Growing
from mwe_tasks.tree import Node


@dataclass
class Progress:
    """What the display counts."""

    owed: int
    """Facts, by all cells."""
    ledger: Ledger
    rejected: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    """Facts, by arm; not what is more than its cell owes."""
    counted: Counter[str] = field(default_factory=Counter)
    """Nodes, by tree."""
    started: float = field(default_factory=time.monotonic)

    def show(self, growing: Growing) -> None:
        """Counts what is new in a tree, and shows how far the run is."""
        new = growing.nodes[self.counted[growing.tree] :]
        self.counted[growing.tree] = len(growing.nodes)
        self.rejected.update(reason for node in new if (reason := node.reason or _rejection(node)))
        passed = sum(node.verdict == "test" for node in new)
        self.kept[growing.cell.arm] += min(passed, max(0, growing.cell.owed - growing.kept + passed))
        behaviour, control = self.kept["behaviour"], self.kept["control"]
        done = behaviour + control
        minutes = (time.monotonic() - self.started) / 60
        display_counter("facts", f"{done} of {self.owed} (behaviour {behaviour}, control {control})")
        money = f", ${self.ledger.usd:.2f}" if self.ledger.usd else ""
        display_counter("used", f"{self.ledger.calls} calls, {self.ledger.tokens:,} tokens{money}")
        if done and minutes:
            left = max(0, self.owed - done) / (done / minutes)
            display_counter("pace", f"{done / minutes:.0f} facts a minute, {left:.0f} min left")
        display_counter("rejected", ", ".join(f"{why} {n}" for why, n in self.rejected.most_common(3)) or "none")


def _rejection(node: Node) -> str | None:
    return None if node.verdict in (None, "test", "contested") else node.verdict
