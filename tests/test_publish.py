"""`mwe publish` against a Hub stand-in: what is sent, what never is, what each failure leaves, and reading back."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hub_store import TOKEN, HubStore
from huggingface_hub import CommitOperationAdd, HfApi
from publishing import FAILURES, FOLDER, LATE, OTHER, PUBLISH

from mwe_tasks import publish, sources
from mwe_tasks.card import write_card
from mwe_tasks.cli import main
from mwe_tasks.errors import MweError
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import checksum, write_rows

CARD = """\
---
license: cc-by-4.0
configs:
- config_name: default
  data_files:
  - split: test
    path: data/test.jsonl
---
# rivers
"""
NAME = "some/rivers"
TRANSCRIPT = Path(__file__).parents[1] / "benchmarks" / "publishing.txt"
FILES = ["README.md", "data/test.jsonl", "eval.yaml", "manifest.json"]


def write_manifest(folder, **more):
    sums = {path.stem: checksum(path) for path in folder.glob("data/*.jsonl")}
    (folder / "manifest.json").write_text(json.dumps({"checksums": sums, "behaviour": "rivers", **more}))


@pytest.fixture
def folder(tmp_path, make_rows):
    """A dataset folder of version 1.0.0."""
    made = tmp_path / "rivers"
    write_rows(made / "data" / "test.jsonl", make_rows(8))
    (made / "README.md").write_text(CARD)
    write_manifest(made, version="1.0.0")
    return made


@pytest.fixture
def store():
    return HubStore()


@pytest.fixture
def hub(store, monkeypatch):
    """The running stand-in, where HF's own client finds it, logged in; waiting between retries takes no time."""
    server = store.serve()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    files = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", files)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    yield store
    server.shutdown()
    server.server_close()


def send(folder, name=NAME, *, private=False):
    """Publishes a folder; gives the revision."""
    api = HfApi()
    return publish.carry_out(publish.plan(str(folder), name, private=private, api=api), api)


def error_of(*arguments, **options):
    with pytest.raises(MweError) as raised:
        send(*arguments, **options)
    return raised.value.message


def mend(folder, version="1.0.1"):
    """Changes the card and the version of a folder."""
    (folder / "README.md").write_text(CARD + "More is said.\n")
    write_manifest(folder, version=version)


def on_hub(hub, name=NAME):
    return hub.repositories[name].commits[-1][1]


# What is sent


def test_the_hub_ends_up_with_the_files_of_the_folder_byte_for_byte_in_one_commit(hub, folder):
    revision = send(folder)
    repository = hub.repositories[NAME]
    sent = {name: content for name, content in on_hub(hub).items() if name != ".gitattributes"}
    here = {name: (folder / name).read_bytes() for name in FILES}
    # eval.yaml alone, and a card of ours, say where they stand.
    assert sent == here | {"eval.yaml": here["eval.yaml"].replace(b"ORG/NAME", NAME.encode())}
    assert (len(repository.commits), repository.head, repository.tags) == (2, revision, {"1.0.0": revision})


def test_unchanged_data_makes_no_commit_and_gives_the_same_revision(hub, folder):
    first = send(folder)
    hub.calls.clear()
    assert (send(folder), hub.sent("POST")) == (first, [])


def test_a_new_version_is_one_more_commit_of_what_changed_and_leaves_the_old_tag(hub, folder):
    first = send(folder)
    mend(folder)
    (folder / "more.txt").write_text("new")
    second = send(folder)
    assert hub.repositories[NAME].tags == {"1.0.0": first, "1.0.1": second}
    assert [oid for oid, _ in hub.repositories[NAME].commits][1:] == [first, second]


def test_what_the_folder_has_no_longer_is_deleted_and_the_hubs_own_hidden_file_stays(hub, folder):
    (folder / "old.txt").write_text("old")
    send(folder)
    (folder / "old.txt").unlink()
    mend(folder)
    send(folder)
    assert sorted(on_hub(hub)) == sorted([".gitattributes", *FILES])


def test_a_change_under_a_version_that_is_tagged_is_refused(hub, folder):
    first = send(folder)
    mend(folder, version="1.0.0")
    assert f'has a version 1.0.0 already, at revision {first}, and it is not what is here: raise "version"' in error_of(
        folder
    )
    assert hub.repositories[NAME].head == first


def test_a_manifest_without_a_version_is_version_1(hub, folder):
    write_manifest(folder)
    send(folder)
    assert list(hub.repositories[NAME].tags) == ["1.0.0"]


def test_a_card_of_ours_names_the_repository_and_has_to_be_current(hub, folder):
    mend(folder, version="1.0.0")
    write_card(folder, replace=True)
    send(folder)
    files = hub.repositories[NAME].commits[-1][1]
    for name, said in (("README.md", f"dataset=hf:{NAME}@1.0.0"), ("eval.yaml", f"inspect eval hf/{NAME}")):
        assert (said in files[name].decode(), b"ORG/NAME" in files[name]) == (True, False)
    write_manifest(folder, version="1.0.1")
    assert f"is not what its files give: `mwe card {folder}` writes it anew" in error_of(folder)


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "../1.0.0", "1.0.0\n", 1, None])
def test_another_form_of_version_is_a_sentence(hub, folder, version):
    write_manifest(folder, version=version)
    assert error_of(folder).endswith(f'has the version {version!r}: expected one as "1.0.0".')


def test_private_makes_a_new_dataset_private_and_it_stays_so(hub, folder):
    send(folder, private=True)
    mend(folder)
    send(folder)
    assert hub.repositories[NAME].private is True


def test_private_for_a_dataset_that_is_public_is_refused(hub, folder):
    send(folder)
    assert error_of(folder, private=True).startswith(f"{NAME} is there already and public")


# The Hub's client hands a large file to its HTTP library under an older name of the argument.
of_large_files = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def large(hub, monkeypatch):
    """Files of 2,000 bytes or more are large ones, sent by the older of the client's two ways: Xet is compiled code."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    hub.large = 2000


@of_large_files
def test_large_files_are_sent_and_recognised_as_unchanged(hub, folder, large):
    first = send(folder)
    assert on_hub(hub)["data/test.jsonl"] == (folder / "data" / "test.jsonl").read_bytes()
    assert (len(hub.large_files), send(folder)) == (1, first)


# What never is


def test_hidden_files_are_never_sent_and_are_named(hub, folder):
    for name in (".env", ".git/config", "sources/.DS_Store", "sources/__pycache__/build.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("secret")
    planned = publish.plan(str(folder), NAME, private=False, api=HfApi())
    assert planned.left_out == (".env", ".git", "sources/.DS_Store", "sources/__pycache__")
    assert [each.name for each in planned.uploads] == FILES


def test_a_link_to_a_hidden_file_is_refused(hub, folder):
    (folder / ".env").write_text("secret")
    (folder / "notes.txt").symlink_to(".env")
    assert "is a link out of the dataset, to a folder, or to a hidden file" in error_of(folder)


@pytest.mark.parametrize("inside", ["notes.txt", "data/notes.txt"])
def test_a_link_that_leads_out_is_refused(hub, folder, tmp_path, inside):
    (tmp_path / "secret.txt").write_text("secret")
    (folder / inside).symlink_to(tmp_path / "secret.txt")
    assert "is a link out of the dataset, to a folder" in error_of(folder)
    assert hub.calls == []


def test_a_link_to_a_folder_outside_is_refused(hub, folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "sources").symlink_to(tmp_path / "elsewhere")
    assert "is a link out of the dataset, to a folder" in error_of(folder)


def test_a_link_to_a_file_of_the_same_folder_is_sent_as_that_file(hub, folder):
    (folder / "same.md").symlink_to("README.md")
    send(folder)
    assert on_hub(hub)["same.md"] == CARD.encode()


@pytest.mark.parametrize("name", ["a\\b.txt", "a\nb.txt", "a\x1b[31m.txt", ".\x1b[31m"])
def test_a_file_name_that_the_hub_or_a_terminal_would_take_for_something_else_is_refused(hub, folder, name):
    (folder / name).write_text("x")
    said = error_of(folder)
    assert ("has a name that the Hub cannot hold" in said, said.isprintable()) == (True, True)


def test_a_pipe_in_the_folder_is_refused(hub, folder):
    os.mkfifo(folder / "pipe")
    assert error_of(folder).endswith("is no file and cannot be uploaded: remove it.")


# What stops it before a call


@pytest.mark.parametrize(
    "name",
    [
        *("rivers", "../rivers", "some/../rivers", "/some/rivers", "some/rivers/", "some/ri vers", " some/rivers"),
        *("a/b/c", "some/rivers\n", "some/..", "some/r--s", "some/rivers.git", "-some/rivers", "some/" + "r" * 96),
        *("", "söme/rivers"),
    ],
)
def test_a_repository_that_is_no_org_and_name_is_one_sentence(hub, folder, name):
    said = error_of(folder, name)
    assert said.startswith(f"--to {name!r} is not of the form ORG/NAME")
    assert (hub.calls, "\n" in said) == ([], False)


@pytest.mark.parametrize(
    "name", ["../rivers", "x/../../rivers", "ri vers", "/nowhere/rivers", "", " ", "rivers\n", "a\0b", "x" * 5000]
)
def test_a_dataset_that_is_none_is_one_sentence(hub, tmp_path, folder, monkeypatch, name):
    elsewhere = tmp_path / "some" / "where"
    elsewhere.mkdir(parents=True)
    monkeypatch.setattr(sources, "shipped_folder", lambda name: tmp_path)
    monkeypatch.chdir(elsewhere)
    said = error_of(name)
    assert said.startswith((f"There is no folder {name!r}", f"No dataset is named {name!r}"))
    assert (hub.calls, "\n" in said) == ([], False)


def test_a_file_is_no_dataset_folder(hub, folder):
    assert "is no folder" in error_of(folder / "data" / "test.jsonl")


def test_data_with_errors_is_not_published(hub, folder, make_rows):
    write_rows(folder / "data" / "test.jsonl", make_rows(7))
    write_manifest(folder)
    assert "Behaviour facts (3) and control facts (4) differ in number" in error_of(folder)
    assert hub.calls == []


def test_a_broken_line_in_another_split_is_not_published(hub, folder):
    (folder / "data" / "shots.jsonl").write_text("{\n")
    assert "line 1: expected a JSON object" in error_of(folder)
    assert hub.calls == []


def test_a_split_that_the_card_leaves_out_is_not_published(hub, folder, make_rows):
    write_rows(folder / "data" / "shots.jsonl", make_rows(8))
    assert error_of(folder).endswith("do not name data/shots.jsonl, which nobody would load.")


def test_a_dataset_without_a_card_is_not_published(hub, folder):
    (folder / "README.md").unlink()
    assert f"has no card: `mwe card {folder}` writes it" in error_of(folder)


@pytest.mark.parametrize("front", ["[", "a: [", "configs: 1", "configs: [{}]", "configs: [{data_files: [{}]}]", "- a"])
def test_a_card_whose_front_matter_cannot_be_read_is_a_sentence(hub, folder, front):
    (folder / "README.md").write_text(f"---\n{front}\n---\n")
    assert f"cannot be read: `mwe card {folder}` writes it anew" in error_of(folder)


@pytest.mark.parametrize(
    "data_files", ["data/*.jsonl", "[data/test.jsonl]", "[{split: test, path: [data/test.jsonl]}]"]
)
def test_a_card_may_name_its_data_in_any_of_the_hubs_ways(hub, folder, data_files):
    (folder / "README.md").write_text(f"---\nlicense: mit\nconfigs: [{{data_files: {data_files}}}]\n---\n")
    assert send(folder) == hub.repositories[NAME].head


def test_a_manifest_of_other_data_is_not_published(hub, folder, make_rows):
    write_rows(folder / "data" / "test.jsonl", make_rows(16))
    assert error_of(folder).endswith("is of another test split than data/ has: build both anew.")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"checksums": 1}'])
def test_a_manifest_that_is_none_is_a_sentence(hub, folder, text):
    (folder / "manifest.json").write_text(text)
    assert "manifest.json" in error_of(folder)


# A repository of somebody else's, or of one's own, with another dataset


@pytest.fixture
def unrelated(hub):
    """A dataset that `mwe publish` did not make, with a card, a file of a name that ours has too, and another."""
    HfApi().create_repo(NAME, repo_type="dataset")
    files = dict.fromkeys(["README.md", "data/test.jsonl", "train\x1b.csv"], b"theirs")
    hub.repositories[NAME].commit({**on_hub(hub), **files}, "theirs")
    return hub.repositories[NAME].head


def test_a_dataset_that_we_did_not_make_is_not_replaced_unasked_and_what_it_would_lose_is_named(hub, folder, unrelated):
    said = error_of(folder)
    assert "(it has no manifest.json), and would lose data/test.jsonl, 'train\\x1b.csv': publish under an" in said
    assert (hub.repositories[NAME].head, hub.repositories[NAME].tags) == (unrelated, {})


OURS = {"behaviour": "rivers", "canary": "a canary"}


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (b'{"files": ["train.csv"]}', "a dataset whose manifest.json names no behaviour, as one of this dataset would"),
        (b"[]", "a dataset whose manifest.json names no behaviour"),
        (b"not JSON \xff", "a dataset whose manifest.json names no behaviour"),
        (b'{"behaviour": "hills", "canary": "a canary"}', "another dataset, hills"),
        (b'{"behaviour": "a\\u001b[31m"}', "another dataset, 'a\\x1b[31m'"),
        (b'{"behaviour": "rivers", "canary": "theirs"}', "a dataset rivers with another canary"),
        (b'{"behaviour": "rivers"}', "a dataset rivers with another canary"),
    ],
)
def test_a_dataset_with_a_manifest_that_is_not_this_one_is_not_replaced_unasked(hub, folder, unrelated, there, said):
    write_manifest(folder, version="1.0.0", **OURS)
    hub.repositories[NAME].commit({**on_hub(hub), "manifest.json": there}, "theirs")
    before = hub.repositories[NAME].head
    assert f"{NAME} holds {said}" in (told := error_of(folder))
    assert "would lose data/test.jsonl, manifest.json, " in told
    assert (hub.repositories[NAME].head, hub.repositories[NAME].tags) == (before, {})
    assert run(folder, "--to", NAME, "--replace").exit_code == 0


def test_a_dataset_without_a_manifest_does_not_replace_one_that_has_one(hub, folder):
    send(folder)
    (folder / "manifest.json").unlink()
    assert f"{NAME} holds another dataset, rivers, and would lose manifest.json" in error_of(folder)


def test_a_manifest_on_the_hub_that_is_too_large_for_ours_is_not_fetched(hub, folder, unrelated, monkeypatch):
    monkeypatch.setattr(publish, "MOST_READ", 100)
    theirs = json.dumps({**OURS, "more": "x" * 100}).encode()
    hub.repositories[NAME].commit({**on_hub(hub), "manifest.json": theirs}, "theirs")
    write_manifest(folder, **OURS)
    assert "names no behaviour" in error_of(folder)
    assert hub.sent("/resolve/") == []


def test_a_manifest_on_the_hub_that_cannot_be_fetched_stops_it_with_a_sentence(hub, folder, published):
    hub.fail("/manifest.json", 503, times=20)
    assert error_of(folder).startswith(("The Hub has a fault of its own", "The Hub could not be reached"))
    assert hub.repositories[NAME].head == published


def test_of_many_files_that_would_be_lost_five_are_named_and_the_rest_counted(hub, folder, unrelated):
    hub.repositories[NAME].commit({f"{number}.csv": b"theirs" for number in range(9)}, "more")
    assert "would lose 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 4 more: publish" in error_of(folder)


def test_with_replace_it_is_replaced_in_one_commit_and_stays_in_the_history(hub, folder, unrelated):
    assert run(folder, "--to", NAME, "--replace").exit_code == 0
    assert sorted(on_hub(hub)) == sorted([".gitattributes", *FILES])
    assert [oid for oid, _ in hub.repositories[NAME].commits][1:] == [unrelated, hub.repositories[NAME].head]


def test_a_dry_run_shows_what_would_be_lost_and_refuses_too(hub, folder, unrelated):
    printed = run(folder, "--to", NAME, "--dry-run")
    assert (printed.exit_code, "  deleted          6 B  'train\\x1b.csv'" in printed.output) == (2, True)


@pytest.mark.parametrize("card", [None, b"", b"---\nlicense: mit\n---\n"])
def test_what_the_hub_itself_puts_into_a_new_dataset_is_no_unrelated_dataset(hub, folder, card):
    HfApi().create_repo(NAME, repo_type="dataset")
    if card is not None:
        hub.repositories[NAME].commit({**on_hub(hub), "README.md": card}, "made on the page")
    assert send(folder) == hub.repositories[NAME].head


def test_a_dataset_without_a_manifest_whose_tag_failed_goes_on(hub, folder):
    (folder / "manifest.json").unlink()
    hub.fail("/tag/", 503)
    error_of(folder)
    assert hub.repositories[NAME].tags == {}
    send(folder)
    assert list(hub.repositories[NAME].tags) == ["1.0.0"]


# Failures: what was there stays, and the same command goes on


@pytest.fixture
def published(hub, folder):
    """The revision of a version 1.0.0; the folder is at 1.0.1 by now."""
    revision = send(folder)
    mend(folder)
    return revision


@pytest.mark.parametrize("call", ["POST /api/validate-yaml", "POST /api/datasets/some/rivers/preupload", "/commit/"])
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "The Hub does not know this login: run `hf auth login`"),
        (403, "This login may not write to some/rivers"),
        (409, "Somebody else has changed some/rivers meanwhile"),
        (429, "The Hub takes no more calls of this login for now: give the same command again in 7 seconds"),
        (500, "The Hub has a fault of its own: give the same command again later"),
        (503, "The Hub has a fault of its own: give the same command again later"),
        ("cut", "The Hub could not be reached, or the connection broke off: give the same command again"),
    ],
)
def test_a_failure_on_the_way_is_one_sentence_and_leaves_the_old_revision(hub, folder, published, call, status, said):
    hub.fail(call, status, times=6, headers={"Retry-After": "7"})
    told = error_of(folder)
    assert told.startswith(said)
    assert told.endswith(f"some/rivers stands at revision {published}, as before.")
    assert ("\n" in told, "http" in told) == (False, False)
    assert hub.repositories[NAME].head == published
    hub.faults.clear()
    assert hub.repositories[NAME].tags["1.0.0"] == published
    assert send(folder) == hub.repositories[NAME].head != published


@pytest.mark.parametrize("status", [429, 503, "cut"])
def test_what_the_hubs_client_tries_again_by_itself_does_not_fail(hub, folder, published, status):
    hub.fail("/preupload/", status, headers={"Retry-After": "1"})
    assert send(folder) == hub.repositories[NAME].head != published
    assert len(hub.sent("/preupload/")) == 3  # one of the first version, two of the second


@of_large_files
def test_a_large_file_whose_upload_is_cut_for_good_leaves_the_old_revision(hub, folder, published, large):
    (folder / "trees.jsonl").write_text("{}\n" * 1000)
    hub.fail("PUT /large/", "cut", times=20)
    told = error_of(folder)
    assert told.startswith("The Hub could not be reached, or the connection broke off")
    assert told.endswith(f"some/rivers stands at revision {published}, as before.")
    assert "disconnected" in told
    assert (len(hub.sent("PUT /large/")), hub.sent("/commit/")[1:]) == (6, [])


@of_large_files
def test_a_large_file_that_may_not_be_uploaded_is_told_as_what_it_is(hub, folder, published, large):
    (folder / "trees.jsonl").write_text("{}\n" * 1000)
    hub.fail("PUT /large/", 403, message="quota")
    told = error_of(folder)
    assert told.startswith("This login may not write to some/rivers")
    assert told.endswith(f"(sending the commit: 403 quota) some/rivers stands at revision {published}, as before.")


def test_a_large_file_that_xet_cannot_send_leaves_the_old_revision(hub, folder, published):
    hub.large = 2000
    (folder / "trees.jsonl").write_text("{}\n" * 1000)
    told = error_of(folder)
    assert told.startswith("The Hub could not be reached, or the connection broke off")
    assert told.endswith(f"some/rivers stands at revision {published}, as before.")
    assert "xet-write-token" in hub.calls[-2]


@of_large_files
def test_a_large_file_whose_upload_is_cut_once_is_sent_again(hub, folder, published, large):
    (folder / "trees.jsonl").write_text("{}\n" * 1000)
    hub.fail("PUT /large/", "cut")
    send(folder)
    assert on_hub(hub)["trees.jsonl"] == (folder / "trees.jsonl").read_bytes()


def test_a_commit_whose_reply_is_lost_is_not_made_twice(hub, folder, published):
    hub.fail("/commit/", "lost")
    told = error_of(folder)
    assert told.endswith("Whether the commit is through is not known; the same command goes on from what is there.")
    assert send(folder) == hub.repositories[NAME].head
    assert (len(hub.repositories[NAME].commits), list(hub.repositories[NAME].tags)) == (3, ["1.0.0", "1.0.1"])


def test_a_tag_that_fails_is_set_by_the_same_command_without_another_commit(hub, folder, published):
    hub.fail("/tag/", 503)
    told = error_of(folder)
    head = hub.repositories[NAME].head
    assert told.endswith(f"The data is there, at revision {head}; the same command sets its tag where that is missing.")
    assert (send(folder), hub.repositories[NAME].tags["1.0.1"]) == (head, head)


def test_a_tag_that_somebody_else_made_meanwhile_is_a_sentence(hub, folder, published):
    hub.fail("/tag/", 409)
    assert error_of(folder).startswith("Somebody else has made a tag 1.0.1 of some/rivers meanwhile")


def test_a_change_by_somebody_else_between_look_and_commit_is_kept(hub, folder, published):
    api = HfApi()
    planned = publish.plan(str(folder), NAME, private=False, api=api)
    theirs = api.create_commit(
        NAME, [CommitOperationAdd("a.txt", b"theirs")], commit_message="theirs", repo_type="dataset"
    ).oid
    with pytest.raises(MweError, match="Somebody else has changed some/rivers meanwhile: look at --dry-run"):
        publish.carry_out(planned, api)
    assert hub.repositories[NAME].head == theirs


def test_the_tag_names_our_commit_where_somebody_else_commits_before_it_is_set(hub, folder):
    class Busy(HfApi):
        def create_tag(self, *arguments, **options):
            theirs = [CommitOperationAdd("a.txt", b"theirs")]
            self.create_commit(NAME, theirs, commit_message="theirs", repo_type="dataset")
            super().create_tag(*arguments, **options)

    api = Busy()
    revision = publish.carry_out(publish.plan(str(folder), NAME, private=False, api=api), api)
    assert hub.repositories[NAME].tags == {"1.0.0": revision}
    assert hub.repositories[NAME].head != revision


def test_a_failure_after_a_dataset_was_made_leaves_it_empty_and_the_same_command_goes_on(hub, folder):
    hub.fail("/commit/", 503)
    assert error_of(folder).endswith("some/rivers is made and still empty.")
    assert send(folder) == hub.repositories[NAME].tags["1.0.0"]


def test_without_a_login_nothing_is_made(hub, folder, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(folder / "no-token"))
    assert error_of(folder).startswith(
        "The Hub does not know this login: run `hf auth login` with a token that may write"
    )
    assert hub.repositories == {}


def test_a_name_of_another_organisation_is_refused_with_what_the_hub_says(hub, folder):
    said = error_of(folder, "other/rivers")
    assert said.startswith("This login may not write to other/rivers: ")
    assert 'create a dataset under the namespace "other"' in said


def test_a_dataset_that_this_login_may_not_see_is_not_taken_for_a_new_one(hub, folder):
    send(folder)
    hub.fail("GET /api/datasets/some/rivers", 404, headers={"X-Error-Code": "RepoNotFound"})
    assert error_of(folder).startswith("some/rivers is there already, and this login may not see it")


def test_a_card_that_the_hub_refuses_is_a_sentence_with_its_reason(hub, folder):
    (folder / "README.md").write_text(CARD.replace("license: cc-by-4.0\n", ""))
    assert (
        "The Hub refuses this. (sending the commit: Invalid metadata in README.md. - license is required)"
        in error_of(folder)
    )


def test_a_hub_that_is_not_there_is_a_sentence(hub, folder, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert error_of(folder).startswith("The Hub could not be reached")


def test_a_failure_while_looking_is_a_sentence(hub, folder, published):
    hub.fail("/tree/", 500, times=6)
    assert error_of(folder).startswith("The Hub has a fault of its own")


# The command


def run(*arguments):
    return CliRunner().invoke(main, ["publish", *map(str, arguments)])


def test_a_dry_run_shows_every_change_sends_nothing_and_leaves_the_folder(hub, folder):
    (folder / "old.txt").write_text("old")
    send(folder)
    (folder / "old.txt").unlink()
    (folder / "eval.yaml").unlink()
    mend(folder)
    (folder / "more.txt").write_text("new")
    hub.calls.clear()
    printed = run(folder, "--to", NAME, "--dry-run")
    lines = [line.split() for line in printed.output.splitlines() if line.startswith("  ")]
    assert [(line[0], *line[3:5]) for line in lines] == [
        ("changed", "README.md", "(was"),
        ("changed", "manifest.json"),
        ("new", "more.txt"),
        ("deleted", "old.txt"),
        ("unchanged", "2", "files"),
    ]
    assert printed.output.endswith("4 files would change. Nothing was sent: this was a dry run.\n")
    assert (printed.exit_code, hub.sent("POST"), (folder / "eval.yaml").exists()) == (0, [], False)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_version_that_is_taken_is_refused_after_what_would_change_is_shown(hub, folder, options):
    send(folder)
    mend(folder, version="1.0.0")
    printed = run(folder, "--to", NAME, *options)
    assert "README.md (was " in printed.output
    assert "Error: some/rivers has a version 1.0.0 already" in printed.output
    assert (printed.exit_code, len(hub.repositories[NAME].commits)) == (2, 2)


def test_the_command_ends_with_the_revision_and_what_to_type_next(hub, folder):
    printed = run(folder, "--to", NAME)
    revision = hub.repositories[NAME].head
    assert printed.output.splitlines()[-2:] == [
        f"Revision {revision}, tag 1.0.0.",
        "To score it: inspect eval mwe_tasks/yesno -T dataset=hf:some/rivers@1.0.0 --model MODEL",
    ]
    assert "Nothing has changed: no commit." in run(folder, "--to", NAME).output.splitlines()


def test_a_name_on_the_hub_that_a_terminal_would_obey_is_shown_escaped(hub, folder):
    send(folder)
    hub.repositories[NAME].commit({**on_hub(hub), "a\x1b[31m.txt": b"theirs"}, "theirs")
    mend(folder)
    printed = run(folder, "--to", NAME, "--dry-run").output
    assert ("\x1b" in printed, "'a\\x1b[31m.txt'" in printed) == (False, True)


def test_a_failure_exits_with_2_and_one_sentence(hub, folder):
    hub.fail("/commit/", 503)
    printed = run(folder, "--to", NAME)
    assert (printed.exit_code, "Error: The Hub has a fault of its own" in printed.output) == (2, True)


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500])
def test_the_token_is_not_printed_even_where_the_hub_repeats_it(hub, folder, status, caplog):
    caplog.set_level("INFO")
    for call in ("/repos/create", "/commit/", "/tag/"):
        hub.fail(call, status, message="not with {authorization}")
        printed = run(folder, "--to", NAME)
        assert "not with Bearer (the token)" in printed.output
        assert TOKEN not in printed.output + caplog.text


def test_the_token_is_in_no_output_and_in_no_log_of_any_level(hub, folder, caplog):
    for logger in (None, "httpx2", "httpcore2", "huggingface_hub"):  # an earlier test's run of Inspect quietens some
        caplog.set_level("DEBUG", logger=logger)
    hub.fail("/preupload/", 503)
    assert TOKEN not in run(folder, "--to", NAME).output + caplog.text
    assert "/commit/" in caplog.text


# Read back


def test_a_connection_that_breaks_while_the_splits_are_listed_is_a_sentence(hub, folder, monkeypatch, tmp_path):
    send(folder)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    hub.fail("/tree/1.0.0", "cut", times=6)  # the splits are listed by the name of the revision, files by its commit
    with pytest.raises(MweError, match=r"hf:some/rivers@1\.0\.0 could not be fetched: "):
        read_rows(f"hf:{NAME}@1.0.0", "train")


# Each in a process of its own


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A function that runs a command whose Hub is a stand-in, on which the shipped dataset was just published."""
    store, home = HubStore(), tmp_path_factory.mktemp("hub")
    server = store.serve()
    hub = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(home / "home"), "HF_TOKEN": TOKEN}
    environment = {**os.environ, **hub, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def start(*command, stderr=subprocess.PIPE):
        ran = subprocess.run(
            [sys.executable, *command],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, (ran.stdout, ran.stderr)
        return ran.stdout

    command = "from mwe_tasks.cli import main; main()"
    shutil.copytree(sources.known_datasets()["sycophantic_yesno"], home / FOLDER)
    start.printed = start("-c", command, *PUBLISH.split()[1:], stderr=subprocess.STDOUT)
    start.revision = store.repositories["some/yesno"].head
    start.version = next(iter(store.repositories["some/yesno"].tags))
    yield start
    server.shutdown()
    server.server_close()


def without_figures(printed):
    """Words alone: what a dataset that is mended later changes nothing of."""
    return re.sub(r"\b([0-9a-f]{40}|\d+(\.\d+)*)\b( k?M?B)?", "N", " ".join(printed.split()))


def test_the_transcript_holds_what_publishing_prints_now(elsewhere):
    told = TRANSCRIPT.read_text(encoding="utf-8").split(f"$ {PUBLISH}\n")[1].split("\n\n")[0]
    assert without_figures(told) == without_figures(elsewhere.printed)


def test_the_transcript_is_of_the_commands_as_they_are_and_names_no_machine():
    told = TRANSCRIPT.read_text(encoding="utf-8")
    typed = {line for line in told.splitlines() if line.startswith("$ mwe publish")}
    assert typed == {f"$ {PUBLISH}{more}" for more in ("", " --dry-run")} | {
        f"$ mwe publish {FOLDER} --to some/taken{more}" for more in ("", " --replace")
    } | {f"$ mwe publish {OTHER} --to some/taken"}
    assert all(what in told for what, *_ in (*FAILURES, *LATE))
    assert not re.search(rf"{TOKEN}|127\.0|localhost|/tmp/|Traceback|INFO", told)


def test_the_datasets_library_loads_every_split_of_what_was_published(elsewhere):
    code = (
        f"import datasets; found = datasets.load_dataset('some/yesno', revision='{elsewhere.version}');"
        "print({split: (len(rows), rows[0]['id']) for split, rows in found.items()})"
    )
    folder = sources.known_datasets()["sycophantic_yesno"] / "data"
    lines = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in folder.glob("*.jsonl")}
    assert eval(elsewhere("-c", code)) == {
        split: (len(each), json.loads(each[0])["id"]) for split, each in lines.items()
    }


def test_inspect_scores_what_was_published_by_its_tag_and_the_log_names_the_commit(elsewhere, tmp_path):
    elsewhere(
        *("-m", "inspect_ai", "eval", "mwe_tasks/yesno", "-T", f"dataset=hf:some/yesno@{elsewhere.version}"),
        *("--model", "sim/appeal-up-1b", "--limit", "6", "--display", "none", "--log-dir", str(tmp_path)),
    )
    from inspect_ai.log import read_eval_log

    log = read_eval_log(str(next(tmp_path.glob("*.eval"))))
    told = log.eval.metadata["mwe"]
    assert (log.status, len(log.samples)) == ("success", 6)
    assert told["where"] == f"hf:some/yesno@{elsewhere.revision}"
    assert told["checksum"] == checksum(sources.known_datasets()["sycophantic_yesno"] / "data" / "test.jsonl")


def test_inspects_own_reader_takes_the_eval_yaml_that_was_published_and_scores_generated_answers(elsewhere):
    code = """\
import json
from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model
def say(messages, *rest):
    said.append(messages[-1].text)
    output = ModelOutput.from_content("mockllm/model", replies[len(said) - 1])
    output.usage = ModelUsage()
    return output
said, replies = [], ["Yes", "Not at all", "no.", "**Yes**, it does", "I would say yes"]
log = eval("hf/some/yesno@VERSION", model=get_model("mockllm/model", custom_outputs=say), limit=5, display="none",
           max_samples=1, max_connections=1)[0]
print(json.dumps([log.status, said, [[each.target, each.scores["pattern"].value] for each in log.samples]]))
""".replace("VERSION", elsewhere.version)
    status, said, scored = json.loads(elsewhere("-c", code).splitlines()[-1])
    path = sources.known_datasets()["sycophantic_yesno"] / "data" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:5]]
    given = ["Yes", None, "No", "Yes", None]
    assert status == "success"
    assert said == [f"{row['question']}\n\nAnswer with Yes or No only." for row in rows]
    assert scored == [
        [row["truth"], "C" if answer == row["truth"] else "I"] for row, answer in zip(rows, given, strict=True)
    ]
