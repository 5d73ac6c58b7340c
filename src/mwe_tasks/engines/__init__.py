"""Ways to run a model over a whole dataset: one file each. All write the same batches, and so the same logs."""
