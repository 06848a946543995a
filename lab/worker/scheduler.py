"""Many runs in one process, trained in turns: in a worker process, or in that of a page without a server.

In a worker process commands are answered between two slices of training.
"""

from __future__ import annotations

import os
import select
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np

from engine.backend import adopt_devices, has_lost_context, is_out_of_memory
from lab.protocol.errors import BadMessage, Gone
from lab.protocol.messages import (
    Answer,
    Arrays,
    Checkpoint,
    Close,
    Command,
    CountRuns,
    GetFrame,
    GetResponses,
    Load,
    Open,
    Query,
    Reply,
    Resume,
    failed,
)
from lab.protocol.wire import GOODBYE, decode_command, encode_checkpoint, encode_reply
from lab.queries import downloads
from lab.queries.table import ask
from lab.training.build import MEMORY_FULL
from lab.training.model_file import Model
from lab.training.run import Run
from lab.worker.freed_memory import FreedMemory
from lab.worker.lane import Job, Lane, needs_lane, trains_long

SLICE_S = 0.0025  # that a run trains before the next one gets its turn and commands are looked at
COMMANDS_A_ROUND = 16  # answered after a round of slices: thirty visitors' requests must not stop all training
COMMANDS_A_SLICE = 6  # answered after each slice: with thirty slices in a round nobody may wait for all of them
MAX_WAITING = 32  # commands that are read before they are carried out, so that the urgent ones come first
PATIENT = (GetFrame, GetResponses, Query)  # they change no network, and most come many times a second
IDLE_S = 0.05  # to wait for a command when nothing trains
COMPILING_S = 0.004  # to wait for one when all runs that are due wait for their compiler
CHECKPOINT_EVERY_S = 2.0  # between two checkpoints of a run that trains
NO_MEMORY = "The server has no memory left for this. Choose a smaller network, a smaller batch or fewer samples."
RELEASE_EVERY_S = 1.0  # between two looks for groups that nobody asks for
ON_CPU_INSTEAD = "The GPU did not take it again; it continues on the CPU."


class Scheduler:
    """Carries out commands, one at a time, and trains the runs that are due."""

    def __init__(self, mark: Callable[[str], None] = lambda run: None, expendable: bool = False) -> None:
        """mark: told whose run is worked on from now on, so that whoever looks from outside knows.

        expendable: the process may end, and comes back: what a graphics card no longer survives is raised.
        """
        self.mark, self.expendable = mark, expendable
        self.runs: dict[str, Run] = {}
        self._saved: dict[str, tuple[float, int]] = {}
        self._released = 0.0  # when groups that nobody asks for last gave up their trainers
        self._busy = threading.Lock()
        self._connection: Connection | None = None
        self._waiting: list[tuple[int, str, Command | BadMessage | None, Arrays]] = []  # None: goodbye
        self._sending = threading.Lock()
        self.lanes: dict[str, Lane] = {}  # of runs whose pieces of work take long
        self._moving = threading.Lock()  # of runs into lanes and out of them
        self._in_lane = ""  # the run that a lane works on
        self.freed_memory = FreedMemory()

    def serve(self, connection: Connection) -> None:
        """Train and answer until the server says goodbye or the connection closes, which raises EOFError."""
        self._connection = connection
        while True:
            self.mark(self._in_lane)
            busy = self.work(between=lambda wait: self._answer_waiting(connection, COMMANDS_A_SLICE, wait))
            self._answer_waiting(connection, COMMANDS_A_ROUND, 0 if busy else IDLE_S)
            self._send_checkpoints(now := time.monotonic())
            self.freed_memory.give_back(now)

    def _answer_waiting(self, connection: Connection, most: int, wait: float = 0) -> None:
        """Answer at most `most` waiting commands, the urgent ones first. wait: seconds to wait for the first one."""
        for _ in range(most):
            while len(self._waiting) < MAX_WAITING and _has_message(connection, 0 if self._waiting else wait):
                message = connection.recv_bytes()
                self._waiting.append((0, "", None, {}) if message == GOODBYE else decode_command(message))
            if not self._waiting:
                return
            wait = 0
            urgent = (at for at, (*_, what, _) in enumerate(self._waiting) if what and not isinstance(what, PATIENT))
            number, run, command, arrays = self._waiting.pop(next(urgent, 0))
            if command is None:
                self._send_checkpoints(np.inf)
                raise EOFError
            if isinstance(command, BadMessage):
                self._reply(number, failed(command))
            elif not self._put_in_lane(run, (number, command, arrays)):
                self._reply(number, self.answer(run, command, arrays))

    def _reply(self, number: int, reply: Reply) -> None:
        if number:
            self._send(encode_reply(number, reply))

    def _send(self, message: bytes) -> None:
        assert self._connection is not None
        with self._sending:
            self._connection.send_bytes(message)

    def _send_checkpoints(self, now: float) -> None:
        for checkpoint in self.checkpoints(now):
            self._send(encode_checkpoint(checkpoint))

    # Lanes -----------------------------------------------------------------------------------------------------------

    def _put_in_lane(self, name: str, job: Job) -> bool:
        """Whether a command goes to the lane of its run."""
        with self._moving:
            lane = self.lanes.get(name)
            if lane is None and not needs_lane(job[1]):
                return False
            if lane is None:
                lane = self.lanes[name] = Lane(name, self._answer_in_lane, self._train_in_lane, self._leave_lane)
            lane.put(job)
            return True

    def _answer_in_lane(self, name: str, job: Job) -> None:
        number, command, arrays = job
        self._in_lane = name
        self._reply(number, self._carried_out(name, command, arrays))
        self._in_lane = ""

    def _train_in_lane(self, name: str) -> bool:
        """One slice, and the checkpoint if it is due. False when the run does not train."""
        if (run := self.runs.get(name)) is None:
            return False
        trained = False
        if run.due:
            self._in_lane = name
            trained = self._advance(name, run, SLICE_S)
            self._in_lane = ""
        if checkpoint := self._checkpoint(name, run, time.monotonic()):
            self._send(encode_checkpoint(checkpoint))
        return trained

    def _leave_lane(self, lane: Lane) -> bool:
        with self._moving:
            run = self.runs.get(lane.name)
            if not lane.empty or (run and trains_long(run.experiment)):
                return False
            del self.lanes[lane.name]
            return True

    # Commands --------------------------------------------------------------------------------------------------------

    def answer(self, name: str, command: Command, arrays: Arrays | None = None) -> Reply:
        """Carry out a command about the run `name`. What goes wrong is a reply, too, so that it hurts no other run."""
        self.mark(name)
        with self._busy:
            return self._carried_out(name, command, arrays or {})

    def _carried_out(self, name: str, command: Command, arrays: Arrays) -> Reply:
        try:
            header, found = self._carry_out(name, command, arrays) or ({}, {})
            reply = Reply(header, found)
        except Gone as gone:
            return failed(gone)
        except ValueError as problem:
            reply = Reply(error="refused", sentence=str(problem))
        except Exception as problem:
            if is_out_of_memory(problem):
                reply = Reply(error="refused", sentence=NO_MEMORY)
            elif has_lost_context(problem) and self.expendable:
                raise
            else:
                print(f"{type(command).__name__} failed:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
                sentence = f"The command failed ({type(problem).__name__})."
                reply = Reply(error="failed", sentence=sentence)
        run = self.runs.get(name)
        return Reply(reply.header, reply.arrays, run.state if run else None, reply.error, reply.sentence)

    def _carry_out(self, name: str, command: Command, arrays: Arrays) -> Answer | None:
        """Raises Gone for an unknown run, and whatever the command raises."""
        if devices := getattr(command, "devices", ()):
            adopt_devices(devices)
        match command:
            case Open(experiment, speed):
                self.runs[name] = Run(experiment, speed)
            case Resume():
                self.runs[name] = self._resumed(command, arrays)
            case Close():
                self._close(name)
            case CountRuns():
                runs = list(self.runs.values())
                active = sum(run.status == "running" and run.watched for run in runs)
                return {"running": active, "paused": len(runs) - active}, {}
            case GetFrame():
                return {}, {"frame": np.frombuffer(self._run(name).frame(command), np.uint8)}
            case GetResponses():
                return self._run(name).respond(command), {}
            case Query(question, parameters):
                return ask(self._run(name), question, parameters, arrays)
            case Load(metadata, experiment):
                run = self._run(name)
                downloads.load(run, Model(metadata, dict(arrays)), experiment)
                return {}, dict(run.checkpoint())  # so that the loaded network survives this process
            case _:
                self._run(name).execute(command)
        return None

    def _run(self, name: str) -> Run:
        if name not in self.runs:
            raise Gone
        return self.runs[name]

    def work(self, seconds: float = SLICE_S, between: Callable[[float], None] = time.sleep) -> bool:
        """One slice for each run that is due and does not wait for its compiler. False when none is due.

        between: called after each slice; it may carry out commands, and what it closes or pauses gets no slice. Its
        argument are the seconds that nothing else is to be done.
        """
        with self._busy:
            due = [(name, run) for name, run in self._others() if run.due]
        trained = False
        for name, run in due:
            with self._busy:
                if self.runs.get(name) is run and name not in self.lanes and run.due:
                    self.mark(name)
                    trained |= self._advance(name, run, seconds)
            between(0)
        if due and not trained:
            between(COMPILING_S)
        return bool(due)

    def _others(self) -> list[tuple[str, Run]]:
        """The runs that are in no lane."""
        return [(name, run) for name, run in list(self.runs.items()) if name not in self.lanes]

    def _advance(self, name: str, run: Run, seconds: float) -> bool:
        """Whether the run has trained, and does not wait for its compiler."""
        try:
            if not run.is_ready():
                return False
            run.advance(seconds)
        except Exception as problem:
            if is_out_of_memory(problem):
                run.fail(MEMORY_FULL if run.trainer.backend else NO_MEMORY)
            elif has_lost_context(problem) and self.expendable:
                raise
            else:
                traceback.print_exc()
                run.fail(f"Training failed ({type(problem).__name__}).")
        return True

    def checkpoints(self, now: float) -> list[Checkpoint]:
        """The checkpoints that are due: of runs that have changed since their last one, by training or by hand."""
        if now - self._released > RELEASE_EVERY_S:
            self._released = now
            for _, run in self._others():
                run.release_unwatched()
        return [due for name, run in self._others() if (due := self._checkpoint(name, run, now))]

    def _checkpoint(self, name: str, run: Run, now: float) -> Checkpoint | None:
        """Of a diverged run only the state: the network of its last checkpoint was still sound."""
        when, number = self._saved.get(name, (-np.inf, -1))
        if now - when < CHECKPOINT_EVERY_S or run.frame_number == number:
            return None
        self._saved[name] = (now, run.frame_number)
        try:
            return Checkpoint(name, run.state, {} if run.status == "diverged" else run.checkpoint())
        except MemoryError:
            run.fail(NO_MEMORY)
            return None

    def _resumed(self, command: Resume, arrays: Arrays) -> Run:
        """The run, on the CPU where the GPU does not take it."""
        try:
            run = _run_of(command, arrays, command.device, command.notice)
        except Exception as problem:
            here = "cpu" in (command.state.experiment.device, command.device)
            if here or (has_lost_context(problem) and self.expendable):
                raise
            run = _run_of(command, arrays, "cpu", f"{command.notice} {ON_CPU_INSTEAD}")
        if command.stop:
            run.fail(run.notice)
        return run

    def _close(self, name: str) -> None:
        run = self._run(name)
        del self.runs[name]
        self._saved.pop(name, None)
        self.freed_memory.note(time.monotonic())
        if backend := run.trainer.backend:
            del run
            backend.release()


def _run_of(command: Resume, arrays: Arrays, device: str | None, notice: str) -> Run:
    run = Run(command.state.experiment, command.state.speed, device=device)
    run.resume(command.state, arrays, notice)
    return run


def _has_message(connection: Connection, seconds: float) -> bool:
    """`poll` makes a selector for every look, which costs as much as a step of training."""
    if os.name == "nt":  # where a connection is no file that could be selected
        return connection.poll(seconds)
    return bool(select.select([connection], [], [], seconds)[0])
