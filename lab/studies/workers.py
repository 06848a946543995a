"""Processes of this machine that train the trials of a study.

Each is a program that reads a task a line and writes an outcome a line. One that dies loses only the trial that it was
training, which another one does again.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

MAX_DEATHS = 3  # of processes by the same trial: more is no accident
MEMORY_VARIABLE = "STUDY_WORKER_MB"  # environment variable with the most memory of a process; 0: no limit
ROOT = Path(__file__).parent.parent.parent


class Workers(Protocol):
    """Whatever trains tasks. slots: how many at a time, which may change; spare: how many more may wait for a slot."""

    @property
    def slots(self) -> int: ...

    @property
    def spare(self) -> int: ...

    def submit(self, text: str) -> Future[str]:
        """A task as text -> its outcome as text. Its exception is a WorkerError if the trial ends all processes."""
        ...

    def close(self) -> None:
        """Stop at once. What was being trained has no outcome."""
        ...


class WorkerError(Exception):
    """One sentence: why a trial has no outcome."""


class LocalWorkers:
    """Starts a process when a trial needs one. Its caller trains at most `count` trials at a time.

    memory_mb: of each process; 0: no limit.
    """

    spare = 0

    def __init__(self, count: int, memory_mb: float = 0) -> None:
        self.slots, self._memory_mb = count, memory_mb
        self.processes: list[subprocess.Popen[str]] = []
        self._idle: list[subprocess.Popen[str]] = []
        self._is_closing = False

    def submit(self, text: str) -> Future[str]:
        outcome: Future[str] = Future()
        threading.Thread(target=self._finish, args=(outcome, text), name="study worker", daemon=True).start()
        return outcome

    def close(self) -> None:
        self._is_closing = True
        for process in [*self.processes]:
            process.kill()
            _release(process)

    def _finish(self, outcome: Future[str], text: str) -> None:
        try:
            outcome.set_result(self._train(text))
        except (OSError, WorkerError) as problem:  # OSError: no process can be started
            outcome.set_exception(WorkerError(str(problem)))

    def _train(self, text: str) -> str:
        for _ in range(MAX_DEATHS):
            try:
                process = self._idle.pop()
            except IndexError:
                process = self._start()
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
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", MEMORY_VARIABLE: str(self._memory_mb)}
        process = subprocess.Popen(words, cwd=ROOT, env=environment, text=True, encoding="utf-8",
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   start_new_session=True)  # fmt: skip  # Ctrl-C is for the study alone
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
        answer = process.stdout.readline()
        return answer if answer.endswith("\n") else ""  # it may end in the middle of a line
    except (OSError, ValueError):
        return ""


def _release(process: subprocess.Popen[str]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(OSError):  # something was left to be written
                pipe.close()
