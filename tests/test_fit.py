import json

import pytest
from made_runs import made_family, made_findings, made_run

from mwe_tasks.band import band
from mwe_tasks.by_size import SCORES
from mwe_tasks.caveats import censored_share
from mwe_tasks.errors import MweError
from mwe_tasks.fit import fit
from mwe_tasks.headline import DEPENDS
from mwe_tasks.lineup import line_up
from mwe_tasks.results import facts_of, models_of, records_of, table_of
from mwe_tasks.wording import lead

FACTS = 240
FAMILY = made_family("made")


def findings(family=FAMILY, **options):
    """Findings of runs whose appeal, knowledge and the like are functions of the place u in [0, 1] of a model."""
    planted = {name: value for name, value in options.items() if callable(value)}
    columns = {name: value for name, value in options.items() if not callable(value) and name != "allow_low_coverage"}
    last = len(family.members) - 1
    tables = [
        made_run(
            member.name,
            facts=FACTS,
            **{name: curve(place / last) for name, curve in planted.items()},
            **columns,
        )
        for place, member in enumerate(family.members)
    ]
    (lineup,) = line_up(tables, [family], "params")
    return {
        found.score.name: found for found in fit(lineup, allow_low_coverage=options.get("allow_low_coverage", False))
    }


@pytest.fixture(scope="module")
def rising():
    return findings(appeal=lambda u: 2 * u, knowledge=lambda u: 1.0)


def test_a_planted_rise_of_appeal_is_found_at_both_levels(rising):
    assert (rising["appeal"].checkpoints.word, rising["appeal"].family.word) == ("standard", "standard")


def test_it_is_worded_as_more_of_the_behaviour(rising):
    assert lead(rising["appeal"]).startswith("made on made_up (explored): appeal increases with size (appeal +")


def test_no_change_of_knowledge_is_claimed_where_appeal_alone_rises(rising):
    assert rising["knowledge"].log_odds.verdict.family.word == "flat"
    assert rising["knowledge"].family.word not in ("standard", "inverse", "U", "inverted-U")


def test_the_behaviour_arm_may_be_called_inverse_scaling(rising):
    found = rising["truth, behaviour arm"]
    assert found.family.word == "inverse"
    assert "gets worse with size (inverse scaling)" in lead(found)


def test_confidence_that_grows_at_constant_accuracy_is_no_claim():
    family = made_family("made")
    tables = [made_run(member.name, facts=FACTS, knowledge=1.0) for member in family.members]
    for scale, table in enumerate(tables, start=1):
        for column in ("logodds_truth", "logodds_matching", "logodds_first", "logodds_first_low", "logodds_first_high"):
            table[column] *= scale
    (lineup,) = line_up(tables, [family], "params")
    found = {each.score.name: each for each in fit(lineup)}
    assert found["knowledge"].log_odds.verdict.family.word == "standard"
    assert found["knowledge"].family.word == DEPENDS


def test_of_four_sizes_the_words_name_neither_family_nor_scaling():
    four = made_family("made", (1e8, 1e9, 1e10, 1e11))
    found = findings(four, appeal=lambda u: 2 * u)["truth, behaviour arm"]
    assert (found.checkpoints.word, found.family.word) == ("inverse", "refused")
    said = lead(found).split("Of others like them")[0]
    assert "over these 4 models" in said
    assert "scaling" not in said
    assert "family" not in said


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"coverage": 0.05}, "puts 0.05 of its probability on the two labels, less than 0.1"),
        ({"censored": True}, "100.0% of made/1's log odds are only bounds"),
        ({"estimator": "sampled"}, "Sampled log odds are bounded by the number of draws"),
    ],
)
def test_what_bears_no_verdict_is_refused_and_says_why(columns, said):
    found = findings(made_family("made", (1e8, 1e9, 1e10)), **columns)["knowledge"]
    assert found.log_odds.verdict.checkpoints.word == found.checkpoints.word == "refused"
    assert said in lead(found)


def test_sampled_answers_still_bear_a_verdict_on_the_bounded_score():
    found = findings(made_family("made", (1e8, 1e9, 1e10)), estimator="sampled", knowledge=lambda u: 2 * u)["knowledge"]
    assert found.bounded.verdict.checkpoints.word == "standard"


def test_low_coverage_is_judged_on_demand_and_then_warned_of():
    found = findings(made_family("made", (1e8, 1e9, 1e10)), coverage=0.05, allow_low_coverage=True)["knowledge"]
    assert found.checkpoints.word != "refused"
    assert "made/1 puts 0.05 of its probability on the two labels." in found.warnings


def test_unknown_sizes_have_no_trend():
    found = findings(made_family("made", (1e8, None, 1e10)))["knowledge"]
    assert found.checkpoints.word == found.family.word == "refused"
    assert {record["slope_per_decade"] for record in records_of([found])} == {None}
    assert "decade" not in lead(found)


def test_what_is_known_of_family_and_member_is_a_warning():
    first = FAMILY.members[0].model_copy(update={"note": "another architecture"})
    noted = {"note": "tokens differ by size", "members": (first, *FAMILY.members[1:])}
    found = findings(FAMILY.model_copy(update=noted))["appeal"]
    assert {"Of the family: tokens differ by size.", "Of made/1: another architecture."} <= set(found.warnings)


def test_one_model_is_no_change_with_size():
    (lineup,) = line_up([made_run("made/1", facts=12)], [FAMILY], "params")
    with pytest.raises(MweError, match="there is a log of made/1 alone"):
        fit(lineup)


@pytest.mark.parametrize(("kept", "said"), [([], "no fact has"), (["fact 000"], "one fact alone has")])
def test_less_than_two_facts_are_one_sentence(kept, said):
    tables = [made_run(f"made/{number}", facts=12) for number in (1, 2, 3)]
    tables[1].loc[~tables[1]["fact"].isin(kept), "logodds_matching"] = float("nan")
    tables[1].loc[tables[1]["fact"] == "fact 001", "logodds_matching"] = 1.0
    tables[2].loc[tables[2]["fact"] == "fact 001", "logodds_matching"] = float("nan")
    (lineup,) = line_up(tables, [FAMILY], "params")
    with pytest.raises(MweError, match=f"{said} appeal at every size"):
        fit(lineup)


def test_a_model_without_one_score_is_named():
    tables = [made_run(f"made/{number}", facts=12) for number in (1, 2, 3)]
    tables[1]["logodds_truth"] = float("nan")
    (lineup,) = line_up(tables, [FAMILY], "params")
    with pytest.raises(MweError, match="not one question of made/2 has knowledge"):
        fit(lineup)


def test_what_was_left_out_is_said():
    tables = [made_run(f"made/{number}", facts=FACTS) for number in (1, 2, 3)]
    tables[1] = tables[1].iloc[4:].assign(failed=4)
    (lineup,) = line_up(tables, [FAMILY], "params")
    said = " ".join(fit(lineup)[0].warnings)
    assert "without a log here: made/4" in said
    assert "ended in an error: made/2 4" in said
    assert "Left out at every size, because some size has no score of them: 2 facts" in said


KEYS = {
    *("model_family", "dataset", "score", "level", "verdict", "slope_per_decade", "interval", "tau_star", "tau1", "n"),
    "warnings",
}
WORDS = {"standard", "inverse", "U", "inverted-U", "flat", "inconclusive", "refused"}


def test_verdicts_keep_their_schema(rising):
    records = json.loads(json.dumps(records_of(list(rising.values())), allow_nan=False))
    assert {frozenset(record) for record in records} == {frozenset(KEYS)}
    assert {record["level"] for record in records} == {"checkpoints", "family"}
    assert {record["verdict"] for record in records} <= WORDS
    assert all(len(record["interval"]) == 2 and record["n"] in (FACTS, FACTS // 2) for record in records)
    names = {name for score in SCORES if score.name in rising for name in (score.name, score.bounded)}
    assert {record["score"] for record in records} == names


def test_two_sizes_give_json_without_infinities():
    found = findings(made_family("made", (1e8, 1e10)))
    json.dumps(records_of(list(found.values())), allow_nan=False)


def test_the_table_has_a_row_a_model_and_score(rising):
    table = table_of(list(rising.values()))
    assert len(table) == 8 * 2 * len(rising)
    appeal = table[table["score"] == "appeal"]
    assert appeal["size"].is_monotonic_increasing
    assert (appeal["low"] < appeal["mean"]).all()


def test_every_fact_of_every_score_is_kept(rising):
    facts = facts_of([rising["appeal"]])
    assert facts.groupby("score").size().to_dict() == {"appeal": FACTS, "matching share": FACTS}
    assert facts.loc[facts["score"] == "appeal", "made/8"].mean() == pytest.approx(
        rising["appeal"].log_odds.verdict.means[-1]
    )


def test_every_figure_of_every_model_is_there(rising):
    found = models_of(rising["appeal"].lineup)
    assert {"AUC", "Yes-bias", "coverage"} <= set(found["figure"])
    assert set(found["model"]) == {member.name for member in FAMILY.members}


def test_made_findings_are_those_of_their_family():
    assert {finding.lineup.family.name for finding in made_findings(made_family("other", (1e8, 1e9)))} == {"other"}


def test_a_small_arm_that_counts_for_half_gets_no_verdict():
    tables = [made_run(f"made/{number}", facts=FACTS) for number in (1, 4, 8)]
    controls = sorted(tables[0].loc[tables[0]["control"], "fact"].unique())[29:]
    (lineup,) = line_up([table[~table["fact"].isin(controls)] for table in tables], [FAMILY], "params")
    found = {each.score.name: each for each in fit(lineup)}
    assert "The smaller arm has 29 facts" in found["knowledge"].checkpoints.refused
    assert found["truth, behaviour arm"].checkpoints.refused is None


def test_labels_that_are_not_listed_count_as_censored():
    tables = [made_run(f"made/{number}", facts=FACTS, estimator="top_logprobs") for number in (1, 4, 8)]
    lost = tables[0]["fact"] < "fact 020"
    tables[0].loc[lost, ["logodds_truth", "logodds_matching", "logodds_first_low", "logodds_first_high"]] = float("nan")
    tables[0].loc[lost, "missing"] = "labels_not_listed"
    (lineup,) = line_up(tables, [FAMILY], "params")
    assert "are only bounds" in fit(lineup)[0].log_odds.verdict.checkpoints.refused


def test_bounds_of_one_arm_are_counted_in_that_arm():
    tables = [made_run(f"made/{number}", facts=FACTS) for number in (1, 4, 8)]
    behaviour = tables[0].loc[~tables[0]["control"], "fact"].unique()
    tables[0]["censored"] = tables[0]["fact"].isin(behaviour[:9])
    (lineup,) = line_up(tables, [FAMILY], "params")
    refused = {each.score.name: each.log_odds.verdict.checkpoints.refused for each in fit(lineup)}
    assert "7.5% of made/1's log odds" in refused["truth, behaviour arm"]
    assert refused["truth, control arm"] is None


def checkpoints_of_one_run():
    steps = (1, 10, 100, 1000, 10_000)
    member = FAMILY.members[0]
    members = tuple(member.model_copy(update={"revision": f"step{step}", "step": step}) for step in steps)
    tables = [made_run("made/1", facts=FACTS, appeal=place, revision=f"step{step}") for place, step in enumerate(steps)]
    return line_up(tables, [FAMILY.model_copy(update={"name": "run", "members": members})], "step")


def test_checkpoints_of_one_training_run_are_no_family_and_change_over_training():
    (lineup,) = checkpoints_of_one_run()
    found = {each.score.name: each for each in fit(lineup)}["truth, behaviour arm"]
    assert (found.checkpoints.word, found.family.word) == ("inverse", "refused")
    assert "gets worse over training" in lead(found)
    assert "inverse scaling" not in lead(found)


def test_low_coverage_that_is_allowed_stands_in_the_sentence():
    found = findings(made_family("made", (1e8, 1e9, 1e10)), coverage=0.05, allow_low_coverage=True)["knowledge"]
    assert lead(found).startswith("COVERAGE UNDER .1 (made/1, made/2, made/3): ")


@pytest.mark.parametrize(
    ("dtypes", "said"),
    [(["bfloat16"] * 8, "All models ran"), (["bfloat16", *["float32"] * 7], "Of these models made/1 alone ran")],
)
def test_log_odds_of_16_bits_are_warned_of(dtypes, said):
    tables = [made_run(m.name, facts=FACTS, dtype=dtype) for m, dtype in zip(FAMILY.members, dtypes, strict=True)]
    (lineup,) = line_up(tables, [FAMILY], "params")
    assert any(warning.startswith(f"{said} in 16 bits") for warning in fit(lineup)[0].warnings)


def test_what_is_not_known_of_a_servers_weights_is_said():
    tables = [made_run(member.name, facts=FACTS, quantised=None) for member in FAMILY.members]
    (lineup,) = line_up(tables, [FAMILY], "params")
    assert any("quantised, and the dtype, of models on a server: made/1" in each for each in fit(lineup)[0].warnings)


def test_a_shift_that_is_not_listed_counts_as_a_bound():
    bare = {"shift": float("nan"), "missing_shift": "labels_not_listed", "shift_censored": False}
    run = line_up([made_run(m.name, facts=12, **bare) for m in FAMILY.members], [FAMILY], "params")[0].runs[0]
    assert censored_share(run, SCORES[-1]) == 1.0


def test_bounds_are_counted_where_nobody_knows_which_facts_are_controls():
    found = findings(control=None, censored=True)["knowledge"]
    assert "100.0% of made/1's log odds are only bounds" in found.log_odds.verdict.checkpoints.refused


def test_an_arm_of_one_fact_is_left_out_and_the_rest_is_judged():
    tables = [made_run(member.name, facts=FACTS) for member in FAMILY.members]
    tables = [table.assign(control=table["fact"] == "fact 000") for table in tables]
    (lineup,) = line_up(tables, [FAMILY], "params")
    assert "truth, control arm" not in {found.score.name for found in fit(lineup)}


def test_no_line_of_a_share_leaves_0_to_1():
    found = findings(knowledge=lambda u: 8 * u)["knowledge"].bounded
    around = band(found.matrix, found.verdict)
    assert (around.low.min(), around.high.max(), around.line.max()) == (pytest.approx(0.5, abs=0.5), 1.0, 1.0)


def test_inverse_scaling_is_not_said_without_a_control_arm():
    tables = [made_run(member.name, facts=FACTS, appeal=place / 3) for place, member in enumerate(FAMILY.members)]
    (lineup,) = line_up([table[~table["control"]] for table in tables], [FAMILY], "params")
    found = {each.score.name: each for each in fit(lineup)}["truth, behaviour arm"]
    assert found.family.word == "inverse"
    assert "inverse scaling" not in lead(found)
