"""Uploaded data: its validation in an experiment, and the limits of a server for each visitor."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data import OWN
from data.files import user_data
from data.files.user_data import PreparedData, UserDataError
from data.files.user_data import new_folder as new_folder
from lab.experiment.rules import Allowed, ExperimentError, Misfit

FINGERPRINT = Allowed(
    "the name of an uploaded file, 32 of 0-9 and a-f",
    lambda text: not text or bool(user_data.FINGERPRINT.fullmatch(text)),
)
MAX_SESSION_BYTES, MAX_SESSION_SETS, MAX_TOTAL_BYTES = 64_000_000, 8, 2_000_000_000


class Absent(Misfit):
    """Uploaded data that is not on this server."""

    def __init__(self) -> None:
        ValueError.__init__(self, f"own: {user_data.GONE}.")
        self.field = "own"


def check_own(e: Any) -> None:
    """Raises Misfit if the data of an experiment is uploaded data that is missing or of another kind."""
    if e.dataset not in OWN:
        if e.own:
            raise Misfit("own", e.own, f"nothing with this data set; a name with {' or '.join(OWN)}")
    elif not e.own:
        raise Misfit("dataset", e.dataset, "with the name of an uploaded file in the field own")
    elif not user_data.known(e.own):
        raise Absent
    elif user_data.source(e.own).name != e.dataset:
        raise Misfit("dataset", e.dataset, f"{user_data.source(e.own).name} with this uploaded file")


@dataclass
class Owner:
    """The uploads of one visitor, who is present as long as the run exists."""

    sets: dict[str, int] = field(default_factory=dict)  # fingerprint -> bytes
    page_files: dict[str, int] = field(default_factory=dict)  # name of a file in a page's memory -> bytes
    run: str = ""

    @property
    def size(self) -> int:
        return sum(self.sets.values()) + sum(self.page_files.values())


class UploadRegistry:
    """The uploads of all visitors. Equal sets are stored once, until the last owner has left."""

    def __init__(
        self,
        session_bytes: int = MAX_SESSION_BYTES,
        session_sets: int = MAX_SESSION_SETS,
        total_bytes: int = MAX_TOTAL_BYTES,
    ) -> None:
        self.session_bytes, self.session_sets, self.total_bytes = session_bytes, session_sets, total_bytes
        self.owners: dict[str, Owner] = {}
        self._busy = threading.Lock()

    def of(self, owner: str) -> dict[str, int]:
        """Fingerprint -> bytes of the sets of a visitor, the oldest first."""
        with self._busy:
            return dict(self.owners[owner].sets) if owner in self.owners else {}

    @property
    def size(self) -> int:
        """Bytes of all sets and of all files in pages."""
        owners = self.owners.values()
        sets = {name: size for owner in owners for name, size in owner.sets.items()}
        return sum(sets.values()) + sum(size for owner in owners for size in owner.page_files.values())

    def used(self, owner: str) -> int:
        """Bytes of all uploads of a visitor."""
        with self._busy:
            return self.owners[owner].size if owner in self.owners else 0

    def keep(self, owner: str, run: str, prepared: PreparedData) -> str:
        """Save a set for a visitor with this run; returns its fingerprint. Raises UserDataError above a limit."""
        with self._busy:
            mine = self.owners.setdefault(owner, Owner())
            mine.run = run
            if (name := user_data.fingerprint_of(prepared)) in mine.sets:
                return name
            self._check_limits(mine.size, prepared.size, self.size)
            if len(mine.sets) >= self.session_sets:
                raise UserDataError(f"You keep {len(mine.sets)} uploads, as many as are allowed. Forget one of them.")
            user_data.save(prepared)
            mine.sets[name] = prepared.size
            return name

    def hold(self, owner: str, run: str, name: str, size: int) -> None:
        """Count a visitor's file in the memory of a page; it replaces one of the same name. size 0: the file is gone.

        Raises UserDataError above a limit; the replaced file then still counts.
        """
        with self._busy:
            mine = self.owners.setdefault(owner, Owner())
            mine.run = run
            before = mine.page_files.get(name, 0)
            if size:
                self._check_limits(mine.size - before, size, self.size - before)
            mine.page_files[name] = size

    def _check_limits(self, own: int, more: int, everyone: int) -> None:
        """Raises UserDataError unless `more` bytes can be added to those of a visitor and of everyone."""
        if own + more > self.session_bytes:
            raise UserDataError(
                f"This data takes {_mb(more)} and your other uploads {_mb(own)}; a visitor may keep "
                f"{_mb(self.session_bytes)}. Forget an upload, or choose less of this one."
            )
        if everyone + more > self.total_bytes:
            raise UserDataError("The uploads of all visitors fill this server. Try again later, or with less data.")

    def forget(self, owner: str, name: str) -> None:
        """Remove a set of a visitor; it is deleted with its last owner."""
        with self._busy:
            if owner in self.owners and self.owners[owner].sets.pop(name, None) is not None:
                self._remove(name)

    def seen(self, owner: str, run: str) -> None:
        """Record the current run of a visitor."""
        if owner in self.owners:
            self.owners[owner].run = run

    def sweep(self, alive: Callable[[str], bool]) -> None:
        """Remove the uploads of visitors whose run no longer exists."""
        with self._busy:
            for token, owner in list(self.owners.items()):
                if not alive(owner.run):
                    del self.owners[token]
                    for name in owner.sets:
                        self._remove(name)

    def _remove(self, name: str) -> None:
        if not any(name in owner.sets for owner in self.owners.values()):
            user_data.forget(name)


def from_file(path: Path, target: str | None = None) -> tuple[dict[str, str], list[str]]:
    """The fields of an experiment for the table in a file, prepared with the proposals of the page Data, and notes.

    The data is only available in this process. target: the column to predict. Raises ExperimentError.
    """
    from data.files.table_report import read_for_training  # pandas takes half a second, and workers do not need it

    try:
        prepared, notes = read_for_training(path.read_bytes(), path.name, target)
    except OSError as problem:
        raise ExperimentError([f"{path} cannot be read: {problem.strerror}."]) from None
    except UserDataError as problem:
        raise ExperimentError([f"{path}: {problem}"]) from None
    return {"dataset": prepared.dataset, "own": user_data.save(prepared)}, notes


def is_used(text: str) -> bool:
    """Whether an experiment as JSON uses uploaded data."""
    try:
        return json.loads(text)["dataset"] in OWN
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


UPLOADS = UploadRegistry()  # of the server; workers only read the files
