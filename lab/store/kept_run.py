"""A run that is kept: one frozen value, with all that is known of it after its training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lab.experiment.experiment import Experiment
from lab.experiment.fields import DEFAULTS
from lab.experiment.replay import Replay
from lab.experiment.rules import as_text

EVERYONE = ""  # the owner of what the command line keeps: every visitor sees it, only the command line changes it
KINDS = ("value", "class", "gray")  # of thumbnails: bytes as in a map of a frame, or gray values
MAX_POINTS, MAX_SIDE = 500, 64  # of a curve; of a thumbnail, in pixels
MAX_NOTE, MAX_TAG, MAX_TAGS, MAX_PARENT = 2000, 40, 20, 120  # characters, and number of tags
STATUSES = ("idle", "running", "paused", "done", "stopped", "diverged")


class Figures(NamedTuple):
    """Loss and score (accuracy or R2) of each part; None where there is no such part or the value is not finite."""

    train_loss: float | None = None
    validation_loss: float | None = None
    test_loss: float | None = None
    train_score: float | None = None
    validation_score: float | None = None
    test_score: float | None = None


NO_FIGURES = Figures()


@dataclass(frozen=True, eq=False)
class Curve:
    """epochs (n,) and values (columns, n): train loss, test loss, train score, test score, and with a validation part
    its loss and its score. At most MAX_POINTS points are kept: the first and the last one, and others between them."""

    epochs: np.ndarray
    values: np.ndarray

    def thinned(self) -> Curve:
        count = len(self.epochs)
        if count <= MAX_POINTS:
            return self
        places = np.unique(np.linspace(0, count - 1, MAX_POINTS).round().astype(int))
        return Curve(self.epochs[places], self.values[:, places])

    @property
    def loss(self) -> np.ndarray:
        """(n,) of the validation part, or of the test part where there is none."""
        return self.values[4 if len(self.values) > 4 else 1]


NO_CURVE = Curve(np.zeros(0, np.int32), np.zeros((4, 0), np.float32))


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """kind: of KINDS; levels (height, width) uint8."""

    kind: str
    levels: np.ndarray


@dataclass(frozen=True, eq=False)
class KeptRun:
    """experiment: that of its last step. replay: how to repeat it; None where that is not possible.

    last: figures after the last step; score: their name, "accuracy" or "R2". best_epoch, best_loss: of the lowest point
    of the curve's `loss`. parent: "group:NAME", "study:NAME" or "branch:ID". source: runs of one owner with the same
    source are one run; by default it is made of replay and fingerprint. fingerprint: of the last weights. machine:
    device, dtype, way of execution and versions. created: seconds since 1970, 0 for now.
    """

    experiment: Experiment
    replay: Replay | None = None
    status: str = "done"
    epoch: int = 0
    steps: int = 0
    seconds: float = 0.0
    score: str = "accuracy"
    last: Figures = NO_FIGURES
    best_epoch: int | None = None
    best_loss: float | None = None
    curve: Curve = NO_CURVE
    thumbnail: Thumbnail | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    star: bool = False
    parent: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    source: str = ""
    created: float = 0.0
    id: str = ""
    owner: str = EVERYONE

    @property
    def link(self) -> dict[str, str]:
        """The query of a link to its experiment."""
        return self.experiment.to_query()

    @property
    def diverged(self) -> bool:
        return self.status == "diverged"

    @property
    def loss(self) -> float | None:
        """The last loss of the validation part, or of the test part where there is none."""
        return self.last.test_loss if self.last.validation_loss is None else self.last.validation_loss

    @property
    def words(self) -> str:
        """What a search looks through."""
        dataset = self.experiment.dataset
        return " ".join((dataset, *named(self.experiment), self.status, self.parent, *self.tags, self.note)).lower()

    @property
    def own_source(self) -> str:
        """Its source, or what a run that is kept twice has in common."""
        if self.source:
            return self.source
        how = self.replay.to_values() if self.replay else [self.experiment.to_json(), self.steps]
        text = json.dumps([how, self.fingerprint, self.parent])
        return hashlib.sha256(text.encode()).hexdigest()[:40]


def changed(experiment: Experiment) -> dict[str, Any]:
    """The fields that are not at their defaults."""
    return {name: value for name, value in experiment if value != DEFAULTS[name]}


def named(experiment: Experiment) -> list[str]:
    """The changed fields with their values, such as `learning_rate 0.1`, without drawn points."""
    return [f"{name} {as_text(value)}" for name, value in changed(experiment).items() if name != "points"]


def owner_of(visitor: str) -> str:
    """The owner of a visitor's runs: a hash of the cookie, from which the cookie cannot be found again."""
    return hashlib.sha256(f"kept runs of {visitor}".encode()).hexdigest()[:40] if visitor else EVERYONE


def best(curve: Curve) -> tuple[int | None, float | None]:
    """Epoch and loss of the lowest finite point of a curve."""
    losses = np.where(np.isfinite(curve.loss), curve.loss, np.inf)
    if not losses.size or not np.isfinite(losses.min()):
        return None, None
    place = int(losses.argmin())
    return int(curve.epochs[place]), float(losses[place])


def finite(value: Any) -> float | None:
    """A number as a database and JSON hold it."""
    return float(value) if value is not None and np.isfinite(value) else None
