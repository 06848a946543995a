"""One training step: its formulas and settings, the data and the position in it, and the interface of what executes it.

An executor (engine/tape, engine/gpu) depends on this package only; the trainer (engine/training) depends on both.
"""
