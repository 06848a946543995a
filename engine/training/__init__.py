"""The training loop, and what watches a run: stop rules, divergence, history, checkpoints, diagnostics."""
