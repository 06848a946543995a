"""Kept runs as one file: gzipped lines of JSON, the first of which names the format."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import Fields
from lab.experiment.own_data import is_absent
from lab.experiment.replay import Replay
from lab.experiment.rules import sentences
from lab.store.address import StoreError
from lab.store.kept_run import (
    KINDS,
    MAX_NOTE,
    MAX_PARENT,
    MAX_POINTS,
    MAX_SIDE,
    MAX_TAG,
    MAX_TAGS,
    STATUSES,
    Curve,
    Figures,
    KeptRun,
    Thumbnail,
)

FORMAT, VERSION = "backprop-playground-runs", 1
SUFFIX, MEDIA_TYPE = ".runs.jsonl.gz", "application/gzip"
MAX_FILE_MB = 50
MAX_LINE_BYTES = 400_000  # of one run; one with 500 points has some 60,000
MAX_BYTES, MAX_RUNS = 300_000_000, 2000  # of all lines
MAX_WHOLE = 10**15
NO_FILE = f"This is no file of kept runs; allowed: what the page Runs has exported, at most {MAX_FILE_MB} MB."
MACHINE_ITEMS, MACHINE_CHARACTERS = 20, 100


def export(runs: Iterable[KeptRun]) -> bytes:
    """A file of whole runs. Owner and id stay here."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(_line({"format": FORMAT, "version": VERSION}))
        for run in runs:
            packed.write(_line(_values(run)))
    return file.getvalue()


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _values(run: KeptRun) -> dict[str, Any]:
    curve, small = run.curve, run.thumbnail
    return {
        "experiment": json.loads(run.experiment.model_dump_json()),
        "replay": run.replay and run.replay.to_values(),
        "status": run.status, "epoch": run.epoch, "steps": run.steps, "seconds": run.seconds, "score": run.score,
        "last": run.last._asdict(), "best_epoch": run.best_epoch, "best_loss": run.best_loss,
        "curve": {"epochs": curve.epochs.tolist(), "type": str(curve.values.dtype),
                  "values": [[x if np.isfinite(x) else None for x in row] for row in curve.values.tolist()]},
        "thumbnail": small and {"kind": small.kind, "width": small.levels.shape[1],
                                "levels": base64.b64encode(small.levels.tobytes()).decode()},
        "tags": list(run.tags), "note": run.note, "star": run.star, "parent": run.parent,
        "machine": dict(run.machine), "fingerprint": run.fingerprint, "source": run.own_source, "created": run.created,
    }  # fmt: skip


def read(content: bytes, owner: str) -> list[KeptRun]:
    """The runs of a file, for an owner, who keeps them from now on.

    Raises StoreError with one sentence; nothing is taken from a damaged file.
    """
    if len(content) > MAX_FILE_MB << 20:
        raise StoreError(NO_FILE)
    runs: list[KeptRun] = []
    lines = _lines(content)
    header = next(lines, None)
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError(NO_FILE)
    if header.get("version") != VERSION:
        raise StoreError(f"This file of kept runs has another version; this program reads version {VERSION}.")
    for number, values in enumerate(lines, 1):
        if number > MAX_RUNS:
            raise StoreError(f"This file has more runs than allowed; allowed: {MAX_RUNS:,}.")
        try:
            runs.append(replace(_run(values), owner=owner))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as problem:
            reason = f" {problem}" if isinstance(problem, ExperimentError) else ""
            raise StoreError(f"Run {number} of this file is damaged; nothing was imported.{reason}") from None
    return runs


def _lines(content: bytes) -> Iterator[Any]:
    """The values of the lines of a file. Raises StoreError."""
    total = 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            while line := packed.readline(MAX_LINE_BYTES + 1):
                total += len(line)
                if len(line) > MAX_LINE_BYTES or total > MAX_BYTES:
                    raise StoreError("A run of this file is larger than any that the playground keeps.")
                yield json.loads(line)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        raise StoreError(NO_FILE) from None


def _run(values: Any) -> KeptRun:
    """Raises one of the exceptions that `read` expects."""
    experiment = _experiment(values["experiment"])
    replay = None
    if values["replay"] is not None:
        replay = Replay.from_values(values["replay"], _experiment(values["replay"]["experiment"]))
        if replay.final_experiment != experiment:
            raise ValueError
    return KeptRun(
        experiment, replay, _one_of(values["status"], STATUSES), _whole(values["epoch"]), _whole(values["steps"]),
        _number(values["seconds"]) or 0.0, _one_of(values["score"], ("accuracy", "R2")),
        Figures(**{name: _number(value) for name, value in values["last"].items()}),
        None if values["best_epoch"] is None else _whole(values["best_epoch"]), _number(values["best_loss"]),
        _curve(values["curve"]), _thumbnail(values["thumbnail"]),
        tuple(_text(tag, MAX_TAG) for tag in _list(values["tags"], MAX_TAGS)), _text(values["note"], MAX_NOTE),
        _boolean(values["star"]), _text(values["parent"], MAX_PARENT), _machine(values["machine"]),
        _text(values["fingerprint"], 64), _text(values["source"], MAX_PARENT),
    )  # fmt: skip


def _experiment(values: Any) -> Experiment:
    """A validated experiment; that of uploaded data which is not here has fields that are valid by themselves."""
    try:
        return Experiment.model_validate(values)
    except ValidationError as problem:
        if is_absent(problem):
            return Experiment.model_construct(None, **dict(Fields.model_validate(values)))
        raise ExperimentError(sentences(problem, Experiment)[:1]) from None


def _curve(values: Any) -> Curve:
    kind = np.dtype(_one_of(values["type"], ("float32", "float64")))
    epochs = np.array([_whole(epoch) for epoch in _list(values["epochs"], MAX_POINTS)], np.int64)
    rows = [[_nan(_number(x)) for x in _list(row, MAX_POINTS)] for row in _list(values["values"], 6)]
    if len(rows) not in (4, 6) or any(len(row) != len(epochs) for row in rows) or (np.diff(epochs) <= 0).any():
        raise ValueError
    return Curve(epochs, np.array(rows, kind).reshape(len(rows), len(epochs)))


def _thumbnail(values: Any) -> Thumbnail | None:
    if values is None:
        return None
    width = _whole(values["width"])
    try:
        levels = np.frombuffer(base64.b64decode(_text(values["levels"], 2 * MAX_SIDE**2), validate=True), np.uint8)
    except binascii.Error:
        raise ValueError from None
    levels = levels.reshape(-1, width)
    if not (0 < width <= MAX_SIDE and 0 < len(levels) <= MAX_SIDE):
        raise ValueError
    return Thumbnail(_one_of(values["kind"], KINDS), levels)


def _machine(values: Any) -> dict[str, str]:
    if len(values) > MACHINE_ITEMS:
        raise ValueError
    return {_text(name, MACHINE_CHARACTERS): _text(value, MACHINE_CHARACTERS) for name, value in values.items()}


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_WHOLE:
        raise ValueError
    return value


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _text(value: Any, most: int) -> str:
    if type(value) is not str or len(value) > most or "\0" in value:
        raise ValueError
    value.encode()  # raises for lone surrogates
    return value


def _list(value: Any, most: int) -> list[Any]:
    if type(value) is not list or len(value) > most:
        raise ValueError
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError
    return value
