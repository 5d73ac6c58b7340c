"""The task that writes a dataset: trees, each a sample, from the first wave to the last."""

from typing import Any

import click
from inspect_ai import Task
from inspect_ai.event import ModelEvent
from inspect_ai.log import transcript
from inspect_ai.model import GenerateConfig, model_roles
from inspect_ai.solver import Generate, Solver, TaskState, solver

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.budget import Ledger
from mwe_tasks.calls import RETRIES, Caller
from mwe_tasks.cells import Cell, plan
from mwe_tasks.estimate import estimate
from mwe_tasks.growing import Growing, rounded
from mwe_tasks.judging import Fact
from mwe_tasks.settings import Settings, find_roles
from mwe_tasks.tree import Node, node_id
from mwe_tasks.waves import Run, Waves
from mwe_tasks.writing_prompts import prompts_hash
from mwe_tasks.writing_scorers import writing_scorers

VERSION = "1-A"


def writing_task(behaviour: Behaviour, settings: Settings) -> Task:
    """The task that writes rows of a behaviour; a dry run prints what it would take, and exits."""
    cells = plan(behaviour, rows=settings.rows, topics=settings.topics)
    if settings.dry_run:
        click.echo(estimate(behaviour, cells, settings, model_roles()))
        raise click.exceptions.Exit(0)
    if model_roles():  # from the command line; a caller of `eval` names them later
        find_roles(behaviour, settings)
    run = Run(behaviour, cells, settings, Ledger(settings.budget_tokens, settings.budget_usd))
    return Task(
        dataset=Waves(run),
        solver=grow(run),
        scorer=writing_scorers(),
        version=VERSION,
        config=GenerateConfig(max_retries=RETRIES),
        metadata={
            "mwe_write": {
                "behaviour": behaviour.name,
                "rows": settings.rows,
                "cells": [cell._asdict() for cell in cells],
                "shifts": settings.shifts,
                "steering": settings.steering,
                "seed": settings.seed,
                "prompts": prompts_hash(behaviour),
            }
        },
    )


@solver
def grow(run: Run) -> Solver:
    """Grows the sample's tree and stores it under `tree`."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        cell = Cell(**state.metadata["cell"])
        tree = str(state.sample_id)
        root = Node(
            id=node_id(tree, 0, 0),
            parent=None,
            tree=tree,
            round=0,
            number=0,
            text=state.input_text,
            parameters={name: state.metadata[name] for name in ("cell", "owed", "place", "number", "wave", "seed")},
        )

        def keep(growing: Growing) -> None:
            state.store.set("tree", as_stored(growing))
            run.progress.show(growing)

        growing = Growing(
            tree=tree,
            behaviour=run.behaviour,
            cell=cell,
            settings=run.settings,
            roles=find_roles(run.behaviour, run.settings),
            caller=Caller(tree, run.ledger, refused=run.refused),
            known=[Fact.model_validate(fact) for fact in state.metadata["known"]],
            nodes=[root],
            allowance=state.metadata["allowance"],
            after_round=keep,
        )
        await growing.grow()
        state.store.set("tree", as_stored(growing))
        events = [event for event in transcript().events if isinstance(event, ModelEvent)]
        retried = sum((event.retries or 0) + ("attempt_timeout" in (event.error or "")) for event in events)
        state.store.set("tried_again", retried)
        return state

    return solve


def as_stored(growing: Growing) -> dict[str, Any]:
    """A tree as it stands in the sample's store: its nodes, of which the root tells how it fared, and why it ended."""
    root, *others = growing.nodes
    fared = {
        "ended": growing.ended,
        "used": {"calls": growing.caller.calls, "tokens": growing.caller.tokens, "usd": rounded(growing.caller.usd)},
        "known_wrong": {"mixed in": growing.mixed_in, "caught": growing.caught},
        "faults": dict(sorted(growing.caller.faults.items())),
    }
    nodes = [root.model_copy(update={"parameters": {**root.parameters, **fared}}), *others]
    return {"nodes": [node.model_dump() for node in nodes], "ended": growing.ended}
