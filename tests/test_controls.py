import pandas as pd
import pytest

from mwe_tasks.controls import CONTROLS, DATASET, Called, run_controls
from mwe_tasks.families import find_family
from mwe_tasks.fit import fit
from mwe_tasks.lineup import line_up
from mwe_tasks.providers.sim import SimAPI
from mwe_tasks.readers import read_rows

LABELS = ("Yes", "No")


def simulated_run(model):
    """A simulated model's table of the whole dataset, as `table.load` gives it, from its formula."""
    api = SimAPI(model.removeprefix("sim/"))
    rows = []
    for row in read_rows(DATASET).rows:
        asked = {"truth": row.truth, "matching": row.matching, "fact": row.fact, "id": row.id, "stance": "plain"}
        first = api.logodds(asked, LABELS)
        rows.append(
            {
                "id": row.id,
                "fact": row.fact,
                "topic": row.topic,
                "control": row.truth == row.matching,
                "truth": row.truth,
                "matching_answer": row.matching,
                "logodds_first": first,
                "logodds_first_low": first,
                "logodds_first_high": first,
                "logodds_truth": first if row.truth == "Yes" else -first,
                "logodds_matching": first if row.matching == "Yes" else -first,
            }
        )
    alike = {"model": model, "dataset": DATASET, "log": model, "first_label": "Yes", "estimator": "exact"}
    more = {"has_twin": True, "failed": 0, "censored": False, "quantised": False, "coverage": 0.98, "missing": None}
    return pd.DataFrame(rows).assign(**alike, **more)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.family)
def test_what_is_planted_is_called_on_the_whole_dataset_and_nothing_else(control):
    family = find_family(control.family)
    (lineup,) = line_up([simulated_run(member.model) for member in family.members], [family], "params")
    words = {finding.score.name: finding.family.word for finding in fit(lineup)}
    called = Called(control, words["appeal"], words["knowledge"])
    assert called.right, called


@pytest.mark.parametrize(
    ("control", "appeal", "knowledge", "right"),
    [
        ("sim-appeal-up", "standard", "depends on the score", True),
        ("sim-appeal-up", "standard", "standard", False),
        ("sim-appeal-up", "inconclusive", "flat", False),
        ("sim-appeal-u", "standard", "flat", False),
        ("sim-flat", "flat", "inconclusive", True),
        ("sim-flat", "refused", "flat", False),
        ("sim-flat", "flat", "inverted-U", False),
    ],
)
def test_right_is_what_was_planted_and_no_claim_beside_it(control, appeal, knowledge, right):
    (planted,) = [each for each in CONTROLS if each.family == control]
    assert Called(planted, appeal, knowledge).right is right


def test_a_control_is_scored_by_the_way_of_every_model_and_of_few_facts_gets_no_verdict(tmp_path):
    (found,) = run_controls(tmp_path, questions=8, controls=CONTROLS[:1])
    assert (found.appeal, found.knowledge, found.right) == ("refused", "refused", False)
    assert len(list((tmp_path / "sim-appeal-up").glob("*.eval"))) == len(find_family("sim-appeal-up").members)
