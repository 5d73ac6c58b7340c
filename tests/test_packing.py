import pytest

from mwe_tasks.asks import Ask
from mwe_tasks.label_rows import token_rows
from mwe_tasks.packing import WIDTH, pack, pad
from mwe_tasks.sharing import GAIN, LEAST, MANY, groups

ADDED = {"Yes": {(1,): " Yes", (2, 3): "YES"}, "No": {(4,): " No", (5, 6, 7): "NO"}}
SHOTS = tuple(range(100, 100 + GAIN))
STYLES = tuple(
    (style, *SHOTS, *question) for style in (8, 9) for question in [(20 + n, 50 + n % 7) for n in range(MANY)]
)


def asks(*prompts, added=ADDED):
    return [Ask(prompt, added) for prompt in prompts]


def paths(batch):
    """For each ask of a batch, the tokens that each of its reads sees, the prefix's among them, and what is read."""
    found = {ask: set() for ask in range(len(batch.asks))}
    for row in batch.rows:
        for read in row.reads:
            at, path = read.at, []
            while at >= 0:
                path.append(row.tokens[at])
                at = row.before[at]
            found[read.ask].add(((*batch.prefix, *reversed(path)), read.wanted))
    return found


@pytest.mark.parametrize("most", [None, 1, 5])
@pytest.mark.parametrize("tokens", [1, 200, 100_000])
def test_every_number_is_read_once_after_its_own_prompt_whatever_shares_the_row(tokens, most):
    given = asks(*STYLES, (1,), (1, 2), (1, 2), tuple(range(300)))
    seen = []
    for batch in pack(given, tokens=tokens, most=most).batches:
        for ask, found in paths(batch).items():
            prompt = given[batch.asks[ask]].prompt
            seen.append(batch.asks[ask])
            expected = [each for row in token_rows(prompt, ADDED) for each in row.wanted]
            assert found == {((*prompt, *each.after), each) for each in expected}
    assert sorted(seen) == list(range(len(given)))


def test_a_beginning_that_prompts_share_stands_in_a_row_once():
    (batch,) = pack(asks((1, 2, 3), (1, 2, 4), added={"Yes": {(9,): "Yes"}}), tokens=100, most=None).batches
    assert [row.tokens for row in batch.rows] == [(1, 2, 3, 4)]
    assert batch.rows[0].before == (-1, 0, 1, 1)


def test_the_end_of_a_prompt_is_known_for_texts_that_go_on_there():
    (batch,) = pack(asks((1, 2, 3), (1, 2), added={}), tokens=100, most=None).batches
    ends = {batch.asks[ask]: row.tokens[: at + 1] for row in batch.rows for ask, at in row.ends}
    assert ends == {0: (1, 2, 3), 1: (1, 2)}


@pytest.mark.parametrize("most", [None, 3])
def test_a_batch_has_no_more_tokens_and_prompts_than_it_may(most):
    given = asks(*STYLES)
    for batch in pack(given, tokens=300, most=most).batches:
        widths = [len(row.tokens) for row in batch.rows]
        assert len(widths) * max(widths) <= 300
        assert max(widths) <= WIDTH
        assert len(batch.asks) <= (most or len(given))


def test_a_prompt_that_is_longer_than_a_batch_runs_alone():
    made = pack(asks(tuple(range(900)), (1, 2)), tokens=300, most=None)
    assert [batch.asks for batch in made.batches] == [(1,), (0,)]


def test_each_style_with_its_solved_examples_is_a_group_of_its_own():
    found = {prefix: len(numbers) for prefix, numbers in groups(STYLES)}
    assert found == {(8, *SHOTS): MANY, (9, *SHOTS): MANY}


def test_a_short_beginning_is_no_prefix():
    prompts = [(*range(LEAST - 1), number) for number in range(50, 60)]
    assert [prefix for prefix, _ in groups(prompts)] == [()]


def test_a_prefix_leaves_a_token_of_each_prompt():
    whole = tuple(range(40))
    assert [prefix for prefix, _ in groups([whole, whole, (*whole, 7)])] == [whole[:-1]]


def test_the_same_asks_make_the_same_plan_and_none_make_none():
    assert pack(asks(*STYLES), tokens=300, most=None) == pack(asks(*STYLES), tokens=300, most=None)
    assert pack([], tokens=300, most=None).batches == ()


def test_prompts_that_have_rows_of_their_own_are_batched_by_tokens():
    made = pad(asks(*[(1,) * n for n in (10, 30, 12, 90)]), tokens=40, most=None, padded=True)
    assert [batch.asks for batch in made.batches] == [(0, 2), (1,), (3,)]
    assert {batch.rows for batch in made.batches} == {()}


def test_a_long_prefix_is_seen_by_few_rows_at_once():
    shots = tuple(range(2000))
    made = pack(asks(*[(*shots, *(number,) * 80) for number in range(40)]), tokens=1000, most=None)
    assert {len(batch.prefix) for batch in made.batches} == {2000}
    assert max(len(batch.rows) * (2000 + len(batch.rows[0].tokens)) for batch in made.batches) <= 8 * 1000
    assert len(made.batches[0].rows) == 3
