"""One file per Inspect model provider of ours; add a file here, and its import in `_registry`."""
