"""What can be said about a dataset before any model sees it: figures, and what is wrong with it.

A check that a dataset has nothing for (no twins, no truth, no topics) is skipped, and the report says so.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from mwe_tasks import meaning
from mwe_tasks.dedup import NEAR, Pair, contradicts, exact_duplicates, near_duplicates, words
from mwe_tasks.findings import Fault, Figure, Finding, Report, Skipped, Warned
from mwe_tasks.form import negations_between
from mwe_tasks.likeness import (
    SAME_MEANING,
    Alike,
    TooMany,
    alike_pairs,
    distinct_2,
    drawn,
    same_pairs,
    self_bleu,
    vendi,
)
from mwe_tasks.readers import Dataset
from mwe_tasks.rows import Row, faults_between
from mwe_tasks.steering import ALIKE
from mwe_tasks.surface import guess

AUC_MARGIN = 0.10
"""How far from .5 the words may tell truth, or control from behaviour, before it is an error; where chance
strays further on these very questions, as few of them let it, as far as that."""

AUC_AIMS = {"truth": 0.05, "control": 0.10}
"""How near to .5 a dataset aims to be: a figure further off is told as missed, and is no error yet."""

MOST_ALIKE = 0.005
"""Share of rows alike to one of another fact, from which it is said."""
ALL_PAIRS = 5_000
"""Rows of which all pairs that are alike are listed, however many."""
MOST_PAIRS, FEW = 1_000_000, 1_000
"""Of more rows, where more pairs are alike than the first, only so many as the second are compared."""
MOST_GUESSED = 20_000
"""Facts whose kinds are guessed from words and meanings."""


def check(dataset: Dataset) -> Report:
    """What every check finds in a dataset; one without errors is fit to be published."""
    found = [finding for one in CHECKS for finding in one(dataset)]
    return Report(
        name=dataset.name,
        split=dataset.split,
        checksum=dataset.checksum,
        figures=tuple(each for each in found if isinstance(each, Figure)),
        errors=tuple(each for each in found if isinstance(each, Fault)),
        warnings=tuple(each for each in found if isinstance(each, Warned)),
        skipped=tuple(each for each in found if isinstance(each, Skipped)),
    )


def check_schema(dataset: Dataset) -> Iterator[Finding]:
    """The numbers of rows, facts and topics, and the rules between rows."""
    rows = dataset.rows
    yield Figure("rows", len(rows), f"labels {dataset.labels[0]!r} and {dataset.labels[1]!r}")
    yield Figure("facts", len({row.fact for row in rows}), "the unit of n")
    yield Figure("topics", len({row.topic for row in rows} - {""}))
    if faults := faults_between(rows, [f"row {row.id}" for row in rows]):
        yield Fault("Rows that do not fit together", tuple(faults))
    if dataset.ignored_columns:
        yield Warned("Columns that no row has, and that were not read", tuple(dataset.ignored_columns))
    if bare := [repr(row.question) for row in rows if not row.question.rstrip().endswith("?")]:
        yield Warned('Questions that do not end with "?"', tuple(bare))


def check_twins(dataset: Dataset) -> Iterator[Finding]:
    """Every row has a twin, and none was made from the other by negation."""
    pairs = twins(dataset.rows)
    yield Figure("twins", len(pairs), "pairs")
    if not pairs:
        yield Skipped("twins: no row has a pair_id")
        return
    if alone := [repr(row.question) for row in dataset.rows if row.pair_id is None]:
        yield Fault("Rows without a twin in a dataset of twins", tuple(alone))
    if apart := [f"{one.question!r} and {two.question!r}" for one, two in pairs if one.topic != two.topic]:
        yield Fault("Twins with different topics", tuple(apart))
    negated = [
        f"{word!r} in one of {first.question!r} and {second.question!r}"
        for first, second in pairs
        for word in negations_between(first.question, second.question)
    ]
    if negated:
        yield Fault("Twins made by negation instead of a contrary predicate", tuple(negated))


def check_balance(dataset: Dataset) -> Iterator[Finding]:
    """Behaviour against control facts, overall and in each topic; the first label against the second."""
    first, second = dataset.labels
    matching = Counter(row.matching for row in dataset.rows)
    yield Figure(f"matching answer {first}", matching[first], f"{second}: {matching[second]}")
    known = [row for row in dataset.rows if row.control is not None]
    if not known:
        yield Skipped("balance of truth, and of behaviour against control: no row has a truth")
        return
    if missing := len(dataset.rows) - len(known):
        yield Skipped(f"balance of truth: {missing} rows have no truth and are left out")
    truth = Counter(row.truth for row in known)
    yield Figure(f"truth {first}", truth[first], f"{second}: {truth[second]}")
    # Twins agree on control wherever the rules between rows hold, so the last of them speaks for the fact.
    facts = {row.fact: row for row in known}.values()
    controls = sum(row.control is True for row in facts)
    behaviours = len(facts) - controls
    yield Figure("behaviour facts", behaviours, _length(row for row in known if not row.control))
    yield Figure("control facts", controls, _length(row for row in known if row.control))
    if behaviours != controls:
        yield Fault(f"Behaviour facts ({behaviours}) and control facts ({controls}) differ in number")
    if not any(row.topic for row in facts):
        yield Skipped("balance within topics: no row has a topic")
    elif uneven := _uneven_topics(facts):
        yield Fault("Topics where behaviour and control facts differ by more than one", tuple(uneven))


def check_duplicates(dataset: Dataset) -> Iterator[Finding]:
    """Questions that more than one fact asks, word for word or nearly."""
    exact = exact_duplicates(dataset.rows)
    near = near_duplicates(dataset.rows)
    agreeing = [pair for pair in near if not contradicts(pair)]
    opposed = [pair for pair in (*exact, *near) if contradicts(pair)]
    yield Figure("exact duplicates", len(exact), "pairs of rows of different facts", aim=(0, 0))
    yield Figure("near duplicates", len(near), f"Jaccard index of word bigrams {NEAR} or more", aim=(0, 0))
    yield Figure("contradictions", len(opposed), "duplicates of either kind with opposite truths", aim=(0, 0))
    for pairs, text in (
        (exact, "Facts that ask the same question"),
        (agreeing, "Facts that ask nearly the same question"),
        (opposed, "Facts that ask (nearly) the same question and answer it differently"),
    ):
        if pairs:
            yield Fault(text, tuple(map(_both, pairs)))


def check_likeness(dataset: Dataset) -> Iterator[Finding]:
    """How many facts ask what others ask, by ROUGE-L and by cosine, and how diverse the questions are."""
    rows = dataset.rows
    if not meaning.is_there():
        yield Skipped("likeness and diversity: they take pip install 'mwe-tasks[write]'")
        return
    try:
        alike, same = _searched(rows, most=MOST_PAIRS if len(rows) > ALL_PAIRS else math.inf)
    except TooMany:
        of = f"only the first {FEW:,} of {len(rows):,} rows are compared with each other"
        yield Skipped(f"likeness: {of}, since more than {MOST_PAIRS:,} pairs are alike")
        rows = rows[:FEW]
        alike, same = _searched(rows)
    share = len({place for pair in alike for place in pair[:2]}) / len(rows)
    yield Figure("alike rows", share, f"share with ROUGE-L {ALIKE} or more to one of another fact", (0.0, MOST_ALIKE))
    yield Figure("same meaning", len(same), f"pairs of rows of different facts, cosine over {SAME_MEANING}", (0, 0))
    if share > MOST_ALIKE:
        yield Warned(
            f"Rows alike to one of another fact: {share:.1%}",
            tuple(_both(Pair(rows[i], rows[j], likeness)) for i, j, likeness in alike),
        )
    if same:
        yield Warned(
            "Facts that may ask the same in other words",
            tuple(_both(Pair(rows[i], rows[j], likeness)) for i, j, likeness in same),
        )
    questions = drawn(rows)
    if len(questions) < 2 or math.isnan(distinct_2(questions)):
        yield Skipped("diversity: it takes two facts or more, and questions of two words")
        return
    of = f"of {len(questions)} facts"
    yield Figure("distinct-2", distinct_2(questions), f"{of}; of the seed .56, of the best published data .72")
    yield Figure("self-BLEU", self_bleu(questions), f"{of}, lower is more diverse; the seed .40, the best .23")
    yield Figure("Vendi score", vendi(questions), f"{of}; the seed 48, the best 68")


def check_surface(dataset: Dataset) -> Iterator[Finding]:
    """How well words alone, and meanings alone, tell the truth, control from behaviour, and the matching answer."""
    first = dataset.labels[0]
    names = sorted({row.fact for row in dataset.rows}, key=lambda fact: sha256(f"guess/{fact}".encode()).digest())
    if len(names) > MOST_GUESSED:
        yield Skipped(f"guessing: it is from {MOST_GUESSED:,} of {len(names):,} facts, drawn by a hash of their names")
    guessed = set(names[:MOST_GUESSED])
    rows = [row for row in dataset.rows if row.fact in guessed]
    vectors = meaning.embed([row.question for row in rows]) if meaning.is_there() else None
    kinds: dict[str, Callable[[Row], bool | None]] = {
        "truth": lambda row: None if row.truth is None else row.truth == first,
        "control": lambda row: row.control,
        "matching answer": lambda row: row.matching == first,
    }
    for name, kind in kinds.items():
        known = [place for place, row in enumerate(rows) if kind(row) is not None]
        for way, suffix in (("words", ""), ("embeddings", ", by meaning")):
            if suffix and (vectors is None or not known):
                yield Skipped(f"guessing {name} from embeddings: it takes pip install 'mwe-tasks[write]', and rows")
                continue
            found = guess(
                [rows[place].question for place in known],
                [bool(kind(rows[place])) for place in known],
                [rows[place].fact for place in known],
                strata=[rows[place].control for place in known],
                vectors=vectors[known] if suffix and vectors is not None else None,
            )
            if found is None:
                yield Skipped(f"guessing {name} from {way}: it takes ten facts or more, of both kinds")
                continue
            note = f"from {way}; chance {found.low:.2f} to {found.high:.2f}"
            aim = (0.5 - AUC_AIMS[name], 0.5 + AUC_AIMS[name]) if name in AUC_AIMS else None
            yield Figure(f"AUC of {name}{suffix}", found.auc, note, aim)
            low, high = min(0.5 - AUC_MARGIN, found.low), max(0.5 + AUC_MARGIN, found.high)
            if name != "matching answer" and not low <= found.auc <= high:
                expected = f"expected {low:.3f} to {high:.3f}"
                yield Fault(f"{way.capitalize()} alone tell {name} with an AUC of {found.auc:.3f}: {expected}")


CHECKS: tuple[Callable[[Dataset], Iterable[Finding]], ...] = (
    check_schema,
    check_twins,
    check_balance,
    check_duplicates,
    check_likeness,
    check_surface,
)


def twins(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The two rows of each fact that is asked twice, in the order of the rows."""
    pairs: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.pair_id is not None:
            pairs[row.pair_id].append(row)
    return [(pair[0], pair[1]) for pair in pairs.values() if len(pair) == 2]


def _searched(rows: Sequence[Row], *, most: float = math.inf) -> tuple[list[Alike], list[Alike]]:
    """The pairs of rows that are alike in words, and those with the same meaning; raises TooMany."""
    asked = [row.question for row in rows], [row.fact for row in rows]
    return alike_pairs(*asked, most=most), same_pairs(*asked, most=most)


def _length(rows: Iterable[Row]) -> str:
    """How long the questions of an arm are, in words."""
    lengths = [len(words(row.question)) for row in rows]
    return f"{sum(lengths) / len(lengths):.1f} words a question" if lengths else ""


def _uneven_topics(facts: Iterable[Row]) -> list[str]:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in facts:
        counts[row.topic][bool(row.control)] += 1
    return [
        f"{topic!r}: {count[False]} against {count[True]}"
        for topic, count in sorted(counts.items())
        if abs(count[False] - count[True]) > 1
    ]


def _both(pair: Pair) -> str:
    return f"{pair.first.question!r} and {pair.second.question!r} ({pair.similarity:.2f})"
