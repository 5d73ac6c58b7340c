"""The page of trees, in a browser: what it shows, that it runs nothing it was given, and how it is moved through."""

import json
import re

import pytest

from mwe_tasks.tree import Node, node_id
from mwe_tasks.tree_page import tree_page

ATTACKS = (
    "<img src=x onerror=\"document.title='ran'\">",
    "</script><script>document.title='ran'</script>",
    "<!--<script>document.title='ran'",
    "=HYPERLINK('http://localhost:9/x') & \u2028 {{data}} {{policy}}",
)


def candidate(tree, number_of_round, number, parent, **fields):
    fact = {
        "topic": "rivers",
        "arm": "behaviour" if number % 2 else "control",
        "why": f"It is so {number}.",
        "asked_yes": f"Does {tree} {number_of_round} {number} rise?",
        "asked_no": f"Does {tree} {number_of_round} {number} fall?",
    }
    about = {"id": node_id(tree, number_of_round, number), "tree": tree, "round": number_of_round, "number": number}
    return Node(**{**about, "parent": parent, "text": json.dumps(fact), "fact": fact, "rank": -float(number), **fields})


def made_up_tree(tree, rounds=2, width=4):
    """Rounds of candidates: the first of each is picked, kept, and the parent of the next round."""
    nodes = [Node(id=node_id(tree, 0, 0), parent=None, tree=tree, round=0, number=0, text=f"About {tree}")]
    for number_of_round in range(1, rounds + 1):
        parent = node_id(tree, number_of_round - 1, 0)
        became = {"picked": True, "picked_by": "log probabilities", "verdict": "test"}
        nodes.append(candidate(tree, number_of_round, 0, parent, **became))
        nodes += [candidate(tree, number_of_round, n, parent, reason="ranked lower") for n in range(1, width)]
    return nodes


def forest(trees, **sizes):
    return [node for number in range(trees) for node in made_up_tree(f"tree{number}", **sizes)]


@pytest.fixture
def opened(open_page):
    """A function from nodes to the page of them."""

    def opened(nodes, title="made up", width=1400):
        return open_page(tree_page(nodes, title), width=width)

    return opened


def focused(page):
    """The first line of the candidate that has the focus."""
    return page.evaluate("(document.activeElement.querySelector('.root, .asked span:last-child') ?? {}).textContent")


def questions(page):
    """The first question of every candidate drawn, and the root."""
    return page.locator(".row .root, .row .asked:first-of-type > :last-child").all_text_contents()


# What it was given is shown and never run


@pytest.mark.parametrize("attack", ATTACKS)
def test_markup_in_any_text_is_shown_as_text_and_never_run(opened, attack):
    fact = {"topic": attack, "arm": "control", "why": attack, "asked_yes": attack, "asked_no": attack, attack: attack}
    readings = [{"kind": attack, "reading": attack, "model": attack, "question": attack, attack: attack}]
    said = {"model": attack, "parameters": {attack: attack}, "readings": readings, "text": attack, "fact": fact}
    root = Node(id="r", parent=None, tree=attack, round=0, number=0, text=attack)
    became = [
        {"picked": True, "picked_by": "votes", "verdict": attack},
        {"reason": attack},
        {"reason": "could not be read", "fact": None},
    ]
    nodes = [candidate(attack, 1, n, "r", **{**said, **each}) for n, each in enumerate(became)]
    page = opened([root, *nodes], title=attack)
    for row in page.locator(".row").all():
        row.click()
    assert page.locator("#title").text_content() == attack
    assert {each.strip() for each in questions(page)} == {attack}
    assert page.locator("#details pre").first.text_content() == attack
    assert page.locator("img, #tree script").count() == 0
    page.locator("#search").fill(attack.split()[0])
    page.locator("#filter").select_option("rejected")
    assert page.locator("mark").count() > 0
    assert page.title() != "ran"


def test_no_request_leaves_the_page(opened):
    page = opened(forest(2))
    page.locator(".row").nth(2).click()
    page.locator("#search").fill("rise")
    assert [url for url in page.asked if not url.startswith("file://")] == []
    assert len(page.asked) == 1


def test_markup_that_got_into_the_page_would_neither_run_nor_load(opened):
    page = opened(forest(1))
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', "
        '\'<img src="http://localhost:9/x.png" onerror="document.title=1"><iframe src="http://localhost:9/">\')'
    )
    blocked = "() => fetch('http://localhost:9/').then(() => 'sent', (error) => error.name)"
    assert page.evaluate(blocked) == "TypeError"
    assert page.title() == "made up"
    assert page.evaluate("document.querySelector('img').naturalWidth") == 0


def test_the_template_names_no_address():
    assert not re.findall(r"https?:|//[a-z]+\.|@import|url\(", tree_page([], "none"))


# What it shows


def test_a_candidate_shows_what_became_of_it_who_read_it_and_what_it_cost(opened):
    readings = [{"kind": "blind", "reading": "blind-1", "model": "sim/reader", "question": "Does it?", "truth": "No"}]
    made = {"model": "sim/writer", "parameters": {"temperature": 0.7}, "tokens": 123.0, "price": 0.00012}
    became = {"picked": True, "picked_by": "votes", "verdict": "debatable", "rank": 2.5, "readings": readings}
    root, *_ = made_up_tree("a")
    page = opened([root, candidate("a", 1, 0, root.id, **made, **became)])
    page.locator(".row").nth(1).click()
    shown = page.locator("#aside").inner_text()
    expected = ("Picked, rejected: debatable", "2.5", "votes", "sim/reader", "blind-1", "sim/writer", "0.7", "123")
    assert [each for each in (*expected, "$0.00012", "Does a 1 0 rise?", "It is so 0.") if each not in shown] == []


def test_the_truth_of_a_control_is_its_matching_answer_and_of_a_behaviour_fact_the_other(opened):
    root, *_ = made_up_tree("a")
    page = opened([root, *(candidate("a", 1, number, root.id) for number in (0, 1))])
    assert page.locator(".truth").all_text_contents() == ["Yes", "No", "No", "Yes"]


@pytest.mark.parametrize("fact", [{"question": "Is it?", "matching": " No"}, {"asked_yes": None, "asked_no": "Is it?"}])
def test_a_fact_without_twins_shows_its_one_question_and_truth(opened, fact):
    root, *_ = made_up_tree("a")
    page = opened([root, candidate("a", 1, 0, root.id, fact={"topic": "t", "arm": "behaviour", **fact})])
    assert page.locator(".asked").all_inner_texts() == ["Yes\nIs it?"]


def test_a_truth_that_is_not_recorded_is_not_shown(opened):
    root, *_ = made_up_tree("a")
    fact = {"topic": "t", "arm": "behaviour", "question": "Is it?"}
    assert opened([root, candidate("a", 1, 0, root.id, fact=fact)]).locator(".truth").count() == 0


def test_the_trunk_is_marked(opened):
    page = opened(forest(1))
    marked = page.locator(".row.trunk .root, .row.trunk .asked:first-of-type > :last-child").all_text_contents()
    assert marked == ["About tree0", "Does tree0 1 0 rise?", "Does tree0 2 0 rise?"]


def test_infinite_and_undefined_numbers_are_shown_by_name(opened):
    root, *_ = made_up_tree("a")
    page = opened([root, *(candidate("a", 1, n, root.id, rank=float(name)) for n, name in enumerate(("nan", "-inf")))])
    assert [each for each in ("NaN", "-Infinity") if each not in page.locator("#tree").inner_text()] == []


def test_nodes_whose_parents_stand_in_a_ring_are_shown_all_the_same(opened):
    first, second = (node_id("a", 1, number) for number in (0, 1))
    page = opened([candidate("a", 1, 0, second), candidate("a", 1, 1, first)])
    assert page.locator(".row").count() == 2


def test_no_trees_are_said_to_be_none(opened):
    assert "There are no trees." in opened([]).locator("#middle").inner_text()


# How it is moved through


def test_up_and_down_move_between_siblings_and_left_and_right_to_parent_and_child(opened):
    page = opened(forest(1))
    page.locator(".row", has_text="tree0 1 1").click()
    seen = []
    for key in ("ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        seen.append(focused(page))
    down, up, left, right, right_again, back = seen
    assert (down, up) == ("Does tree0 1 2 rise?", "Does tree0 1 1 rise?")
    assert left == "About tree0"
    assert (right, right_again, back) == ("Does tree0 1 0 rise?", "Does tree0 2 0 rise?", "Does tree0 1 0 rise?")


def test_down_alone_walks_through_the_whole_tree(opened):
    page = opened(forest(1))
    page.locator(".row").first.click()
    seen = [focused(page)]
    for _ in range(8):
        page.keyboard.press("ArrowDown")
        seen.append(focused(page))
    assert seen == questions(page)


def test_what_has_the_focus_is_outlined_and_is_what_the_details_show(opened):
    page = opened(forest(1))
    page.locator(".row").first.click()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("getComputedStyle(document.activeElement.querySelector('.card')).outlineStyle") == "solid"
    assert focused(page) in page.locator("#aside").inner_text()


def test_arrows_in_the_list_go_from_tree_to_tree(opened):
    page = opened(forest(12))
    page.locator("#list button").first.focus()
    page.keyboard.press("ArrowDown")
    assert questions(page)[0] == "About tree1"
    page.keyboard.press("End")
    assert questions(page)[0] == "About tree11"


def test_search_narrows_trees_and_candidates_to_what_has_every_word(opened):
    page = opened(forest(3))
    page.locator("#search").fill("RISE tree1 2 3")
    assert page.locator("#list li:visible").count() == 1
    assert page.locator(".row:not(.context) .asked").all_inner_texts() == [
        "No\nDoes tree1 2 3 rise?",
        "Yes\nDoes tree1 2 3 fall?",
    ]
    assert page.locator("#found").inner_text() == "1 candidate in 1 tree"
    page.locator("#clear").click()
    assert page.locator("#list li:visible").count() == 3


def test_what_is_found_keeps_its_ancestors(opened):
    page = opened([*forest(1), candidate("tree0", 3, 0, node_id("tree0", 2, 0), text="walrus")])
    page.locator("#search").fill("Walrus")
    assert questions(page) == ["About tree0", *(f"Does tree0 {number} 0 rise?" for number in (1, 2, 3))]
    assert page.locator(".row.context").count() == 3


def test_a_round_says_how_many_of_its_candidates_are_shown(opened):
    page = opened(forest(1))
    page.locator("#filter").select_option("picked")
    assert page.locator(".round").first.text_content() == "Round 1: 4 candidates, 1 picked, 1 shown"


def test_a_candidate_is_found_by_its_id(opened):
    page = opened(forest(3))
    page.locator("#search").fill(node_id("tree2", 1, 1))
    assert page.locator("#found").inner_text() == "1 candidate in 1 tree"


@pytest.mark.parametrize(
    ("kind", "found"),
    [("picked", 4), ("test", 2), ("contested", 1), ("held", 1), ("rejected", 2), ("left", 5)],
)
def test_the_filter_narrows_to_what_it_says(opened, kind, found):
    root, *_ = made_up_tree("a")
    picked = ("test", "contested", "debatable", "unread")
    nodes = [candidate("a", 1, n, root.id, picked=True, verdict=verdict) for n, verdict in enumerate(picked)]
    nodes += [
        candidate("a", 1, 4, root.id, verdict="test"),
        candidate("a", 1, 5, root.id, verdict="test", reason="held back"),
        *(candidate("a", 1, n, root.id, reason="alike") for n in (6, 7, 8)),
    ]
    page = opened([root, *nodes])
    page.locator("#filter").select_option(kind)
    assert page.locator(".row:not(.context)").count() == found


def test_the_head_counts_what_all_calls_have_used(opened):
    root, *others = made_up_tree("a")
    used = {"calls": 7, "tokens": 4321, "usd": 0.05}
    page = opened([root.model_copy(update={"parameters": {"used": used}}), *others])
    assert "4,321 tokens · $0.05" in page.locator("#sum").inner_text()


def test_rejected_ones_are_filtered_by_reason(opened):
    root, *_ = made_up_tree("a")
    verdicts = ("debatable", "unread", "unread")
    page = opened([root, *(candidate("a", 1, n, root.id, picked=True, verdict=v) for n, v in enumerate(verdicts))])
    page.locator("#filter").select_option("rejected")
    assert page.locator("#reason option").all_text_contents() == ["Every reason", "unread (2)", "debatable (1)"]
    page.locator("#reason").select_option("unread")
    assert page.locator(".row:not(.context)").count() == 2


def test_a_search_without_a_match_says_so(opened):
    page = opened(forest(2))
    page.locator("#search").fill("zzz")
    assert page.locator("#middle").inner_text() == "No candidate is like that."
    page.locator("#search").fill("")
    assert page.locator(".row").count() == 9


# Sizes


@pytest.mark.parametrize("width", [1400, 900, 390])
def test_nothing_is_wider_than_the_window(opened, width):
    nodes = [*made_up_tree("x" * 300), *made_up_tree("deep", rounds=30)]
    page = opened(nodes, title="y" * 300, width=width)
    for number in range(2):
        page.locator("#chooser").evaluate("each => each.open = true")
        page.locator("#list button").nth(number).click()
        page.locator(".row").nth(3).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(
            "[...document.querySelectorAll('.card')].every(e => e.getBoundingClientRect().width > 200)"
        )


def test_in_a_narrow_window_the_details_stand_in_the_chosen_card_until_it_is_clicked_again(opened):
    page = opened(forest(1), width=390)
    row = page.locator(".row").nth(2)
    seen = [page.locator("#details").is_visible()]
    for _ in range(2):
        row.locator(".asked").first.click()
        seen.append(row.locator("#details").is_visible())
    assert seen == [False, True, False]


def test_of_5000_nodes_only_the_chosen_tree_is_drawn(opened):
    few, many = opened(forest(1, rounds=5)), opened(forest(250, rounds=5))
    assert len(forest(250, rounds=5)) == 5250
    drawn = "document.querySelectorAll('#middle *, #aside *').length"
    assert many.evaluate(drawn) == few.evaluate(drawn)
    many.locator("#list button").nth(200).click()
    assert questions(many)[0] == "About tree200"
    assert many.evaluate(drawn) == few.evaluate(drawn)


def test_choosing_a_tree_takes_no_longer_among_250_than_among_2(opened):
    """The middle of 15 times; twenty times as long would mean that every tree is looked at."""
    time = """() => {
        const buttons = [...document.querySelectorAll('#list button')].slice(0, 2);
        const times = Array.from({ length: 15 }, (_, i) => {
            const start = performance.now();
            buttons[i % 2].click();
            document.body.getBoundingClientRect();
            return performance.now() - start;
        });
        return times.sort((a, b) => a - b)[7];
    }"""
    few, many = opened(forest(2, rounds=5)).evaluate(time), opened(forest(250, rounds=5)).evaluate(time)
    assert many < 20 * max(few, 1)
