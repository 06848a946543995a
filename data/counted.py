"""Numbers with their nouns, as parts of sentences."""

from __future__ import annotations

from collections.abc import Collection


def counted(number: int, noun: str) -> str:
    """1 epoch, 2,000 epochs. noun: in the singular; its plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def tied(results: Collection[float | None], best: float | None, noun: str) -> str:
    """ ", tied with 2 other values" after the best of these results; empty if no other is equal."""
    others = sum(result == best for result in results) - 1
    return f", tied with {counted(others, f'other {noun}')}" if others else ""
