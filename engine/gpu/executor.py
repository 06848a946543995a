"""Executes training steps on an NVIDIA card. A step returns nothing to the host and does not wait.

The first step with each batch size is computed operation by operation. Later steps run as a program (cuda_graph.py) if
its verification on this device succeeds, otherwise like the first.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.backend import Backend
from engine.formulas.optimizers import Optimizer
from engine.formulas.regularizers import REGULARIZERS
from engine.gpu.cuda_graph import Program
from engine.gpu.epoch_score_buffer import ScoreBuffer, create_score_buffer
from engine.gpu.replica import MAX_BATCH_NUMBERS, Replica
from engine.gpu.verify_program import verified_program
from engine.network.network import Network
from engine.step.data import Data, scores_of
from engine.step.executor import NO_SCORES, Clock, EpochScores, TimeSlice
from engine.step.progress import Progress
from engine.step.update import StepFormulas

LIVE_BUFFERS = 10  # arrays as large as the layers' outputs: eight in a step operation by operation, others in a program
MAX_BATCH_SIZES = 4  # that have memory and programs at a time
MAX_LEAD_S = 0.002  # of queued work on the device, so that other runs get their turn


class CudaExecutor:
    """See engine.step.executor.Executor.

    is_ahead: whether the device has taken steps since the last synchronization.
    """

    way = "cuda"
    is_remote = True
    min_check_interval = 1024  # because fetching the parameters costs as much as several steps

    def __init__(self, backend: Backend, data: Data, formulas: StepFormulas, progress: Progress) -> None:
        self.backend, self.data, self.formulas, self.progress = backend, data, formulas, progress
        self.replica = Replica(backend, data, formulas, progress)
        self.programs: dict[int, Program | None] = {}  # batch size -> the program that was verified for it, if any
        self.refusal = ""  # the reason if there is no program
        self.scores: ScoreBuffer | Literal[False] | None = False  # False: not created yet
        self.is_ahead = False
        self._sizes: list[int] = []  # latest batch sizes, the latest last
        self._rules: tuple = ()  # of the update, which the programs were made for
        self._running: Program | None = None  # the one that may have waiting steps
        self._recorded: set[int] = set()  # batch sizes that have had their first step with these settings
        self._settings_revision = self._revision = -1
        self._outputs: tuple[tuple[int, int], dict] | None = None  # (steps, revision), the evaluation at that time
        self._started, self._lead, self._since = 0, 1, 0.0  # steps since the last wait; how many may be; when it ended

    @staticmethod
    def bytes_needed(network: Network, optimizer: Optimizer, samples: int, batch: int, targets: int) -> int:
        """Approximate memory of training on the device: data, parameters, and the layers' stored values for a batch.

        samples: those of all parts together; targets: numbers in the target of a sample.
        """
        widths = sum(network.widths)
        data = samples * (int(np.prod(network.inputs)) + targets)
        flat = network.parameters.size * (4 + len(optimizer.slots))
        passing = max(LIVE_BUFFERS * batch * widths, 3 * min(MAX_BATCH_NUMBERS, samples * network.workspace))
        return (data + flat + passing) * network.dtype.itemsize

    # Steps -----------------------------------------------------------------------------------------------------------

    def choose(self, way: str) -> None:
        pass

    def prepare(self) -> None:
        pass

    def is_ready(self) -> bool:
        return True

    def steps(self, limit: int, time_slice: TimeSlice | None = None, evaluate_every: int = 0) -> None:
        formulas, progress = self.formulas, self.progress
        if self._settings_revision != formulas.revision:
            self._recorded, self._settings_revision = set(), formulas.revision
        has_schedule = formulas.settings.schedule != "constant"
        for _ in range(limit):
            size = len(progress.next_batch(formulas.batch_size))
            if has_schedule:
                formulas.set_rate(progress.fractional_epoch)
            self._step(size)
            ended = progress.advance(size)
            if time_slice is not None:
                self._keep_up(time_slice.clock)
            if ended or (time_slice is not None and time_slice.is_over()):
                return

    def _step(self, size: int) -> None:
        """One step, if possible as part of a program. Does not wait; the step may not even be launched yet."""
        with self.backend.device:
            if size < len(self.replica.whole[0]) and self.replica.order is not self.progress.order:
                self._flush()
                self.replica.send_order()
            self._catch_up()
            program = self._program(size) if size in self._recorded else None
            if program is not self._running:
                self._flush()
                self._running = program
            if size not in self._recorded:
                self._flush()
                self._keep_size(size)
            if program:
                program.step(self.progress.position)
            else:
                self.replica.learn(size)
        self._recorded.add(size)
        self.is_ahead = True

    def _keep_size(self, size: int) -> None:
        """Add a batch size to the latest ones and free the memory and programs of older ones."""
        self._sizes = [*[other for other in self._sizes if other != size][1 - MAX_BATCH_SIZES :], size]
        for known in (self.replica.gathered, self.programs):
            for old in known.keys() - set(self._sizes):
                del known[old]

    def _program(self, size: int) -> Program | None:
        """The verified program for steps on `size` samples under the current rules, or None."""
        s = self.formulas.settings
        rules = (*(bool(getattr(s, name)) for name in REGULARIZERS), s.clip_value, s.clip_norm)
        if rules != self._rules:
            self._flush()
            self._rules, self.programs, self._running = rules, {}, None
        if size not in self.programs:
            self._flush()
            self.programs[size], self.refusal = verified_program(self.replica, size)
        return self.programs[size]

    @property
    def kernels(self) -> str:
        """For benchmarks: number of kernels per step, or why it runs operation by operation."""
        found = [f"{len(p.launches)} kernels for {size} samples" for size, p in self.programs.items() if p]
        return "; ".join([*found, *([self.refusal] if self.refusal else [])]) or "no step has been repeated yet"

    def _flush(self) -> None:
        """Launch the waiting steps."""
        if self._running:
            self._running.launch()

    def _catch_up(self) -> None:
        """Send the parameters if the host has changed them."""
        if self._revision != self.progress.revision:
            self._flush()
            self._discard_newer()
            self.replica.send()
            self._revision = self.progress.revision

    def _discard_newer(self) -> None:
        """Discard the results of the device since the last synchronization: the host has replaced the parameters."""
        self.is_ahead = False
        if self.scores:
            self.scores.waiting = []

    def _keep_up(self, clock: Clock) -> None:
        """After a step: wait if the device has more than MAX_LEAD_S of queued work."""
        if not self._started:
            self._since = clock()
        self._started += 1
        if self._started >= self._lead:
            self.wait()
            took = clock() - self._since
            self._lead = (
                max(1, self._lead // 2) if took > MAX_LEAD_S
                else 2 * self._lead if took < MAX_LEAD_S / 2
                else self._lead
            )  # fmt: skip

    def wait(self) -> None:
        with self.backend.device:
            self._flush()
            self.backend.wait()
        self._started = 0

    def synchronize(self) -> None:
        if self._revision != self.progress.revision:
            self._discard_newer()
        if self.is_ahead:
            self.is_ahead = False
            with self.backend.device:
                self._flush()
                self.replica.fetch()

    # Evaluation ------------------------------------------------------------------------------------------------------

    def evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        now = self.progress.steps, self.progress.revision
        if self._outputs is None or self._outputs[0] != now:
            self._outputs = now, self._evaluate()
        return self._outputs[1]

    def _evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        outputs = {}
        with self.backend.device:
            self._catch_up()
            self._flush()
            for name in self.data.evaluated:
                x, t = self.replica.part(name)
                z = self.replica.network.forward(self.replica.values(x))
                loss = self.formulas.objective.value(z, t)
                outputs[name] = self.backend.fetch(z), float(self.backend.fetch(loss))
        return outputs

    def defer_scores(self) -> bool:
        with self.backend.device:
            self._catch_up()
            self._flush()
            if self.scores is False:
                known, _ = scores_of(self.formulas.objective, self.data, self.evaluate())
                self.scores = create_score_buffer(self.replica, known)
            if self.scores is None or self.scores.is_full:
                return False
            self.scores.record(self.progress.epochs, self.progress.steps)
        return True

    def pending_scores(self) -> EpochScores:
        if not self.scores or self._revision != self.progress.revision:
            return NO_SCORES
        with self.backend.device:
            return self.scores.read()
