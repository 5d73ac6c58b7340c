"""A dataset folder to one revision on the Hugging Face Hub: checked, compared, sent in one commit, tagged.

Nothing is sent before `carry_out`. What the Hub holds changes in one commit or not at all, and never under a reader who
named a version: a tag stays where it is. The token is the Hub's own login, and is not read here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from mwe_tasks.card import check_card
from mwe_tasks.errors import MweError, printable
from mwe_tasks.eval_yaml import FILE, eval_yaml_of, write_eval_yaml
from mwe_tasks.fitness import check_folder, check_repository, folder_of, read_manifest
from mwe_tasks.hub import hub_call
from mwe_tasks.uploads import Change, Stored, Upload, compare, find_uploads

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MANIFEST = "manifest.json"
"""Its behaviour and its canary tell this dataset on the Hub from any other."""
MOST_READ = 10_000_000
"""Bytes of a manifest on the Hub; a larger one is none of ours and is not fetched."""
SHOWN = 5


class Plan(NamedTuple):
    """What publishing would do."""

    folder: Path
    repository: str
    version: str
    head: str | None
    """The commit that the Hub has now; None where it has no such dataset."""
    private: bool
    """Whether the dataset is, or would be made, private."""
    tag: str | None
    """The commit that the Hub has as this version; None where it has no such version."""
    changes: tuple[Change, ...]
    uploads: tuple[Upload, ...]
    left_out: tuple[str, ...]
    """Files that are never uploaded."""
    theirs: tuple[str, ...]
    """Files of another dataset that would be replaced or deleted, unless that was asked for."""
    there: str
    """What that other dataset is, as in "holds ..."; "" where there is none."""

    @property
    def changed(self) -> tuple[Change, ...]:
        """The changes that a commit would hold."""
        return tuple(each for each in self.changes if each.kind != "unchanged")


def plan(dataset: str, repository: str, *, private: bool, replace: bool = False, api: "HfApi") -> Plan:
    """What publishing a dataset would do; reads the folder and the Hub, and changes neither.

    replace: whether it may take the place of another dataset.

    Raises MweError for a name or a repository that is none, for data with errors, for files that contradict each other,
    and where the Hub cannot be asked.
    """
    check_repository(repository)
    folder = folder_of(dataset)
    version, report = check_folder(folder)
    # Each names the repository that it stands in; eval.yaml goes only where a row has a truth.
    texts = {"README.md": check_card(folder, report), FILE: eval_yaml_of(folder)}
    instead = {name: text.replace("ORG/NAME", repository).encode() for name, text in texts.items() if text is not None}
    found = find_uploads(folder, instead)
    uploads = tuple(each for each in found.uploads if each.name in instead or each.name != FILE)
    state = read_state(repository, version, api)
    changes = compare(uploads, state.files)
    if private and state.head is not None and not state.private:
        raise MweError(
            f"{repository} is there already and public: make it private on its page, or leave out --private."
        )
    theirs = () if replace else lost(changes)
    there = other_dataset(read_manifest(folder), fetch_manifest(repository, state, api)) if theirs else None
    return Plan(
        folder=folder,
        repository=repository,
        version=version,
        head=state.head,
        private=private or state.private,
        tag=state.tag,
        changes=changes,
        uploads=uploads,
        left_out=found.left_out,
        theirs=theirs if there else (),
        there=there or "",
    )


def lost(changes: Sequence[Change]) -> tuple[str, ...]:
    """The files on the Hub that would be replaced or deleted; not the card, which the Hub makes with a new dataset."""
    return tuple(each.name for each in changes if each.kind in ("changed", "deleted") and each.name != "README.md")


def other_dataset(here: Mapping[str, Any], there: object) -> str | None:
    """What the Hub's dataset is by its manifest (None where it has none), as in "holds ..."; None where it is this one.

    This one has the behaviour and the canary of the manifest here; two that name no behaviour are not the same.
    """
    if there is None:
        return f"a dataset that `mwe publish` did not make (it has no {MANIFEST})"
    if not isinstance(there, dict) or not isinstance(name := there.get("behaviour"), str):
        return f"a dataset whose {MANIFEST} names no behaviour, as one of this dataset would"
    if name != here.get("behaviour"):
        return f"another dataset, {printable(name[:60])}"
    if there.get("canary") != here.get("canary"):
        return f"a dataset {printable(name)} with another canary"
    return None


def check_plan(planned: Plan) -> None:
    """Raises MweError where the Hub has another dataset, or this version with other data: a version stays."""
    if planned.theirs:
        more = f" and {len(planned.theirs) - SHOWN} more" if len(planned.theirs) > SHOWN else ""
        raise MweError(
            f"{planned.repository} holds {planned.there}, and would"
            f" lose {', '.join(map(printable, planned.theirs[:SHOWN]))}{more}: publish under another name, or give"
            " --replace, which puts this dataset in its place and leaves the old one in the history."
        )
    if planned.tag is not None and (planned.changed or planned.tag != planned.head):
        raise MweError(
            f"{planned.repository} has a version {planned.version} already, at revision {planned.tag}, and it is not"
            ' what is here: raise "version" in manifest.json (its last number for other words, the second for a label'
            " mended, the first for other rows)."
        )


def carry_out(planned: Plan, api: "HfApi") -> str:
    """Makes the dataset where there is none, sends what changed in one commit, tags it; gives the revision.

    Given again after a failure, it goes on from what the Hub has. Raises MweError as `check_plan` does, and where a
    call fails; the revision that was there stays until the one commit is through.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    check_plan(planned)
    repository, head = planned.repository, planned.head
    write_eval_yaml(planned.folder)
    if head is None:
        taken = f"{repository} is there already, and this login may not see it: publish under another name"
        with hub_call("making the dataset", repository, conflict=taken):
            api.create_repo(repository, repo_type="dataset", private=planned.private or None)
            head = api.dataset_info(repository).sha
    revision = head
    if planned.changed:
        contents = {each.name: each.content for each in planned.uploads}
        operations: list[Any] = [
            CommitOperationDelete(path_in_repo=each.name, is_folder=False)
            if each.kind == "deleted"
            else CommitOperationAdd(path_in_repo=each.name, path_or_fileobj=contents[each.name])
            for each in planned.changed
        ]
        try:
            with hub_call("sending the commit", repository):
                revision = api.create_commit(
                    repository,
                    operations,
                    commit_message=f"{planned.folder.resolve().name} {planned.version}",
                    repo_type="dataset",
                    parent_commit=head,
                ).oid
        except MweError as error:
            raise MweError(f"{error.message} {_standing(planned, head, api)}") from None
    if planned.tag is None:
        try:
            taken = f"Somebody else has made a tag {planned.version} of {repository} meanwhile: look at --dry-run"
            with hub_call("setting the tag", repository, conflict=taken):
                api.create_tag(repository, tag=planned.version, revision=revision, repo_type="dataset")
        except MweError as error:
            sent = f"The data is there, at revision {revision}; the same command sets its tag where that is missing."
            raise MweError(f"{error.message} {sent}") from None
    assert revision is not None, "a commit or a dataset has a revision"
    return revision


class State(NamedTuple):
    """What the Hub holds of a dataset."""

    head: str | None
    private: bool
    tag: str | None
    """The commit that this version's tag names; None where there is no such tag."""
    files: dict[str, Stored]


def read_state(repository: str, version: str, api: "HfApi") -> State:
    """What the Hub holds under a name that this login can see; nothing where it sees none."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.hf_api import RepoFile

    with hub_call("reading what is there", repository):
        try:
            info = api.dataset_info(repository)
        except RepositoryNotFoundError:
            return State(None, private=False, tag=None, files={})
        try:
            tag = api.dataset_info(repository, revision=version).sha
        except RevisionNotFoundError:
            tag = None
        files = {
            each.path: Stored(each.size, each.lfs.sha256 if each.lfs else each.blob_id)
            for each in api.list_repo_tree(repository, recursive=True, revision=info.sha, repo_type="dataset")
            if isinstance(each, RepoFile)
        }
        return State(info.sha, bool(info.private), tag, files)


def fetch_manifest(repository: str, state: State, api: "HfApi") -> object:
    """What manifest.json on the Hub holds: None where there is none, "" where it is no JSON or too large for ours."""
    if (stored := state.files.get(MANIFEST)) is None:
        return None
    if stored.size > MOST_READ:
        return ""
    with hub_call("reading manifest.json", repository), TemporaryDirectory() as cache:
        path = api.hf_hub_download(repository, MANIFEST, repo_type="dataset", revision=state.head, cache_dir=cache)
        content = Path(path).read_bytes()
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return ""


def _standing(planned: Plan, head: str | None, api: "HfApi") -> str:
    """What a reader finds after a commit that failed; a commit can be through although its reply is lost."""
    try:
        with hub_call("looking what is there", planned.repository):
            now = api.dataset_info(planned.repository).sha
    except MweError:
        now = None
    if now is not None and now == head:
        old = "is made and still empty" if planned.head is None else f"stands at revision {head}, as before"
        return f"{planned.repository} {old}."
    return "Whether the commit is through is not known; the same command goes on from what is there."
