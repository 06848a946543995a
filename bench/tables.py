"""Time and memory for reading large tables: as many cells as the page accepts, at most 50 MB."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.memory import peak_mb
from data.files.table_files import MAX_CELLS, read_table

ROUNDS = 5
COLUMNS = 40
ROWS = MAX_CELLS // COLUMNS


def _numbers(rows: int) -> bytes:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, COLUMNS - 1)))
    return _csv(frame, float_format="%.8f")


def _words(rows: int) -> bytes:
    words = np.array([f"word {i}" for i in range(40)])
    return _csv(pd.DataFrame(np.random.default_rng(0).choice(words, (rows, COLUMNS - 1))))


def _quoted(rows: int) -> bytes:
    words = np.array([f'a "{i}", b' for i in range(8)])
    return _csv(pd.DataFrame(np.random.default_rng(0).choice(words, (rows // 2, COLUMNS - 1))))


def _european(rows: int) -> bytes:
    values = np.random.default_rng(0).normal(0, 5000, (rows, COLUMNS - 1))
    marks = str.maketrans(",.", ".,")
    return _csv(pd.DataFrame([[f"{value:,.2f}".translate(marks) for value in row] for row in values]), sep=";")


def _csv(frame: pd.DataFrame, **options: Any) -> bytes:
    frame.columns = [f"column {i}" for i in frame.columns]
    frame["label"] = np.array(["a", "b", "c"])[np.arange(len(frame)) % 3]
    text = io.BytesIO()
    frame.to_csv(text, index=False, **options)
    return text.getvalue()


WORKLOADS: dict[str, Callable[[int], bytes]] = {
    "numbers": _numbers,
    "words": _words,
    "quoted": _quoted,
    "european": _european,
}


def measure(workloads: Sequence[str], rounds: int = ROUNDS, rows: int = ROWS) -> list[dict[str, Any]]:
    """One row per kind of table, each read in a process of its own."""
    measured = []
    for name in workloads:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/table.csv"
            _run("write", name, str(rows), path)  # a process inherits the peak memory of the one that starts it
            measured.append({"table": name, **json.loads(_run("read", path, str(rounds)))})
    return measured


def _run(*words: str) -> str:
    command = [sys.executable, "-m", "bench.tables", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def reading(path: Path, rounds: int) -> dict[str, Any]:
    """Size of the table, median seconds of reading it (wall and processor), and peak memory with and without it."""
    content = path.read_bytes()
    empty = peak_mb()
    times = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        table = read_table(content)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    seconds, cpu_seconds = np.median(times, axis=0).tolist()
    return {"mb": len(content) / 1e6, "rows": table.rows, "columns": len(table.columns), "seconds": seconds,  # pyrefly: ignore
            "cpu_seconds": cpu_seconds, "before_mb": empty, "peak_mb": peak_mb()}  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "write":
        _, _, name, rows, path = sys.argv
        Path(path).write_bytes(WORKLOADS[name](int(rows)))
    else:
        print(json.dumps(reading(Path(sys.argv[2]), int(sys.argv[3]))))
