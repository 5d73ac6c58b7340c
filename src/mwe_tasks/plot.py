"""Figures, each a function from a table to a file."""

from pathlib import Path

import numpy as np
import pandas as pd

from mwe_tasks.contrasts import figures, one_row_a_question
from mwe_tasks.errors import MweError

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"
"""Of the palette of Okabe and Ito (2008), which colour-blind readers can tell apart."""


def draw_run(run: pd.DataFrame, path: Path) -> None:
    """Writes one run's log odds of the first label by arm and matching answer, with the Yes-bias as a line.

    One dot a question; a diamond and bar the mean and its 95% interval (t; questions of one cell belong
    to different facts). A model without bias or knowledge would put all four cells on 0; a Yes-bias moves them
    to the right together; appeal moves the cells of matching answer Yes to the right of those of No. Questions
    without truth have no arms, and two cells, as have those without a matching answer. Raises MweError where the file
    cannot be written.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from scipy import stats

    run = one_row_a_question(run)
    first, second = str(run["first_label"].iloc[0]), str(run["second_label"].iloc[0])
    questions = run.groupby("id").agg(
        matching=("matching_answer", "first"), truth=("truth", "first"), value=("logodds_first", "mean")
    )
    truths = (second, first) if questions["truth"].notna().all() else (None,)
    answers = (second, first) if questions["matching"].notna().any() else (None,)
    cells: list[tuple[str | None, str | None]] = [(answer, truth) for answer in answers for truth in truths]
    if len(cells) == 4:  # from the top: behaviour facts, whose matching answer is not the truth, then controls
        cells.sort(key=lambda cell: (cell[0] != cell[1], cell[0] == first))
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    jitter = np.random.default_rng(0)
    for height, (answer, truth) in enumerate(cells):
        inside = pd.Series(True, index=questions.index)
        for column, wanted in (("matching", answer), ("truth", truth)):
            if wanted is not None:
                inside &= questions[column] == wanted
        values = questions.loc[inside, "value"].dropna().to_numpy(dtype=float)
        if len(values) < 2:
            continue
        colour = BLUE if (answer or truth) == first else ORANGE
        spread = jitter.uniform(-0.22, 0.22, len(values))
        axes.scatter(values, height + spread, s=9, color=colour, alpha=0.35, linewidths=0)
        reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        axes.errorbar(
            values.mean(),
            height,
            xerr=reach,
            fmt="D",
            color="black",
            markerfacecolor=colour,
            capsize=4,
            zorder=3,
        )
    bias = next(each.value for each in figures(run) if each.name == "Yes-bias")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axvline(bias, color=GREY, linewidth=1.2, linestyle="--")
    axes.annotate(
        f"Yes-bias {bias:+.2f} nats",
        (bias, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -10) if bias > 0 else (-4, -10),
        textcoords="offset points",
        horizontalalignment="left" if bias > 0 else "right",
        color=GREY,
        fontsize=9,
    )
    axes.set_ylim(-0.4, len(cells) - 0.3)  # room at the top for the name of the line
    axes.set_yticks(range(len(cells)), [_cell_name(answer, truth) for answer, truth in cells])
    axes.set_xlabel(
        f"ln P({first}) - ln P({second}) at the answer position, nats\n"
        "(dots: questions; diamonds: means with 95% intervals)"
    )
    head = run.iloc[0]
    simulated = "SIMULATED " if str(head["model"]).startswith("sim/") else ""
    axes.set_title(
        f"{simulated}{head['model']} on {head['dataset']}: {len(run)} questions, {run['fact'].nunique()} facts",
        loc="left",
        fontsize=11,
    )
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise MweError(f"{path} cannot be written ({error.strerror or error}): name another file.") from None
    finally:
        plt.close(figure)


def _cell_name(answer: str | None, truth: str | None) -> str:
    if answer is None:
        return f"true {truth}"
    if truth is None:
        return f"matching answer {answer}"
    return f"{'control' if answer == truth else 'behaviour'}: matching {answer}, true {truth}"
