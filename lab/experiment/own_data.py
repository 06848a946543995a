"""Uploaded data: its validation in an experiment, who keeps it, and the limits of a server for each visitor."""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

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
KEPT_HOURS = 24  # after a visitor was last seen; a class goes on tomorrow
PRESENT_S = 600.0  # longer than a closed tab's run lives; see away_seconds in lab/server/limits.py
MAX_GONE = 1000  # removed sets whose names are remembered


class Absent(Misfit):
    """Uploaded data that is not on this server."""

    def __init__(self) -> None:
        ValueError.__init__(self, f"own: {user_data.GONE}.")
        self.field = "own"


def is_absent(problem: ValidationError) -> bool:
    """Whether an experiment was refused because its uploaded data is not on this server."""
    return any(isinstance(error.get("ctx", {}).get("error"), Absent) for error in problem.errors())


def is_gone(dataset: str, own: str) -> bool:
    """Whether a data set and a fingerprint name uploaded data that is not on this server."""
    return dataset in OWN and bool(user_data.FINGERPRINT.fullmatch(own)) and not user_data.known(own)


def check_own(e: Any) -> None:
    """Raises Misfit if the data of an experiment is uploaded data that is missing or of another kind."""
    if e.dataset not in OWN:
        if e.own:
            raise Misfit("own", e.own, f"nothing with this data set; a name with {' or '.join(OWN)}")
    elif not e.own:
        raise Misfit("dataset", e.dataset, "with the name of an uploaded file in the field own")
    elif is_gone(e.dataset, e.own):
        raise Absent
    elif user_data.source(e.own).name != e.dataset:
        raise Misfit("dataset", e.dataset, f"{user_data.source(e.own).name} with this uploaded file")


@dataclass
class UploadedFile:
    """A file as a visitor uploaded it, and how it is to be read and used."""

    name: str
    digest: str
    size: int  # bytes
    choices: dict[str, Any] = field(default_factory=dict)  # name of a control -> value; only what a person has chosen

    def read(self) -> bytes:
        """Raises UserDataError if the file no longer exists."""
        return user_data.read_file(self.digest)


@dataclass
class Owner:
    """The uploads of one visitor."""

    seen: float  # when a page of the visitor was last drawn or known to be open
    sets: dict[str, int] = field(default_factory=dict)  # fingerprint -> bytes
    files: dict[str, UploadedFile] = field(default_factory=dict)  # section of the page Data -> file, the latest last
    page_files: dict[tuple[str, str], int] = field(default_factory=dict)  # (run, name) of one in a page -> bytes

    @property
    def size(self) -> int:
        """Bytes of what counts toward the limit of a visitor; the number of `files` is limited instead."""
        return sum(self.sets.values()) + sum(self.page_files.values())


class RunUse(NamedTuple):
    """Who has a run, if known, and the uploaded data in its experiment."""

    visitor: str
    uploads: frozenset[str]  # fingerprints


class UploadRegistry:
    """The uploads of all visitors, and the only writer of the folder that they are in. Equal ones are stored once.

    A data set stays as long as a visitor keeps it or a run uses it. A visitor who has not been seen for `kept_s`
    seconds keeps nothing. If the server is full, what has been unused the longest goes first, but nothing of a visitor
    or a run that was there in the last `present_s` seconds.
    """

    def __init__(
        self,
        session_bytes: int = MAX_SESSION_BYTES,
        session_sets: int = MAX_SESSION_SETS,
        total_bytes: int = MAX_TOTAL_BYTES,
        kept_s: float = KEPT_HOURS * 3600,
        present_s: float = PRESENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session_bytes, self.session_sets, self.total_bytes = session_bytes, session_sets, total_bytes
        self.kept_s, self.present_s, self.clock = kept_s, present_s, clock
        self.owners: dict[str, Owner] = {}
        self._sets: dict[str, int] = {}  # fingerprint of all that are stored -> bytes
        self._used: dict[str, float] = {}  # fingerprint -> when a run was last known to use it
        self._gone: dict[str, str] = {}  # fingerprint of a removed set -> its label
        self._busy = threading.RLock()

    # Reading ---------------------------------------------------------------------------------------------------------

    def of(self, owner: str) -> dict[str, int]:
        """Fingerprint -> bytes of the sets of a visitor, the oldest first."""
        with self._busy:
            return dict(self.owners[owner].sets) if owner in self.owners else {}

    def files(self, owner: str) -> dict[str, UploadedFile]:
        """Section of the page Data -> the file that a visitor uploaded there, the latest last."""
        with self._busy:
            return dict(self.owners[owner].files) if owner in self.owners else {}

    @property
    def size(self) -> int:
        """Bytes of all sets, files, and files in pages."""
        with self._busy:
            in_pages = sum(size for owner in self.owners.values() for size in owner.page_files.values())
            return sum(self._sets.values()) + sum(self._stored_files().values()) + in_pages

    def _stored_files(self) -> dict[str, int]:
        """Digest -> bytes."""
        return {file.digest: file.size for owner in self.owners.values() for file in owner.files.values()}

    def used(self, owner: str) -> int:
        """Bytes of the sets of a visitor and of their files in pages."""
        with self._busy:
            return self.owners[owner].size if owner in self.owners else 0

    def label(self, dataset: str, name: str) -> str:
        """What a data set is called, even if it is gone: with the name of its file, if this server knew it."""
        return self._gone.get(name) or f"{OWN[dataset]} {name[:8]}"

    # Storing ---------------------------------------------------------------------------------------------------------

    def keep(self, owner: str, prepared: PreparedData) -> str:
        """Save a set for a visitor; returns its fingerprint. Raises UserDataError above a limit."""
        with self._busy:
            mine = self._owner(owner)
            if (name := user_data.fingerprint_of(prepared)) in mine.sets:
                return name
            self._check_own_limit(mine.size, prepared.size)
            if len(mine.sets) >= self.session_sets:
                raise UserDataError(f"You keep {len(mine.sets)} uploads, as many as are allowed. Forget one of them.")
            if name not in self._sets:
                self._make_room(prepared.size)
            user_data.save(prepared)
            mine.sets[name] = self._sets[name] = prepared.size
            return name

    def keep_file(
        self, owner: str, section: str, name: str, content: bytes, choices: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Store the file of a section of the page Data instead of the one before. Raises UserDataError above a limit.

        A visitor has one file a section; they are bounded by what the page accepts.
        """
        with self._busy:
            self._make_room(len(content))
            file = UploadedFile(name, user_data.save_file(content), len(content), dict(choices))
            before = self._owner(owner).files.pop(section, None)
            self._owner(owner).files[section] = file
            self._remove_file(before)

    def choose(self, owner: str, section: str, digest: str, control: str, value: Any) -> None:
        """Record how a visitor wants a file to be read or used, unless another one has taken its place."""
        with self._busy:
            file = self.files(owner).get(section)
            if file and file.digest == digest:
                file.choices[control] = value

    def hold(self, owner: str, run: str, name: str, size: int) -> None:
        """Count a visitor's file in the memory of a page; it replaces one of the same name. size 0: the file is gone.

        Raises UserDataError above a limit; the replaced file then still counts.
        """
        with self._busy:
            mine = self._owner(owner)
            before = mine.page_files.get((run, name), 0)
            if size:
                self._check_own_limit(mine.size - before, size)
                self._make_room(size - before)
            mine.page_files[run, name] = size

    def _owner(self, owner: str) -> Owner:
        return self.owners.setdefault(owner, Owner(self.clock()))

    def _check_own_limit(self, own: int, more: int) -> None:
        """Raises UserDataError unless `more` bytes can be added to those of a visitor."""
        if own + more > self.session_bytes:
            raise UserDataError(
                f"This data takes {_mb(more)} and your other uploads {_mb(own)}; a visitor may keep "
                f"{_mb(self.session_bytes)}. Forget an upload, or choose less of this one."
            )

    def _make_room(self, more: int) -> None:
        """Remove what nobody present uses, the longest unused first. Raises UserDataError if that is not enough."""
        while (over := self.size + more - self.total_bytes) > 0:
            last: dict[tuple[str, str], float] = {("set", name): self._used.get(name, -math.inf) for name in self._sets}
            for owner in self.owners.values():
                keys = [("set", name) for name in owner.sets] + [("file", f.digest) for f in owner.files.values()]
                for key in keys:
                    last[key] = max(last.get(key, -math.inf), owner.seen)
            kind, name = min(last, key=last.__getitem__, default=("", ""))
            if not name or last[kind, name] > self.clock() - self.present_s or over > self.total_bytes:
                raise UserDataError("The uploads of all visitors fill this server. Try again later, or with less data.")
            for owner in self.owners.values():
                owner.sets.pop(name, None)
                owner.files = {section: file for section, file in owner.files.items() if file.digest != name}
            self._remove(name) if kind == "set" else user_data.forget_file(name)

    # Leaving ---------------------------------------------------------------------------------------------------------

    def forget(self, owner: str, name: str, runs: Collection[RunUse] = ()) -> None:
        """Take a set off the list of a visitor; it is deleted as soon as no other visitor keeps it and no run uses it.

        runs: the runs that go on.
        """
        with self._busy:
            if owner in self.owners:
                self.owners[owner].sets.pop(name, None)
            self._remove_unused(runs)

    def forget_file(self, owner: str, section: str) -> None:
        """Remove the file of a section; it is deleted with its last owner."""
        with self._busy:
            self._remove_file(self.owners[owner].files.pop(section, None) if owner in self.owners else None)

    def _remove_file(self, file: UploadedFile | None) -> None:
        if file and file.digest not in self._stored_files():
            user_data.forget_file(file.digest)

    def seen(self, owner: str, own: str = "") -> None:
        """A page of a visitor is drawn. own: the fingerprint of the data that it trains on, if that was uploaded."""
        with self._busy:
            if owner in self.owners:
                self.owners[owner].seen = self.clock()
            if own in self._sets:
                self._used[own] = self.clock()

    def sweep(self, runs: Mapping[str, RunUse]) -> None:
        """Remove what nobody keeps and no run uses. runs: all that exist, by their tokens."""
        with self._busy:
            now = self.clock()
            for use in runs.values():
                if use.visitor in self.owners:
                    self.owners[use.visitor].seen = now
                self._used |= dict.fromkeys(use.uploads, now)
            for name, owner in list(self.owners.items()):
                owner.page_files = {key: size for key, size in owner.page_files.items() if key[0] in runs}
                if now - owner.seen > self.kept_s:
                    for section in list(owner.files):
                        self.forget_file(name, section)
                    del self.owners[name]
            self._remove_unused(runs.values())

    def _remove_unused(self, runs: Collection[RunUse]) -> None:
        kept = {name for owner in self.owners.values() for name in owner.sets}
        kept |= {name for use in runs for name in use.uploads}
        for name in self._sets.keys() - kept:
            self._remove(name)

    def _remove(self, name: str) -> None:
        with contextlib.suppress(ValueError):  # damaged
            self._gone[name] = user_data.source(name).label
        for oldest in list(self._gone)[:-MAX_GONE]:
            del self._gone[oldest]
        user_data.forget(name)
        self._sets.pop(name, None)
        self._used.pop(name, None)


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
