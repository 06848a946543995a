"""What can be done with a run, wherever it lives: commands go in, replies come back, every change is admitted.

A run is known by an unguessable token; whoever holds it, owns it.
"""

from __future__ import annotations

import secrets
from concurrent.futures import Future
from typing import Any

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment
from lab.protocol.errors import Unreachable
from lab.protocol.messages import (
    Answer,
    Arrays,
    Close,
    Command,
    GetFrame,
    GetState,
    Open,
    Query,
    Reply,
    RunState,
    failed,
)
from lab.server.admission import check_visitor_limits
from lab.server.limits import START_LIMIT_S, limits

NO_ANSWER = "The training process does not answer."


class Pool:
    """The interface. A pool defines `_submit`; commands are the values of lab/protocol/messages.py."""

    live = False  # whether frames can be had over a socket

    def __init__(self) -> None:
        self.limits = limits()

    def open(self, experiment: Experiment, speed: str = "epoch", visitor: str = "", ticket: str = "") -> str:
        """A new run, idle. Returns its token. Raises ExperimentError, and Full where a server has no slot.

        visitor: who comes, if known: a run that this visitor had before the server was restarted continues.
        ticket: keeps a place in the waiting queue for whoever asks again after Full.
        """
        check_visitor_limits(self.limits, experiment)
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


def settled(reply: Reply) -> Future[Reply]:
    """A future whose result is there already."""
    future: Future[Reply] = Future()
    future.set_result(reply)
    return future


def frame_bytes(reply: Reply) -> bytes:
    return reply.checked().arrays["frame"].tobytes()
