"""Groups of runs: what their members have become so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.protocol.messages import Answer
from lab.training.group_run import Outcome
from lab.training.run import Run

MAX_OUTCOMES = 100  # in an answer


def group(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Up to MAX_OUTCOMES outcomes from number options["start"] on; a group trains while a page asks for it.

    header: finished; total members; extent of the maps; status and epochs of each sent member. arrays: losses and
    scores (n, epochs + 1) of the compared part; maps (n, side, side) bytes as in a frame, if there is a plane.
    """
    members = run.group(options["group"])
    start = int(options["start"])
    found: list[Outcome] = members.outcomes[start : start + MAX_OUTCOMES]
    header = {
        "finished": members.finished,
        "total": len(members.group.members),
        "extent": members.extent,
        "encoding": "class" if run.dataset.classes > 2 else "value",
        "status": [outcome.status for outcome in found],
        "epochs": [outcome.epochs for outcome in found],
    }
    if not found:
        return header, {}
    answer = {name: np.stack([getattr(outcome, name) for outcome in found]) for name in ("losses", "scores")}
    if found[0].map is not None:
        answer["maps"] = np.stack([outcome.map for outcome in found if outcome.map is not None])
    return header, answer
