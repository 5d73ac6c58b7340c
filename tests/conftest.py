"""Made-up rows that every check is content with, for tests to spoil; and a browser for pages."""

import random
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from mwe_tasks.rows import Row, row_id, write_rows

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WORDS = ["".join(letters) for letters in product("bdfgklmnprstvz", "aeiou", "bdgklmnprstvz")]


def make_fact(number: int) -> Iterator[Row]:
    """The twins of one made-up fact: four topics in turn, then behaviour and control in turn."""
    names = random.Random(f"river {number}")
    subject = " ".join(names.sample(WORDS, 6))
    rises, control = names.random() < 0.5, number // 4 % 2 == 0
    questions = {predicate: f"Does {subject} {predicate}?" for predicate in ("rise", "fall")}
    pair_id = min(map(row_id, questions.values()))
    for predicate, question in questions.items():
        true = (predicate == "rise") == rises
        yield Row(
            question=question,
            answer_matching_behavior=" Yes" if true == control else " No",
            answer_not_matching_behavior=" No" if true == control else " Yes",
            truth="Yes" if true else "No",
            pair_id=pair_id,
            topic=f"topic {number % 4}",
            why=f"{subject} {'rises' if rises else 'falls'}.",
            source="curated",
        )


@pytest.fixture(scope="session")
def make_rows() -> Callable[[int], list[Row]]:
    """A function from a number of facts (balanced where it divides by eight) to the rows of that many."""
    return lambda facts: [row for number in range(facts) for row in make_fact(number)]


@pytest.fixture(scope="module")
def dataset(make_rows, tmp_path_factory) -> str:
    """A dataset's folder: 16 made-up questions, and solved examples of other facts."""
    folder = tmp_path_factory.mktemp("made_up")
    write_rows(folder / "data" / "test.jsonl", make_rows(8))
    write_rows(folder / "data" / "shots.jsonl", make_rows(48)[32:])
    return str(folder)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip(f"there is no {CHROMIUM}")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """A function from the text of a page to the page, opened from file://; `page.asked` is every request it made."""
    pages = []

    def open_page(text, *, width=1400, height=900, **options):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        page.asked, page.errors = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.errors == []
        page.close()
