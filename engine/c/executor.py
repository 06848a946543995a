"""Executes steps as compiled C, many in one call, or on the tape where that is not possible.

A run is compiled or on the tape from its first step on, because both round differently. A compiled run uses the tape
only for what depends on its settings, such as a batch that is too large, so it has the same bits when it is repeated.

A program is compiled in the background. `is_ready` says whether it is there; `steps` waits for it.
"""

from __future__ import annotations

import time
from copy import copy
from functools import partial

import numpy as np

from engine.blas import product_address
from engine.c.build import Build
from engine.c.compiler import is_waited_for
from engine.c.program import NOTED, Program, noise_width, twin_of
from engine.c.relocation import program_for
from engine.formulas.regularizers import REGULARIZERS
from engine.formulas.schedules import SCHEDULES
from engine.network.convolution import Conv2D, Flatten, Image, MaxPool2D
from engine.network.layers import Activation, Dense, Dropout, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.step.data import Data
from engine.step.executor import NO_SCORES, EpochScores, TimeSlice
from engine.step.progress import Progress
from engine.step.settings import Settings
from engine.step.update import StepFormulas
from engine.tape.executor import TapeExecutor

COMPILED_LAYERS = (Dense, Activation, Dropout, BatchNorm, Residual, Flatten)
COMPILED_ON_MAPS = (Image, Conv2D, MaxPool2D, Activation)
FIRST_STEP_WAIT_S = 0.5  # for the compiler; then a new run is on the tape
CALL_MULTIPLY_ADDS = 6e7  # of the steps and evaluations in one call, which takes one to two milliseconds
STEP_MULTIPLY_ADDS = 1e3  # that the other work of a step is worth
MAX_CALL_STEPS = 2048


def reason_not_compiled(network: Network, batch_size: int) -> str | None:
    """Why steps on `batch_size` samples run on the tape, as a clause; None if they can be compiled."""
    for _, layer in network.walk():
        makes_maps = len(layer.output_shape) == 3
        if type(layer) not in (COMPILED_ON_MAPS if makes_maps else COMPILED_LAYERS):
            return f"{type(layer).__name__} layers{' of maps' if makes_maps else ''} are not compiled"
    if len({id(rng) for rng in network.rngs.values()}) > 1:
        return "its dropout layers draw from several generators"
    if batch_size > network.max_batch and not network.couples_samples:
        return "its batches are so large that they are processed in parts"
    if not product_address(network.dtype):
        return "NumPy has been built without OpenBLAS"
    return None


def _make_program(executor: CompiledExecutor, settings: Settings, sizes: frozenset[int]) -> Program:
    formulas = copy(executor.formulas)
    formulas.settings = settings
    assert executor.twin is not None
    program = program_for(executor.twin, formulas, executor.data, sizes)
    program.load()
    return program


class CompiledExecutor(TapeExecutor):
    """See engine.step.executor.Executor. All arrays are on the host, so there is nothing to synchronize."""

    def __init__(self, data: Data, formulas: StepFormulas, progress: Progress) -> None:
        super().__init__(data, formulas, progress)
        self.way = ""
        self.reason = ""  # why steps are on the tape
        self.pending: list[EpochScores] = []
        self._noted = -1  # the latest epoch whose scores were computed in the latest call of `steps`
        self.build: Build | None = None
        self.twin: Network | None = None  # made in the thread that may observe the layers later
        self._rules: tuple = ()  # the batch sizes, and what else the wanted program depends on
        self._first_asked: float | None = None  # when a step of a run without a way was first wanted
        self._program: Program | None = None
        self._program_revision = -1  # of the settings that the program has been chosen for
        self._evaluator: Program | None = None  # the latest program
        network = formulas.network
        self._sample_cost = max(network.parameters.size, sum(layer.cost for _, layer in network.walk()))
        self._evaluated_samples = sum(len(part.labels) for part in data.evaluated.values())

    @property
    def min_check_interval(self) -> int:  # pyrefly: ignore
        """A check costs as much as dozens of small steps."""
        return int(min(max(CALL_MULTIPLY_ADDS / self._multiply_adds()[0], 1), MAX_CALL_STEPS))

    def _multiply_adds(self) -> tuple[float, int]:
        """What a step and an evaluation are worth."""
        cost, size = self._sample_cost, self.formulas.batch_size
        return 3 * cost * size + STEP_MULTIPLY_ADDS, cost * self._evaluated_samples

    # The way of a run ------------------------------------------------------------------------------------------------

    def choose(self, way: str) -> None:
        self.way, self.pending = way if way in ("", "compiled") else "tape", []
        self._program_revision, self._first_asked, self._evaluator = -1, None, None

    def prepare(self) -> None:
        """Start to compile for the current settings, unless that has been done or cannot be."""
        if self.way == "tape":
            return
        formulas, s = self.formulas, self.formulas.settings
        self.reason = reason_not_compiled(formulas.network, formulas.batch_size) or ""
        rules = (self.batch_sizes(), *(bool(getattr(s, name)) for name in REGULARIZERS), s.clip_value, s.clip_norm)
        if not self.reason and (self.build is None or self._rules != rules):
            self.twin = self.twin or twin_of(formulas.network)
            self.build, self._rules = Build(self, partial(_make_program, settings=s, sizes=rules[0])), rules
            self.build.start()

    def is_ready(self) -> bool:
        """Also decides that a new run is on the tape if the compiler has not finished in time."""
        if self._program_revision == self.formulas.revision:
            return True
        if is_waited_for():
            self._take_program()
            return True
        self.prepare()
        if self.way == "tape" or self.reason or self.build is None or self.build.is_done():
            return True
        if self.way == "":
            self._first_asked = self._first_asked or time.monotonic()
            if time.monotonic() - self._first_asked >= FIRST_STEP_WAIT_S:
                self.way, self.reason = "tape", "the compiler has not finished in time"
        return self.way == "tape"

    def _is_current(self) -> bool:
        """Whether the program is that of the current settings, and of the place in the epoch."""
        known = self._program.batches.keys() if self._program else self.batch_sizes()
        return self._program_revision == self.formulas.revision and self.batch_sizes() <= known

    def _take_program(self) -> None:
        """Wait for the program for the current settings; at the first step of a run, decide its way.

        Settings whose steps cannot be compiled leave a compiled run without a program for now.
        """
        self.prepare()
        self._program = None
        if not self.reason and self.build is not None:
            self._program, self.reason = self.build.result()
        self._evaluator = self._program or self._evaluator
        self._program_revision = self.formulas.revision
        self.way = self.way or ("compiled" if self._program else "tape")

    def batch_sizes(self) -> frozenset[int]:
        """The sizes of the batches from here to the end of the epoch, and of those in later epochs."""
        progress, size, sizes = self.progress, self.formulas.batch_size, set()
        for position in (0, progress.position):
            count = progress.batches(size, position)
            sizes |= {progress.samples - position - (count - 1) * size, *([size] if count > 1 else [])}
        return frozenset(sizes)

    # Steps -----------------------------------------------------------------------------------------------------------

    def steps(self, limit: int, time_slice: TimeSlice | None = None, evaluate_every: int = 0) -> None:
        self._noted = -1
        if self.way != "tape" and not self._is_current():
            self._take_program()
            if time_slice is not None:
                time_slice.restart()
        program = self._program if self.way == "compiled" else None
        if program is None:
            return super().steps(limit, time_slice, evaluate_every)
        ended = False
        while limit > 0 and not (ended and not evaluate_every):
            most = 1 if time_slice is not None and time_slice.is_over() else self.min_check_interval
            taken, ended = self._call(program, min(limit, most), evaluate_every)
            limit -= taken
            if time_slice is not None and time_slice.is_over():
                return None
        return None

    def _call(self, program: Program, most: int, evaluate_every: int) -> tuple[int, bool]:
        """Up to `most` steps in one call, of one epoch or, with evaluate_every, of several.

        Returns their number and whether the last one has ended an epoch.
        """
        progress, size = self.progress, self.formulas.batch_size
        first, epoch, start = progress.steps, progress.epochs, progress.position
        left, per_epoch = progress.batches(size, start), progress.batches(size)
        step, evaluation = self._multiply_adds()
        work = step + evaluation / (evaluate_every * per_epoch) if evaluate_every else step
        limit = CALL_MULTIPLY_ADDS / work if evaluate_every else left
        order, sizes = progress.take_batches(size, max(1, int(min(most, limit))), program.permutations)
        ends = np.arange(left - 1, len(sizes), per_epoch)  # of epochs
        epochs = np.arange(epoch + 1, epoch + 1 + len(ends))
        is_noted = epochs % evaluate_every == 0 if evaluate_every else np.zeros(len(ends), bool)
        kinds = program.places[sizes]
        kinds[ends[is_noted]] += NOTED
        numbers = self._numbers(program, epoch * progress.samples + start + np.cumsum(sizes) - sizes)
        found = program.run(kinds, order, numbers, self._noise(len(order)))
        if len(found):
            steps, values = first + 1 + ends[is_noted], self.data.scores_from_sums(found)
            self.pending.append(EpochScores(epochs[is_noted], steps, values))
            self._noted = int(epochs[is_noted][-1])
        return len(sizes), progress.position == 0

    def _numbers(self, program: Program, samples: np.ndarray) -> np.ndarray:
        """(count, n): the numbers of each step. samples: (count,) seen before each. Counts the steps."""
        formulas, optimizer, count = self.formulas, self.formulas.optimizer, len(samples)
        s, factor = formulas.settings, SCHEDULES[formulas.settings.schedule].factor
        rates = np.full(count, optimizer.rate, np.float64)
        if s.schedule != "constant":
            epochs, begun = np.divmod(samples, self.progress.samples)
            times = (epochs + begun / self.progress.samples).tolist()
            exact = [s.learning_rate * factor(time, s.schedule_span) for time in times]
            rates[:] = np.array(exact, optimizer.rate.dtype)
            optimizer.rate[()] = exact[-1]
        t = np.arange(optimizer.t + 1, optimizer.t + count + 1, dtype=np.float64)
        optimizer.t += count
        varying = {id(getattr(optimizer, name)): values for name, values in optimizer.numbers(t, rates).items()}
        table = np.empty((count, len(program.numbers)))
        for place, number in enumerate(program.numbers):
            table[:, place] = varying.get(id(number), number)
        return table

    def _noise(self, samples: int) -> np.ndarray:
        network = self.formulas.network
        count = samples * noise_width(network)
        if not count:
            return np.empty(0, network.dtype)
        rng = next(iter(network.rngs.values()))
        return rng.random(count, network.dtype)  # pyrefly: ignore

    # Evaluation ------------------------------------------------------------------------------------------------------

    def evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        """A compiled run is evaluated by its program, so that its scores have the same bits whoever asks for them.

        One that has just been restored is evaluated on the tape until its program is there.
        """
        if self.way == "compiled" and self._evaluator is None and self.is_ready():
            self._take_program()
        return self._evaluator.evaluate() if self._evaluator else super().evaluate()

    def defer_scores(self) -> bool:
        return self._noted == self.progress.epochs

    def pending_scores(self) -> EpochScores:
        pending, self.pending = self.pending, []
        return EpochScores(*map(np.concatenate, zip(*pending, strict=True))) if pending else NO_SCORES
