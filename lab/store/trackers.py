"""Logs kept runs in experiment trackers: MLflow and trackio.

Neither is among our requirements: a team that uses one has installed it, and chooses its server as for any other
program, such as by MLFLOW_TRACKING_URI.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from urllib.parse import urlencode

import numpy as np

from engine.formulas.metrics import Scores
from lab.experiment.rules import as_text
from lab.store.address import StoreError
from lab.store.kept_run import KeptRun, named

MAX_METRICS, MAX_PARAMETERS = 1000, 100  # in one message to MLflow
MAX_TEXT, MAX_NAME = 250, 100  # characters of a parameter (a limit of older MLflow versions), and of a run's name
MAX_LINK = 4000  # characters; that of many drawn points is longer, and left out


def parameters(run: KeptRun) -> dict[str, str]:
    """All fields of the experiment, as text."""
    return {name: as_text(value)[:MAX_TEXT] for name, value in run.experiment}


def metrics(run: KeptRun) -> Iterator[tuple[int, dict[str, float]]]:
    """The finite points of the curve: epoch, and the value of each series, such as test_loss and test_accuracy."""
    names = [name.replace("score", run.score.lower()) for name in Scores._fields]
    for epoch, column in zip(run.curve.epochs.tolist(), run.curve.values.T.tolist(), strict=True):
        yield epoch, {name: value for name, value in zip(names, column, strict=False) if np.isfinite(value)}


def about(run: KeptRun) -> dict[str, str]:
    """What else is known of a run: its link, its group or study, and what a person has written."""
    link = f"?{urlencode(run.link)}"
    found = {"link": link if len(link) <= MAX_LINK else "", "status": run.status, "parent": run.parent,
             "note": run.note, "tags": ", ".join(run.tags), **run.machine}  # fmt: skip
    return {name: text for name, text in found.items() if text}


def name_of(run: KeptRun) -> str:
    """What sets the experiment apart from the default one."""
    return (", ".join(named(run.experiment)) or "default")[:MAX_NAME]


def to_mlflow(mlflow: ModuleType, runs: Sequence[KeptRun], project: str) -> None:
    """Each run with its parameters, metrics and tags, in an experiment of this name."""
    client, entities = mlflow.MlflowClient(), mlflow.entities
    known = client.get_experiment_by_name(project)
    group = known.experiment_id if known else client.create_experiment(project)
    for run in runs:
        ended = round(1000 * (run.created or time.time()))
        began = ended - round(1000 * run.seconds)
        told = client.create_run(group, began, {f"playground.{k}": v for k, v in about(run).items()}, name_of(run))
        id = told.info.run_id
        values = [entities.Param(name, text) for name, text in parameters(run).items()]
        for start in range(0, len(values), MAX_PARAMETERS):
            client.log_batch(id, params=values[start : start + MAX_PARAMETERS])
        points = [
            entities.Metric(name, value, ended, epoch) for epoch, row in metrics(run) for name, value in row.items()
        ]
        for start in range(0, len(points), MAX_METRICS):
            client.log_batch(id, metrics=points[start : start + MAX_METRICS])
        client.set_terminated(id, "FAILED" if run.diverged else "FINISHED", ended)


def to_trackio(trackio: ModuleType, runs: Sequence[KeptRun], project: str) -> None:
    """Each run with its settings and its metrics, in a project of this name."""
    for run in runs:
        trackio.init(project=project, name=name_of(run), config={**parameters(run), **about(run)}, resume="never")
        for epoch, row in metrics(run):
            trackio.log(row, step=epoch)
        trackio.finish()


TRACKERS: dict[str, Callable[[ModuleType, Sequence[KeptRun], str], None]] = {  # module -> what logs runs there
    "mlflow": to_mlflow,
    "trackio": to_trackio,
}


def log(runs: Sequence[KeptRun], tracker: str, project: str) -> None:
    """Log runs in one of TRACKERS. Logging a run twice adds it twice. Raises StoreError."""
    try:
        module = import_module(tracker)
    except ImportError as problem:
        raise StoreError(f"{tracker} cannot be used here ({problem}); install it with: pip install {tracker}") from None
    try:
        TRACKERS[tracker](module, runs, project)
    except Exception as problem:  # theirs, such as of a server that does not answer
        reason = str(problem).partition("\n")[0] or type(problem).__name__
        raise StoreError(f"{tracker} did not take the runs: {reason}") from None
