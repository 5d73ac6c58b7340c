"""Imports point one way: data <- write | score | analyse <- edge. Read with ast; nothing is imported."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "mwe_tasks"
LAYERS = {
    "data": {
        *("errors", "rows", "records", "sources", "readers", "labels", "families", "plan"),
        *("judging", "behaviour", "tree", "dedup", "form", "meaning", "steering", "cells", "repeats", "panel"),
    },
    "write": {
        *("writing_prompts", "replies", "budget", "calls", "authoring", "jury", "settings", "growing", "estimate"),
        *("progress", "waves", "writing", "writing_scorers"),
    },
    "publish": {
        *("curated", "surface", "likeness", "findings", "quality", "dataset"),
        *("card", "card_figure", "card_sections"),
        *("eval_yaml", "uploads", "fitness", "hub", "publish"),
    },
    "score": {
        *("prompts", "parsing", "scoring", "probing", "asking", "scorers", "tasks", "providers"),
        *("label_logprobs", "gguf_header", "dequantise", "llama", "weights"),
        *("checkpoints", "pretrained", "transformer", "completing", "label_rows", "batching"),
        *("asks", "sharing", "packing", "passes", "attention", "answering", "machine"),
        *("translating", "jobs", "parts", "merging", "made_logs", "engines"),
        *("addresses", "completions", "served"),
        *("runs", "downloads", "needs", "logged"),
        *("pieces", "clusters", "workers", "teams"),
    },
    "analyse": {
        *("table", "estimates", "contrasts", "plot"),
        *("trend", "joint_t", "claims", "levels", "refusals", "verdict", "headline", "many", "power"),
        *(
            "lineup",
            "by_size",
            "caveats",
            "fit",
            "planned",
            "band",
            "breakdown",
            "curves",
            "curve_fits",
            "forms",
            "compare",
        ),
        *("results", "wording", "report", "report_tables", "trend_figure", "report_charts", "latex"),
    },
    "edge": {
        *("generators", "doorway", "building", "cli", "demo", "summary", "pages", "formats"),
        *("page", "tree_page", "map_page", "report_page", "reporting", "atlas"),
        *("foreign", "exchange", "foreign_tasks"),
        *("foreign_results", "results_by_index", "results_by_id", "foreign_logs"),
        *("running", "bulk_running", "ray_running", "pace", "controls"),
        *("_registry", "__init__"),
    },
}
SEEN_FROM = {
    "data": {"data"},
    "write": {"data", "write"},
    "publish": {"data", "publish"},
    "score": {"data", "score"},
    "analyse": {"data", "analyse"},
    "edge": set(LAYERS),
}
MODULES = sorted(SOURCE.rglob("*.py"))


def top(path):
    """The module or folder directly inside the package."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path):
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def layer_of(name):
    return next(layer for layer, names in LAYERS.items() if name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_what_its_layer_may_see(path):
    ours = {name.split(".")[1] for name in imports(path) if name.startswith("mwe_tasks.")}
    assert {layer_of(name) for name in ours} <= SEEN_FROM[layer_of(top(path))]


@pytest.mark.parametrize("path", [path for path in MODULES if top(path) in LAYERS["data"]], ids=lambda path: path.name)
def test_the_data_layer_imports_neither_inspect_nor_pandas(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"inspect_ai", "pandas"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_private_of_inspect_is_imported(path):
    assert not [name for name in imports(path) if name.startswith("inspect_ai.") and "._" in name]
