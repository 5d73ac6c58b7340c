"""Yes/No evals written by language models, scored by accuracy and log odds: a plugin for Inspect AI."""
