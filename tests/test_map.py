"""The map of a dataset, in a browser: where dots stand, what they show, that nothing given runs; and rows to Atlas."""

import re
import subprocess
import sys

import numpy as np
import pytest
from atlas_server import KEY, AtlasServer
from click.testing import CliRunner
from nomic import cli as nomic_cli
from scipy.spatial.distance import cdist
from test_tree_page import ATTACKS

from mwe_tasks import map_page as module
from mwe_tasks.atlas import name_of
from mwe_tasks.cli import main
from mwe_tasks.map_page import ROOM, SIDE, lay_out, map_page
from mwe_tasks.meaning import embed
from mwe_tasks.readers import Dataset, read_rows
from mwe_tasks.rows import Row, find_labels, row_id

THINGS = ("rivers", "stones", "birds", "phones", "breads", "clouds", "horses", "engines", "taxes", "votes")


def row(question, matching="Yes", truth="Yes", *, other=None, **fields):
    other = other or {"Yes": "No", "No": "Yes"}[matching]
    answers = {"answer_matching_behavior": f" {matching}", "answer_not_matching_behavior": f" {other}"}
    return Row(question=question, truth=truth, **{**answers, **fields})


def twins(thing, *, control=True, **fields):
    """Two questions about one thing, whose answers are opposite."""
    asked = f"Do {thing} rise?", f"Do {thing} fall?"
    pair = min(map(row_id, asked))
    truths = ("Yes", "No") if control else ("No", "Yes")
    return [
        row(question, matching, truth, pair_id=pair, topic=thing, why=f"So it is with {thing}.", **fields)
        for question, matching, truth in zip(asked, ("Yes", "No"), truths, strict=True)
    ]


def dataset(rows, name="made up"):
    return Dataset(tuple(rows), name, "test", "0" * 64, find_labels(rows) if rows else ("Yes", "No"), "nowhere")


def facts(number=10):
    return [each for i, thing in enumerate(THINGS[:number]) for each in twins(thing, control=i % 2 == 0)]


@pytest.fixture
def opened(open_page):
    """A function from rows to the page of them."""

    def opened(rows, name="made up", **options):
        page = open_page(map_page(dataset(rows, name)), **options)
        settled(page)
        return page

    return opened


def settled(page):
    """Waits until what was asked of the page is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def colour_at(page, number):
    """The colour in the middle of a question's dot, as #rrggbb."""
    settled(page)
    return page.evaluate(
        """(number) => {
            const [x, y] = place(rows[number]);
            const [left, top] = [x, y].map((each) => Math.round(each * devicePixelRatio));
            const seen = [...pen.getImageData(left, top, 1, 1).data.slice(0, 3)];
            return "#" + seen.map((each) => each.toString(16).padStart(2, "0")).join("");
        }""",
        number,
    )


def in_window(page, number):
    """Where a question's dot stands in the window."""
    x, y = page.evaluate("(number) => place(rows[number])", number)
    box = page.locator("#map").bounding_box()
    return box["x"] + x, box["y"] + y


def chosen(page):
    return page.locator("#details .asked").text_content()


# Where dots stand


def test_the_same_rows_give_the_same_bytes_in_another_process(tmp_path):
    code = (
        "import sys; from mwe_tasks.map_page import map_page; from mwe_tasks.readers import read_rows; "
        "open(sys.argv[1], 'w', encoding='utf-8').write(map_page(read_rows(sys.argv[2])))"
    )
    some = tmp_path / "some.jsonl"
    some.write_text(
        "".join(each.model_dump_json() + "\n" for each in read_rows("sycophantic_yesno").rows[:100]), "utf-8"
    )
    path = tmp_path / "map.html"
    subprocess.run([sys.executable, "-c", code, str(path), str(some)], check=True, timeout=100)
    assert path.read_text(encoding="utf-8") == map_page(read_rows(some))


def test_questions_alike_in_meaning_stand_near_and_no_dot_hides_another():
    rows = read_rows("sycophantic_yesno").rows
    places = lay_out([each.question for each in rows])
    apart = cdist(places, places)
    np.fill_diagonal(apart, np.inf)
    assert apart.min() > 0.8 * ROOM * SIDE / np.sqrt(len(rows))
    # Every fact's twins are each other's nearest, but for the few pairs that another fact comes between.
    pairs = np.array([each.fact for each in rows])
    assert np.mean(pairs[apart.argmin(axis=1)] == pairs) > 0.95
    meanings = embed([each.question for each in rows])
    nearest = np.argsort(apart, axis=1)[:, :10]
    alike = np.argsort(-(meanings @ meanings.T), axis=1)[:, 1:11]
    kept = [len(set(one) & set(two)) / 10 for one, two in zip(nearest, alike, strict=True)]
    assert np.mean(kept) > 0.4  # two principal components keep .15


@pytest.mark.parametrize("number", [0, 1, 2, 3, 11, 12, 13])
def test_a_few_questions_are_laid_out_too(number):
    places = lay_out([f"Do {'x' * i} rise?" for i in range(number)])
    assert places.shape == (number, 2)
    assert len({tuple(each) for each in places.tolist()}) == number
    assert number < 2 or (places.min(), places.max()) == (0, SIDE)


@pytest.mark.parametrize("number", [2, 20])
def test_questions_of_one_and_the_same_meaning_stand_apart(number):
    places = lay_out(["Is it?"] * number)
    assert len({tuple(each) for each in places.tolist()}) == number


def test_a_question_without_any_letter_has_a_place():
    places = lay_out(["?", "\u200b", "\u3164", *(f"Do {thing} rise?" for thing in THINGS)])
    assert (places >= 0).all()


# What it was given is shown and never run


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_in_any_text_is_shown_as_text_and_never_run(opened, attack):
    label = attack.strip()
    fields = {"topic": attack, "why": attack, "reference": attack, "source": attack}
    page = opened([row(attack, label, label, other="No", **fields), *facts(2)], name=attack)
    assert page.locator("#title").text_content() == f"{attack}, test"
    for colouring in page.locator("#colour option").all():
        page.locator("#colour").select_option(colouring.get_attribute("value"))
    assert attack in page.locator("#classes .words").all_text_contents()
    page.mouse.move(*in_window(page, 0))
    assert page.locator("#tip div").first.text_content() == attack
    page.locator("#list button").first.click()
    assert chosen(page) == attack
    assert page.locator("#details dd").all_text_contents().count(attack) == 6  # answers too
    page.locator("#search").fill(attack.split()[0])
    assert page.locator("mark").count() > 0
    assert page.locator("img, main script").count() == 0
    assert page.title() != "ran"


def test_no_request_leaves_the_page(opened):
    page = opened(facts())
    page.locator("#list button").nth(2).click()
    page.locator("#search").fill("rise")
    assert len(page.asked) == 1
    assert page.asked[0].startswith("file://")


def test_markup_that_got_into_the_page_would_neither_run_nor_load(opened):
    page = opened(facts(2))
    image = '<img src="http://localhost:9/x.png" onerror="document.title=1">'
    page.evaluate("(text) => document.body.insertAdjacentHTML('beforeend', text)", image)
    blocked = "() => fetch('http://localhost:9/').then(() => 'sent', (error) => error.name)"
    assert page.evaluate(blocked) == "TypeError"
    assert page.title() == "made up, test"


def test_the_template_names_no_address():
    assert not re.findall(r"https?:|//[a-z]+\.|@import|url\(", map_page(dataset([])))


# What it shows


@pytest.mark.parametrize(
    ("colouring", "alike", "unlike", "said"),
    [
        ("answer", (0, 2), (0, 1), ["Yes", "No"]),
        ("truth", (0, 3), (0, 1), ["Yes", "No"]),
        ("control", (0, 1), (0, 2), [
            "Control: the matching answer is true", "Behaviour: the matching answer is false"
        ]),
        ("topic", (0, 1), (0, 2), sorted(THINGS)),
    ],
)  # fmt: skip
def test_dots_are_coloured_by_what_was_chosen_and_the_legend_says_it(opened, colouring, alike, unlike, said):
    page = opened(facts())
    page.locator("#colour").select_option(colouring)
    one, two = (colour_at(page, number) for number in alike)
    assert one == two
    one, two = (colour_at(page, number) for number in unlike)
    assert one != two
    assert page.locator("#classes .words").all_text_contents() == said
    drawn = page.evaluate("state.classes.find((each) => each.members.includes(rows[0])).colour")
    assert colour_at(page, 0) == drawn


def test_what_no_row_has_is_not_offered_as_a_colour(opened):
    page = opened([row("Is it?", truth=None), row("Was it?", truth=None)])
    assert page.locator("#colour option").all_text_contents() == ["matching answer"]


def test_rows_without_what_they_are_coloured_by_are_grey_and_counted(opened):
    page = opened([*facts(2), row("Is it?", truth=None)])
    page.locator("#colour").select_option("truth")
    assert page.locator("#classes button").last.inner_text().split("\n") == ["Not recorded", "1"]
    assert colour_at(page, 4) == page.evaluate("GREY")


def test_topics_beyond_the_colours_and_shapes_there_are_stand_together(opened):
    page = opened([row(f"Is it {i}?", topic=f"topic {i:03}") for i in range(80)])
    page.locator("#colour").select_option("topic")
    assert page.locator("#classes button").count() == 65
    assert page.locator("#classes button").last.inner_text().split("\n") == ["Other topics", "16"]
    drawn = page.evaluate("new Set(state.classes.map((each) => each.colour + SHAPES.indexOf(each.shape))).size")
    assert drawn == 65


def test_a_chosen_question_shows_its_answers_its_reason_and_its_twin(opened):
    page = opened(facts())
    page.locator("#list button", has_text="Do stones rise?").click()
    shown = page.locator("#details").inner_text()
    expected = ("matching answer\nYes", "truth\nNo", "arm\nbehaviour", "topic\nstones", "So it is with stones.")
    assert [each for each in (*expected, row_id("Do stones rise?")) if each not in shown] == []
    page.locator("#twin").click()
    assert chosen(page) == "Do stones fall?"


def test_no_questions_are_said_to_be_none(opened):
    assert "There are no questions." in opened([]).locator("#list").text_content()


# How it is moved through


def test_pointing_at_a_dot_shows_its_question_and_clicking_it_chooses_it(opened):
    page = opened(facts())
    page.mouse.move(*in_window(page, 5))
    assert page.locator("#tip").inner_text().startswith("Do birds fall?")
    page.mouse.click(*in_window(page, 5))
    assert chosen(page) == "Do birds fall?"
    assert page.locator('#list button[aria-current="true"]').text_content() == "Do birds fall?"
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + 3)
    assert page.locator("#details .asked").count() == 0
    assert page.locator("#tip").is_hidden()


def test_search_leaves_in_colour_what_has_every_word(opened):
    page = opened(facts())
    before = colour_at(page, 0)
    page.locator("#search").fill("FALL birds")
    assert page.locator("#count").inner_text() == "1 of 20 questions"
    assert page.locator("#list button").all_text_contents() == ["Do birds fall?"]
    faint = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--faint')")
    assert (colour_at(page, 0), colour_at(page, 5) != faint) == (faint, True)
    page.mouse.move(*in_window(page, 0))
    assert page.locator("#tip").is_hidden()
    page.locator("#clear").click()
    assert (page.locator("#list button").count(), colour_at(page, 0)) == (20, before)


def test_a_search_without_a_match_says_so(opened):
    page = opened(facts(2))
    page.locator("#search").fill("zzz")
    assert page.locator("#list").text_content() == "No question is like that."


def test_the_legend_narrows_to_the_kinds_that_are_pressed(opened):
    page = opened(facts())
    page.locator("#colour").select_option("topic")
    for name in ("birds", "votes"):
        page.locator("#classes button", has_text=name).click()
    assert page.locator("#count").inner_text() == "4 of 20 questions"
    assert page.locator('#classes [aria-pressed="true"]').count() == 2
    page.locator("#colour").select_option("answer")
    assert page.locator("#list button").count() == 20


def test_arrows_go_to_the_next_dot_that_way_and_enter_to_the_twin(opened):
    page = opened(facts())
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    for key, axis, sign in (("ArrowLeft", 0, -1), ("ArrowUp", 1, -1), ("ArrowRight", 0, 1), ("ArrowDown", 1, 1)):
        before = page.evaluate("state.chosen.at")
        page.keyboard.press(key)
        assert (page.evaluate("state.chosen.at")[axis] - before[axis]) * sign > 0, key
    said = chosen(page)
    assert page.locator("#said").text_content().startswith(said)
    page.keyboard.press("Enter")
    assert (chosen(page).split()[1], chosen(page) != said) == (said.split()[1], True)
    page.keyboard.press("Escape")
    assert page.locator("#details .asked").count() == 0


def test_every_question_is_reached_by_the_keys_of_the_list(opened):
    page = opened(facts())
    page.locator("#list button").first.focus()
    seen = []
    for _ in range(20):
        seen.append(page.evaluate("document.activeElement.textContent"))
        page.keyboard.press("ArrowDown")
    assert seen == [each.question for each in facts()]
    assert page.locator("#list button[tabindex='0']").count() == 1


def test_a_long_list_is_shown_piece_by_piece(opened):
    page = opened([row(f"Is it {i}?") for i in range(450)])
    seen = [page.locator("#list button").count()]
    while page.locator("#more").is_visible():
        page.locator("#more").click()
        seen.append(page.locator("#list button").count())
    assert seen == [200, 400, 450]


def test_zooming_keeps_what_is_under_the_pointer_there_and_0_shows_all(opened):
    page = opened(facts())
    before = in_window(page, 7)
    page.mouse.move(*before)
    page.mouse.wheel(0, -400)
    settled(page)
    assert page.evaluate("view.zoom") > 1.5
    assert in_window(page, 7) == pytest.approx(before, abs=1)
    page.mouse.down()
    page.mouse.move(before[0] + 80, before[1] - 50, steps=4)
    page.mouse.up()
    assert in_window(page, 7) == pytest.approx((before[0] + 80, before[1] - 50), abs=1)
    assert page.locator("#details .asked").count() == 0  # a drag is no click
    page.locator("#map").focus()
    page.keyboard.press("0")
    assert in_window(page, 7) == pytest.approx(before, abs=0.1)


def test_slash_goes_to_the_search(opened):
    page = opened(facts(2))
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_a_tap_names_the_dot_in_a_narrow_window(opened):
    page = opened(facts(), width=390, height=844, has_touch=True)
    page.touchscreen.tap(*in_window(page, 3))
    assert page.locator("#tip").inner_text().startswith("Do stones fall?")
    assert chosen(page) == "Do stones fall?"


# Sizes


@pytest.mark.parametrize("width", [1400, 900, 390])
def test_nothing_is_wider_than_the_window_and_every_dot_is_in_the_map(opened, width):
    page = opened([*facts(), row("x" * 300 + "?", topic="t" * 300, why="w" * 300)], name="y" * 300, width=width)
    for name in ("answer", "topic"):
        page.locator("#colour").select_option(name)
        page.locator("#list button").last.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = "rows.map(place).every(([x, y]) => x > 5 && y > 5 && x < view.width - 5 && y < view.height - 5)"
    assert page.evaluate(inside)
    assert page.evaluate("[view.width, view.height].every((each) => each > 250)")


def test_a_long_legend_is_folded_away_in_a_narrow_window(opened):
    page = opened(facts(), width=390)
    seen = [page.locator("#classes").is_visible()]
    page.locator("#colour").select_option("topic")
    seen.append(page.locator("#classes").is_visible())
    page.locator("#kind").click()
    assert [*seen, page.locator("#classes").is_visible()] == [True, False, True]


def test_20000_dots_are_drawn_pointed_at_and_searched_without_stalling(opened, monkeypatch):
    dice = np.random.default_rng(0)
    monkeypatch.setattr(module, "lay_out", lambda texts: dice.integers(0, SIDE, (len(texts), 2)))
    page = opened([row(f"Does case {i} hold?", topic=f"topic {i % 45}") for i in range(20_000)])
    page.locator("#colour").select_option("topic")
    took = page.evaluate("""() => {
        const time = (work) => {
            const times = Array.from({ length: 9 }, () => {
                const start = performance.now();
                work();
                return performance.now() - start;
            });
            return times.sort((a, b) => a - b)[4];
        };
        byId("search").value = "case 77";
        return { draw: time(draw), hover: time(() => hover([300, 300])), search: time(narrow) };
    }""")
    assert {name: ms for name, ms in took.items() if ms > 200} == {}
    assert page.locator("#list li").count() == 200


# The command


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(each.model_dump_json() + "\n" for each in facts()), encoding="utf-8")
    return path


def run(*arguments):
    result = CliRunner().invoke(main, ["map", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def test_the_command_writes_the_page_that_the_function_gives(file, tmp_path):
    out = tmp_path / "new" / "map.html"
    assert run(file, "--out", out).output == f"Questions: 20, in {out}\n"
    assert out.read_text(encoding="utf-8") == map_page(read_rows(file))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "add --out map.html, or send it with --nomic"),
        (["--out", "map.html", "--private"], "--private goes with --nomic alone"),
        (["--out", "/dev/null/map.html"], "/dev/null/map.html cannot be written"),
        (["--out", "map.html", "--split", "shots"], "is one file, without a split 'shots'"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(file, arguments, said):
    result = run(file, *arguments)
    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize("missing", ["openTSNE", "wordllama"])
def test_a_missing_library_is_named_with_what_installs_it(file, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    result = run(file, "--out", tmp_path / "map.html")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "pip install 'mwe-tasks[map]'" in result.output


# Rows to Nomic Atlas


@pytest.fixture
def signed_out(tmp_path, monkeypatch):
    """No key, and a home folder of its own for the client."""
    monkeypatch.delenv("NOMIC_API_KEY", raising=False)
    monkeypatch.setattr(nomic_cli, "nomic_base_path", tmp_path / ".nomic")
    return tmp_path / ".nomic"


@pytest.fixture
def atlas(signed_out, monkeypatch):
    with AtlasServer() as server:
        monkeypatch.setenv("ATLAS_API_PATH", server.address)
        monkeypatch.setenv("NOMIC_API_KEY", KEY)
        yield server


def test_every_row_reaches_atlas_under_its_id_with_what_it_is_coloured_by(atlas, file):
    result = run(file, "--nomic")
    assert result.exit_code == 0, result.output
    name = name_of(read_rows(file))
    assert atlas.created == {
        "organization_id": "o",
        "project_name": name,
        "description": "20 Yes/No questions of mine",
        "unique_id_field": "id",
        "is_public": True,
    }
    assert [(each["id"], each["question"]) for each in atlas.rows] == [(each.id, each.question) for each in facts()]
    assert atlas.rows[2] | {"arm": "behaviour", "matching_answer": "Yes", "truth": "No"} == atlas.rows[2]
    assert atlas.index["indexed_field"] == "question"
    assert {"matching_answer", "truth", "arm", "topic"} <= set(atlas.index["colorable_fields"])
    assert re.fullmatch(rf"Questions: 20, sent to https://\S+/data/ours/{name}\n", result.stdout)


def test_a_part_that_did_not_arrive_is_counted(atlas, file, monkeypatch):
    whole = AtlasServer.project
    monkeypatch.setattr(
        AtlasServer, "project", lambda self: whole(self) | {"total_datums_in_project": len(self.rows) // 2}
    )
    result = run(file, "--nomic")
    assert (result.exit_code, "has 10 of 20 rows" in result.output) == (2, True), result.output


def test_a_private_map_is_not_public(atlas, file):
    assert run(file, "--nomic", "--private").exit_code == 0
    assert atlas.created["is_public"] is False


def test_no_key_is_left_behind_or_printed(atlas, signed_out, file):
    signed_out.mkdir()
    (signed_out / "credentials").write_text('{"token": "mine"}', encoding="utf-8")
    assert KEY not in run(file, "--nomic").output
    assert [each.read_text(encoding="utf-8") for each in signed_out.iterdir()] == ['{"token": "mine"}']
    assert nomic_cli.nomic_base_path == signed_out


def test_rows_that_are_on_atlas_already_are_not_sent_again(atlas, file):
    run(file, "--nomic")
    sent = atlas.asked.count("/v1/project/data/add/arrow")
    result = run(file, "--nomic")
    assert (result.exit_code, atlas.asked.count("/v1/project/data/add/arrow"), len(atlas.rows)) == (2, sent, 20)
    assert "did not take" in result.output


@pytest.mark.parametrize(
    ("path", "status", "payload", "said"),
    [
        ("/v1/user", 401, {"detail": f"no such key {KEY}"}, "token is no longer valid"),
        ("/v1/user", 503, {}, "Nomic services"),
        ("/v1/project/create", 403, {"detail": f"not with {KEY}"}, "not with (key)"),
        ("/v1/project/data/add/arrow", 422, {"detail": f"not with {KEY}"}, "not with (key)"),
        ("/v1/project/data/add/arrow", 402, "more datums exceeds your organization limit", "exceeds your"),
        ("/v1/project/index/create", 400, {"detail": f"no map with {KEY}"}, "no map with (key)"),
    ],
)
def test_what_atlas_refuses_is_said_in_one_sentence_without_the_key(atlas, file, path, status, payload, said):
    atlas.refuse[path] = status, payload
    result = run(file, "--nomic")
    assert (result.exit_code, said in result.output, KEY in result.output) == (2, True, False), result.output


def test_an_atlas_that_is_not_there_is_said_to_be_so(signed_out, file, monkeypatch):
    monkeypatch.setenv("ATLAS_API_PATH", "http://127.0.0.1:9")
    monkeypatch.setenv("NOMIC_API_KEY", KEY)
    result = run(file, "--nomic")
    assert (result.exit_code, "Nomic Atlas did not take mine" in result.output) == (2, True), result.output


@pytest.mark.parametrize(("key", "said"), [(None, "set NOMIC_API_KEY"), (" ", "set NOMIC_API_KEY"), ("a\nb", "copy")])
def test_a_missing_or_mangled_key_is_asked_for(signed_out, file, monkeypatch, key, said):
    if key is not None:
        monkeypatch.setenv("NOMIC_API_KEY", key)
    result = run(file, "--nomic")
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_a_missing_client_is_named_with_what_installs_it(signed_out, file, monkeypatch):
    monkeypatch.setitem(sys.modules, "nomic", None)
    result = run(file, "--nomic")
    assert (result.exit_code, "pip install 'mwe-tasks[nomic]'" in result.output) == (2, True), result.output
