"""The figure of a card: questions by matching answer and arm, and facts by topic and arm."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from mwe_tasks.readers import Dataset

Counts = Mapping[str, Mapping[bool | None, int]]
"""By name of the bar, then by `Row.control`."""

ARMS = {False: ("behaviour", "#D55E00"), True: ("control", "#0072B2"), None: ("no truth", "#555555")}
"""Name and colour of each arm; of the palette of Okabe and Ito (2008), which colour-blind readers can tell apart."""
VERSION = 2
"""Of the drawing: raise it with every change, so that pictures are drawn anew."""
MOST_TOPICS = 60
"""Topics with a bar of their own; the others share one."""


def draw_balance(dataset: Dataset, path: Path) -> bool:
    """Draws a dataset's balance and topics to a PNG file; gives whether it did.

    A picture of the same rows stays as it is: other versions of the drawing library give it other bytes.
    """
    if drawn_of(path) == drawing(dataset):
        return False
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    by_label = sorted(dataset.rows, key=lambda row: dataset.labels.index(row.matching))
    answers = counted((f"matching answer {row.matching}", row.control) for row in by_label)
    facts = {row.fact: row for row in dataset.rows}.values()
    topics = with_others(counted((row.topic, row.control) for row in facts if row.topic))
    panels = [(answers, "questions"), *([(topics, "facts")] if len(topics) > 1 else [])]
    heights = [0.2 * len(counts) + 0.8 for counts, _ in panels]
    figure, axes = plt.subplots(
        len(panels), figsize=(8, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for axis, (counts, unit) in zip(axes[:, 0], panels, strict=True):
        start = dict.fromkeys(counts, 0)
        for arm, (name, colour) in ARMS.items():
            wide = {bar: inside.get(arm, 0) for bar, inside in counts.items()}
            if any(wide.values()):
                axis.barh(
                    range(len(counts)), list(wide.values()), 0.7, left=list(start.values()), color=colour, label=name
                )
            start = {bar: start[bar] + wide[bar] for bar in counts}
        axis.invert_yaxis()
        axis.margins(y=0.01)
        axis.set_xlabel(unit)
        axis.xaxis.set_major_locator(
            MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True)
        )  # nobody counts half a fact
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.set_yticks(range(len(counts)), list(counts), parse_math=False)
        axis.tick_params(axis="y", length=0)
    axes[0, 0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():  # a letter that the font has not is drawn as a box
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(path, dpi=110, metadata={"Description": drawing(dataset), "Software": None})
    plt.close(figure)
    return True


def drawing(dataset: Dataset) -> str:
    """What a picture says of itself: the version of this drawing, and the checksum of the rows."""
    return f"{VERSION} {dataset.checksum}"


def drawn_of(path: Path) -> str | None:
    """What a picture says that it was drawn of; None where there is no such picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.info.get("Description")
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def counted(pairs: Iterable[tuple[str, bool | None]]) -> dict[str, Counter[bool | None]]:
    """How often each name stands with each arm, names in the order in which they come."""
    found: dict[str, Counter[bool | None]] = defaultdict(Counter)
    for name, arm in pairs:
        found[name][arm] += 1
    return dict(found)


def with_others(topics: Mapping[str, Counter[bool | None]]) -> dict[str, Counter[bool | None]]:
    """Topics in alphabetical order, the largest MOST_TOPICS of them by name and the rest as one."""
    largest = sorted(topics, key=lambda topic: (-topics[topic].total(), topic))[:MOST_TOPICS]
    shown = {topic: topics[topic] for topic in sorted(largest)}
    others = sum((topics[topic] for topic in topics if topic not in shown), Counter[bool | None]())
    return shown | ({f"{len(topics) - len(shown)} other topics": others} if others else {})
