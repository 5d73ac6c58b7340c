"""What is measured of the runs, a line of the table each."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from pool import CONNECTIONS, LATENCY, Made, Pool
from writing_runs import ROWS, Ours, Seed

from mwe_tasks.likeness import alike_pairs
from mwe_tasks.rows import Row
from mwe_tasks.steering import ALIKE, orders, rank_by_logprobs

RANK_WIDTH, RANK_ROUNDS, RANK_NOISE, RANK_BIAS = 8, 2000, 0.3, 2.0
"""Candidates, rounds, and in nats the noise of a score in one order and the largest difference between positions."""


class Line(NamedTuple):
    """One measure."""

    measure: str
    seed: str
    ours: str
    required: str = "printed"
    met: bool | None = None


def cost(seeds: Sequence[Seed], ours: Sequence[Ours]) -> Iterator[Line]:
    """Tokens and calls of a row, over all runs."""
    pairs, rows = sum(len(seed.written.pairs) for seed in seeds), sum(len(run.test) for run in ours)
    theirs, own = [run.pool for run in seeds], [run.pool for run in ours]
    per_pair, per_row = _tokens(theirs) / pairs, _tokens(own) / rows
    spread = f"({_spread(f'{_tokens([run.pool]) / len(run.test):.0f}' for run in ours)})"
    yield Line("tokens in and out a row", f"{per_pair:.0f}", f"{per_row:.0f} {spread}", "<= 500", per_row <= 500)
    per_pair, per_row = _calls(theirs) / pairs, _calls(own) / rows
    spread = f"({_spread(f'{_calls([run.pool]) / len(run.test):.2f}' for run in ours)})"
    yield Line("calls a row", f"{per_pair:.2f}", f"{per_row:.2f} {spread}", "<= 1.0", per_row <= 1)
    for role in LATENCY:
        told = [
            f"{_tokens(pools, role) / many:.0f}, {_calls(pools, role) / many:.2f}"
            for pools, many in ((theirs, pairs), (own, rows))
        ]
        yield Line(f"  {role}: tokens, calls", *told)
    counts = [len(run.test) for run in ours]
    yield Line(f"  rows of {ROWS}", _spread(len(s.written.pairs) for s in seeds), _spread(counts), str(ROWS),
               min(counts) == ROWS)  # fmt: skip
    written = [node for run in ours for node in run.nodes if node.round > 0]
    read = [node for node in written if node.verdict is not None]
    passed = sum(node.verdict == "test" for node in read)
    yield Line("  yield: facts that passed, of those read", "", f"{passed / len(read):.2f}")
    yield Line("  yield: facts in test, of those written", "", f"{rows / 2 / len(written):.2f}")
    reasons = Counter(node.verdict or node.reason for node in written)
    for reason, many in reasons.most_common():
        yield Line(f"    {reason}", "", f"{many / len(written):.2f}")


def pace(seeds: Sequence[Seed], ours: Sequence[Ours], still: Sequence[Ours], factor: float) -> Iterator[Line]:
    """Wall-clock of both, and what of ours is the machine's own work."""
    ratios = [seed.seconds / run.seconds for seed, run in zip(seeds, ours, strict=True)]
    middle = statistics.median(ratios)
    told = f"{middle:.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
    yield Line(f"times faster, median of {len(ratios)} paired runs", "1", told, ">= 60", middle >= 60)
    yield Line("  seconds, whole", _each(seed.seconds for seed in seeds), _each(run.seconds for run in ours))
    yield Line("  of it our writing", "", _each(run.writing for run in ours))
    yield Line("  of it our build", "", _each(run.building for run in ours))
    yield Line("  at factor 0", "", _each(run.seconds for run in still))
    yield Line("  CPU of our process, at factor 0", "", _each(run.cpu for run in still))
    own = statistics.median(run.seconds for run in still) / statistics.median(run.seconds for run in ours)
    yield Line("  the machine's own share", "", f"{own:.2f}")
    waits = [sum(seed.pool.calls[role] * LATENCY[role] for role in LATENCY) for seed in seeds]
    yield Line("  waits, seconds at factor 1", _each(waits), _each(_chain(run) for run in ours))
    if factor != 1:
        theirs = [seed.seconds + wait * (1 - factor) for seed, wait in zip(seeds, waits, strict=True)]
        full = [
            run.seconds + (run.seconds - idle.seconds) / factor * (1 - factor)
            for run, idle in zip(ours, still, strict=True)
        ]
        ratio = statistics.median(a / b for a, b in zip(theirs, full, strict=True))
        yield Line("  times faster, extrapolated to factor 1", "1", f"{ratio:.1f}")
    even = [ROWS / 2 * (LATENCY["generator"] + LATENCY["ranker"]) * factor / run.seconds for run in ours]
    yield Line("  against a seed of 1.0 calls a pair", "1", f"{statistics.median(even):.1f}")
    yield Line("  rounds of the longest tree; waves", "", f"{_rounds(ours[0])}; {_waves(ours[0])}")
    yield Line("  most requests at once", _top(seeds), _top(ours), f"<= {CONNECTIONS}")


def growth(seeds: Sequence[Seed], seed_many: Seed, ours: Sequence[Ours], many: Ours) -> Iterator[Line]:
    """Prompt tokens of a row when there are many."""
    sent = [sum(run.pool.sent.total() for run in runs) for runs in (seeds, [seed_many], ours, [many])]
    rows = [sum(len(seed.written.pairs) for seed in runs) for runs in (seeds, [seed_many])]
    rows += [sum(len(run.test) for run in runs) for runs in (ours, [many])]
    at = [tokens / number for tokens, number in zip(sent, rows, strict=True)]
    theirs, own = at[1] / at[0], at[3] / at[2]
    wanted = len(seed_many.written.pairs)
    whole = len(many.test) >= wanted
    yield Line(
        f"prompt tokens a row, {len(many.test):,} (seed {wanted:,}) against {ROWS}",
        f"{theirs:.1f} ({at[0]:.0f} to {at[1]:.0f})",
        f"{own:.2f} ({at[2]:.0f} to {at[3]:.0f})",
        "<= 1.05" if whole else f"<= 1.05 at {wanted:,} (not run)",
        own <= 1.05 if whole or own > 1.05 else None,
    )
    yield Line("  seconds of ours at factor 0, writing and build", "", f"{many.writing:.0f} + {many.building:.0f}")


def wrong(seeds: Sequence[Seed], runs: Sequence[Ours]) -> Iterator[Line]:
    """Rows whose label is not what is true."""
    theirs = statistics.mean(made.wrong for seed in seeds for made in _made(seed))
    for run in runs:
        correlation = run.pool.correlation
        share, told = _wrong(run.test, run.pool)
        required, met = ("<= 3%", share <= 0.03) if correlation == 0 else ("printed", None)
        yield Line(f"wrong labels, errors correlated {correlation}", f"{theirs:.1%}", told, required, met)
        read = [node for node in run.nodes if node.verdict is not None]
        yields = [sum(node.verdict == says for node in read) / len(read) for says in ("test", "contested")]
        yield Line("  in contested", "", _wrong(run.contested, run.pool)[1])
        yield Line("  of facts read: test; contested", "", f"{yields[0]:.2f}; {yields[1]:.2f}")
        yield Line("  correlation of the errors as drawn", "", f"{_correlation(run.pool):.2f}")


def repeats(seeds: Sequence[Seed], ours: Sequence[Ours], many: Ours) -> Iterator[Line]:
    """Rows that are asked nearly so in another fact."""
    asked = [[question for question, _ in seed.written.pairs] for seed in seeds]
    theirs = statistics.mean(near_share(found, found_in=range(len(found))) for found in asked)
    shares = [near_share([r.question for r in run.test], found_in=[r.fact for r in run.test]) for run in (*ours, many)]
    own = statistics.mean(shares[:-1])
    yield Line(f"near duplicates, ROUGE-L >= {ALIKE}", f"{theirs:.1%}", f"{own:.2%}", "<= .5%", own <= 0.005)
    yield Line(f"  of {len(many.test):,} rows", "", f"{shares[-1]:.2%}")
    again = statistics.mean(_again([made.key for made in _made(seed)]) for seed in seeds)
    told = [_again([run.pool.questions[row.question][0].key for row in run.test[::2]]) for run in (*ours, many)]
    yield Line(
        "  facts asked before, in any words", f"{again:.1%}", f"{statistics.mean(told[:-1]):.1%}; {told[-1]:.1%}"
    )
    written = [
        _again([run.pool.sentences[node.fact["why"]].key for node in run.nodes if node.fact]) for run in (*ours, many)
    ]
    yield Line("  of what was written", "", f"{statistics.mean(written[:-1]):.1%}; {written[-1]:.1%}")


def ranking() -> Iterator[Line]:
    """How often the best candidate has the highest score, by the ranker's bias and the number of orders."""
    ends = np.linspace(-1, 1, RANK_WIDTH)
    biases = {
        "no": 0 * ends,
        "a first-position": RANK_BIAS * (ends == -1),
        "a linear": -RANK_BIAS / 2 * ends,
        "a U-shaped": RANK_BIAS * ends**2,
    }
    for name, bias in biases.items():
        found = {shifts: _found(bias, shifts) for shifts in (1, 2, RANK_WIDTH)}
        told = ", ".join(f"{share:.2f}" for share in found.values())
        yield Line(f"winner found, {name} bias, 1, 2, {RANK_WIDTH} orders", f"{found[1]:.2f}", told)


def _found(bias: Any, shifts: int) -> float:
    draw, hits = np.random.default_rng(0), 0
    for number in range(RANK_ROUNDS):
        worth = draw.normal(size=RANK_WIDTH)
        shown = orders(RANK_WIDTH, shifts=shifts, name=f"round {number}")
        listed = []
        for order in shown:
            logits = worth[order] + bias + draw.normal(scale=RANK_NOISE, size=RANK_WIDTH)
            listed.append(dict(enumerate((logits - np.log(np.exp(logits).sum())).tolist())))
        hits += int(np.argmax(rank_by_logprobs(shown, listed)) == np.argmax(worth))
    return hits / RANK_ROUNDS


def near_share(questions: Sequence[str], *, found_in: Sequence[object]) -> float:
    """The share of questions that are alike to one of another fact: every pair is looked at."""
    return len({place for pair in alike_pairs(questions, found_in) for place in pair[:2]}) / len(questions)


def _correlation(pool: Pool) -> float:
    readings = [f"judge-{name} blind" for name in "abc"] + ["judge-a open book"]
    drawn = [[pool.errs(f"fact {number}", reading) for reading in readings] for number in range(5000)]
    table = np.corrcoef(np.array(drawn, dtype=float).T)
    return float(table[np.triu_indices(len(readings), 1)].mean())


def _chain(run: Ours) -> float:
    """The waits of the longest tree of each wave, one after the other: a round writes, then ranks and reads at once."""
    by_wave: dict[int, float] = {}
    for root in (node for node in run.nodes if node.round == 0):
        rounds: dict[int, list[Any]] = {}
        for node in run.nodes:
            if node.tree == root.tree and node.round > 0:
                rounds.setdefault(node.round, []).append(node)
        wait = sum(
            LATENCY["generator"] + LATENCY["judge"] * any(node.verdict is not None for node in found)
            for found in rounds.values()
        )
        wave = root.parameters["number"]
        by_wave[wave] = max(by_wave.get(wave, 0.0), wait)
    return sum(by_wave.values())


def _wrong(rows: Sequence[Row], pool: Pool) -> tuple[float, str]:
    """The share of facts whose truth is not what is so, and the same in words."""
    facts = {row.fact: pool.questions[row.question][0].wrong for row in rows}
    share = statistics.mean(facts.values()) if facts else 0.0
    return share, f"{share:.2%} ({sum(facts.values())} of {len(facts)} facts)"


def _made(seed: Seed) -> list[Made]:
    return [seed.pool.questions[question][0] for question, _ in seed.written.pairs]


def _again(keys: Sequence[str]) -> float:
    return 1 - len(set(keys)) / len(keys)


def _rounds(run: Ours) -> int:
    return max(node.round for node in run.nodes)


def _waves(run: Ours) -> int:
    return 1 + max(node.parameters["number"] for node in run.nodes if node.round == 0)


def _top(runs: Sequence[Seed] | Sequence[Ours]) -> str:
    return str(max(run.pool.busiest for run in runs))


def _tokens(pools: Sequence[Pool], role: str = "") -> int:
    return sum(pool.sent[name] + pool.said[name] for pool in pools for name in pool.calls if name.startswith(role))


def _calls(pools: Sequence[Pool], role: str = "") -> int:
    return sum(many for pool in pools for name, many in pool.calls.items() if name.startswith(role))


def _spread(values: Iterable[object]) -> str:
    found = sorted(map(str, values), key=float)
    return f"{found[0]} to {found[-1]}" if found[0] != found[-1] else found[0]


def _each(values: Any) -> str:
    return " ".join(f"{value:.1f}" for value in values)
