"""The page of a fit, in a browser: what it says and shows, how it answers, that nothing given runs; and table.tex."""

import json
import re

import numpy as np
import pytest
from made_runs import made_family, made_findings, made_run
from scipy import stats
from test_tree_page import ATTACKS

from mwe_tasks.curve_fits import fit_forms
from mwe_tasks.fit import fit
from mwe_tasks.forms import find_form
from mwe_tasks.latex import escaped, latex
from mwe_tasks.lineup import line_up
from mwe_tasks.report import name_of_log
from mwe_tasks.report_page import data_of, report_page, verdicts
from mwe_tasks.report_tables import coverage_change, detectable_table
from mwe_tasks.reporting import write_report
from mwe_tasks.results import figures_of
from mwe_tasks.trend_figure import caption, draw_findings, tick, wrapped
from mwe_tasks.wording import detectable, lead, size_text

COMMAND = "mwe fit logs --out report"
FEW = (1e8, 1e9, 1e10)


def page_of(findings):
    return report_page(findings, figures_of(findings), COMMAND)


def data(findings):
    return json.loads(data_of(findings, figures_of(findings), COMMAND))


def findings_of(tables, family, x="params"):
    return [finding for lineup in line_up(tables, [family], x) for finding in fit(lineup)]


@pytest.fixture(scope="module")
def two():
    """A family of eight base models whose appeal rises, and one of four instruct models of other sizes."""
    rising = made_findings(made_family("rising"), appeal=lambda u: 2 * u)
    four = made_family("four", sizes=(2e8, 1e9, 8e9, 70e9), role="instruct", estimated=True, reason="recalled")
    return rising + made_findings(four, knowledge=lambda u: 1.0)


@pytest.fixture(scope="module")
def text(two):
    return page_of(two)


@pytest.fixture
def page(open_page, text):
    made = open_page(text)
    made.wait_for_selector("svg .point")
    return made


def panel(page, title):
    return page.locator(f'.panel[data-title="{title}"]')


# What it says


def test_it_begins_with_a_sentence_for_each_headline_finding(page, two):
    said = [lead(finding) for finding in two if finding.score.name in ("appeal", "knowledge")]
    assert page.locator("#said .lead").all_text_contents() == said
    assert page.locator("#said .lead").first.is_visible()


def test_the_arms_are_folded_below_the_headlines(page, two):
    arms = [lead(finding) for finding in two if "arm" in finding.score.name]
    assert page.locator("#said-arms .lead").all_text_contents() == arms
    assert not page.locator("#said-arms .lead").first.is_visible()


def test_a_family_that_gets_no_verdict_is_said_to_with_the_reason(page):
    shown = page.locator("#said li", has_text="four on made_up (explored): over these 4 models knowledge").inner_text()
    assert "4 sizes cannot tell a trend of the family" in shown
    assert "Family: no verdict." in shown


def test_the_verdicts_with_each_size_left_out_are_there(page):
    page.locator("#verdicts > summary").click()
    shown = page.locator("#verdicts").inner_text()
    assert "any one of the 8\tstandard\tstandard" in shown


def test_the_smallest_change_found_is_that_of_80_percent_power(two):
    scored = two[0].log_odds
    x = np.log10(scored.verdict.sizes)
    error = scored.verdict.checkpoints.error * (x[-1] - x[0])
    change = float(detectable(scored).removesuffix(" nats"))
    assert stats.norm.sf(stats.norm.ppf(0.975) - change / error) == pytest.approx(0.8, abs=0.02)


def test_the_errors_by_fact_and_by_topic_stand_beside_what_would_be_found(two):
    finding = two[0]
    x = np.log10(finding.log_odds.verdict.sizes)
    row = next(row for row in detectable_table(two).rows if row[2] == "appeal")
    slopes = finding.log_odds.matrix.balanced @ (x - x.mean()) / np.sum((x - x.mean()) ** 2) * (x[-1] - x[0])
    topics = np.array(finding.log_odds.matrix.topics)
    sums = [(slopes - slopes.mean())[topics == topic].sum() for topic in set(topics)]
    by_topic = np.sqrt(len(sums) / (len(sums) - 1) * np.sum(np.square(sums))) / len(slopes)
    assert row[6:] == (f"{slopes.std(ddof=1) / np.sqrt(len(slopes)):.3f}", f"{by_topic:.3f}")


def test_how_coverage_changes_with_size_is_told(two):
    family = made_family("covered", FEW)
    tables = [made_run(m.name, coverage=0.5 + 0.1 * place) for place, m in enumerate(family.members)]
    (lineup,) = line_up(tables, [family], "params")
    assert coverage_change(lineup).startswith("Coverage changes by 0.100 [")


def test_figures_of_an_earlier_report_do_not_stay(two, tmp_path):
    (tmp_path / "figure-other.png").write_bytes(b"old")
    (tmp_path / "figure-notes.txt").write_bytes(b"mine")
    write_report(two, tmp_path, command=COMMAND)
    assert not (tmp_path / "figure-other.png").exists()
    assert (tmp_path / "figure-notes.txt").exists()


def test_facts_that_changed_most_stand_with_their_questions(page, two):
    page.locator("#changed > summary").click()
    page.locator("#changed details summary", has_text="rising on made_up: appeal").click()
    table = page.locator("#changed details").first
    assert table.locator("tbody tr").count() == 20
    first = table.locator("tbody tr").first.inner_text()
    assert re.search(r"Does river \d+ rise\? truth Yes, matching answer (Yes|No)", first)
    slopes = [float(cell) for cell in table.locator("tbody th").all_text_contents()]
    assert slopes == sorted(slopes, reverse=True)


def test_the_forest_has_every_topic_and_says_that_its_intervals_are_not_adjusted(page):
    page.locator("#forests > summary").click()
    page.locator("#forests details summary").first.click()
    page.wait_for_selector("#forests svg .point")
    labels = page.locator("#forests svg .point").evaluate_all(
        "(all) => all.map((each) => each.getAttribute('aria-label'))"
    )
    assert sorted(label.partition(":")[0] for label in labels) == [f"topic {number}" for number in range(6)]
    assert "not adjusted for the number of topics" in page.locator("#forests").inner_text()


def test_without_sizes_no_slope_stands_on_the_page():
    family = made_family("unknown", sizes=(None,) * 3)
    findings = findings_of([made_run(member.name) for member in family.members], family)
    found = data(findings)
    assert (found["forests"], found["changed"]) == ([], [])
    assert "a decade" not in json.dumps([found["charts"], found["verdicts"]["rows"], found["findings"]])
    assert {row[4] for row in detectable_table(findings).rows} == {"-"}


def test_many_slopes_and_curves_stand_beside_the_verdicts(open_page, two):
    curves = fit_forms(two, [find_form("log-linear")])
    page = open_page(report_page(two, figures_of(two), COMMAND, curves))
    page.locator("#verdicts > summary").click()
    many, fitted = (page.get_by_role("region", name=name, exact=True) for name in ("Among many", "Curves"))
    assert many.locator("tbody tr").count() == sum(
        scored.verdict.checkpoints.word != "refused" for finding in two for scored in finding.pair
    )
    assert many.locator("tbody tr", has_text="not selected").count() > 0
    assert fitted.locator("tbody tr").count() == len(curves)


def test_every_row_of_verdicts_has_as_many_cells_as_its_head(two):
    table = verdicts(two)
    assert {len(row) for row in table.rows} == {len(table.head)}
    assert len(table.rows) == 2 * 2 * len(two)


@pytest.mark.parametrize("number", [2, 3])
def test_a_page_of_few_models_says_that_there_is_no_verdict_of_the_family(number):
    found = data(made_findings(made_family("few", sizes=FEW[:number])))
    assert {each["family"].partition(".")[0] for each in found["findings"]} == {"no verdict"}
    assert len(found["charts"][0]["panels"][0]["curves"][0]["points"]) == number


def test_questions_without_a_truth_have_a_page_without_what_needs_one():
    family = made_family("opinions", sizes=FEW)
    runs = [made_run(member.name, truth=None, control=None) for member in family.members]
    found = data(findings_of([run.drop(columns=["logodds_truth", "accuracy", "answered"]) for run in runs], family))
    assert [each["name"] for each in found["scores"]] == ["appeal"]
    assert ["AUC", "-"] in found["charts"][0]["panels"][0]["curves"][0]["points"][0]["told"]
    assert found["changed"][0]["rows"][0]["questions"][0]["truth"] is None


# The figure


def test_each_headline_score_and_its_partner_have_a_panel(page):
    shown = page.locator(".panel:visible h3").all_text_contents()
    assert shown == ["appeal", "matching share", "knowledge", "pair accuracy"]


def test_a_line_with_its_band_is_drawn_only_where_a_straight_line_is_claimed(open_page):
    valley = made_findings(made_family("valley"), appeal=lambda u: 4 * abs(u - 0.5))
    rise = made_findings(made_family("rise"), appeal=lambda u: 4 * u)
    assert (valley[0].family.word, rise[0].family.word) == ("U", "standard")
    for findings, drawn in ((valley, (0, 1)), (rise, (1, 0))):
        appeal = panel(open_page(page_of(findings)), "appeal")
        appeal.locator(".point").first.wait_for()
        assert (appeal.locator(".band").count(), appeal.locator(".guide").count()) == drawn


def test_nothing_is_drawn_past_the_sizes_of_a_family(page):
    widths = """(svg) => {
        const marks = [...svg.querySelectorAll(".point path:last-child")].map((each) => each.getBBox());
        const band = svg.querySelector(".band").getBBox();
        const middles = marks.slice(0, 8).map((each) => each.x + each.width / 2);
        return [band.x - Math.min(...middles), band.x + band.width - Math.max(...middles)];
    }"""
    assert panel(page, "appeal").locator("svg[role=group]").evaluate(widths) == pytest.approx([0, 0], abs=0.1)


def test_base_models_are_filled_and_instruct_models_are_open(page):
    marks = panel(page, "appeal").locator(".point > path:last-child")
    fills = marks.evaluate_all("(all) => all.map((each) => each.classList.contains('open'))")
    assert fills == [False] * 8 + [True] * 4


def test_ticks_have_the_models_names_and_flag_estimates(page):
    names = panel(page, "appeal").locator("svg text.name").all_text_contents()
    assert {"1", "8"} <= set(names)
    assert [name for name in names if name.endswith("*")]


def test_sizes_that_are_not_known_stand_in_order(open_page):
    family = made_family("unknown", sizes=(None,) * 3)
    page = open_page(page_of(findings_of([made_run(member.name) for member in family.members], family)))
    panel(page, "appeal").locator(".point").first.wait_for()
    assert "order of size, which is not known" in panel(page, "appeal").inner_text()


# How it answers


def test_pointing_at_a_point_shows_its_numbers(page, two):
    panel(page, "appeal").locator(".point").nth(7).hover()
    shown = page.locator("#tip").inner_text()
    point = two[0].log_odds.points[7]
    expected = [
        "rising/8",
        "100B parameters",
        f"{point.value:.3f} nats",
        f"{point.low:.3f} to {point.high:.3f}",
        "120",
        "Yes-bias",
        "AUC",
        "0.900",
        "censored",
    ]
    assert [each for each in expected if each not in shown] == []


def test_an_estimated_size_is_told_as_one(page):
    panel(page, "knowledge").locator(".point").last.hover()
    assert "70B parameters (an estimate)" in page.locator("#tip").inner_text()


def test_a_point_under_another_is_told_with_it(open_page):
    findings = made_findings(made_family("one", sizes=FEW), appeal=lambda u: u)
    twin = findings_of(
        [run.table.assign(model=f"two/{i}") for i, run in enumerate(findings[0].lineup.runs, 1)],
        made_family("two", sizes=FEW),
    )
    page = open_page(page_of(findings + twin))
    panel(page, "appeal").locator(".point").last.hover()
    assert page.locator("#tip strong").all_text_contents() == ["one/3", "two/3"]


def test_the_keyboard_reaches_a_point_and_its_neighbours(page):
    first = panel(page, "appeal").locator(".point").first
    page.locator("#scores input").last.focus()
    page.keyboard.press("Tab")
    assert first.evaluate("(each) => each === document.activeElement")
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip strong").text_content() == "rising/2"
    page.keyboard.press("ArrowDown")
    assert page.locator("#tip strong").text_content() == "four/2"
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()


def test_a_point_has_its_numbers_for_those_who_do_not_see_it(page):
    label = panel(page, "matching share").locator(".point").first.get_attribute("aria-label")
    assert re.match(
        r"rising/1: size 100M parameters, matching share 0\.\d{3}, 95% interval 0\.\d{3} to 0\.\d{3}", label
    )


def test_a_family_that_is_switched_off_is_drawn_in_no_panel(page):
    page.locator("#families input").first.uncheck()
    assert panel(page, "appeal").locator(".point").count() == 4
    assert "rising" not in page.locator("#charts .claims:visible").first.inner_text()
    page.locator("#families input").first.check()
    assert panel(page, "appeal").locator(".point").count() == 12


def test_a_score_that_is_switched_on_shows_its_two_panels(page):
    page.locator("#scores").get_by_label("truth, behaviour arm").check()
    page.locator("#scores").get_by_label("appeal").uncheck()
    shown = page.locator(".panel:visible h3").all_text_contents()
    arm = ["truth, behaviour arm", "pair accuracy, behaviour arm"]
    assert shown == ["knowledge", "pair accuracy", *arm]
    panel(page, arm[0]).locator(".point").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_never_scrolls_sideways(open_page, text, scheme):
    page = open_page(text, width=390, color_scheme=scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.wait_for_selector("#forests svg .point")
    page.locator("#charts .point").nth(7).hover()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = page.locator("#tip").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_a_dark_window_gets_a_dark_page(open_page, text):
    page = open_page(text, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"


# What it was given is shown and never run


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_in_any_text_is_shown_as_text_and_never_run(open_page, attack):
    family = made_family(attack, sizes=FEW)
    topics = [attack, attack, f"{attack} 2", f"{attack} 2"] * 60  # two questions a fact
    fields = {"question": attack, "topic": topics, "dataset": attack, "log": attack}
    findings = findings_of([made_run(member.name, **fields) for member in family.members], family)
    page = open_page(page_of(findings))
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.wait_for_selector("#forests svg .point")
    page.locator("#charts .point").first.hover()
    assert page.locator("#said .lead").first.text_content().startswith(f"{attack} on {attack} (explored): ")
    assert page.locator("#changed td.long p").first.text_content().startswith(attack)
    assert page.locator("#tip strong").text_content() == f"{attack}/1"
    assert page.locator("img, main script").count() == 0
    assert page.title() == "How answers change with size"


def test_no_request_leaves_the_page(page):
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.locator("#charts .point").first.hover()
    assert len(page.asked) == 1
    assert page.asked[0].startswith("file://")


def test_the_same_findings_give_the_same_bytes(two, text):
    assert page_of(two) == text


# On the disk


def test_a_fit_writes_the_page_and_the_table(two, tmp_path, text):
    written = write_report(two, tmp_path, command=COMMAND)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == text
    assert (tmp_path / "table.tex").read_text(encoding="utf-8") == latex(two)
    assert {"report.html", "table.tex"} <= written.keys()


def test_a_latex_table_holds_verdicts_and_scores_with_the_rules_of_booktabs(two):
    made = latex(two)
    slope = two[0].log_odds.verdict.checkpoints.slope
    point = two[0].log_odds.points[0]
    assert made.count("\\toprule") == made.count("\\midrule") == made.count("\\bottomrule") == 2
    assert f"rising & made\\_up & appeal, nats & $120$ & standard & ${slope:+.3f}\\," in made
    assert f"made\\_up & appeal & rising/1 & 100M & ${point.value:.3f}\\,[" in made
    assert "70B*" in made


def test_tables_and_page_say_that_models_are_simulated():
    simulated = made_findings(made_family("sim", sizes=FEW))
    assert latex(simulated).count("\\caption{SIMULATED. ") == 2
    assert data(simulated)["charts"][0]["title"].startswith("SIMULATED sim on ")


def test_a_latex_table_ends_each_verdict_with_what_both_scores_claim(two):
    lines = [line for line in latex(two).splitlines() if line.startswith(("rising &", "four &"))]
    assert [line.removesuffix(" \\\\").rpartition(" & ")[2] for line in lines] == [
        finding.deciding.word for finding in two for _ in finding.pair
    ]


def test_a_mark_of_the_figure_has_its_size_where_the_name_does_not_tell_it(two):
    lineups = [finding.lineup for finding in two if finding.score.name == "appeal"]
    assert [tick(lineup.runs[0], lineup) for lineup in lineups] == ["1 (100M)", "1 (200M)*"]


def test_no_line_of_the_caption_is_wider_than_the_figure(two):
    assert max(map(len, wrapped(caption(two)).splitlines())) <= 170 < len(caption(two))


def test_facts_whose_text_was_not_imported_are_shown_by_their_number(open_page):
    family = made_family("short", FEW)
    bare = {"question": None, "matching_answer": None, "logodds_matching": float("nan")}
    found = findings_of([made_run(member.name, **bare) for member in family.members], family)
    page = open_page(page_of(found))
    page.locator("#changed > summary").click()
    page.locator("#changed details summary").first.click()
    told = page.locator("#changed tbody tr").first.inner_text()
    assert re.search(r"question \d+-(Yes|No) truth (Yes|No)\s", told)
    assert "None" not in told


def test_a_log_from_elsewhere_is_told_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logs = ("logs/a.eval", str(tmp_path / "logs" / "a.eval"), "/elsewhere/a.eval")
    assert [name_of_log(log) for log in logs] == ["logs/a.eval", "logs/a.eval", "a.eval"]


def test_a_figure_has_the_same_bytes_each_time(two, tmp_path):
    one, other = (draw_findings(two[:2], tmp_path / name, "figure") for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_every_line_of_a_latex_table_has_as_many_cells(two):
    for table in latex(two).split("\\toprule")[1:]:
        lines = table.partition("\\bottomrule")[0].replace("\\midrule", "").strip().splitlines()
        cells = {len(re.findall(r"(?<!\\)&", line)) for line in lines if line}
        assert len(cells) == 1


def test_no_character_of_a_name_is_a_command_of_latex():
    assert escaped("a_b & 5% #1 {x} $y^2~\\z\n<w>") == (
        "a\\_b \\& 5\\% \\#1 \\{x\\} \\$y\\textasciicircum{}2\\textasciitilde{}\\textbackslash{}z "
        "\\textless{}w\\textgreater{}"
    )


@pytest.mark.parametrize(
    ("value", "x", "said"),
    [
        (1.9e9, "params", "1.9B"),
        (124e6, "params", "124M"),
        (999.9e6, "params", "1B"),
        (3e11, "tokens", "300B"),
        (512, "step", "512"),
        (2.4e21, "compute", "2.4e+21"),
        (None, "params", "unknown"),
    ],
)
def test_sizes_are_told_in_words(value, x, said):
    assert size_text(value, x) == said
