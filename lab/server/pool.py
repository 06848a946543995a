"""Where runs live, and what can be done with one: commands go in, replies come back, every change is admitted.

A run is known by an unguessable token; whoever holds it, owns it. What one visitor and all together may have is in
lab/server/limits.py.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any, TypeGuard

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.own_data import RunUse
from lab.protocol.errors import Full, Unreachable
from lab.protocol.messages import (
    GROUP,
    PAIR,
    Answer,
    Arrays,
    Change,
    Checkpoint,
    Close,
    Command,
    CountRuns,
    GetFrame,
    GetResponses,
    GetState,
    Load,
    Open,
    Preview,
    Query,
    Reply,
    Resume,
    RunState,
    failed,
)
from lab.server.admission import check_visitor_limits, experiment_after, resolved, with_device_info
from lab.server.checkpoint_store import Store
from lab.server.limits import START_LIMIT_S, limits
from lab.server.log import log
from lab.server.memory_estimate import NOTHING, Need, need, need_beside, need_of_group, together
from lab.server.run_record import RunRecord
from lab.server.run_table import RunTable
from lab.server.waiting_queue import WaitingQueue
from lab.server.worker_handle import Recovery, WorkerHandle

NO_ANSWER = "The training process does not answer."
FALLEN = "hidden: this experiment ended its training process {} times in a row; allowed: a smaller one."
GONE_S = 10.0  # without a page, after which a full server may give a run's place away: longer than a lost connection
KEPT = "This run was kept while you or the server were away: it continues from epoch {}."

SERVER: WorkerPool | None = None  # set by app.py while the server is up; None where a page runs without it


class Pool:
    """The interface. A pool defines `_submit`; commands are the values of lab/protocol/messages.py."""

    live = False  # whether frames can be had over a socket

    def __init__(self) -> None:
        self.limits = limits()

    def open(self, experiment: Experiment, speed: str = "epoch", visitor: str = "", ticket: str = "") -> str:
        """A new run, idle. Returns its token. Raises ExperimentError, and Full where a server has no slot.

        visitor: who comes, if known: a run that this visitor left, or had before the server was restarted, continues.
        ticket: keeps a place in the waiting queue for whoever asks again after Full.
        """
        token = secrets.token_urlsafe(16)
        self.do(token, Open(experiment, speed))
        return token

    def do(self, token: str, command: Command, arrays: Arrays | None = None) -> Reply:
        """Carry out a command and wait for its reply. Raises Gone, Unreachable, and ExperimentError for a refusal."""
        return self._result(self.submit(token, command, arrays)).checked()

    def submit(self, token: str, command: Command, arrays: Arrays | None = None) -> Future[Reply]:
        """Send a command; never waits and never raises: what is wrong is in the reply."""
        try:
            return self._submit(token, command, arrays or {})
        except SentenceError as problem:
            return settled(failed(problem))

    def _submit(self, token: str, command: Command, arrays: Arrays) -> Future[Reply]:
        raise NotImplementedError

    @property
    def patience(self) -> float:
        """Seconds to wait for a reply: longer than a worker that hangs needs to be noticed and started again."""
        return 1.2 * self.limits.hang_seconds + START_LIMIT_S

    def _result(self, future: Future[Reply]) -> Reply:
        """The one place that waits for a worker. Raises Unreachable."""
        try:
            return future.result(self.patience)
        except TimeoutError:
            raise Unreachable(NO_ANSWER) from None

    # What is asked most often ----------------------------------------------------------------------------------------

    def frame(self, token: str, request: GetFrame = GetFrame()) -> bytes:  # noqa: B008  frozen
        """What the screen shows now (lab/protocol/frames.py)."""
        return frame_bytes(self.do(token, request))

    def ask(
        self, token: str, query: str, parameters: dict[str, Any] | None = None, arrays: Arrays | None = None
    ) -> Answer:
        """The answer (header, arrays) to a query of lab/queries/table.py, asked with plain values and arrays."""
        reply = self.do(token, Query(query, parameters or {}), arrays)
        return reply.header, dict(reply.arrays)

    def state(self, token: str) -> RunState:
        """How the run is now; does not count as watching."""
        state = self.do(token, GetState()).state
        assert state is not None, "a reply without an error has a state"
        return state

    def is_previewing(self, token: str) -> bool:
        """Whether a slider of this run is being dragged: its page need not show yet what the run trains with."""
        return False

    def close(self, token: str) -> None:
        self.do(token, Close())

    def uses(self) -> dict[str, RunUse]:
        """Who has each run, by its token, and which uploaded data it uses."""
        raise NotImplementedError


class WorkerPool(Pool):
    """Runs in worker processes. A worker that dies is restarted and its runs continue from their last checkpoint."""

    live = True

    def __init__(
        self,
        workers: int | None = None,
        store: Store | None = None,
        start_worker: Callable[..., WorkerHandle] = WorkerHandle,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.size = workers or int(self.limits.workers)
        self.runs = RunTable()
        self.workers: list[WorkerHandle] = []
        self.queue = WaitingQueue(self.limits.line)
        self.store, self.clock = store, clock
        self.frames = 0  # asked for since the start
        self._start_worker = start_worker
        self._doors = [threading.Lock() for _ in range(64)]  # one visitor's pages come in one after the other

    def start(self) -> None:
        share = max(500.0, self.limits.memory_mb / self.size)  # a worker itself takes some 250
        self.workers = [
            self._start_worker(self.recovery_commands, self.take_checkpoint, share, self.limits.hang_seconds)
            for _ in range(self.size)
        ]

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.workers = []
        self.save()

    # Opening ---------------------------------------------------------------------------------------------------------

    def open(self, experiment: Experiment, speed: str = "epoch", visitor: str = "", ticket: str = "") -> str:
        check_visitor_limits(self.limits, experiment)
        with self._doors[hash(visitor or ticket) % len(self._doors)]:
            with self.runs.lock:
                for other, record in self.runs.items():
                    # Streamlit may break off the script run that fetched it; a page that is reloaded leaves its run
                    free = record.fetched or record.away_since is not None
                    if visitor and free and (record.visitor, record.wanted) == (visitor, experiment):
                        return other
                token = self._admit_new(experiment, speed, visitor, ticket)
            try:
                if not self._fetch(token):
                    self.do(token, Open(experiment, speed))
            except SentenceError:
                self._discard(token)
                raise
            return token

    def _admit_new(self, experiment: Experiment, speed: str, visitor: str, ticket: str) -> str:
        """A slot for one more run. Raises Full."""
        self._make_room(experiment, visitor)
        token, worker, free = secrets.token_urlsafe(16), self._worker(experiment), self._free_slots(experiment)
        if (before := self.queue.ask(ticket or token, free, self.clock())) is not None:
            if not ticket:
                self.queue.leave(token)
            raise Full(before)
        state = RunState(experiment, speed=speed)
        self.runs.add(
            token,
            RunRecord(worker, state, visitor=visitor, seen=self.clock(), restarts_before=worker.restarts),
        )
        return token

    def _free_slots(self, experiment: Experiment) -> int:
        if self._occupied(self._worker(experiment), need(experiment)) > self.limits.memory_mb:
            return 0
        return int(self.limits.runs) - len(self.runs)

    def _make_room(self, experiment: Experiment, visitor: str) -> None:
        """Save and free runs: those beyond what one visitor may have, and where the server is full those of nobody."""
        by_gone = [pair for pair in self.runs.items() if pair[1].away_since is not None]
        by_gone.sort(key=lambda pair: pair[1].last_sign)
        own = [pair for pair in self.runs.items() if visitor and pair[1].visitor == visitor]
        own.sort(key=lambda pair: (pair[1].away_since is None, pair[1].last_sign))
        for token, record in own[: max(0, 1 + len(own) - int(self.limits.runs_a_visitor))]:
            self._free(token, record)
        for token, record in by_gone:
            if self._free_slots(experiment) > 0 or self.clock() - record.last_sign < GONE_S:
                return
            self._free(token, record)

    def _free(self, token: str, record: RunRecord) -> None:
        self._save(record, free=True)
        self.submit(token, Close())

    def _fetch(self, token: str) -> bool:
        """Whether the visitor's run was on disk and continues now."""
        record = self.runs[token]
        if not self.store or not record.visitor:
            return False
        if (saved := self.store.take(record.visitor, record.wanted.model_dump_json())) is None:
            return False
        facts, arrays = saved
        status = "paused" if facts["status"] == "running" else facts["status"]
        state = replace(record.state, status=status, epoch=facts["epoch"], origin=secrets.randbelow(2**31))
        try:
            self.do(token, Resume(state, KEPT.format(facts["epoch"])), arrays)
        except SentenceError:  # it does not fit this version any more: begin a new one
            return False
        record.checkpoint, record.fetched = Checkpoint(token, state, arrays), True
        return True

    def _discard(self, token: str) -> None:
        """A run that could not be opened; its worker may get to it yet."""
        if record := self.runs.remove(token):
            record.worker.submit(token, Close())

    @property
    def occupied(self) -> float:
        """Megabytes that all runs are expected to take."""
        return self._occupied()

    def _occupied(self, worker: WorkerHandle | None = None, more: Need = NOTHING, without: str = "") -> float:
        """The same with one more run on a worker, and without one of those that are there."""
        now = self.clock()
        others = [
            (record.worker, each)
            for token, record in self.runs.items() if token != without
            for each in record.needs(now)
        ]  # fmt: skip
        return together([(worker, more), *others])

    def _worker(self, experiment: Experiment) -> WorkerHandle:
        """The one with the fewest runs; for a GPU the first, so that its runs share it fairly."""
        if experiment.device != "cpu":
            return self.workers[0]
        records = self.runs.records()
        return min(self.workers, key=lambda worker: sum(record.worker is worker for record in records))

    # Commands --------------------------------------------------------------------------------------------------------

    def do(self, token: str, command: Command, arrays: Arrays | None = None) -> Reply:
        """A command that meets a restart waits for it, and is sent once more if it was lost with the worker."""
        reply = Reply(error="lost")
        for _ in range(2):
            if record := self.runs.get(token):
                record.worker.wait(self.patience)
            reply = self._result(self.submit(token, command, arrays))
            if reply.error != "lost":
                break
            if isinstance(command, Close):
                return Reply()
        return reply.checked()

    def _submit(self, token: str, command: Command, arrays: Arrays) -> Future[Reply]:
        group_need = need_of_group(command.parameters["group"]) if asks_for_group(command) else None
        with self.runs.lock:  # what is admitted first is sent first
            record = self.runs[token]
            if isinstance(command, GetResponses):
                command = self._admit_group(record, command, need_beside([record.need]))
            elif isinstance(command, Query) and group_need:
                command = self._admit_group(record, command, group_need)
            if isinstance(command, Preview):
                record.preview(self.clock())
            elif isinstance(command, Change | Load | Close):
                record.previewed = None
            else:
                self._end_preview(token, record)
            if isinstance(command, GetFrame):
                record.seen, record.fetched, self.frames = self.clock(), False, self.frames + 1
            command = resolved(command, record.wanted)
            if isinstance(command, Close):
                self.runs.remove(token)
            if (after := experiment_after(command)) is not None:
                self._admit_change(token, record, after)
                record.expect(after)
            command = with_device_info(command)
            first = self.workers[0]
            if isinstance(command, Change) and command.experiment.device != "cpu" and record.worker is not first:
                return self._move(token, record, command)
            future = record.worker.submit(token, command, arrays)
        future.add_done_callback(partial(self._note, token, record, command))
        return future

    def _end_preview(self, token: str, record: RunRecord) -> None:
        """Undo a preview that its slider has left without a change: its page has gone, or never meant one."""
        if record.previewed is not None and not record.is_previewing(self.clock()):
            record.previewed = None
            if record.wanted != record.settled:
                self.submit(token, Change(record.settled))

    def _admit_change(self, token: str, record: RunRecord, experiment: Experiment) -> None:
        """Raises ExperimentError for what neither this visitor nor the server has memory for."""
        check_visitor_limits(self.limits, experiment)
        after = self._occupied(record.worker, need(experiment), without=token)
        if after > max(self.occupied, self.limits.memory_mb):
            allowed = "a smaller network, fewer samples, or the same a little later"
            raise ExperimentError([f"hidden: others use the server's memory now; allowed: {allowed}."])

    def _admit_group(self, record: RunRecord, command: Query | GetResponses, more: Need) -> Query | GetResponses:
        """Set memory aside for what trains beside a run. Raises ExperimentError; response curves say it themselves."""
        now, problem = self.clock(), ""
        if not record.has_groups(now) or sum(more[:2]) > sum(record.group_need[:2]):
            record.group_asked = -inf  # what is set aside for the groups before makes room
            problem = self._group_refusal(record, more)
        if problem and isinstance(command, GetResponses):
            return replace(command, refused=problem)
        if problem:
            raise ExperimentError([problem])
        record.note_groups(command, more, now)
        return command

    def _group_refusal(self, record: RunRecord, more: Need) -> str:
        """Why there is no memory for a group; empty if there is."""
        if (need := record.need.own + more.own + max(record.need.data, more.data)) > self.limits.run_mb:
            return f"compare: this needs about {need:,.0f} MB of memory; allowed: {self.limits.run_mb:,.0f} MB in all."
        if self._occupied(record.worker, more) > self.limits.memory_mb:
            return "compare: others use the server's memory now; allowed: smaller networks, or the same a little later."
        return ""

    def _move(self, token: str, record: RunRecord, command: Change) -> Future[Reply]:
        """A run that wants a GPU begins again in the worker that has it; if it cannot, it stays as it was."""
        answer: Future[Reply] = Future()
        first = self.workers[0]

        def opened(done: Future[Reply]) -> None:
            reply = done.result()
            with self.runs.lock:
                if reply.error:
                    reply = replace(reply, state=None)  # not of the run that stays
                else:
                    record.worker.submit(token, Close())
                    record.worker, record.restarts_before = first, first.restarts
            self._note(token, record, command, settled(reply))
            answer.set_result(reply)

        first.submit(token, Open(command.experiment, record.state.speed, command.devices)).add_done_callback(opened)
        return answer

    def _note(self, token: str, record: RunRecord, command: Command, done: Future[Reply]) -> None:
        """Take the state of the run from a reply."""
        reply = done.result()
        with self.runs.lock:
            if reply.state:
                record.note(reply.state)
            if experiment_after(command) is not None:
                record.arrived()
            if isinstance(command, Load) and reply.state and not reply.error:
                record.checkpoint = Checkpoint(token, reply.state, reply.arrays)
            if reply.error == "gone":
                self.runs.remove(token)

    def take_checkpoint(self, checkpoint: Checkpoint) -> None:
        """A worker has sent one."""
        with self.runs.lock:
            if record := self.runs.get(checkpoint.run):
                record.note_checkpoint(checkpoint)

    def recovery_commands(self, worker: WorkerHandle) -> Recovery:
        """What gives a restarted worker its runs back; all but one that ended it too often."""
        with self.runs.lock:
            deaths, commands = 0, []
            if culprit := self.runs.get(worker.culprit):
                deaths = culprit.record_crash(self.clock(), self.limits.forgiven_minutes * 60)
            for token, record in self.runs.items():
                if record.worker is not worker:
                    continue
                stop = record is culprit and deaths >= self.limits.deaths
                if stop and deaths > self.limits.deaths:
                    self.runs.give_up(token, FALLEN.format(deaths))
                    log("run given up")
                else:
                    commands.append((token, *record.recovery_command(stop)))
                    if record.group_question and not stop and record.has_groups(self.clock()):
                        commands.append((token, record.group_question, {}))
            return commands

    def is_previewing(self, token: str) -> bool:
        record = self.runs.get(token)
        return bool(record and record.is_previewing(self.clock()))

    def uses(self) -> dict[str, RunUse]:
        return {
            token: RunUse(record.visitor, frozenset({record.wanted.own, record.state.experiment.own} - {""}))
            for token, record in self.runs.items()
        }

    # Sessions --------------------------------------------------------------------------------------------------------

    def away(self, token: str, now: float) -> None:
        """The visitor's session has disconnected, for a moment or for good."""
        if record := self.runs.get(token):
            record.away_since = now

    def back(self, token: str) -> bool:
        """The visitor is here. False if the run is gone."""
        if record := self.runs.get(token):
            record.away_since = None
        return record is not None

    def sweep(self, now: float, grace: float) -> None:
        """Free the runs whose visitors have been away longer than `grace` seconds, and those nobody has looked at."""
        for token, record in self.runs.items():
            with self.runs.lock:
                self._end_preview(token, record)
            away = record.away_since is not None and now - record.last_sign > grace
            if away or now - record.seen > self.limits.unwatched_minutes * 60:
                self._free(token, record)

    def save(self, seconds: float = 5.0) -> None:
        """Put the checkpoints that are new on disk, as many as that time allows: a server that ends must not linger."""
        end = self.clock() + seconds
        for record in self.runs.records():
            if self.clock() > end:
                log("saving cut short")
                return
            self._save(record)

    def _save(self, record: RunRecord, free: bool = False) -> None:
        checkpoint = record.checkpoint
        if self.store and record.visitor and checkpoint and (free or record.saved is not checkpoint):
            record.saved = checkpoint
            state = checkpoint.state
            status = "diverged" if record.state.status == "diverged" else state.status
            facts = {"speed": state.speed, "status": status, "epoch": state.epoch}
            self.store.put(record.visitor, record.state.experiment.model_dump_json(), facts, checkpoint.arrays, free)

    def health(self) -> dict[str, Any]:
        """For /healthz: asks each worker, and counts one that does not answer as not alive."""
        asked = [worker.submit("", CountRuns()) for worker in self.workers]
        done, _ = wait(asked, timeout=2)
        counts = [reply.header for reply in (future.result() for future in done) if not reply.error]
        return {
            "workers": {"alive": len(counts), "restarts": sum(worker.restarts for worker in self.workers)},
            "trainers": {state: sum(count[state] for count in counts) for state in ("running", "paused")},
        }


def asks_for_group(command: Command) -> TypeGuard[Query]:
    return isinstance(command, Query) and command.name in (GROUP, PAIR)


def settled(reply: Reply) -> Future[Reply]:
    """A future whose result is there already."""
    future: Future[Reply] = Future()
    future.set_result(reply)
    return future


def frame_bytes(reply: Reply) -> bytes:
    return reply.checked().arrays["frame"].tobytes()
