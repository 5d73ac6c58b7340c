"""One file per foreign format, read or written or both; add a file here."""
