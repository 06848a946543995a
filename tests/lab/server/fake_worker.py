"""A worker without a process: it keeps the bare state of its runs and answers when it is told to, or waited for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from itertools import count

import numpy as np

from lab.protocol.messages import (
    Arrays,
    Change,
    Checkpoint,
    Close,
    Command,
    CountRuns,
    Edit,
    GetFrame,
    GetState,
    Load,
    Open,
    Pause,
    Play,
    Reply,
    Reset,
    Resume,
    RunState,
    Step,
)
from lab.server.worker_handle import Recovery

LOST = Reply(error="lost", sentence="The training process is being restarted.")
HIGHEST_RATE = 1.0  # above it a run diverges when it is trained
UNBUILDABLE_SEED = 13
ORIGINS = count(1)


class Waited(Future[Reply]):
    """Who waits for it lets the worker read; where that hangs, so long that the watchdog ends it."""

    def __init__(self, worker: FakeWorker) -> None:
        super().__init__()
        self.worker = worker

    def result(self, timeout: float | None = None) -> Reply:
        if not self.done():
            self.worker.read()
        if not self.done():
            self.worker.crash()
        return super().result(0)


class FakeWorker:
    """Has the interface of lab.server.worker_handle.WorkerHandle."""

    def __init__(
        self,
        recovery_commands: Callable[[FakeWorker], Recovery],
        take_checkpoint: Callable[[Checkpoint], None],
        memory_mb: float,
        hang_seconds: float,
    ) -> None:
        self.recovery_commands, self.take_checkpoint = recovery_commands, take_checkpoint
        self.runs: dict[str, RunState] = {}
        self.restarts = self.hangs = 0
        self.culprit, self.hanging = "", False
        self.inbox: list[tuple[str, Command, Arrays, Waited]] = []

    def submit(self, run: str, command: Command, arrays: Arrays | None = None) -> Future[Reply]:
        future = Waited(self)
        self.inbox.append((run, command, arrays or {}, future))
        return future

    def wait(self, seconds: float) -> None:
        pass

    def stop(self) -> None:
        self.read()

    def read(self) -> None:
        """Answer what has come, unless it hangs."""
        while self.inbox and not self.hanging:
            run, command, arrays, future = self.inbox.pop(0)
            future.set_result(self._answer(run, command, arrays))

    def crash(self, culprit: str = "") -> None:
        """The process ends and is started again; what it had not answered is lost."""
        self.runs, self.culprit, self.hanging = {}, culprit, False
        self.hangs += 1
        lost, self.inbox = self.inbox, []
        for _, _, _, future in lost:
            future.set_result(LOST)
        self.restarts += 1
        for run, command, arrays in self.recovery_commands(self):
            self._answer(run, command, arrays)

    def train(self) -> None:
        """One epoch of each run that is running."""
        for name, state in self.runs.items():
            if state.status == "running":
                diverges = state.experiment.learning_rate > HIGHEST_RATE
                self.runs[name] = replace(state, epoch=state.epoch + 1, status="diverged" if diverges else "running")

    def send_checkpoints(self) -> None:
        for name, state in self.runs.items():
            arrays = {} if state.status == "diverged" else {"origin": np.array(state.origin)}
            self.take_checkpoint(Checkpoint(name, state, arrays))

    def _answer(self, run: str, command: Command, arrays: Arrays) -> Reply:
        state = self.runs.get(run)
        match command:
            case Open(experiment, speed):
                if experiment.seed == UNBUILDABLE_SEED:
                    return Reply(state=state, error="refused", sentence="seed: it cannot be built; allowed: another.")
                state = RunState(experiment, speed=speed, origin=next(ORIGINS))
            case Resume(wanted, notice):
                assert not arrays or arrays["origin"] == wanted.origin, "a checkpoint of another network"
                state = replace(wanted, notice=notice, epoch=wanted.epoch if arrays else 0)
                if command.stop:
                    state = replace(state, status="stopped")
            case CountRuns():
                return Reply({"running": 0, "paused": len(self.runs)})
            case _ if state is None:
                return Reply(error="gone")
            case Close():
                del self.runs[run]
                return Reply()
            case Change(experiment) if experiment.seed == UNBUILDABLE_SEED:
                return Reply(state=state, error="refused", sentence="seed: it cannot be built; allowed: another.")
            case Change(experiment) if state.experiment.allows_live_change(experiment):
                state = replace(state, experiment=experiment)
                if state.status == "diverged":
                    state = replace(state, epoch=0, status="idle", notice="", origin=next(ORIGINS))
            case Change(experiment):
                state = RunState(experiment, speed=state.speed, origin=next(ORIGINS))
            case Load(_, experiment):
                state = replace(state, experiment=experiment or state.experiment, epoch=3, origin=next(ORIGINS))
                state = replace(state, status="paused")
                arrays = {"origin": np.array(state.origin)}
            case Reset():
                state = replace(state, epoch=0, status="idle", notice="", origin=next(ORIGINS))
            case Play() | Step() if state.status == "diverged":
                state = replace(state, epoch=int(isinstance(command, Step)), notice="", origin=next(ORIGINS))
                state = replace(state, status="paused" if isinstance(command, Step) else "running")
            case Play():
                state = replace(state, status="running")
            case Pause() if state.status == "running":
                state = replace(state, status="paused")
            case Step():
                state = replace(state, status="paused", epoch=state.epoch + 1)
            case Pause() | Edit() | GetState() | GetFrame():
                pass
            case _:
                raise AssertionError(f"the pool must not send {command}")
        self.runs[run] = state
        return Reply(state=state, arrays=arrays if isinstance(command, Load) else {})
