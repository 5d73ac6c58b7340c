"""Yes/No evals written by language models, scored by accuracy and log odds across model sizes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mwe_tasks.table import load as load

__all__ = ["load"]


def __getattr__(name: str) -> object:
    if name == "load":  # imports Inspect and pandas, which `mwe --help` must not wait for
        from mwe_tasks.table import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
