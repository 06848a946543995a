"""Groups of runs: what their members have become so far, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.protocol.messages import SO_FAR, Answer
from lab.training.group_run import Outcome
from lab.training.run import Run

MAX_OUTCOMES = 100  # in an answer


def group(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Up to MAX_OUTCOMES outcomes from number options["start"] on; a group trains while a page asks for it.

    header: finished; problem, a sentence where they cannot be trained; total members; extent of the maps; status,
    epochs and fingerprints of each sent member. arrays: losses and scores (n, epochs + 1) of the compared part; maps
    (n, side, side) bytes as in a frame, if there is a plane. With options["so_far"] also epochs, losses and
    scores (n, 1) and maps of the members that are still training at the same time, each name after SO_FAR.
    """
    start = int(options["start"])
    members = run.group(options["group"], start)
    done: list[Outcome] = members.outcomes[start - members.first :]
    found = done[:MAX_OUTCOMES]
    header = {
        "finished": members.finished,
        "problem": members.problem,
        "total": len(members.group.members),
        "extent": members.extent,
        "encoding": "class" if run.dataset.classes > 2 else "value",
        "status": [outcome.status for outcome in found],
        "epochs": [outcome.epochs for outcome in found],
        "fingerprints": [outcome.fingerprint for outcome in found],
    }
    answer = _arrays(found)
    if options.get("so_far") and len(found) == len(done) and (training := members.so_far()):
        header[f"{SO_FAR}epochs"] = [outcome.epochs for outcome in training]
        latest = [outcome._replace(losses=outcome.losses[-1:], scores=outcome.scores[-1:]) for outcome in training]
        answer |= {f"{SO_FAR}{name}": array for name, array in _arrays(latest).items()}
    return header, answer


def _arrays(outcomes: list[Outcome]) -> dict[str, np.ndarray]:
    if not outcomes:
        return {}
    found = {name: np.stack([getattr(outcome, name) for outcome in outcomes]) for name in ("losses", "scores")}
    if outcomes[0].map is not None:
        found["maps"] = np.stack([outcome.map for outcome in outcomes if outcome.map is not None])
    return found


def pair(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
    """Two members of a group, options["numbers"], up to options["until"] epochs since they became different.

    header: finished; problem; status and epochs of both; difference: the largest one between their weights, None where
    they have other weights. arrays: epochs, losses and scores of each, from epoch 0 on, with its place in their names;
    maps (2, side, side). Without arrays neither is built yet.
    """
    first, second = options["numbers"]
    found = run.pair(options["group"], (int(first), int(second)))
    found.go_to(int(options["until"]))
    sides = found.sides
    header: dict[str, Any] = {"finished": found.finished, "problem": found.problem}
    if len(sides) < 2:
        return header, {}
    weights = [side.trainer.network.parameters for side in sides]
    header |= {
        "encoding": "class" if sides[0].prepared.dataset.classes > 2 else "value",
        "status": [side.status for side in sides], "epochs": [max(0, side.epochs) for side in sides],
        "difference": float(abs(weights[0] - weights[1]).max()) if len(weights[0]) == len(weights[1]) else None,
    }  # fmt: skip
    answer = {
        f"{name}_{place}": array
        for place, side in enumerate(sides)
        for name, array in side.curve(found.group.part).items()
    }
    if all(side.prepared.map for side in sides):
        answer["maps"] = np.stack([side.prepared.map() for side in sides if side.prepared.map])
    return header, answer
