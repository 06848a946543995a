"""Trains the runs of one trial: values in, values out, so that any process on any machine can do it."""

from __future__ import annotations

import base64
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data import Dataset
from engine.formulas.metrics import Scores
from engine.training.trainer import Trainer
from lab.experiment.datasets import examples
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import DATA, FIELDS
from lab.protocol.frames import finite
from lab.studies.task import Outcome, Task
from lab.training.change_log import fingerprint
from lab.training.group_run import MAP_SIDE
from lab.training.headless import prepare, result_of
from lab.training.probes import PlaneMap

OF_DATA = [name for name, spec in FIELDS.items() if spec.group == DATA and name != "weight_seed"]


class Unwanted(Exception):
    """Nobody waits for the outcome."""


def run(text: str, data_dir: str = "", is_wanted: Callable[[], bool] = lambda: True) -> str:
    """A task as text -> its outcome as text. Whatever goes wrong in a trial is its outcome.

    data_dir: another folder of picture files than that of the task. is_wanted: whether somebody waits for the outcome;
    asked at every report.
    """
    begin = time.perf_counter()
    try:
        task = Task.from_text(text)
        return run_task(replace(task, data_dir=data_dir or task.data_dir), is_wanted).to_text()
    except ExperimentError as problem:
        why = str(problem)
    except MemoryError:
        why = "There is not enough memory for this trial."
    except Exception as problem:  # one trial must not end the study
        why = f"{type(problem).__name__}: {problem}"
    return Outcome("failed", why=why, seconds=time.perf_counter() - begin).to_text()


@np.errstate(all="ignore")
def run_task(task: Task, is_wanted: Callable[[], bool] = lambda: True) -> Outcome:
    """Train all runs of a trial side by side, so that their median is known at every report.

    Raises ExperimentError for an experiment that cannot be built, and Unwanted.
    """
    begin = time.perf_counter()
    experiments = [Experiment.from_valid_json(text) for text in task.experiments]
    folder = Path(task.data_dir) if task.data_dir else None
    dataset = _dataset(Experiment.model_validate({n: getattr(experiments[0], n) for n in OF_DATA}).to_json(), folder)
    trainers = [prepare(e, folder, dataset=dataset).trainer for e in experiments]
    spent = [0.0] * len(trainers)
    reports: dict[int, float] = {}
    state, best, epoch = "done", _worst(task), 0
    while not all(map(_has_ended, trainers)):
        if not is_wanted():
            raise Unwanted
        epoch += task.every
        for number, trainer in enumerate(trainers):
            started = time.perf_counter()
            while not _has_ended(trainer) and trainer.epochs < epoch:
                trainer.epoch()
            spent[number] += time.perf_counter() - started
        reports[epoch] = value = _value(task, trainers[_median(task, trainers)])
        best = value if _is_worse(task, best, value) else best
        if epoch in task.limits and _is_worse(task, best, task.limits[epoch]) and not all(map(_has_ended, trainers)):
            state = "pruned"
            break
    number, values = _median(task, trainers), tuple(_value(task, trainer) for trainer in trainers)
    trainer = trainers[number]
    result = finite(result_of(experiments[number], dataset, trainer, spent[number]))
    if not task.reports_test:
        result = {name: value for name, value in result.items() if not name.startswith("test_")}
    if np.isnan(values[number]):
        raise ExperimentError([f"{task.objective}: the validation part is too small for it."])
    why = result["stopped"] if state == "done" else "Worse than the median."
    seen: dict[str, Any] = {"curve": _curve(trainer, task.reports_test), "map": _map(dataset, trainer)}
    seen |= {"machine": _machine(experiments[number], trainer), "fingerprint": fingerprint(trainer)}
    seconds = time.perf_counter() - begin
    return Outcome(state, values[number], values, number, why, seconds, reports, result, **seen)


@lru_cache(maxsize=1)
def _dataset(text: str, folder: Path | None) -> Dataset:
    """The data of an experiment as JSON, which all trials of a study have in common: prepared once."""
    return examples(Experiment.from_valid_json(text), folder)


def _has_ended(trainer: Trainer) -> bool:
    return bool(trainer.stopped) or trainer.divergence is not None


def _worst(task: Task) -> float:
    return np.inf if task.direction == "minimize" else -np.inf


def _is_worse(task: Task, value: float, other: float) -> bool:
    return value > other if task.direction == "minimize" else value < other


def _value(task: Task, trainer: Trainer) -> float:
    """The objective now; a run that diverged is worse than any other."""
    if trainer.divergence is not None:
        return _worst(task)
    loss, score = trainer.evaluate().of("validation")
    return float(loss if task.objective == "validation_loss" else score)


def _median(task: Task, trainers: list[Trainer]) -> int:
    """The number of the run with the median value; of the two in the middle of an even number the worse one."""
    values = [_value(task, trainer) for trainer in trainers]
    order = sorted(range(len(values)), key=values.__getitem__, reverse=task.direction == "maximize")
    return order[len(order) // 2]


def _curve(trainer: Trainer, reports_test: bool) -> dict[str, list[float]]:
    history = trainer.history
    names = [name for name in Scores._fields if reports_test or not name.startswith("test_")]
    columns = {name: history.values[Scores._fields.index(name)].tolist() for name in names}
    return {"epochs": history.epochs.tolist(), **columns}


def _machine(e: Experiment, trainer: Trainer) -> dict[str, str]:
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    way = trainer.executor.way
    return {"device": e.device, "dtype": e.dtype, "way": way, "processor": platform.machine(), **versions}


def _map(dataset: Dataset, trainer: Trainer) -> dict[str, Any]:
    if not dataset.encode:
        return {}
    drawn = PlaneMap(dataset, trainer, MAP_SIDE)
    return {"kind": drawn.encoding, "side": MAP_SIDE, "levels": base64.b64encode(drawn().tobytes()).decode()}
