"""Implementations run in separate processes, each on one core with one thread for linear algebra."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.paired import Timing

ROOT = Path(__file__).parent.parent
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
JAX = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu"}
ENVIRONMENT = {**dict.fromkeys(THREADS, "1"), **JAX}


class Missing(Exception):
    """An implementation cannot be measured; the message says why."""


class Implementation:
    """One implementation and workload in a persistent process; a call runs a number of steps.

    root: the checkout whose code runs, so that two commits can be compared.
    """

    def __init__(self, peer: str, workload: str, data_dir: str = "", root: str | Path = ROOT) -> None:
        words = [sys.executable, "-m", "bench.peers", peer, workload, data_dir]
        self.process = subprocess.Popen(
            words,
            cwd=root,
            env={**os.environ, **ENVIRONMENT},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ready(self) -> str:
        """Wait until it is built; returns the version of its library. Raises Missing."""
        word, _, text = self._line().partition(" ")
        if word != "ready":
            self.close()
            raise Missing(text or "its process ended before it was ready")
        return text

    def __call__(self, steps: int) -> Timing:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        word, _, text = self._line().partition(" ")
        if word != "ran":
            raise Missing(text or "its process ended in the middle of a run")
        done, wall, cpu = text.split()
        return Timing(int(done), float(wall), float(cpu))

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        """End the process, which exits when its input is closed."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def rows_of(module: str, *words: str) -> list[dict[str, Any]]:
    """The JSON list of rows that `python -m module` prints."""
    command, environment = [sys.executable, "-m", module, *words], {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)
