"""A thread of its own for a run whose pieces of work take long: nobody else in the process waits for them.

NumPy lets go of the interpreter while it computes, and the system shares the cores.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from queue import Empty, SimpleQueue

import numpy as np

from lab.experiment.experiment import Experiment
from lab.experiment.work_estimate import seconds_of_building, seconds_of_training
from lab.protocol.messages import Arrays, Change, Command, Load, Open, Resume

LONG_S = 0.1  # a piece of work, from which on others would notice that they wait
IDLE_S = 0.05  # to wait for a command when the run does not train
LOWEST_PRIORITY = 19  # of a thread: all other runs of the process come first

Job = tuple[int, Command, Arrays]  # number of a command, the command and its arrays


def needs_lane(command: Command) -> bool:
    """Whether a command begins a run, or makes it one, that takes long at any time or while it is built."""
    match command:
        case Open(experiment) | Change(experiment) | Load(_, experiment) if experiment:
            pass
        case Resume(state):
            experiment = state.experiment
        case _:
            return False
    return trains_long(experiment) or (experiment.device == "cpu" and seconds_of_building(experiment) > LONG_S)


def trains_long(experiment: Experiment) -> bool:
    """Whether a run of this experiment stays in its lane; a GPU takes everything in short pieces."""
    return experiment.device == "cpu" and seconds_of_training(experiment) > LONG_S


class Lane:
    """Carries out the commands of one run, in order, and trains it in between.

    answer: carries out a job and replies. train: one slice; False when there was nothing to do. leave: whether the run
    no longer needs a lane; asked after each command.
    """

    def __init__(
        self, name: str, answer: Callable[[str, Job], None], train: Callable[[str], bool], leave: Callable[[Lane], bool]
    ) -> None:
        self.name, self._answer, self._train, self._leave = name, answer, train, leave
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=self._live, name="lane", daemon=True).start()

    def put(self, job: Job) -> None:
        self._jobs.put(job)

    @property
    def empty(self) -> bool:
        return self._jobs.empty()

    def _live(self) -> None:
        np.seterr(all="ignore")  # each thread has its own
        if sys.platform == "linux":  # elsewhere a process has one priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
        try:
            self._work()
        except OSError:
            return  # the server has gone, and the process with it
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)  # as in lab/worker/__main__.py: the process comes back, with all its runs

    def _work(self) -> None:
        busy = False
        while True:
            try:
                job = self._jobs.get(timeout=0 if busy else IDLE_S)
            except Empty:
                busy = self._train(self.name)
                continue
            self._answer(self.name, job)
            if self._leave(self):
                return
            busy = self._train(self.name)  # a page that asks all the time must not keep the run from training
