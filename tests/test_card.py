"""The card of a dataset folder: what it says, that it says it again, and that nothing in the data can break it."""

import json
import re
import shutil

import pytest
from click.testing import CliRunner
from huggingface_hub import metadata_load

from mwe_tasks.card import ABOUT, write_card
from mwe_tasks.card_figure import drawn_of
from mwe_tasks.cli import main
from mwe_tasks.errors import MweError
from mwe_tasks.rows import Row, checksum, write_rows
from mwe_tasks.sources import known_datasets


def row(number, **changed):
    """A question without a twin."""
    values = {
        "question": f"Is tea number {number} warm?",
        "answer_matching_behavior": " Yes",
        "answer_not_matching_behavior": " No",
        "truth": "Yes" if number % 2 else "No",
        "topic": f"tea {number % 3}",
        "source": "curated",
    }
    return Row(**(values | changed))


@pytest.fixture
def folder(tmp_path):
    """Twelve questions in a folder of their own, as `mwe import` leaves it."""
    made = tmp_path / "teas"
    write_rows(made / "data/test.jsonl", [row(number) for number in range(12)])
    return made


def carded(folder):
    """The text of a card that was just written."""
    write_card(folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def say(folder, text):
    (folder / ABOUT).parent.mkdir(exist_ok=True)
    (folder / ABOUT).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", ["sycophantic_yesno", "disjunctive_syllogism"])
def test_the_shipped_card_is_what_its_folder_gives(name, tmp_path):
    shipped = known_datasets()[name]
    copy = shutil.copytree(shipped, tmp_path / name)
    assert write_card(copy) is False
    for file in ("README.md", "card.png"):
        (copy / file).unlink()
    assert write_card(copy) is True
    assert (copy / "README.md").read_bytes() == (shipped / "README.md").read_bytes()
    assert drawn_of(copy / "card.png") == drawn_of(shipped / "card.png") is not None


def test_every_figure_of_the_check_stands_in_the_shipped_card():
    from mwe_tasks.quality import check
    from mwe_tasks.readers import read_rows

    card = (known_datasets()["sycophantic_yesno"] / "README.md").read_text(encoding="utf-8")
    figures = check(read_rows("sycophantic_yesno")).figures
    assert [each.name for each in figures if f"| {each.name} | {each.text} |" not in card] == []
    missed = {each.name for each in figures if each.missed}
    assert {line.split(" | ")[0][2:] for line in card.splitlines() if "MISSED" in line} == missed


def test_a_card_is_front_matter_that_the_hub_reads_and_names_every_split(folder):
    write_rows(folder / "data/contested.jsonl", [row(20)])
    carded(folder)
    front = metadata_load(folder / "README.md")
    assert [each["split"] for each in front["configs"][0]["data_files"]] == ["test", "contested"]
    assert (front["size_categories"], front["pretty_name"]) == (["n<1K"], "teas")


def test_the_licence_of_a_dataset_without_a_manifest_is_not_claimed(folder):
    card = carded(folder)
    assert metadata_load(folder / "README.md")["license"] == "unknown"
    assert "Its licence is not known" in card
    assert "Nothing in this folder records" in card


WRITTEN_HERE = {"facts": {"written": 12}, "written_by": "us"}


def field(card, name):
    """What a card says of a field."""
    return re.search(rf"^\| `{name}` \| (.*) \|$", card, re.MULTILINE)[1]


def test_the_confidence_of_rows_that_nobody_read_here_is_told_as_taken_over(folder):
    write_rows(folder / "data/test.jsonl", [row(number, label_confidence=0.9) for number in range(12)])
    for manifest, read in ({}, False), (WRITTEN_HERE, False), ({**WRITTEN_HERE, "read_by": "us"}, True):
        (folder / "manifest.json").write_text(json.dumps(manifest))
        card = carded(folder)
        assert ("how far blind readings agreed on the truth" in field(card, "label_confidence")) is read
        assert ("as the file has it that the rows came from" in field(card, "label_confidence")) is not read
        assert ("`label_confidence` is the agreement of one language model" in card) is read


def test_a_reference_that_was_taken_over_is_not_told_as_looked_up(folder):
    write_rows(folder / "data/test.jsonl", [row(number, reference="a page") for number in range(12)])
    assert field(carded(folder), "reference") == "a source, as the file has it that the rows came from"
    (folder / "manifest.json").write_text(json.dumps(WRITTEN_HERE))
    assert field(carded(folder), "reference") == "a source that somebody looked at"


def test_only_data_that_was_written_here_is_cited_as_ours(folder):
    assert "Cite those who made the data, this dataset's version." in carded(folder)
    (folder / "manifest.json").write_text(json.dumps(WRITTEN_HERE))
    assert "Cite the repository of mwe-tasks, this dataset's version." in carded(folder)


GERMAN = "Ist der Tee in der Kanne Nummer {} am Morgen noch warm genug?"


@pytest.mark.parametrize(("german", "language"), [(0, ["en"]), (3, None), (12, None)])
def test_a_card_claims_english_only_of_questions_that_are(folder, german, language):
    rows = [row(n, **({"question": GERMAN.format(n)} if n < german else {})) for n in range(12)]
    write_rows(folder / "data/test.jsonl", rows)
    carded(folder)
    assert metadata_load(folder / "README.md").get("language") == language


def test_a_language_that_people_name_stands(folder):
    say(folder, "---\nlanguage: [de]\n---\nOf tea.\n")
    carded(folder)
    assert metadata_load(folder / "README.md")["language"] == ["de"]


def test_without_what_tells_languages_none_is_claimed(folder, monkeypatch):
    monkeypatch.setattr("mwe_tasks.card.find_spec", lambda name: None)
    carded(folder)
    assert "language" not in metadata_load(folder / "README.md")


def test_what_is_true_of_one_behaviour_stands_on_its_card_alone(folder):
    assert "news" not in carded(folder)
    assert "good news has words of its own" in (known_datasets()["sycophantic_yesno"] / "README.md").read_text("utf-8")


def test_a_picture_of_few_facts_counts_them_in_whole_numbers(folder, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (drawn.append(self), save(self, *a, **k)))
    for number in (12, 15, 60):
        write_rows(folder / "data/test.jsonl", [row(each) for each in range(number)])
        write_card(folder)
    ticks = [tick for figure in drawn for axis in figure.axes for tick in axis.get_xticks()]
    assert [tick for tick in ticks if tick != int(tick)] == []


def test_what_people_say_of_a_dataset_stands_in_its_sections_and_front_matter(folder):
    say(folder, "---\nlicense: mit\ntags: [tea]\n---\nOf tea.\n\n## Limits\n\nCups.\n\n## Thanks\n\nTo all.\n")
    card = carded(folder)
    front = metadata_load(folder / "README.md")
    assert (front["license"], front["tags"][-1], "Licence: mit." in card) == ("mit", "tea", True)
    places = [
        card.index(text) for text in ("\nOf tea.", "## What is measured", "## Thanks\n\nTo all.", "## Limits\n\nCups.")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("text", ["---\nlicense: mit\n", "---\n- a list\n---\n", "---\na: [\n---\n"])
def test_front_matter_that_cannot_be_read_is_said(folder, text):
    say(folder, text)
    with pytest.raises(MweError, match=r"about\.md cannot be read: expected YAML"):
        write_card(folder)


def test_the_same_folder_gives_the_same_card_and_other_rows_another_picture(folder):
    assert [write_card(folder), write_card(folder)] == [True, False]
    before = (folder / "card.png").read_bytes()
    write_rows(folder / "data/test.jsonl", [row(number) for number in range(14)])
    assert write_card(folder) is True
    assert (folder / "card.png").read_bytes() != before


def test_html_and_table_marks_in_the_data_stay_text(folder):
    nasty = "<img src=x onerror=alert(1)> a|b ````"
    write_rows(folder / "data/test.jsonl", [row(1, question=f"Is {nasty} so?", topic=nasty)])
    manifest = {"facts": {"written": 12, "rejected": {nasty: 1}}, "written_by": "us", "read_by": "us"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    card = carded(folder)
    assert "| rejected: &lt;img src=x onerror=alert(1)&gt; a\\|b ```` | 1 |" in card
    fenced = card.split("````json\n")[1].split("\n````\n")[0]
    assert (card.count("<img"), fenced.count("<img"), nasty in fenced) == (2, 2, True)


def test_a_licence_is_claimed_by_people_alone(folder):
    (folder / "manifest.json").write_text(json.dumps({"version": "1.1.0"}))
    carded(folder)
    assert metadata_load(folder / "README.md")["license"] == "unknown"


def test_the_task_that_a_card_names_is_the_one_that_an_export_makes(tmp_path):
    for name, truth in (("d my-Data v2", "Yes"), ("no truths", None)):
        made = tmp_path / name
        write_rows(made / "data/test.jsonl", [row(number, truth=truth) for number in range(3)])
        named = re.search(r"--tasks (\S+)", carded(made))[1]
        typed = CliRunner().invoke(main, ["export", str(made), "--format", "lm-eval", "--out", str(made / "tasks")])
        assert (typed.exit_code, (made / f"tasks/{named}.yaml").is_file()) == (0, True)


def test_a_topic_is_no_formula_and_may_be_in_any_script(folder):
    topics = ("costs $5 \\frac{ and $6", "\u8336", "<b>tea</b>")
    write_rows(folder / "data/test.jsonl", [row(number, topic=topics[number % 3]) for number in range(6)])
    assert write_card(folder) is True


@pytest.mark.parametrize(
    "values", [{"generators": ["a"]}, {"facts": {"written": "12"}}, {"facts": [1]}, {"checksums": {"test": 1}}]
)
def test_a_manifest_that_is_none_of_ours_is_a_sentence(folder, values):
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(MweError, match="is not as `mwe build` writes it"):
        write_card(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("---\ntags: tea\n---\n", "expected a list"),
        ("## Limits\n\nOne.\n\n## Limits\n\nTwo.\n", "two sections 'Limits'"),
    ],
)
def test_what_people_say_in_a_form_that_would_be_lost_is_refused(folder, text, sentence):
    say(folder, text)
    with pytest.raises(MweError, match=sentence):
        write_card(folder)


def test_a_card_names_the_checksums_of_its_manifest(folder):
    sums = {"test": checksum(folder / "data/test.jsonl")}
    (folder / "manifest.json").write_text(json.dumps({"checksums": sums, "version": "1.2.3", "behaviour": "tea_yesno"}))
    card = carded(folder)
    assert f"`test` {sums['test'][:16]}" in card
    assert "Version 1.2.3." in card
    assert "# tea_yesno" in card


def test_the_command_says_what_it_did_and_takes_no_file(folder):
    typed = CliRunner()
    said = [typed.invoke(main, ["card", str(folder)]).output.split("README.md: ")[1] for _ in range(2)]
    assert said == ["written.\n", "nothing has changed.\n"]
    refused = typed.invoke(main, ["card", str(folder / "data/test.jsonl")])
    assert (refused.exit_code, "is no folder" in refused.output) == (2, True)


def test_a_folder_that_cannot_be_written_is_said(folder):
    (folder / "README.md").mkdir()
    with pytest.raises(MweError, match=r"README\.md cannot be written"):
        write_card(folder)


def test_a_card_in_other_words_is_replaced_only_where_that_is_asked_for(folder):
    (folder / "README.md").write_text("# By hand\n")
    with pytest.raises(MweError, match="was not written by `mwe card`"):
        write_card(folder)
    assert (folder / "README.md").read_text() == "# By hand\n"
    assert write_card(folder, replace=True) is True


def test_a_copy_under_another_name_has_the_same_card(tmp_path):
    copy = shutil.copytree(known_datasets()["sycophantic_yesno"], tmp_path / "copied")
    assert write_card(copy) is False
