"""Runs exported scripts in other processes, and trains the same experiments here."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from engine.c.compiler import SWITCH_VARIABLE, NoCompiler, compiler
from lab.experiment.experiment import Experiment
from lab.export import Plan, gather, plan_of, zipped
from lab.queries.table import ask
from lab.training.run import Run


def ours(experiment: Experiment) -> np.ndarray:
    """(epochs + 1, 2) train and test losses."""
    return trained(experiment).trainer.history.values[:2].T


def trained(experiment: Experiment) -> Run:
    """A run after all its epochs, on the tape: most of these experiments would be compiled for this test alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH_VARIABLE, "off")
        run = Run(experiment)
    for _ in range(experiment.epochs):
        run.trainer.epoch()
    return run


def plan_for(run: Run) -> Plan:
    return plan_of(run.experiment, _ask(run, "rows", {"part": "train", "start": 0})[0])


def unpacked(experiment: Experiment, folder: Path, run: Run | None = None) -> str:
    """Unpack the zip; returns its note."""
    run = run or Run(experiment)
    plan, examples = plan_for(run), gather(partial(_ask, run))
    with zipfile.ZipFile(io.BytesIO(zipped(plan, examples))) as archive:
        archive.extractall(folder)
    return (folder / "README.txt").read_text()


def _ask(run, question, facts):
    return ask(run, question, facts, {})


def losses(printed: str) -> np.ndarray:
    rows = np.array([line.split() for line in printed.splitlines()], np.float64)
    np.testing.assert_array_equal(rows[:, 0], np.arange(len(rows)))
    return rows[:, 1:]


QUIET = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
RUNNER = """
import runpy, sys
script, *folders = sys.argv[1:]
del sys.argv[1:]
for folder in folders:
    print("in", folder)
    runpy.run_path(f"{folder}/{script}")
"""


def run_scripts(script: str, folders, warnings="error") -> dict[str, np.ndarray]:
    """The output of the script in each folder, from one process, because importing takes longer than training."""
    words = [sys.executable, "-W", warnings, "-I", "-c", RUNNER, script, *map(str, folders)]
    done = subprocess.run(words, capture_output=True, text=True, env=QUIET)
    assert done.returncode == 0, done.stderr[-2000:]
    parts = done.stdout.split("in ")[1:]
    return {part.partition("\n")[0]: losses(part.partition("\n")[2]) for part in parts}


def run_program(folder: Path) -> np.ndarray:
    """What train.c prints, compiled with all warnings as errors."""
    strict = ("-O0", "-Wall", "-Wextra", "-Werror", "-fopenmp-simd")
    words = [*compiler().command[:1], *strict, "-o", "train", "train.c", "-lm"]
    for command in (words, [str(folder / "train")]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr[-2000:]) == (0, "")
    return losses(done.stdout)


def require_compiler() -> None:
    """Skips the test without a C compiler, or fails it where COMPILER_TESTS=required."""
    try:
        compiler()
    except NoCompiler as problem:
        missing = pytest.fail if os.environ.get("COMPILER_TESTS") == "required" else pytest.skip
        missing(str(problem))


def require(package: str) -> None:
    """Skips the test without a package, or fails it where ORACLE_TESTS=required."""
    if find_spec(package) is None:
        missing = pytest.fail if os.environ.get("ORACLE_TESTS") == "required" else pytest.skip
        missing(f"{package} is not installed: python3 start.py setup requirements-oracle.txt")
