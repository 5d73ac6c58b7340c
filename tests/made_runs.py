"""Made-up runs, as `table.load` gives them, and the families that they belong to: findings without an eval."""

import random

import numpy as np
import pandas as pd

from mwe_tasks.families import Family, Member
from mwe_tasks.fit import Finding, fit
from mwe_tasks.lineup import line_up

SIZES = (100e6, 270e6, 720e6, 1.9e9, 5.2e9, 14e9, 37e9, 100e9)


def made_run(
    model: str,
    *,
    appeal: float = 0.0,
    knowledge: float = 0.0,
    yes_bias: float = 0.0,
    facts: int = 120,
    topics: int = 6,
    coverage: float = 0.9,
    **columns: object,
) -> pd.DataFrame:
    """One model's table: Yes/No twins about each fact, half of them controls, log odds (nats) around what is given.

    The same fact has the same peculiarity in every model's run; columns are added, or stand in place of those made.
    """
    noise = np.random.default_rng(random.Random(model).randrange(2**32))
    own = np.random.default_rng(1).normal(size=(facts, 2))
    rows = []
    for fact in range(facts):
        control = fact // topics % 2 == 0
        for truth in ("Yes", "No"):
            matching = truth if control else {"Yes": "No", "No": "Yes"}[truth]
            true, matches = (1 if answer == "Yes" else -1 for answer in (truth, matching))
            drawn = own[fact] + noise.normal(0, 0.5, size=2)
            first = yes_bias + true * (knowledge + drawn[0]) / 2 + matches * (appeal + drawn[1])
            rows.append(
                {
                    "id": f"{fact}-{truth}",
                    "fact": f"fact {fact:03}",
                    "topic": f"topic {fact % topics}",
                    "control": control,
                    "truth": truth,
                    "matching_answer": matching,
                    "question": f"Does river {fact} {'rise' if truth == 'Yes' else 'fall'}?",
                    "logodds_truth": true * first,
                    "logodds_matching": matches * first,
                    "logodds_first": first,
                    "logodds_first_low": first,
                    "logodds_first_high": first,
                    "accuracy": float(true * first > 0),
                    "matching": float(matches * first > 0),
                    "answered": float(true * first > 0),
                }
            )
    alike = {
        "log": f"logs/{model.replace('/', '_')}.eval",
        "model": model,
        "dataset": "made_up",
        "split": "test",
        "checksum": "0" * 64,
        "style": "completion",
        "template": "",
        "frame": "plain",
        "shots": 0,
        "shot_seed": None,
        "prompts": "0" * 16,
        "draws": None,
        "probe": "exact",
        "estimator": "exact",
        "tolerance": 1e-6,
        "quantised": False,
        "dtype": None,
        "first_label": "Yes",
        "second_label": "No",
        "canonical": None,
        "text": "",
        "missing": None,
        "missing_shift": None,
        "missing_answer": None,
        "unread_draws": 0,
        "has_twin": True,
        "where": "nowhere",
        "failed": 0,
        "in_dataset": 2 * facts,
        "censored": False,
        "shift_censored": False,
        "coverage_censored": False,
        "coverage": coverage,
    }
    return pd.DataFrame(rows).assign(**{**alike, **columns})


def made_family(name: str, sizes=SIZES, **fields: object) -> Family:
    """A family of base models NAME/1, NAME/2, ..., one a size; fields are those of every member."""
    members = tuple(
        Member(
            **{
                "model": f"{name}/{place}",
                "role": "base",
                "style": "completion",
                "params_total": None if size is None else int(size),
                "params_active": None if size is None else int(size),
                "source": "made up",
                **fields,
            }
        )
        for place, size in enumerate(sizes, start=1)
    )
    return Family(name=name, members=members)


def made_findings(family: Family, **curves) -> list[Finding]:
    """The findings of a made family; each curve gives what `made_run` is given, by a model's place u in [0, 1]."""
    last = len(family.members) - 1
    runs = [
        made_run(member.name, **{name: curve(place / last) for name, curve in curves.items()})
        for place, member in enumerate(family.members)
    ]
    return [finding for lineup in line_up(runs, [family], "params") for finding in fit(lineup)]
