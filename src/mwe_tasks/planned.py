"""Which findings a plan named before anything was scored: the others are explored, and are to be read so."""

from collections.abc import Sequence
from pathlib import Path

from mwe_tasks.errors import MweError
from mwe_tasks.fit import Finding
from mwe_tasks.plan import Plan, read_plan


def mark_planned(findings: Sequence[Finding], path: Path) -> list[Finding]:
    """The findings, each marked whether the plan in this file named it.

    A planned one has the plan's score, axis, dataset and family, all of its models and no other, and logs that bear the
    plan's hash. Raises MweError where the file is no plan, and where no log bears its hash.
    """
    plan, stamp = read_plan(path)
    stamps = {log_stamp for finding in findings for log_stamp in stamps_of(finding)}
    if stamp not in stamps:
        others = ", ".join(sorted(each[:12] for each in stamps if each)) or "none"
        raise MweError(
            f"No log here was scored under {path} (hash {stamp[:12]}; plans of these logs: {others}): name the file "
            "as it was, or leave --plan out."
        )
    return [finding._replace(planned=is_planned(finding, plan, stamp)) for finding in findings]


def is_planned(finding: Finding, plan: Plan, stamp: str) -> bool:
    """Whether a plan with this hash named the finding."""
    lineup = finding.lineup
    models = {run.member.name for run in lineup.runs}
    named = {each.model if each.revision is None else f"{each.model}@{each.revision}" for each in plan.members}
    return (
        finding.score.name in (plan.score, f"truth, {plan.score}")
        and (lineup.dataset, lineup.family.name, lineup.x) == (plan.dataset, plan.family, plan.x)
        and models == named
        and plan.facts == max(run.table["fact"].nunique() for run in lineup.runs)
        and not finding.low_coverage
        and stamps_of(finding) == {stamp}
    )


def stamps_of(finding: Finding) -> set[str | None]:
    """The hashes of the plans that a finding's logs were scored under; None for a log without."""
    found = {run.table["plan"].iloc[0] if "plan" in run.table else None for run in finding.lineup.runs}
    return {each if isinstance(each, str) else None for each in found}
