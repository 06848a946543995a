"""Training steps on an NVIDIA card. A step sends nothing back and waits for nothing.

The first step with each batch size is computed operation by operation, as the formulas say. Later ones run as a program
(cuda_graph.py) that first has to show on this very device that it computes the same; without one, as the first did.
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
from engine.step.executor import Clock, EpochScores, TimeSlice
from engine.step.progress import Progress
from engine.step.update import StepFormulas

BUFFERS = 10  # arrays as large as the layers' outputs: eight while formulas run one by one, some that a program keeps
MAX_BATCH_SIZES = 4  # whose memory and programs are kept
MAX_LEAD_S = 0.002  # seconds of work that the device may have waiting while others want their turn


class CudaExecutor:
    """See engine.step.executor.Executor.

    is_ahead: the device has done steps that the host does not know.
    """

    min_check_interval = 1024  # fetching the parameters costs more than some steps

    def __init__(self, backend: Backend, data: Data, formulas: StepFormulas, progress: Progress) -> None:
        self.backend, self.data, self.formulas, self.progress = backend, data, formulas, progress
        self.replica = Replica(backend, data, formulas, progress)
        self.programs: dict[int, Program | None] = {}  # batch size -> the program that was verified for it, if any
        self.refusal = ""  # why there is no program
        self.scores: ScoreBuffer | Literal[False] | None = False  # False: not created yet
        self.is_ahead = False
        self._sizes: list[int] = []  # latest batch sizes, the latest last
        self._rules: tuple = ()  # that the programs apply
        self._running: Program | None = None  # that may have steps waiting
        self._recorded: set[int] = set()  # batch sizes that have had their first step with these settings
        self._settings_revision = self._revision = -1
        self._outputs: tuple[tuple[int, int], list] | None = None  # (steps, revision), the evaluation at that time
        self._started, self._lead, self._since = 0, 1, 0.0  # steps since the last wait; how many may be; when it ended

    @staticmethod
    def bytes_needed(network: Network, optimizer: Optimizer, samples: int, batch: int, targets: int) -> int:
        """Approximate memory of training on the device: data, parameters, and what a batch leaves in the layers.

        samples: training and test samples together; targets: numbers in the target of one.
        """
        widths = sum(network.widths)
        data = samples * (int(np.prod(network.inputs)) + targets)
        flat = network.parameters.size * (4 + len(optimizer.slots))
        passing = max(BUFFERS * batch * widths, 3 * min(MAX_BATCH_NUMBERS, samples * network.workspace))
        return (data + flat + passing) * network.dtype.itemsize

    # Steps -----------------------------------------------------------------------------------------------------------

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
        """One step, if possible as part of a program. Returns before the device has done it, or even got it."""
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
        """Count this batch size among the latest; drop what belongs to older ones."""
        self._sizes = [*[other for other in self._sizes if other != size][1 - MAX_BATCH_SIZES :], size]
        for known in (self.replica.gathered, self.programs):
            for old in known.keys() - set(self._sizes):
                del known[old]

    def _program(self, size: int) -> Program | None:
        """For steps with so many samples under the current rules; None if no program can be trusted."""
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
        """For measurements: how many kernels a step takes, or why it runs operation by operation."""
        found = [f"{len(p.launches)} kernels for {size} samples" for size, p in self.programs.items() if p]
        return "; ".join([*found, *([self.refusal] if self.refusal else [])]) or "no step has been repeated yet"

    def _flush(self) -> None:
        """Launch the steps that wait to be launched together."""
        if self._running:
            self._running.launch()

    def _catch_up(self) -> None:
        """Send what was changed on the host."""
        if self._revision != self.progress.revision:
            self._flush()
            self._discard_newer()
            self.replica.send()
            self._revision = self.progress.revision

    def _discard_newer(self) -> None:
        """The host's parameters have replaced what the device has computed since the latest synchronization."""
        self.is_ahead = False
        if self.scores:
            self.scores.waiting = []

    def _keep_up(self, clock: Clock) -> None:
        """After a step, which is started sooner than done: wait if the device has as much to do as it may."""
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

    def evaluate(self) -> list[tuple[np.ndarray, float]]:
        now = self.progress.steps, self.progress.revision
        if self._outputs is None or self._outputs[0] != now:
            self._outputs = now, self._evaluate()
        return self._outputs[1]

    def _evaluate(self) -> list[tuple[np.ndarray, float]]:
        outputs = []
        with self.backend.device:
            self._catch_up()
            self._flush()
            for number in range(len(self.data.evaluated)):
                x, t = self.replica.part(number)
                z = self.replica.network.forward(self.replica.values(x))
                loss = self.formulas.objective.value(z, t)
                outputs.append((self.backend.fetch(z), float(self.backend.fetch(loss))))
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

    def pending_scores(self) -> list[EpochScores]:
        if not self.scores or self._revision != self.progress.revision:
            return []
        with self.backend.device:
            return self.scores.read()
