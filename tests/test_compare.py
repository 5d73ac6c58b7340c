import numpy as np
import pytest
from click.testing import CliRunner
from made_runs import made_family, made_run
from scipy import stats

from mwe_tasks.cli.compare import compare as command
from mwe_tasks.compare import compare, compare_by_size, partners_of, told_apart
from mwe_tasks.errors import MweError
from mwe_tasks.families import Family
from mwe_tasks.lineup import line_up

FACTS = 120


def by_name(differences):
    return {each.difference.name: each for each in differences}


@pytest.fixture(scope="module")
def pair():
    return made_run("base/1", facts=FACTS), made_run("instruct/1", facts=FACTS, appeal=1.0, style="chat")


def test_the_difference_is_that_of_the_means(pair):
    found = by_name(compare(*pair))["appeal"]
    assert found.difference.value == pytest.approx(found.second.value - found.first.value)


def test_its_error_is_that_of_paired_scores(pair):
    one, two = (run.groupby("fact")["logodds_matching"].mean() for run in pair)
    arms = pair[0].groupby("fact")["control"].first()
    change = (two - one).groupby(arms)
    error = np.sqrt(sum(stats.sem(values) ** 2 for _, values in change)) / 2
    found = by_name(compare(*pair))["appeal"].difference
    assert (found.high - found.low) / 2 == pytest.approx(error * stats.t.ppf(0.975, FACTS - 2), rel=0.01)


def test_what_is_alike_in_both_does_not_differ(pair):
    found = by_name(compare(*pair))["knowledge"].difference
    assert found.low < 0 < found.high


def test_each_topic_has_a_difference_of_its_own(pair):
    topics = by_name(compare(*pair))["appeal"].topics
    assert sorted(each.name for each in topics) == [f"topic {number}" for number in range(6)]
    assert sum(each.n for each in topics) == FACTS


def test_what_is_compared_is_said(pair):
    assert told_apart(*pair) == ["model: base/1 against instruct/1", "style: completion against chat"]


@pytest.mark.parametrize(
    ("column", "value"), [("checksum", "f" * 64), ("estimator", "sampled"), ("split", "contested")]
)
def test_runs_that_are_not_of_the_same_questions_and_estimator_are_refused(pair, column, value):
    with pytest.raises(MweError, match="so they do not compare"):
        compare(pair[0], pair[1].assign(**{column: value}))


def test_runs_on_other_questions_are_refused(pair):
    with pytest.raises(MweError, match="score them on the same questions"):
        compare(pair[0], pair[1].iloc[2:])


def paired_families():
    base, instruct = (made_family(name, (1e8, 1e9, 1e10, 1e11)) for name in ("base", "instruct"))
    members = [
        member.model_copy(update={"pair": other.model})
        for member, other in zip(base.members, instruct.members, strict=True)
    ]
    return Family(name="base", members=tuple(members)), instruct


def test_a_difference_that_grows_with_size_is_found_over_a_familys_pairs():
    base, instruct = paired_families()
    runs = [made_run(member.name, facts=FACTS) for member in base.members]
    others = [made_run(m.name, facts=FACTS, appeal=place / 2, style="chat") for place, m in enumerate(instruct.members)]
    (lineup,) = line_up(runs, [base], "params")
    found = {each.name: each for each in compare_by_size(lineup, partners_of(lineup, others))}
    assert found["appeal"].verdict.checkpoints.word == "standard"
    assert found["knowledge"].verdict.checkpoints.word not in ("standard", "inverse")
    assert [point.value for point in found["appeal"].points] == pytest.approx([0, 0.5, 1, 1.5], abs=0.3)


def test_a_model_without_a_partner_is_named():
    base, _ = paired_families()
    (lineup,) = line_up([made_run(member.name, facts=12) for member in base.members], [base], "params")
    with pytest.raises(MweError, match="there is no log of instruct/1 or base/1"):
        partners_of(lineup, [])


def test_a_log_that_is_not_there_is_one_sentence(tmp_path):
    result = CliRunner().invoke(command, [str(tmp_path / "none.eval"), str(tmp_path / "neither.eval")])
    assert result.exit_code == 2
    assert "There is no log" in result.output


def test_by_size_nothing_is_judged_that_a_fit_would_refuse():
    base, instruct = paired_families()
    runs = [made_run(member.name, facts=FACTS) for member in base.members]
    others = [made_run(m.name, facts=FACTS, coverage=0.05) for m in instruct.members]
    (lineup,) = line_up(runs, [base], "params")
    partners = partners_of(lineup, others)
    assert {each.verdict.checkpoints.word for each in compare_by_size(lineup, partners)} == {"refused"}
    assert "refused" not in {
        each.verdict.checkpoints.word
        for each in compare_by_size(lineup, partners, allow_low_coverage=True)
        if each.name in ("appeal", "knowledge")
    }


def test_two_logs_of_one_partner_are_an_error():
    base, instruct = paired_families()
    (lineup,) = line_up([made_run(member.name, facts=12) for member in base.members], [base], "params")
    others = [made_run(member.name, facts=12) for member in instruct.members]
    with pytest.raises(MweError, match="several logs of instruct/1"):
        partners_of(lineup, [*others, others[0]])


def test_one_fact_alone_is_one_sentence(pair):
    with pytest.raises(MweError, match="These logs: one fact alone has appeal"):
        compare(*(run[run["fact"] == "fact 000"] for run in pair))
