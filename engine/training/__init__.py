"""The training loop, stop rules, divergence, history, checkpoints and diagnostics."""
