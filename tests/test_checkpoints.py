"""Without torch: what a name stands for, and what is said where it stands for nothing."""

import asyncio
import json
import sys

import pytest
from click.testing import CliRunner
from huggingface_hub import constants
from inspect_ai.model import GenerateConfig, get_model

import mwe_tasks.providers.mwe_hf  # noqa: F401  registers the provider
from mwe_tasks.checkpoints import find_checkpoint, settings_hash, weights_hash
from mwe_tasks.cli import main
from mwe_tasks.errors import MweError
from mwe_tasks.probing import find_ability

COMMIT = "c0ffee" * 6 + "c0ff"


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path / "folder")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The Hub's cache with some/model, of which step1000 is a tag; the Hub itself is out of reach."""
    repository = tmp_path / "cache/models--some--model"
    written(repository / f"snapshots/{COMMIT}")
    (repository / "refs").mkdir()
    for name in ("main", "step1000"):
        (repository / "refs" / name).write_text(COMMIT, encoding="ascii")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def written(folder):
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_a_folder_stands_for_its_weights(folder):
    found = find_checkpoint(str(folder))
    assert (found.weights, found.gguf, found.commit) == ((folder / "model.safetensors",), None, None)


def test_safetensors_are_taken_where_there_is_a_pickle_too(folder):
    (folder / "pytorch_model.bin").write_bytes(b"")
    assert [path.name for path in find_checkpoint(str(folder)).weights] == ["model.safetensors"]


def test_a_gguf_file_stands_for_itself(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    assert find_checkpoint(str(tmp_path / "a.gguf")).gguf == "a.gguf"


def test_an_id_on_the_hub_stands_for_a_commit_of_its_revision(hub):
    found = find_checkpoint("some/model", "step1000")
    assert (found.revision, found.commit, found.folder.name) == ("step1000", COMMIT, COMMIT)


def test_an_id_without_a_revision_is_of_the_main_branch(hub):
    assert find_checkpoint("some/model").revision == "main"


def test_the_hash_of_one_file_of_weights_is_that_of_the_file(folder):
    # printf '{}' | sha256sum
    expected = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert weights_hash(find_checkpoint(str(folder))) == expected


def test_a_change_of_config_or_tokenizer_changes_the_hash_of_the_settings(folder):
    found = [settings_hash(find_checkpoint(str(folder)))]
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text('{"changed": true}', encoding="utf-8")
        found.append(settings_hash(find_checkpoint(str(folder))))
    assert len(set(found)) == 3


MISTAKES = {
    "no folder": ("/no/such/folder", None, "There is no folder /no/such/folder"),
    "no file": ("/no/such/file.gguf", None, "There is no file"),
    "no name": ("", None, "Name a checkpoint"),
    "not on the Hub": ("some/other", None, "some/other is neither a folder here nor downloaded"),
    "no such revision": ("some/model", "step7", "some/model at revision step7 is neither"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_name_that_stands_for_nothing_is_one_sentence(hub, mistake):
    name, revision, said = MISTAKES[mistake]
    with pytest.raises(MweError, match=said) as raised:
        find_checkpoint(name, revision)
    assert "\n" not in raised.value.message


@pytest.mark.parametrize(
    ("lacking", "said"),
    [("config.json", "no config.json"), ("tokenizer.json", "no tokenizer"), ("model.safetensors", "no weights")],
)
def test_a_folder_that_lacks_a_file_is_told_which(folder, lacking, said):
    (folder / lacking).unlink()
    with pytest.raises(MweError, match=said):
        find_checkpoint(str(folder))


def test_a_folder_of_gguf_files_is_told_to_name_one(folder):
    (folder / "config.json").unlink()
    (folder / "a.gguf").write_bytes(b"GGUF")
    with pytest.raises(MweError, match=r"name its file a\.gguf"):
        find_checkpoint(str(folder))


def test_a_file_of_several_that_is_missing_is_named(folder):
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    parts = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(parts), encoding="utf-8")
    with pytest.raises(MweError, match=r"lacks 1 of 2 files of weights, such as model-2\.safetensors"):
        find_checkpoint(str(folder))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": 1}'])
def test_an_index_that_is_damaged_is_named(folder, content):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(content, encoding="utf-8")
    with pytest.raises(MweError, match="damaged"):
        find_checkpoint(str(folder))


def test_a_revision_of_a_local_folder_is_refused(folder):
    with pytest.raises(MweError, match="revision=step1000 is for an id on the Hugging Face Hub"):
        find_checkpoint(str(folder), "step1000")


def test_an_option_that_is_unknown_lists_the_known_ones(folder):
    with pytest.raises(MweError, match=r"revision=, dtype=, device=, context=, batch=, not threads"):
        get_model(f"mwe-hf/{folder}", threads=2, memoize=False)


def test_an_option_that_is_no_number_is_refused(folder):
    with pytest.raises(MweError, match="whole number above 0"):
        get_model(f"mwe-hf/{folder}", batch=0, memoize=False)


def test_the_list_of_models_says_how_to_name_a_checkpoint():
    assert "mwe-hf/ORG/NAME" in CliRunner().invoke(main, ["models"]).output


def test_without_torch_the_extra_to_install_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MweError, match=r"pip install 'mwe-tasks\[hf\]'"):
        get_model(f"mwe-hf/{folder}", memoize=False)


def test_a_model_of_inspects_hf_provider_is_told_the_name_to_use_instead():
    class Model:
        config, api = GenerateConfig(), None

        def __str__(self):
            return "hf/some/model"

    with pytest.raises(MweError, match="--model mwe-hf/some/model"):
        asyncio.run(find_ability(Model(), ("Yes", "No"), None))
