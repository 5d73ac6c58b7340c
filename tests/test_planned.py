import hashlib
from datetime import date

import pytest
from made_runs import made_family, made_run

from mwe_tasks.errors import MweError
from mwe_tasks.fit import fit
from mwe_tasks.lineup import line_up
from mwe_tasks.plan import Plan, PlannedMember, as_toml
from mwe_tasks.planned import mark_planned

FAMILY = made_family("made", (1e8, 1e9, 1e10))


@pytest.fixture
def plan(tmp_path):
    """Writes a plan with other values than usual, and gives its file."""

    def write(**values):
        members = values.pop("members", [member.name for member in FAMILY.members])
        usual = {
            "dataset": "made_up",
            "checksum": "0" * 64,
            "family": "made",
            "score": "appeal",
            "orientation": "more of the behaviour",
            "facts": 12,
            "questions": 24,
            "levels": ("checkpoints", "family"),
            "alpha": 0.05,
            "x": "params",
            "created": date(2026, 11, 1),
            "members": tuple(PlannedMember(model=name) for name in members),
        }
        path = tmp_path / "plan.toml"
        path.write_text(as_toml(Plan(**usual | values)), encoding="utf-8")
        return path

    return write


def marked(path, *, stamp=None):
    stamp = stamp or hashlib.sha256(path.read_bytes()).hexdigest()
    (lineup,) = line_up([made_run(m.name, facts=12, plan=stamp) for m in FAMILY.members], [FAMILY], "params")
    return {finding.score.name for finding in mark_planned(fit(lineup), path) if finding.planned}


def test_only_the_score_that_a_plan_names_is_planned(plan):
    assert marked(plan()) == {"appeal"}


def test_an_arm_may_be_planned(plan):
    assert marked(plan(score="behaviour arm", orientation="up is better")) == {"truth, behaviour arm"}


@pytest.mark.parametrize(
    "values", [{"x": "compute"}, {"family": "other"}, {"dataset": "other"}, {"members": ["made/1", "made/2"]}]
)
def test_another_axis_family_dataset_or_set_of_models_is_explored(plan, values):
    assert marked(plan(**values)) == set()


def test_a_plan_that_no_log_was_scored_under_is_refused(plan):
    with pytest.raises(MweError, match="No log here was scored under"):
        marked(plan(), stamp="a" * 64)
