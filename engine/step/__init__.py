"""One training step: its formulas and settings, the data, the progress of a run, and the interface of an executor.

An executor (engine/tape, engine/gpu) depends on this package only; the trainer (engine/training) depends on both.
"""
