"""How long verdicts take, from arrays: log odds and accuracy of each dataset, both levels, each size left out.

    python benchmarks/verdict_speed.py [--datasets 154]

Required: one family of 8 sizes on 1,000 questions within 1 s; 154 such datasets within 60 s and 4 GiB (the process's
peak, with all arrays held). The exit status is 1 where one is missed.
"""

import argparse
import resource
import sys
import time

import numpy as np
from question_model import SIZES, Cell, generator, log_odds

from mwe_tasks.headline import Headline, headline
from mwe_tasks.many import among_many
from mwe_tasks.trend import Floats
from mwe_tasks.verdict import KINDS, Verdict, judge

FACTS = 1000
ONE, MANY, MEMORY = 1.0, 60.0, 4.0
"""Seconds, seconds, GiB."""


def both(odds: Floats) -> tuple[Verdict, Verdict, Headline]:
    """The verdicts on accuracy and log odds, shape (n, K), with their headline."""
    accuracy, log = (judge(each, SIZES[8], KINDS[kind]) for each, kind in ((odds > 0, "accuracy"), (odds, "log odds")))
    return accuracy, log, headline(accuracy.family, log.family)


def main() -> int:
    """Prints seconds and memory beside what is required; 1 where that is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--datasets", type=int, default=154)
    options = parser.parse_args()
    cells = [Cell(truth, 0.2, 8, FACTS, 0.02) for truth in ("standard", "flat", "U")]
    every = np.concatenate([log_odds(cell, -(-options.datasets // 3), generator(cell)) for cell in cells])
    every = every[: options.datasets].astype(float)

    started = time.perf_counter()
    both(every[0])
    one = time.perf_counter() - started

    started, used = time.perf_counter(), time.process_time()
    found = [both(odds) for odds in every]
    selected = sum(each.selected for each in among_many([log.family for _, log, _ in found]))
    many, processor = time.perf_counter() - started, time.process_time() - used
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    print(f"one family, 8 sizes x {FACTS} questions, with all that is drawn once: {one:.2f} s (required: {ONE:g} s)")
    print(
        f"{options.datasets} datasets x 8 sizes x {FACTS} questions: {many:.1f} s, of them {processor:.1f} s of this "
        f"processor (required: {MANY:g} s); peak {memory:.2f} GiB (required: {MEMORY:g} GiB)"
    )
    words = [head.word for _, _, head in found]
    print(", ".join(f"{word} {words.count(word)}" for word in sorted(set(words))) + f"; {selected} slopes among many")
    return int(one > ONE or many > MANY or memory > MEMORY)


if __name__ == "__main__":
    sys.exit(main())
