"""Test accuracy over seeds: the recipes and the networks of docs/measurements.md, as `python -m lab run` trains them.

The fourth digit depends on the processor and on the kernels that OpenBLAS chooses for it, so both are named.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np  # noqa: F401  whose OpenBLAS threadpool_info names
from threadpoolctl import threadpool_info  # comes with scikit-learn

from bench.processes import ENVIRONMENT, ROOT
from lab.experiment.experiment import Experiment
from lab.experiment.recipes import RECIPES

SEEDS = 5
WORKLOADS = {
    **{name: recipe.experiment for name, recipe in RECIPES.items()},
    "digits-30": Experiment(dataset="digits", hidden=(64, 32), epochs=30),
    "mnist-5": RECIPES["modern"].experiment.change(dropout=0.0, epochs=5),
}


def run(experiment: Experiment, data_dir: str) -> dict[str, Any]:
    """What `python -m lab run` prints. Raises RuntimeError with its message."""
    words = [sys.executable, "-m", "lab", "run", experiment.to_json(), "--json"]
    words += ["--data-dir", str(Path(data_dir).resolve())] if data_dir else []
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def measure(
    workloads: Sequence[str], seeds: int = SEEDS, data_dir: str = "", train: Callable[..., dict[str, Any]] = run
) -> dict[str, Any]:
    """`rows`, one per workload: lowest, median and highest score of the test part over the seeds 1 to `seeds`.

    missing: workload -> reason. seconds: of training, median; machine: the processor and the kernels of OpenBLAS.
    """
    report: dict[str, Any] = {"rows": [], "missing": {}, "machine": machine()}
    for name in workloads:
        try:
            found = [train(WORKLOADS[name].change(seed=seed), data_dir) for seed in range(1, seeds + 1)]
        except RuntimeError as problem:
            report["missing"][name] = str(problem)
            continue
        score = "test_accuracy" if "test_accuracy" in found[0] else "test_r2"
        scores, seconds = ([each[key] for each in found] for key in (score, "seconds"))
        spread = {"lowest": min(scores), "median": median(scores), "highest": max(scores)}
        report["rows"].append(
            {"workload": name, "score": score, **spread, "seeds": seeds, "seconds": round(median(seconds), 1)}
        )
        print(f"{name}: {min(scores):.4f} to {max(scores):.4f}", file=sys.stderr)
    return report


def machine() -> str:
    """The processor and the kernels that OpenBLAS uses on it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    kernels = {each.get("architecture", "") for each in threadpool_info() if each["user_api"] == "blas"}
    return f"{model or platform.processor() or platform.machine()}; BLAS kernels: {', '.join(sorted(kernels)) or '?'}"
