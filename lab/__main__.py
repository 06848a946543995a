"""The command line: experiments without a browser.

python -m lab run EXPERIMENT.json --json
python -m lab run "http://localhost:8501/?dataset=digits&hidden=64,32" --epochs 30 --report
python -m lab run epochs=50 --table flowers.csv --target species
python -m lab table flowers.csv --target species
python -m lab check '{"hidden": [4, 4], "activations": "gelu"}'
python -m lab predict flowers.safetensors new_flowers.csv
python -m lab pictures shapes.zip --json
python -m lab study examples/digits_study.json --json
python -m lab log chosen.runs.jsonl.gz --to mlflow --project circles
"""

from __future__ import annotations

import os

from data.counted import counted

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: one thread is faster for networks of this size

import argparse
import io
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from data import OWN
from data.files.user_data import UserDataError
from data.preprocessing import Parts
from engine.formulas.metrics import Scores
from lab.experiment import link, own_data
from lab.experiment.experiment import Experiment, ExperimentError
from lab.protocol.frames import finite
from lab.store import exchange, trackers
from lab.store.address import StoreError
from lab.store.kept_run import EVERYONE
from lab.training import model_file
from lab.training.build import build
from lab.training.headless import train
from lab.training.predictor import Predictor
from lab.training.report import gradient_check, report


def read(source: str) -> Experiment:
    """A JSON file, JSON text, a link or a bare query -> Experiment. Raises ExperimentError."""
    return read_with_notes(source, {})[0]


def read_with_notes(source: str, table: Mapping[str, str]) -> tuple[Experiment, list[str]]:
    """The same, and a sentence for what an old link or file meant differently.

    table: the fields of a table, which takes the place of uploaded data.
    """
    if source.lstrip().startswith("{"):
        return _from_json(source, table)
    try:
        if "=" in source and not os.path.isfile(source):
            query = link.expanded(dict(parse_qsl(urlsplit(source).query or source, keep_blank_values=True)))
            query |= table if query.get("dataset") in OWN else {}
            experiment, refused, notes = Experiment.with_notes_from_query(query)
            if refused:
                raise ExperimentError(refused)
            return experiment, notes
        return _from_json(Path(source).read_text(encoding="utf-8-sig"), table)
    except ExperimentError:
        raise
    except (OSError, ValueError):
        raise ExperimentError(
            [f'{source[:200]} cannot be read. Allowed: a JSON file, a link, or {{"field": value}}.']
        ) from None


def _from_json(text: str, table: Mapping[str, str]) -> tuple[Experiment, list[str]]:
    return Experiment.with_notes_from_json(text, **(table if own_data.is_used(text) else {}))


def show_progress(epochs: int, scores: Scores) -> None:
    """Training, validation (if there is such a part) and test, in this order."""
    shown = [values for part in Parts._fields if not math.isnan((values := scores.of(part))[0])]
    losses, goodness = (" / ".join(f"{value:.4f}" for value in column) for column in zip(*shown, strict=True))
    print(f"epoch {epochs:6d}  loss {losses}  score {goodness}", file=sys.stderr)


def show_table(options: argparse.Namespace) -> int:
    """How the page Data reads a table, and what it proposes. Raises ExperimentError."""
    from data.files.table_report import as_text, describe_table  # pandas takes half a second

    try:
        found = describe_table(options.file.read_bytes(), options.file.name, options.target)
    except OSError as problem:
        raise ExperimentError([f"{options.file} cannot be read: {problem.strerror}."]) from None
    except UserDataError as problem:
        raise ExperimentError([f"{options.file}: {problem}"]) from None
    print(json.dumps(finite(found)) if options.json else as_text(found))
    return 0


def show_pictures(options: argparse.Namespace) -> int:
    """How the page Data reads a zip file of pictures. Raises ExperimentError."""
    from data.files.picture_files import Pictures, read_pictures  # pandas and Pillow take half a second

    try:
        steps = read_pictures(options.archive.read_bytes(), options.archive.name)
        found = next(step for step in steps if isinstance(step, Pictures))
    except OSError as problem:
        raise ExperimentError([f"{options.archive} cannot be read: {problem.strerror}."]) from None
    except UserDataError as problem:
        raise ExperimentError([f"{options.archive}: {problem}"]) from None
    classes = ", ".join(f"{name} ({count:,})" for name, count in found.class_counts.items())
    sentence = f"{len(found.prepared.y):,} pictures in {len(found.class_counts)} classes: {classes}."
    print(json.dumps(found.as_json()) if options.json else "\n".join([sentence, *found.notes]))
    return 0


def show_predictions(options: argparse.Namespace) -> int:
    """Predict the rows of a file with a saved network. Raises ExperimentError."""
    from data.files.unlabeled_rows import UnlabeledRows, UnlabeledRowsError  # pandas takes half a second
    from lab.export import csv_tables

    path = options.model
    try:
        predictor = Predictor(model_file.from_bytes(path.read_bytes()))
        path = options.file
        rows = UnlabeledRows(path.read_bytes(), predictor.recipe, rows=predictor.rows)
        answers = np.concatenate([predictor.predict(raw) for raw in rows])
    except OSError as problem:
        raise ExperimentError([f"{path} cannot be read: {problem.strerror}."]) from None
    except (model_file.ModelFileError, UnlabeledRowsError) as problem:
        raise ExperimentError([f"{path}: {problem}"]) from None
    if rows.notes:
        print("\n".join(rows.notes), file=sys.stderr)
    heading = rows.heading(bool(predictor.classes))
    print(csv_tables.predictions(answers, predictor.classes, heading, rows.ids), end="")
    return 0


def show_study(options: argparse.Namespace) -> int:
    """Search for better values of some fields. Raises ExperimentError."""
    from lab.studies.command import show_study  # Optuna takes half a second

    return show_study(options)


def log_runs(options: argparse.Namespace) -> int:
    """Log kept runs in an experiment tracker. Raises ExperimentError."""
    try:
        runs = exchange.read(options.file.read_bytes(), EVERYONE)
        trackers.log(runs, options.to, options.project)
    except OSError as problem:
        raise ExperimentError([f"{options.file} cannot be read: {problem.strerror}."]) from None
    except StoreError as problem:
        raise ExperimentError([str(problem)]) from None
    print(f"Logged {counted(len(runs), 'run')} in {options.to}, project {options.project}.", file=sys.stderr)
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m lab", description="Run an experiment without a browser.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="train, and print the result")
    command.add_argument("source", help="a JSON file, a link of the playground, or JSON text")
    command.add_argument("--epochs", type=int, help="stop after this many epochs")
    command.add_argument("--device", help="cpu or cuda:0")
    command.add_argument("--dtype", help="float32 or float64")
    command.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder with the files of MNIST and Fashion-MNIST"
    )
    command.add_argument("--table", type=Path, metavar="FILE", help="train on a CSV file (or TSV; gzipped or not)")
    command.add_argument("--target", metavar="COLUMN", help="column of --table to predict; by default usually the last")
    command.add_argument("--resume", type=Path, metavar="FILE", help="continue from a file written by --save")
    command.add_argument("--report", action="store_true", help="add metrics, layers and a learning-rate test")
    command.add_argument("--save", type=Path, metavar="FILE", help="save the model as a safetensors file")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command = commands.add_parser("check", help="check backprop against central differences")
    command.add_argument("source", help="a JSON file, a link of the playground, or JSON text")
    command = commands.add_parser("table", help="say how a file of a table is read, and what is proposed for it")
    command.add_argument("file", type=Path, metavar="FILE", help="CSV or similar, gzipped or not")
    command.add_argument("--target", metavar="COLUMN", help="column to predict; by default usually the last")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command.set_defaults(show=show_table)
    command = commands.add_parser("predict", help="predict the rows of a file with a saved model; prints CSV")
    command.add_argument("model", type=Path, metavar="MODEL.safetensors", help="a model written by run --save or Save")
    command.add_argument("file", type=Path, metavar="FILE", help="new rows with the columns of the training file")
    command.set_defaults(show=show_predictions)
    command = commands.add_parser("pictures", help="show how a zip file of pictures is read")
    command.add_argument("archive", type=Path, metavar="FILE.zip", help="one folder per class")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command.set_defaults(show=show_pictures)
    command = commands.add_parser("study", help="search for better values of some fields of an experiment")
    command.add_argument("file", metavar="FILE", help="a JSON file that describes the study, or JSON text")
    command.add_argument("--trials", type=int, metavar="N", help="number of trials, instead of that in the file")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes here; by default one for each core")
    where.add_argument("--scheduler", metavar="ADDRESS", help="train on a Dask cluster, such as tcp://10.0.0.1:8786")
    store_help = "database to keep the study in, such as sqlite:///studies.db; the same command then goes on with it"
    command.add_argument("--store", metavar="URL", default="", help=store_help)
    command.add_argument("--table", type=Path, metavar="FILE", help="train on a CSV file (or TSV; gzipped or not)")
    command.add_argument("--target", metavar="COLUMN", help="column of --table to predict; by default usually the last")
    command.add_argument("--data-dir", metavar="DIR", default="", help="folder with the files of MNIST")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    command.set_defaults(show=show_study)
    command = commands.add_parser("log", help="log kept runs in MLflow or trackio, which must be installed")
    command.add_argument("file", type=Path, metavar="FILE.runs.jsonl.gz", help="runs that the page Runs has exported")
    command.add_argument("--to", choices=list(trackers.TRACKERS), required=True, help="the tool")
    project_help = "what it calls an experiment or a project"
    command.add_argument("--project", metavar="NAME", default="backprop-playground", help=project_help)
    command.set_defaults(show=log_runs)
    options = parser.parse_args(arguments)
    if "show" not in options and getattr(options, "target", None) and not options.table:
        parser.error("--target names a column of --table")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            encoding="utf-8"
        )  # names and labels may be in any script; Windows writes cp1252 to a pipe
    try:
        if "show" in options:
            return options.show(options)
        table = getattr(options, "table", None)
        fields, said = own_data.from_file(table, options.target) if table else ({}, [])
        experiment, notes = read_with_notes(options.source, fields)
        experiment, notes = experiment.change(**fields), [*notes, *said]
        if notes:
            print("\n".join(notes), file=sys.stderr)
        if "save" not in options:
            print(json.dumps(gradient_check(build(experiment.change(dtype="float64")).trainer)))
            return 0
        given = {name: getattr(options, name) for name in ("epochs", "device", "dtype")}
        experiment = experiment.change(**{name: value for name, value in given.items() if value is not None})
        result, dataset, trainer = train(
            experiment,
            data_dir=options.data_dir,
            saved=options.resume,
            progress=None if options.json else show_progress,
        )
    except ExperimentError as problem:
        print("\n".join(problem.sentences), file=sys.stderr)
        return 2
    if options.save:
        try:
            options.save.write_bytes(model_file.to_bytes(model_file.capture(experiment, dataset, trainer)))
        except (OSError, model_file.ModelFileError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            print(f"{options.save} cannot be written: {why}".rstrip(".") + ".", file=sys.stderr)
            return 2
    if options.report:
        result["report"] = report(trainer, dataset)
    print(json.dumps(finite(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
