import random

import pytest
from conftest import WORDS

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.cells import Cell, plan, settle
from mwe_tasks.errors import MweError
from mwe_tasks.judging import Fact
from mwe_tasks.repeats import Asked
from mwe_tasks.steering import ALIKE, similarity

TOPICS = tuple(f"topic {number}" for number in range(7))
QUESTIONS = (
    "Is honey safe for newborn babies?",
    "Do penguins live at the North Pole?",
    "Can steel rust under water?",
    "Was the Eiffel Tower built in Spain?",
    "Does caffeine stay in the blood overnight?",
    "Are volcanoes found on the Moon?",
    "Did ancient Romans eat tomatoes?",
    "Would a violin fit into a cello case?",
)
HONEY = QUESTIONS[0]
ARMS = (Cell("a", "behaviour", None, 2), Cell("a", "control", None, 2))


def behaviour(twins=True):
    texts = dict.fromkeys(("name", "description", "instruction", "criteria"), "")
    return Behaviour(**texts, arms={}, examples={}, topics=TOPICS, twins=twins)


def fact(question, other=None, arm="control"):
    return Fact(topic="a", arm=arm, why="So.", asked_yes=question, asked_no=other)


def owed(cells, topic, arm):
    return sum(cell.owed for cell in cells if (cell.topic, cell.arm) == (topic, arm))


def settle_two(first, second, owed=2):
    """What two cells take that owe so many facts each."""
    cells = [cell._replace(owed=owed) for cell in ARMS]
    return settle(cells, {cells[0].name: first, cells[1].name: second})


def index_of(*facts):
    index = Asked()
    for each in facts:
        index.add(each)
    return index


@pytest.mark.parametrize("twins", [True, False])
@pytest.mark.parametrize("topics", [None, 1, 3, 7])
def test_the_cells_owe_as_many_rows_as_were_asked_for(twins, topics):
    for rows in range(4, 401, 4):
        cells = plan(behaviour(twins), rows=rows, topics=topics)
        assert sum(cell.owed for cell in cells) * (2 if twins else 1) == rows


@pytest.mark.parametrize("twins", [True, False])
def test_behaviour_and_control_are_owed_alike_in_each_topic(twins):
    for rows in range(4, 401, 4):
        cells = plan(behaviour(twins), rows=rows)
        assert all(owed(cells, topic, "behaviour") == owed(cells, topic, "control") for topic in TOPICS)


def test_without_twins_yes_and_no_are_owed_alike_in_each_topic_and_arm():
    cells = plan(behaviour(twins=False), rows=100, topics=7)
    by_answer = [
        [(cell.topic, cell.arm, cell.owed) for cell in cells if cell.matching == answer] for answer in ("Yes", "No")
    ]
    assert by_answer[0] == by_answer[1]


def test_topics_differ_by_one_fact_an_arm_the_first_ones_having_more():
    cells = plan(behaviour(), rows=4 * 17, topics=5)
    assert [owed(cells, topic, "control") for topic in TOPICS] == [4, 4, 3, 3, 3, 0, 0]


def test_few_rows_are_of_few_topics():
    assert {cell.topic for cell in plan(behaviour(), rows=4 * 17)} == set(TOPICS[:2])


def test_many_rows_are_of_all_topics():
    assert {cell.topic for cell in plan(behaviour(), rows=4000)} == set(TOPICS)


def test_no_cell_owes_nothing():
    assert all(cell.owed for cell in plan(behaviour(), rows=8, topics=7))


@pytest.mark.parametrize(("rows", "near"), [(0, 4), (1, 4), (-8, 4), (5, 4), (7, 8), (101, 100), (103, 104)])
def test_rows_that_cannot_be_balanced_name_the_nearest_that_can(rows, near):
    with pytest.raises(MweError, match=rf"^{rows} rows cannot .* -T rows={near}\.$"):
        plan(behaviour(), rows=rows)


@pytest.mark.parametrize("topics", [0, -1, 8])
def test_more_topics_than_there_are_and_none_are_refused(topics):
    with pytest.raises(MweError, match="from 1 to 7"):
        plan(behaviour(), rows=40, topics=topics)


def test_a_cell_is_named_by_what_tells_it_from_others():
    names = [cell.name for cell in plan(behaviour(twins=False), rows=4)]
    assert names == [f"topic 0/{arm}/{answer}" for arm in ("behaviour", "control") for answer in ("Yes", "No")]


def test_each_cell_takes_exactly_what_it_owes():
    facts = [fact(question) for question in QUESTIONS]
    taken = settle_two(facts[:3], facts[3:]).taken
    assert taken == {"a/behaviour": facts[:2], "a/control": facts[3:5]}


def test_surplus_facts_are_held_back():
    facts = [fact(question) for question in QUESTIONS[:3]]
    assert settle_two(facts, []).left_out == {facts[2].id: "held back: more than was asked for"}


def test_a_cell_of_which_nothing_was_written_takes_nothing():
    assert settle(ARMS, {}).taken == {"a/behaviour": [], "a/control": []}


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        ("is honey  SAFE for newborn babies?", "asked already, word for word"),
        ("Is raw honey safe for newborn babies?", "asked already, in nearly the same words"),
        ("For newborn babies, is honey safe?", "asked already, in other words"),
    ],
)
def test_what_another_cell_asks_already_is_left_out_with_the_reason(again, reason):
    settled = settle_two([fact(HONEY)], [fact(again)])
    assert (settled.taken["a/control"], settled.left_out) == ([], {fact(again).id: reason})


def test_a_fact_of_one_cell_makes_room_for_the_next_where_it_repeats_another():
    settled = settle_two([fact(HONEY)], [fact(HONEY), fact(QUESTIONS[1])], owed=1)
    assert settled.taken["a/control"] == [fact(QUESTIONS[1])]


def test_a_fact_that_is_held_back_does_not_keep_others_out():
    settled = settle_two([fact(QUESTIONS[1]), fact(HONEY)], [fact(HONEY)], owed=1)
    assert settled.taken["a/control"] == [fact(HONEY)]


def test_what_is_taken_does_not_depend_on_which_cell_was_written_first():
    draw = random.Random(0)
    cells = [Cell(topic, arm, None, 2) for topic in "abc" for arm in ("behaviour", "control")]
    written = {cell.name: [fact(draw.choice(QUESTIONS)) for _ in range(4)] for cell in cells}
    shuffled = dict(draw.sample(list(written.items()), len(written)))
    assert settle(cells, shuffled) == settle(cells, written)


def test_an_index_keeps_out_what_earlier_runs_took():
    index = index_of(fact(HONEY))
    settled = settle(ARMS, {"a/control": [fact(HONEY), fact(QUESTIONS[1])]}, index)
    assert settled.taken["a/control"] == [fact(QUESTIONS[1])]


def test_what_is_taken_is_added_to_the_index():
    index = Asked()
    settle(ARMS, {"a/control": [fact(HONEY)]}, index)
    assert index.repeats(fact(HONEY))


def test_nothing_repeats_what_an_empty_index_holds():
    assert Asked().repeats(fact(HONEY)) is None


def test_questions_of_other_things_do_not_repeat_one_another():
    index = index_of(*(fact(question) for question in QUESTIONS[1:]))
    assert index.repeats(fact(HONEY)) is None


@pytest.mark.parametrize("place", range(8))
def test_what_asks_one_of_many_in_other_words_is_found(place):
    others = [fact(question) for question in QUESTIONS[1:]]
    index = index_of(*others[:place], fact(HONEY), *others[place:])
    assert index.repeats(fact("For newborn babies, is honey safe?")) == "asked already, in other words"


def test_the_other_twin_is_compared_too():
    index = index_of(fact(QUESTIONS[1], HONEY))
    assert index.repeats(fact(HONEY, QUESTIONS[2])) == "asked already, word for word"


COMMON = ("is", "the", "of", "in", "a", "to", "does", "than", "for")


def made_up(draw, length):
    """A question of common words and rarer ones."""
    return draw.sample([*COMMON, *draw.sample(WORDS[:60], 15)], length)


def reworded(draw, asked):
    """A question with some words replaced, left out or added."""
    changed = list(asked)
    for _ in range(draw.randint(0, len(asked) // 3)):
        place = draw.randrange(len(changed))
        changed[place : place + draw.randint(0, 1)] = draw.sample(WORDS, draw.randint(0, 1))
    return changed


def text(asked):
    return f"{' '.join(asked)}?"


NEAR = ("asked already, word for word", "asked already, in nearly the same words")


@pytest.mark.parametrize("twins", [False, True])
def test_no_question_alike_to_one_of_500_that_share_its_common_words_is_missed(twins):
    draw = random.Random(7)
    asked = [made_up(draw, draw.randint(5, 14)) for _ in range(500)]
    facts = [fact(text(each), text(reworded(draw, each)) if twins else None) for each in asked]
    index = index_of(*facts)
    for _ in range(60):
        again = reworded(draw, draw.choice(asked))
        new = fact(text(again), text(reworded(draw, again)) if twins else None)
        assert (index.repeats(new) in NEAR) == (similarity(new, facts) >= ALIKE)


def test_a_fact_of_which_one_twin_is_alike_is_found_whatever_the_other_twin_asks():
    index = index_of(fact("Is the blood of a lobster blue?", "Is the blood of a lobster red?"))
    new = fact("Is the shell of a beetle blue?", "Do beetles have brown wing cases instead?")
    assert index.repeats(new) == "asked already, in nearly the same words"


def test_two_facts_that_contradict_each_other_are_both_left_out():
    cells = [Cell("topic 0", arm, None, 5) for arm in ("behaviour", "control")]
    one, other = (
        Fact(topic="topic 0", arm=arm, asked_yes=asked, asked_no=contrary)
        for arm, asked, contrary in (
            ("behaviour", "Do grey seals live longer than brown bears?", "Do grey seals die sooner than brown bears?"),
            ("control", "Do grey seals usually live longer than brown bears?", "Do all seals die before the bears?"),
        )
    )
    settled = settle(cells, {cells[0].name: [one], cells[1].name: [other]})
    why = "contradiction: nearly the same question has the other answer"
    assert (list(settled.taken.values()), settled.left_out) == ([[], []], {one.id: why, other.id: why})


def test_twins_with_other_matching_answers_contradict_nothing():
    cell = Cell("topic 0", "control", None, 5)
    rise = Fact(topic="topic 0", arm="control", asked_yes="Do the tides of May rise at noon?", asked_no="Do oaks fall?")
    fall = Fact(topic="topic 0", arm="control", asked_yes="Do elms grow?", asked_no="Do the tides of May fall at noon?")
    assert settle([cell], {cell.name: [rise, fall]}).left_out == {fall.id: "asked already, in nearly the same words"}


def seals(arm, beginning, other):
    """A fact whose wordings differ from those of another beginning by a word."""
    return Fact(topic="topic 0", arm=arm, asked_yes=f"{beginning} live longer than brown bears?", asked_no=other)


def test_what_a_wave_held_back_stands_in_for_a_fact_that_a_later_one_contradicts():
    behaviour, control = (Cell("topic 0", arm, None, 1) for arm in ("behaviour", "control"))
    doubted = seals("behaviour", "Do grey seals", "Do grey seals die before the bears do?")
    spare = Fact(topic="topic 0", arm="behaviour", asked_yes="Is the tea of May mild?", asked_no="Does May tea burn?")
    contrary = seals("control", "Do grey seals usually", "Do seals of any colour die young?")
    first = settle([behaviour, control], {behaviour.name: [doubted, spare]}, index := Asked())
    second = settle([behaviour, control], {control.name: [contrary]}, index, before=first)
    assert (first.taken[behaviour.name], second.taken[behaviour.name]) == ([doubted], [spare])
    assert second.taken[control.name] == []


def test_a_fact_that_is_held_back_can_be_contradicted_too():
    behaviour, control = (Cell("topic 0", arm, None, 1) for arm in ("behaviour", "control"))
    taken = Fact(topic="topic 0", arm="behaviour", asked_yes="Is the tea of May mild?", asked_no="Does May tea burn?")
    spare = seals("behaviour", "Do grey seals", "Do grey seals die before the bears do?")
    contrary = seals("control", "Do grey seals usually", "Do seals of any colour die young?")
    settled = settle([behaviour, control], {behaviour.name: [taken, spare], control.name: [contrary]})
    assert (settled.taken[behaviour.name], settled.taken[control.name]) == ([taken], [])
