"""One file per Inspect model provider of ours; add a file here; `_registry` finds it."""
