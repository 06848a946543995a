"""Execution on the processor: a step is recorded once, while NumPy computes it, and then replayed."""
