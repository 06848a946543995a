"""A number with its noun."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """1 epoch, 2,000 epochs. noun: in the singular; its plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
