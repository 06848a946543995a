"""Processes of this machine that train the trials of a study.

Each is a program that reads a task a line and writes an outcome a line. One that dies loses only the trial that it was
training, which another one does again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

MAX_DEATHS = 3  # of processes by the same trial: more is no accident
ROOT = Path(__file__).parent.parent.parent


class Workers(Protocol):
    """Whatever trains tasks. slots: how many at a time, which may change."""

    @property
    def slots(self) -> int: ...

    def submit(self, text: str) -> Future[str]:
        """A task as text -> its outcome as text. Its exception is a WorkerError if the trial ends all processes."""
        ...

    def close(self) -> None:
        """Stop at once. What was being trained has no outcome."""
        ...


class WorkerError(Exception):
    """One sentence: why a trial has no outcome."""


class LocalWorkers:
    """Starts a process when a trial needs one, and at most `count`."""

    def __init__(self, count: int) -> None:
        self.slots = count
        self.processes: list[subprocess.Popen[str]] = []
        self._idle: list[subprocess.Popen[str]] = []
        self._threads = ThreadPoolExecutor(count, "study worker")
        self._is_closing = False

    def submit(self, text: str) -> Future[str]:
        return self._threads.submit(self._train, text)

    def close(self) -> None:
        self._is_closing = True
        for process in self.processes:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in self.processes:
            _release(process)

    def _train(self, text: str) -> str:
        for _ in range(MAX_DEATHS):
            process = self._idle.pop() if self._idle else self._start()
            if outcome := _exchange(process, text):
                self._idle.append(process)
                return outcome
            self.processes.remove(process)
            process.kill()
            _release(process)
        raise WorkerError(f"Its process ended {MAX_DEATHS} times.")

    def _start(self) -> subprocess.Popen[str]:
        if self._is_closing:
            raise WorkerError("The study was stopped.")
        words = [sys.executable, "-m", "lab.studies.worker"]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(words, cwd=ROOT, env=environment, text=True, encoding="utf-8",
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        self.processes.append(process)
        if self._is_closing:
            process.kill()
        return process


def _exchange(process: subprocess.Popen[str], line: str) -> str:
    """The answer to a line; "" if the process has ended."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        return process.stdout.readline()
    except (OSError, ValueError):
        return ""


def _release(process: subprocess.Popen[str]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(OSError):  # something was left to be written
                pipe.close()
