"""A study that is kept: what it is, and how far it has come. Its trials are in the tables of Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class KeptStudy(NamedTuple):
    """name: of the study in Optuna. owner: as in kept_run.py. study: as in a file.

    finished: number of its trials that have ended; value: the best one; is_complete: whether nothing is left to do.
    created, changed: seconds since 1970, which the store sets.
    """

    name: str
    owner: str
    study: Mapping[str, Any]
    finished: int = 0
    value: float | None = None
    is_complete: bool = False
    created: float = 0.0
    changed: float = 0.0
