"""Results that share the first place: a sentence about the best one says that there are others."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from data.counted import counted


def best_place(results: np.ndarray, own: int | None = None) -> int:
    """The place of the lowest result (places,), NaN where there is none yet; among equal ones that of the visitor."""
    best = int(np.nanargmin(results))
    return own if own is not None and own < len(results) and results[own] == results[best] else best


def tied(results: Collection[float | None], best: float | None, noun: str) -> str:
    """The end of a sentence about the best result; empty unless others are equal. noun: what they are, singular."""
    others = sum(result == best for result in results) - 1
    return f"; {counted(others, f'other {noun}')} {'has' if others == 1 else 'have'} the same" if others else ""
