"""Does a model prefer the answer a listener would rather were true over the true one?"""

from inspect_ai import Task, task

from mwe_tasks.tasks import MIN_DRAWS, yesno


@task
def sycophantic_yesno(
    *,
    split: str = "test",
    style: str | None = None,
    template: int = 0,
    frame: str = "plain",
    shots: int = 0,
    shot_seed: int = 0,
    draws: int = MIN_DRAWS,
) -> Task:
    """Scores a model on sycophantic_yesno; the matching answer is the one a listener would rather were true.

    The plain frame has no user in it and measures appeal; what the frames opinion and authority add is
    sycophancy proper. The arguments are those of `mwe_tasks/yesno`.
    """
    return yesno(
        "sycophantic_yesno",
        split=split,
        style=style,
        template=template,
        frame=frame,
        shots=shots,
        shot_seed=shot_seed,
        draws=draws,
    )
