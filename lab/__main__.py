"""The same experiment without a screen.

python -m lab run EXPERIMENT.json --json
python -m lab run "http://localhost:8501/?dataset=digits&hidden=64,32" --epochs 30 --report
python -m lab run epochs=50 --table flowers.csv --target species
python -m lab check '{"hidden": [4, 4], "activations": "gelu"}'
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: one thread is faster for networks of this size

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from data import Dataset
from engine.training.trainer import Trainer
from lab.experiment import own_data
from lab.experiment.experiment import Experiment, ExperimentError
from lab.protocol.frames import finite
from lab.training import model_file
from lab.training.build import build
from lab.training.report import gradient_check, report

USUAL_EPOCHS = 100  # for an experiment without any stop rule
MOST_EPOCHS = 10_000  # where only a target or patience could end it: a target may never be reached


def read(source: str) -> Experiment:
    """A JSON file, JSON text, a link or a bare query -> Experiment. Raises ExperimentError."""
    if source.lstrip().startswith("{"):
        return Experiment.from_json(source)
    try:
        if "=" in source and not os.path.isfile(source):
            query = dict(parse_qsl(urlsplit(source).query or source, keep_blank_values=True))
            experiment, refused = Experiment.from_query(query)
            if refused:
                raise ExperimentError(refused)
            return experiment
        return Experiment.from_json(Path(source).read_text(encoding="utf-8-sig"))
    except ExperimentError:
        raise
    except (OSError, ValueError):
        raise ExperimentError(
            [f'{source[:200]} cannot be read. Allowed: a JSON file, a link, or {{"field": value}}.']
        ) from None


def run(
    experiment: Experiment, show: bool, data_dir: Path | None = None, saved: Path | None = None
) -> tuple[dict[str, Any], Dataset, Trainer]:
    """Train until a stop rule fires, from the start or from a saved file; what is printed, the data and the trainer."""
    if not (experiment.epochs or experiment.target_accuracy or experiment.patience or experiment.max_seconds):
        experiment = experiment.change(epochs=USUAL_EPOCHS)
    dataset, trainer = build(experiment, data_dir)
    if saved:
        _load(trainer, saved)
    begin, told = time.perf_counter(), 0.0
    most = math.inf if experiment.epochs or experiment.max_seconds else trainer.epochs + MOST_EPOCHS
    while not trainer.stopped and trainer.divergence is None and trainer.epochs < most:
        trainer.epoch()
        if show and time.perf_counter() - told > 0.5:
            told, scores = time.perf_counter(), trainer.evaluate()
            print(f"epoch {trainer.epochs:6d}  loss {scores.train_loss:.4f} / {scores.test_loss:.4f}  "
                  f"score {scores.train_score:.4f} / {scores.test_score:.4f}", file=sys.stderr)  # fmt: skip
    seconds, scores = time.perf_counter() - begin, trainer.evaluate()
    names = ("train_accuracy", "test_accuracy") if dataset.kind == "classification" else ("train_r2", "test_r2")
    result = {
        "epochs": trainer.epochs,
        "train_loss": scores.train_loss,
        "test_loss": scores.test_loss,
        names[0]: scores.train_score,
        names[1]: scores.test_score,
        "seconds": round(seconds, 3),
        "steps": trainer.steps,
        "parameters": trainer.network.parameters.size,
        "device": experiment.device,
        "stopped": _why(trainer),
    }
    return result, dataset, trainer


def _load(trainer: Trainer, saved: Path) -> None:
    """Weights, optimiser, random states and history from a file of --save. Raises ExperimentError."""
    try:
        model_file.restore(trainer, model_file.from_bytes(saved.read_bytes()))
    except OSError as problem:
        raise ExperimentError([f"{saved} cannot be read: {problem.strerror}."]) from None
    except ValueError as problem:
        raise ExperimentError([f"{saved} does not fit this experiment. {problem}"]) from None
    trainer.enable_all_rules()  # the rules are those of this experiment


def _why(trainer: Trainer) -> str:
    """A sentence on why training ended."""
    if trainer.divergence is not None:
        return f"Diverged at step {trainer.divergence.step}: {trainer.divergence.where}."
    return trainer.stopped or f"{MOST_EPOCHS:,} epochs are done; no stop rule came true."


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m lab", description="Run an experiment without a screen.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="train, and print what came of it")
    command.add_argument("source", help="a JSON file, a link of the playground, or JSON text")
    command.add_argument("--epochs", type=int, help="stop after so many epochs")
    command.add_argument("--device", help="cpu or cuda:0")
    command.add_argument("--dtype", help="float32 or float64")
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="where the files of mnist and fashion_mnist lie")
    command.add_argument("--table", type=Path, metavar="FILE", help="train on a CSV file (or TSV; gzipped or not)")
    command.add_argument("--target", metavar="COLUMN", help="what to foretell of --table; usually its last column")
    command.add_argument("--resume", type=Path, metavar="FILE", help="go on from a file of --save")
    command.add_argument("--report", action="store_true", help="add metrics, layers and a learning-rate test")
    command.add_argument("--save", type=Path, metavar="FILE", help="keep the model in a safetensors file")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command = commands.add_parser("check", help="check backprop against central differences")
    command.add_argument("source", help="a JSON file, a link of the playground, or JSON text")
    options = parser.parse_args(arguments)
    if getattr(options, "target", None) and not options.table:
        parser.error("--target names a column of --table")
    try:
        experiment = read(options.source)
        if getattr(options, "table", None):
            experiment = experiment.change(**own_data.from_file(options.table, options.target))
        if "save" not in options:
            print(json.dumps(gradient_check(build(experiment.change(dtype="float64")).trainer)))
            return 0
        given = {name: getattr(options, name) for name in ("epochs", "device", "dtype")}
        experiment = experiment.change(**{name: value for name, value in given.items() if value is not None})
        result, dataset, trainer = run(experiment, not options.json, options.data_dir, options.resume)
    except ExperimentError as problem:
        print("\n".join(problem.sentences), file=sys.stderr)
        return 2
    if options.save:
        try:
            options.save.write_bytes(model_file.to_bytes(model_file.capture(experiment, dataset, trainer)))
        except OSError as problem:
            print(f"{options.save} cannot be written: {problem.strerror}.", file=sys.stderr)
            return 2
    if options.report:
        result["report"] = report(trainer)
    print(json.dumps(finite(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
