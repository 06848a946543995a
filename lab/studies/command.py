"""`python -m lab study`: a study from a file, with workers on this machine or on a Dask cluster."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.counted import counted, tied
from lab.experiment import own_data
from lab.experiment.experiment import ExperimentError
from lab.experiment.rules import as_text, short
from lab.store.database import StoreError
from lab.store.store import Store
from lab.studies import data_files
from lab.studies.conduct import conduct
from lab.studies.search import Asked, Search
from lab.studies.study import Study
from lab.studies.task import Outcome
from lab.studies.workers import LocalWorkers

INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


def show_study(options: argparse.Namespace) -> int:
    """Conduct a study and print its report. Raises ExperimentError."""
    study, notes = _read(options)
    print("\n".join([*notes, f"Study {study.name}: {counted(study.budget, 'trial')}."]), file=sys.stderr)
    data_dir = os.path.abspath(options.data_dir) if options.data_dir else ""
    try:
        search = Search(study, Store(options.store) if options.store else None, data_dir=data_dir)
    except StoreError as problem:
        raise ExperimentError([f"--store: {sentence}" for sentence in problem.sentences]) from None
    if options.scheduler:
        from lab.studies.dask_workers import DaskWorkers  # optional: requirements-dask.txt

        workers = DaskWorkers(options.scheduler, data_files.collect(study.experiment, data_dir))
    else:
        if (count := _cores() if options.workers is None else options.workers) < 1:
            raise ExperimentError([f"workers: {count} is not allowed; allowed: 1 or more."])
        workers = LocalWorkers(count)
    status = 0
    with _stopped_by_ctrl_c() as stop:
        try:
            conduct(search, workers, stop, lambda asked, outcome: _show(search, asked, outcome))
        except KeyboardInterrupt:  # a second one
            stop.set()
        except ExperimentError as problem:  # the scheduler is lost
            print("\n".join(problem.sentences), file=sys.stderr)
            status = 2
        finally:
            workers.close()
    if stop.is_set():
        print("Interrupted. With --store, the same command goes on from here.", file=sys.stderr)
        status = INTERRUPTED
    report = search.report()
    print(json.dumps(report) if options.json else _text(report))
    return status


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one raises KeyboardInterrupt.

    An exception would be lost where Python reports and ignores it, such as in a finalizer.
    """
    stop = threading.Event()

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        threading.Thread(target=stop.set).start()  # this thread may be inside a method of the event

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _read(options: argparse.Namespace) -> tuple[Study, list[str]]:
    text, notes, fields = options.file, [], {}
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            allowed = "a JSON file that describes a study, or its JSON text"
            raise ExperimentError([f"{short(options.file)} cannot be read. Allowed: {allowed}."]) from None
    if options.table:
        fields, notes = own_data.from_file(options.table, options.target)
    elif options.target:
        raise ExperimentError(["--target names a column of --table."])
    study, more = Study.with_notes_from_json(text, **fields)
    return study if options.trials is None else replace(study, trials=options.trials), [*notes, *more]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show(search: Search, asked: Asked, outcome: Outcome) -> None:
    """A line for what has just been told."""
    if asked.trial is None:
        test = {name: value for name, value in outcome.result.items() if name.startswith("test_")}
        text = f"trial {asked.number} is the best: {_fields(test)}"
    else:
        row = search.row(asked.number)
        text = f"{search.finished:4d} of {search.study.budget}: trial {row['number']} {row['state']}, "
        text += _fields({search.study.objective: row["value"], **{name: row[name] for name in search.study.space}})
        text += f" ({row['why']})" if row["state"] == "failed" else ""
    print(text, file=sys.stderr)


def _fields(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {v:.4g}" if isinstance(v, float) else f"{name} {as_text(v)}" for name, v in values.items()
    )


def _text(report: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in report["trials"].items())
    if not (best := report["best"]):
        return f"{counts}. No trial has a value."
    names = [name for name in best if name.startswith(("validation_", "test_"))]
    values = [row["value"] for row in report["rows"] if row["state"] == "done"]
    first = f"{counts}. Trial {best['number']} is the best{tied(values, best['value'], 'trial')}:"
    lines = [first, _fields({name: best[name] for name in names})]
    return "\n".join([*lines, json.dumps(best["experiment"])])
