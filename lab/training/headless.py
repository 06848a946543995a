"""Trains an experiment without a browser until a stop rule ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from data import Dataset
from engine.formulas.metrics import Scores
from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.group import USUAL_EPOCHS
from lab.training import model_file, probes
from lab.training.build import Built, build

MAX_EPOCHS = 10_000  # if otherwise only a target or patience could end training
REPORT_EVERY_S = 0.5

Progress = Callable[[int, Scores], None]


class Trained(NamedTuple):
    """A trained experiment. result: plain values, as printed by `python -m lab run --json`."""

    result: dict[str, Any]
    dataset: Dataset
    trainer: Trainer


def run(experiment: Experiment) -> dict[str, Any]:
    """Train and return plain values, for another process or machine. Raises ExperimentError."""
    return train(experiment).result


def train(
    experiment: Experiment, data_dir: Path | None = None, saved: Path | None = None, progress: Progress | None = None
) -> Trained:  # fmt: skip
    """Train until a stop rule fires, from the start or from a saved model. Raises ExperimentError.

    progress: called with epochs and scores every REPORT_EVERY_S.
    """
    dataset, trainer = prepare(experiment, data_dir, saved)
    begin, reported = time.perf_counter(), 0.0
    while not trainer.stopped and trainer.divergence is None:
        trainer.epoch()
        if progress and time.perf_counter() - reported > REPORT_EVERY_S:
            reported = time.perf_counter()
            progress(trainer.epochs, trainer.evaluate())
    return Trained(result_of(experiment, dataset, trainer, time.perf_counter() - begin), dataset, trainer)


def prepare(
    experiment: Experiment, data_dir: Path | None = None, saved: Path | None = None, dataset: Dataset | None = None
) -> Built:  # fmt: skip
    """What `train` trains: with a stop rule that will end it. Raises ExperimentError. dataset: see `build`."""
    if not (experiment.epochs or experiment.max_seconds or experiment.selects):
        experiment = experiment.change(epochs=USUAL_EPOCHS)
    built = build(experiment, data_dir, dataset)
    if saved:
        _load(built.trainer, saved)
    if not (experiment.epochs or experiment.max_seconds):
        built.trainer.set(epochs=built.trainer.epochs + MAX_EPOCHS)
    return built


def result_of(experiment: Experiment, dataset: Dataset, trainer: Trainer, seconds: float) -> dict[str, Any]:
    """The plain values of a training that took this long."""
    scores = trainer.evaluate()
    score_name = "accuracy" if dataset.kind == "classification" else "r2"
    names = [f"{part}_{score_name}" for part in ("train", "test", "validation")]
    result = {
        "epochs": trainer.epochs,
        "train_loss": scores.train_loss,
        "test_loss": scores.test_loss,
        names[0]: scores.train_score,
        names[1]: scores.test_score,
        "validation_loss": scores.validation_loss,
        names[2]: scores.validation_score,
        "seconds": round(seconds, 3),
        "steps": trainer.steps,
        "parameters": trainer.network.parameters.size,
        "device": experiment.device,
        "stopped": _why(trainer),
        "train_samples": len(trainer.x_train),
        "train_evaluated": len(trainer.data.evaluated["train"].x),  # the first, for train_loss and the train score
    }
    if dataset.kind == "regression":  # errors in the unit of the target; target_scale of it are 1 in a loss
        errors = probes.errors(trainer, dataset)
        result |= {"test_rmse": errors["rmse"], "test_mae": errors["mae"], "target_scale": errors["scale"]}
    return result


def _load(trainer: Trainer, saved: Path) -> None:
    """Weights, optimizer, random states and history from a file of --save. Raises ExperimentError."""
    try:
        model_file.restore(trainer, model_file.from_bytes(saved.read_bytes()))
    except OSError as problem:
        raise ExperimentError([f"{saved} cannot be read: {problem.strerror}."]) from None
    except ValueError as problem:
        raise ExperimentError([f"{saved} does not fit this experiment. {problem}"]) from None
    trainer.enable_all_rules()  # the experiment decides, not the saved run


def _why(trainer: Trainer) -> str:
    """A sentence on why training ended."""
    if trainer.divergence is not None:
        return f"Diverged at step {trainer.divergence.step}: {trainer.divergence.where}."
    return trainer.stopped
