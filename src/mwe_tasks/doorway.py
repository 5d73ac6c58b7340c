"""From a Behaviour to its two tasks: the one that scores a model on its dataset, and the one that writes that."""

from collections.abc import Callable

from inspect_ai import Task, task

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.settings import Settings
from mwe_tasks.tasks import MIN_DRAWS, yesno
from mwe_tasks.writing import writing_task


def scored(behaviour: Behaviour) -> Callable[..., Task]:
    """The registered task NAME, which scores a model on the behaviour's dataset."""

    @task(name=behaviour.name)
    def score(
        *,
        split: str = "test",
        style: str | None = None,
        template: int = 0,
        frame: str = "plain",
        shots: int = 0,
        shot_seed: int = 0,
        draws: int = MIN_DRAWS,
    ) -> Task:
        """Scores a model on the behaviour's dataset; the arguments are those of `mwe_tasks/yesno`."""
        return yesno(
            behaviour.name,
            split=split,
            style=style,
            template=template,
            frame=frame,
            shots=shots,
            shot_seed=shot_seed,
            draws=draws,
        )

    return score


def written(behaviour: Behaviour) -> Callable[..., Task]:
    """The registered task write_NAME, which writes the behaviour's dataset with the models of three roles."""

    @task(name=f"write_{behaviour.name}")
    def write(
        *,
        rows: int = 200,
        topics: int | None = None,
        width: int | None = None,
        accept: int | None = None,
        shifts: int = 2,
        steering: str = "ranked",
        seed: int = 0,
        budget_tokens: int | None = None,
        budget_usd: float | None = None,
        dry_run: bool = False,
    ) -> Task:
        """Writes rows of the behaviour's dataset; `mwe build` makes the dataset from the log.

        Roles (--model-role NAME=PROVIDER/MODEL):
            generator: Writes candidates.
            ranker: Says which of a round's candidates fits best; needed unless steering is first or none.
            judge: One or several models, with commas between, that read each new candidate. Where the behaviour
                computes its truth they may be left out, and else say which answer is the matching one.

        Args:
            rows: How many rows to write, a multiple of four.
            topics: How many of the behaviour's topics to use; where unset so many that a cell owes eight facts or more.
            width: How many candidates a round asks for; where unset as many as bring what is owed if half of them
                pass. 5, with accept=1, is the procedure of the work that this began from.
            accept: The most that one round picks, by rank; they alone are read. Where unset all candidates are read
                while they are ranked, and the best of those that pass are picked.
            shifts: In how many orders the ranker sees candidates: 1, 2 (an order and its reverse), or more (cyclic).
            steering: ranked; first (the first candidates, unranked); none (picked by chance).
            seed: Another one writes another dataset.
            budget_tokens: Stops before a call once so many tokens are used.
            budget_usd: Stops before a call once so much money is used, where the models' prices are known.
            dry_run: Prints calls, tokens and, where prices are known, money, and stops.
        """
        settings = Settings(
            rows=rows,
            topics=topics,
            width=width,
            accept=accept,
            shifts=shifts,
            steering=steering,  # type: ignore[arg-type]  # checked there
            seed=seed,
            budget_tokens=budget_tokens,
            budget_usd=budget_usd,
            dry_run=dry_run,
        )
        return writing_task(behaviour, settings)

    return write
