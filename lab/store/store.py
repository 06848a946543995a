"""The store of kept runs. Any number of threads and processes may use it at once; nothing in it is pickled.

Whatever is written is written in one transaction: a process that is killed loses at most the row it was writing.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from lab.experiment.experiment import Experiment
from lab.experiment.replay import Replay
from lab.protocol.frames import FrameError, pack, unpack
from lab.store import database
from lab.store.address import ENVIRONMENT, StoreError, usual_url
from lab.store.database import connect, exclusively, writing
from lab.store.kept_run import (
    EVERYONE,
    KINDS,
    MAX_NOTE,
    MAX_PARENT,
    MAX_SIDE,
    MAX_TAG,
    MAX_TAGS,
    Curve,
    Figures,
    KeptRun,
    Thumbnail,
)
from lab.store.kept_study import KeptStudy
from lab.store.migrations import migrate
from lab.store.search import conditions, order
from lab.store.tables import CONTENTS, RULES, RUNS, STUDIES

MAX_FOUND = 500  # rows of one answer
UNDO_S = 3600.0  # that a deleted run can be restored
PRUNE_EVERY = 200  # kept runs
DAY_S = 24 * 3600.0
MEGABYTE = 1e6
ROW_BYTES = 3000  # of a row without its content, about
BUSY = "The database of kept runs is busy or out of reach ({}); try again in a moment."


class Bounds(NamedTuple):
    """Runs and studies of one owner; megabytes and days of all. See lab/server/limits.py."""

    runs: int = 2000
    megabytes: float = 2000.0
    days: float = 180.0
    studies: int = 50


class Found(NamedTuple):
    """Rows without curve and thumbnail, and how many there are in all."""

    runs: tuple[KeptRun, ...]
    total: int


class Store:
    """url: sqlite:///FILE or postgresql://USER@HOST/DATABASE; missing tables are made. Raises StoreError."""

    def __init__(self, url: str = "", bounds: Bounds = Bounds()) -> None:  # noqa: B008  immutable
        self.url, self.bounds = url or usual_url(), bounds
        self._turn = threading.Lock()  # of the threads of this process that write
        self._kept = 0
        try:
            self.engine = connect(self.url)
        except StoreError as problem:
            raise problem if url or ENVIRONMENT not in os.environ else StoreError(f"{ENVIRONMENT}: {problem}") from None
        try:
            with exclusively(self.engine) as connection:
                migrate(connection)
        except Exception as problem:
            self.engine.dispose()
            reason = type(problem).__name__
            raise StoreError(f"The database of kept runs cannot be brought to this version ({reason}).") from problem

    def close(self) -> None:
        self.engine.dispose()

    # Keeping ---------------------------------------------------------------------------------------------------------

    def keep(self, *runs: KeptRun) -> list[str]:
        """Keep all of the runs or none; returns their ids. One that is kept already stays as it is.

        An owner's oldest runs without a star make room. Raises StoreError.
        """
        now = time.time()
        rows = [_row(run, now + number / 1e6) for number, run in enumerate(runs)]  # in their order
        for owner in {run.owner for run in runs}:
            if sum(run.owner == owner for run in runs) > self.bounds.runs:
                raise StoreError(f"At most {self.bounds.runs:,} runs are kept for each visitor.")
        try:
            ids = self._insert(rows)
        except IntegrityError:  # another process has kept one of them at the same moment
            ids = self._insert(rows)
        self._kept += len(rows)
        if self._kept >= PRUNE_EVERY:
            self.prune()
        return ids

    def _insert(self, rows: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
        ids = []
        with self._write() as connection:
            for row, content in rows:
                found = connection.execute(
                    select(RUNS.c.id).where(RUNS.c.owner == row["owner"], RUNS.c.source == row["source"])
                ).scalar()
                if found is not None:
                    connection.execute(update(RUNS).where(RUNS.c.id == found).values(deleted=None))
                else:
                    connection.execute(insert(RUNS).values(row))
                    connection.execute(insert(CONTENTS).values(id=row["id"], **content))
                ids.append(found or row["id"])
            for owner in {row["owner"] for row, _ in rows}:
                self._make_room(connection, owner)
        return ids

    def _make_room(self, connection: Connection, owner: str) -> None:
        count = connection.execute(select(func.count()).where(RUNS.c.owner == owner)).scalar_one()
        if owner == EVERYONE or count <= self.bounds.runs:
            return
        first = (RUNS.c.deleted.is_(None), RUNS.c.star, RUNS.c.created)
        oldest = select(RUNS.c.id).where(RUNS.c.owner == owner).order_by(*first).limit(count - self.bounds.runs)
        connection.execute(delete(RUNS).where(RUNS.c.id.in_(oldest)))

    def prune(self, now: float | None = None) -> None:
        """Remove what is too old, what was deleted a while ago, and the oldest until the rest fits."""
        self._kept, now = 0, now or time.time()
        with self._write() as connection:
            old = RUNS.c.created < now - self.bounds.days * DAY_S
            connection.execute(delete(RUNS).where(or_(old, RUNS.c.deleted < now - UNDO_S)))
            excess = (
                connection.execute(select(func.sum(RUNS.c.bytes))).scalar() or 0
            ) - self.bounds.megabytes * MEGABYTE
            if excess <= 0:
                return
            doomed = []
            for id, size in connection.execute(select(RUNS.c.id, RUNS.c.bytes).order_by(RUNS.c.star, RUNS.c.created)):
                doomed.append(id)
                excess -= size
                if excess <= 0:
                    break
            connection.execute(delete(RUNS).where(RUNS.c.id.in_(doomed)))

    # Finding ---------------------------------------------------------------------------------------------------------

    def find(self, owner: str | None = None, *, ids: Iterable[str] | None = None, text: str = "", parent: str = "",
             sort: str = "created", descending: bool = True, limit: int = MAX_FOUND) -> Found:  # fmt: skip
        """Runs without curve and thumbnail. Raises StoreError for a text or an order that mean nothing.

        owner: whose, with those of everyone; None: anybody's, for whoever knows the ids. text: see lab/store/search.py.
        sort: a field of the experiment, a figure, or created, epoch, seconds, status, parent.
        """
        wanted = [RUNS.c.deleted.is_(None), *conditions(text)]
        if owner is not None:
            wanted.append(RUNS.c.owner.in_((owner, EVERYONE)))
        if ids is not None:
            wanted.append(RUNS.c.id.in_(tuple(ids)))
        if parent:
            wanted.append(RUNS.c.parent == parent)
        places = order(sort, descending)
        first = select(RUNS.c.id).where(*wanted).order_by(*places).limit(limit)  # whole rows would be slow to sort
        with self._read() as connection:
            rows = connection.execute(select(RUNS).where(RUNS.c.id.in_(first)).order_by(*places)).all()
            total = len(rows)
            if total == limit:
                total = connection.execute(select(func.count()).select_from(RUNS).where(*wanted)).scalar_one()
        return Found(tuple(map(_run, rows)), total)

    def load(self, ids: Iterable[str]) -> tuple[KeptRun, ...]:
        """Whole runs, in the order of the ids; those that are gone are left out."""
        ids = tuple(ids)
        statement = select(RUNS, CONTENTS.c.content, CONTENTS.c.thumbnail).join(CONTENTS, CONTENTS.c.id == RUNS.c.id)
        with self._read() as connection:
            rows = connection.execute(statement.where(RUNS.c.id.in_(ids), RUNS.c.deleted.is_(None))).all()
        found = {row.id: _with_content(_run(row), row.content, row.thumbnail) for row in rows}
        return tuple(found[id] for id in ids if id in found)

    def thumbnails(self, ids: Iterable[str]) -> dict[str, Thumbnail]:
        """id -> thumbnail, of the runs that have one."""
        statement = select(CONTENTS.c.id, CONTENTS.c.thumbnail).where(CONTENTS.c.id.in_(tuple(ids)))
        with self._read() as connection:
            found = {row.id: _thumbnail(row.thumbnail) for row in connection.execute(statement)}
        return {id: small for id, small in found.items() if small}

    def count(self) -> int:
        """All rows, of all owners."""
        with self._read() as connection:
            return connection.execute(select(func.count()).select_from(RUNS)).scalar_one()

    def parents(self, owner: str) -> dict[str, int]:
        """Groups, studies and branches -> number of their runs."""
        mine = RUNS.c.owner.in_((owner, EVERYONE)), RUNS.c.deleted.is_(None), RUNS.c.parent != ""
        statement = select(RUNS.c.parent, func.count()).where(*mine).group_by(RUNS.c.parent).order_by(RUNS.c.parent)
        with self._read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    # Changing --------------------------------------------------------------------------------------------------------

    def update(self, owner: str, id: str, *, note: str | None = None, tags: Sequence[str] | None = None,
               star: bool | None = None) -> bool:  # fmt: skip
        """Change what a person has written; whether the run is the owner's and still there. Raises StoreError."""
        given: dict[str, Any] = {"note": note, "tags": None if tags is None else tuple(tags), "star": star}
        with self._write() as connection:
            own = RUNS.c.id == id, RUNS.c.owner == owner, RUNS.c.deleted.is_(None)
            if (row := connection.execute(select(RUNS).where(*own)).one_or_none()) is None:
                return False
            run = replace(_run(row), **{name: value for name, value in given.items() if value is not None})
            _check_texts(run)
            values = {"note": run.note, "tags": list(run.tags), "star": run.star, "words": run.words}
            connection.execute(update(RUNS).where(*own).values(values))
        return True

    def delete(self, owner: str, ids: Iterable[str]) -> int:
        """Delete an owner's runs, which can be restored for a while; returns how many they were."""
        return self._mark(owner, ids, time.time())

    def restore(self, owner: str, ids: Iterable[str]) -> int:
        """Undo `delete`."""
        return self._mark(owner, ids, None)

    def _mark(self, owner: str, ids: Iterable[str], deleted: float | None) -> int:
        is_other = RUNS.c.deleted.is_(None) if deleted else RUNS.c.deleted.is_not(None)
        with self._write() as connection:
            own = RUNS.c.owner == owner, RUNS.c.id.in_(tuple(ids)), is_other
            return connection.execute(update(RUNS).where(*own).values(deleted=deleted)).rowcount

    # Studies ---------------------------------------------------------------------------------------------------------

    def put_study(self, kept: KeptStudy) -> None:
        """Keep a study, or how far it has come; one that was deleted is there again."""
        now = time.time()
        values = {**kept._asdict(), "changed": now, "deleted": None}
        del values["name"], values["created"]
        with self._write() as connection:
            same = STUDIES.c.name == kept.name
            if not connection.execute(update(STUDIES).where(same).values(values)).rowcount:
                connection.execute(insert(STUDIES).values(name=kept.name, created=now, **values))

    def studies(self, owner: str) -> list[KeptStudy]:
        """An owner's studies, the latest first."""
        own = STUDIES.c.owner == owner, STUDIES.c.deleted.is_(None)
        statement = select(*(STUDIES.c[name] for name in KeptStudy._fields)).where(*own)
        with self._read() as connection:
            rows = connection.execute(statement.order_by(STUDIES.c.changed.desc()).limit(self.bounds.studies)).all()
        return [KeptStudy._make(row) for row in rows]

    def delete_study(self, owner: str, name: str) -> bool:
        """Delete a study, which can be restored for a while; whether it was the owner's and still there."""
        return self._mark_study(owner, name, time.time())

    def restore_study(self, owner: str, name: str) -> bool:
        """Undo `delete_study`."""
        return self._mark_study(owner, name, None)

    def _mark_study(self, owner: str, name: str, deleted: float | None) -> bool:
        is_other = STUDIES.c.deleted.is_(None) if deleted else STUDIES.c.deleted.is_not(None)
        with self._write() as connection:
            own = STUDIES.c.owner == owner, STUDIES.c.name == name, is_other
            return connection.execute(update(STUDIES).where(*own).values(deleted=deleted)).rowcount > 0

    def old_studies(self, owner: str, now: float | None = None) -> list[str]:
        """Names of studies to remove: of all, those that are too old or were deleted a while ago; of the owner's, those
        beyond the latest ones."""
        now = now or time.time()
        old = or_(STUDIES.c.changed < now - self.bounds.days * DAY_S, STUDIES.c.deleted < now - UNDO_S)
        own = select(STUDIES.c.name).where(STUDIES.c.owner == owner).order_by(STUDIES.c.changed.desc())
        with self._read() as connection:
            names = connection.execute(select(STUDIES.c.name).where(old)).scalars().all()
            excess = connection.execute(own).scalars().all()[self.bounds.studies :] if owner != EVERYONE else []
        return [*dict.fromkeys((*names, *excess))]

    def remove_study(self, name: str) -> None:
        """For good."""
        with self._write() as connection:
            connection.execute(delete(STUDIES).where(STUDIES.c.name == name))

    # Rules -----------------------------------------------------------------------------------------------------------

    def rule(self, owner: str) -> str:
        """When runs of an owner are kept on their own; empty: never."""
        with self._read() as connection:
            return connection.execute(select(RULES.c.rule).where(RULES.c.owner == owner)).scalar() or ""

    def set_rule(self, owner: str, rule: str) -> None:
        with self._write() as connection:
            connection.execute(delete(RULES).where(RULES.c.owner == owner))
            if rule:
                connection.execute(insert(RULES).values(owner=owner, rule=rule))

    # Connections -----------------------------------------------------------------------------------------------------

    def _read(self) -> _Guarded:
        return _Guarded(self.engine.begin())

    def _write(self) -> _Guarded:
        return _Guarded(writing(self.engine), self._turn)


class _Guarded:
    """A transaction whose failures are sentences; one that writes waits for its turn."""

    def __init__(self, transaction: Any, turn: threading.Lock | None = None) -> None:
        self._transaction, self._turn = transaction, turn

    def __enter__(self) -> Connection:
        if self._turn and not self._turn.acquire(timeout=database.WAIT_MS / 1000):
            raise StoreError(BUSY.format("others write"))
        try:
            return self._transaction.__enter__()
        except BaseException as problem:
            self._give_turn()
            raise _as_sentence(problem) from problem

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> None:
        try:
            self._transaction.__exit__(kind, problem, trace)
        except IntegrityError:
            raise
        except SQLAlchemyError as failed:
            raise _as_sentence(failed) from failed
        finally:
            self._give_turn()
        if isinstance(problem, SQLAlchemyError) and not isinstance(problem, IntegrityError):
            raise _as_sentence(problem) from problem

    def _give_turn(self) -> None:
        if self._turn:
            self._turn.release()


def _as_sentence(problem: BaseException) -> BaseException:
    if isinstance(problem, SQLAlchemyError):
        return StoreError(BUSY.format(type(problem).__name__))
    return problem


# Rows -----------------------------------------------------------------------------------------------------------------


def _row(run: KeptRun, now: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of a run, and its content. Raises StoreError."""
    _check_texts(run)
    content = _content(run)
    row = {
        "id": run.id or secrets.token_urlsafe(9), "owner": run.owner, "source": run.own_source,
        "created": run.created or now, "experiment": json.loads(run.experiment.model_dump_json()),
        "status": run.status, "epoch": run.epoch, "steps": run.steps, "seconds": run.seconds, "score": run.score,
        **run.last._asdict(), "best_epoch": run.best_epoch, "best_loss": run.best_loss,
        "tags": list(run.tags), "note": run.note, "star": run.star, "parent": run.parent, "machine": dict(run.machine),
        "fingerprint": run.fingerprint, "words": run.words,
        "bytes": len(content["content"]) + len(content["thumbnail"] or b"") + ROW_BYTES,
    }  # fmt: skip
    return row, content


def _check_texts(run: KeptRun) -> None:
    """Raises StoreError for texts that are too long, and for a thumbnail of another kind."""
    if len(run.note) > MAX_NOTE:
        raise StoreError(f"note: this is too long; allowed: {MAX_NOTE:,} characters.")
    if len(run.tags) > MAX_TAGS or any(not 0 < len(tag) <= MAX_TAG for tag in run.tags):
        raise StoreError(f"tags: not allowed; allowed: at most {MAX_TAGS}, each of 1 to {MAX_TAG} characters.")
    if len(run.parent) > MAX_PARENT or len(run.source) > MAX_PARENT:
        raise StoreError(f"parent: this is too long; allowed: {MAX_PARENT} characters.")
    if "\0" in run.note + run.parent + run.source + "".join(run.tags):
        raise StoreError("note, tags: the character 0 is not allowed.")
    if run.thumbnail and (run.thumbnail.kind not in KINDS or max(run.thumbnail.levels.shape) > MAX_SIDE):
        raise StoreError(f"thumbnail: not allowed; allowed: at most {MAX_SIDE} by {MAX_SIDE} pixels.")


def _content(run: KeptRun) -> dict[str, Any]:
    curve, small = run.curve.thinned(), run.thumbnail
    header = {"replay": run.replay.to_values() if run.replay else None}
    return {
        "content": pack(header, {"epochs": curve.epochs.astype(np.int64), "values": curve.values}),
        "thumbnail": pack({"kind": small.kind}, {"levels": small.levels.astype(np.uint8)}) if small else None,
    }


def _with_content(run: KeptRun, content: bytes, thumbnail: bytes | None) -> KeptRun:
    try:
        header, arrays = unpack(content)
        values: Mapping[str, Any] | None = header["replay"]
        replay = None
        if values:
            start = Experiment.from_valid_values(values["experiment"])
            replay = Replay(start, tuple(values["changes"]), values["steps"], values["epochs"], values["way"])
        curve = Curve(arrays["epochs"], arrays["values"])
        return replace(run, replay=replay, curve=curve, thumbnail=_thumbnail(thumbnail))
    except (FrameError, KeyError) as problem:
        raise StoreError("A kept run cannot be read: the database is damaged.") from problem


def _thumbnail(content: bytes | None) -> Thumbnail | None:
    """None also for one that cannot be read: a picture is no reason to lose the rest."""
    try:
        header, arrays = unpack(content or b"")
        return Thumbnail(header["kind"], arrays["levels"])
    except (FrameError, KeyError):
        return None


PLAIN = ("id", "owner", "source", "created", "status", "epoch", "steps", "seconds", "score", "best_epoch", "best_loss",
         "note", "star", "parent", "machine", "fingerprint")  # fmt: skip


def _run(row: Row[Any]) -> KeptRun:
    values = row._mapping
    return KeptRun(
        Experiment.from_valid_values(values["experiment"]), tags=tuple(values["tags"]),
        last=Figures(*(values[name] for name in Figures._fields)), **{name: values[name] for name in PLAIN},
    )  # fmt: skip
