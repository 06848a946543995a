"""Runs in this process: for a page without a server, and for tests. Training happens while a frame or
a group is asked for."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace

from lab.experiment.own_data import RunUse
from lab.protocol.errors import Gone
from lab.protocol.messages import Arrays, Command, GetFrame, Open, Reply
from lab.server.admission import check_visitor_limits, experiment_after, resolved
from lab.server.pool import Pool, asks_for_group, settled
from lab.worker.scheduler import Scheduler


class LocalPool(Pool):
    def __init__(self, seconds_per_frame: float = 0.1) -> None:
        super().__init__()
        self.scheduler, self.seconds_per_frame = Scheduler(), seconds_per_frame

    def uses(self) -> dict[str, RunUse]:
        runs = self.scheduler.runs.items()
        return {token: RunUse("", frozenset({run.experiment.own} - {""})) for token, run in runs}

    def _submit(self, token: str, command: Command, arrays: Arrays) -> Future[Reply]:
        if not isinstance(command, Open):
            if (run := self.scheduler.runs.get(token)) is None:
                raise Gone
            command = resolved(command, run.experiment)
        if (after := experiment_after(command)) is not None:
            check_visitor_limits(self.limits, after)
        if isinstance(command, GetFrame) or asks_for_group(command):
            self.scheduler.answer(token, command)  # pays for the training that follows
            until = time.monotonic() + self.seconds_per_frame
            while time.monotonic() < until and self.scheduler.work():
                pass
            command = replace(command, frame=-1) if isinstance(command, GetFrame) else command
        return settled(self.scheduler.answer(token, command, arrays))
