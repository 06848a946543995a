"""The members of a group that have been trained so far, as the page keeps them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lab.experiment.group import Group
from lab.protocol.messages import GROUP, SO_FAR, Query
from ui.session import state

PAUSE_S = 0.02  # between two questions
MAX_REMEMBERED = 6  # groups


class SoFar(NamedTuple):
    """The current state of members that train at the same time. The first one follows the last member that is done.

    epochs: n numbers; losses, scores: (n, 1); maps: (n, side, side) bytes.
    """

    epochs: tuple[int, ...] = ()
    losses: np.ndarray = np.empty((0, 1))
    scores: np.ndarray = np.empty((0, 1))
    maps: np.ndarray | None = None


@dataclass
class Outcomes:
    """status, epochs, fingerprints (of the last weights): of each member that is done; losses, scores: (members, epochs
    + 1); maps: (members, side, side) bytes."""

    group: Group
    status: list[str] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)
    losses: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    scores: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    maps: np.ndarray | None = None
    encoding: str = "value"
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)  # of what is known: two threads may ask
    begun: bool = False  # by a press, where the estimate is long
    stopped: bool = False  # by a press, or by a problem
    problem: str = ""  # a sentence where a run could not be trained
    so_far: SoFar = field(default_factory=SoFar)

    @property
    def total(self) -> int:
        return len(self.group.members)

    @property
    def finished(self) -> bool:
        return len(self.status) == self.total

    @property
    def ended(self) -> bool:
        """Whether nothing more comes by itself."""
        return self.finished or self.stopped

    @property
    def has_some(self) -> bool:
        """Whether there is something to show."""
        return bool(self.status or self.so_far.epochs)

    @property
    def progress(self) -> float:
        """The share of all epochs that have been trained."""
        return min(1.0, (len(self.status) + sum(self.so_far.epochs) / self.group.epochs) / self.total)

    @property
    def diverged(self) -> int:
        return self.status.count("diverged")

    def begin(self) -> None:
        self.begun, self.stopped, self.problem = True, False, ""

    def stop(self) -> None:
        self.stopped = True

    def of(self, place: int) -> np.ndarray:
        """The numbers of the members with one value, or pair of values, that are done."""
        return np.arange(place, len(self.status), self.group.places)

    def work(self, seconds: float, so_far: bool = False) -> None:
        """Ask for new outcomes for about this long; the group trains only while somebody asks.

        so_far: the last question also asks for the members that are still training.
        """
        ends = time.monotonic() + seconds
        while not self.finished:
            is_last = time.monotonic() > ends
            question = self.question(so_far and is_last)
            self.take(question, *state.ask(question.name, **question.parameters))
            if self.problem or is_last:
                break
            time.sleep(PAUSE_S)

    def question(self, so_far: bool) -> Query:
        """What a worker must be asked for the next outcomes."""
        return Query(GROUP, {"group": self.group.to_json(), "start": len(self.status), "so_far": so_far})

    def take(self, question: Query, header: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Take in an answer, unless another one brought the same members meanwhile."""
        with self.lock:
            if question.parameters["start"] != len(self.status):
                return
            self._add(header, {name: array for name, array in arrays.items() if not name.startswith(SO_FAR)})
            now = {name.removeprefix(SO_FAR): array for name, array in arrays.items() if name.startswith(SO_FAR)}
            self.so_far = SoFar(tuple(header.get(f"{SO_FAR}epochs", ())), **now)
            if header["problem"] and not header["status"]:
                self.problem, self.stopped = header["problem"], True

    def _add(self, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.encoding = header["encoding"]
        if not header["status"]:
            return
        is_first = not self.status
        self.status += header["status"]
        self.epochs += header["epochs"]
        self.fingerprints += header["fingerprints"]
        for name, found in arrays.items():
            setattr(self, name, found if is_first else np.concatenate([getattr(self, name), found]))


def outcomes_of(group: Group) -> Outcomes:
    """What is known of this group; the visitor's page remembers the latest groups."""
    known: dict[str, Outcomes] = state.notes().setdefault("compared", {})
    key = group.to_json()
    found = known.pop(key, None) or Outcomes(group)
    known[key] = found
    for oldest in list(known)[:-MAX_REMEMBERED]:
        del known[oldest]
    return found
