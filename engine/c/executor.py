"""Executes steps as compiled C, many in one call, or on the tape where that is not possible.

A run is compiled or on the tape from its first step on, because both round differently. A compiled run uses the tape
only for what depends on its settings, such as a batch that is too large, so it has the same bits when it is repeated.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from copy import copy

import numpy as np

from engine.c.compiler import NoCompiler, compiler
from engine.c.program import NOTED, Program, blas_product, noise_width, twin_of
from engine.formulas.metrics import Scores, explained_variance
from engine.formulas.regularizers import REGULARIZERS
from engine.formulas.schedules import SCHEDULES
from engine.lowering.sketch import Unsketchable
from engine.network.layers import Activation, Dense, Dropout, Residual
from engine.network.network import Network
from engine.network.normalization import BatchNorm
from engine.step.data import Data
from engine.step.executor import EpochScores, TimeSlice
from engine.step.progress import Progress
from engine.step.update import StepFormulas
from engine.tape.executor import TapeExecutor

COMPILED_LAYERS = (Dense, Activation, Dropout, BatchNorm, Residual)
FIRST_STEP_WAIT_S = 0.5  # that the first step of a run waits for the compiler
CALL_MULTIPLY_ADDS = 1e7  # of the steps in one call, which takes about a millisecond
STEP_MULTIPLY_ADDS = 1e3  # that the other work of a step is worth
MAX_CALL_STEPS = 1024
MAX_EVALUATION_NUMBERS = 1 << 23  # that a compiled evaluation may need for the samples of a part


def reason_not_compiled(network: Network, data: Data, batch_size: int) -> str | None:
    """Why steps on `batch_size` samples run on the tape, as a clause; None if they can be compiled."""
    other = next((layer for _, layer in network.walk() if type(layer) not in COMPILED_LAYERS), None)
    if other is not None:
        return f"{type(other).__name__} layers are not compiled"
    if len({id(rng) for rng in network.rngs.values()}) > 1:
        return "its dropout layers draw from several generators"
    if batch_size > network.max_batch and not network.couples_samples:
        return "its batches are so large that they are processed in parts"
    if max(len(part.x) for part in data.evaluated.values()) * network.workspace > MAX_EVALUATION_NUMBERS:
        return "its evaluations are so large that they are processed in parts"
    if not blas_product(network.dtype):
        return "NumPy has been built without OpenBLAS"
    return None


class CompiledExecutor:
    """See engine.step.executor.Executor."""

    is_remote = False

    def __init__(self, data: Data, formulas: StepFormulas, progress: Progress) -> None:
        self.data, self.formulas, self.progress = data, formulas, progress
        self.tape = TapeExecutor(data, formulas, progress)
        self.way = ""
        self.first_step_wait_s: float | None = FIRST_STEP_WAIT_S  # None: as long as the compiler takes
        self.reason = ""  # why the run is on the tape
        self.pending: list[EpochScores] = []
        self._noted = -1  # the latest epoch whose scores were computed in the latest call of `steps`
        self.twin = twin_of(formulas.network) if reason_not_compiled(formulas.network, data, 1) is None else None
        self._build: Build | None = None
        self._program: Program | None = None
        self._revision = (-1, 0)  # of the settings, and batch size, that the program has been chosen for
        self._rules: tuple = ()  # of the update, which the program is made for
        regression = formulas.objective.kind == "regression"
        labels = [part.labels for part in data.evaluated.values()]
        # An accuracy is a count / N, and R2 is 1 - a sum of squares / the variance of the labels.
        self._score_parts = [
            (1.0, -1 / (1 - explained_variance(1.0, y))) if regression else (0.0, len(y)) for y in labels
        ]

    @property
    def min_check_interval(self) -> int:
        """A check costs as much as dozens of small steps."""
        return min(MAX_CALL_STEPS, self._steps_of_a_call())

    def _steps_of_a_call(self) -> int:
        work = 3 * self.formulas.network.parameters.size * self.formulas.batch_size + STEP_MULTIPLY_ADDS
        return int(np.clip(CALL_MULTIPLY_ADDS / work, 1, MAX_CALL_STEPS))

    # The way of a run ------------------------------------------------------------------------------------------------

    def choose(self, way: str) -> None:
        self.way, self.pending = way if way in ("", "compiled") else "tape", []
        self._revision = (-1, 0)

    def _prepare_steps(self) -> None:
        """Take the program for the current settings; at the first step of a run, decide its way.

        A new run is compiled if the compiler is done in time. A continued one waits as long as it takes, to have the
        same bits as before. Settings whose steps cannot be compiled leave a compiled run without a program for now.
        """
        network, size = self.formulas.network, self.formulas.batch_size
        self.reason = reason_not_compiled(network, self.data, size) or ""
        is_possible = not self.reason and self.twin is not None
        self._program = self._built(self.first_step_wait_s if self.way == "" else None) if is_possible else None
        self._revision = self.formulas.revision, size
        self.way = self.way or ("compiled" if self._program else "tape")

    def _built(self, wait_s: float | None) -> Program | None:
        if self._build is None or self._build.rules != self._current_rules():
            self._prepare()
        program = self._result(wait_s)
        try:
            for size in self._sizes():
                if program:
                    program.place(size)
        except Unsketchable:  # the text is for other sizes
            self._prepare()
            program = self._result(wait_s)
        return program

    def _prepare(self) -> None:
        """Start to compile for the current settings, in the background."""
        if self.twin is not None:
            self._build = Build(self, self._current_rules(), self._sizes())

    def _result(self, wait_s: float | None) -> Program | None:
        assert self._build is not None
        program = self._build.result(wait_s)
        self.reason = self._build.reason
        return program

    def _sizes(self) -> set[int]:
        """The batch sizes of an epoch."""
        size, samples = self.formulas.batch_size, self.progress.samples
        count = self.progress.batches(size)
        return {samples - (count - 1) * size, *([size] if count > 1 else [])}

    def _current_rules(self) -> tuple:
        s = self.formulas.settings
        return (*(bool(getattr(s, name)) for name in REGULARIZERS), s.clip_value, s.clip_norm)

    # Steps -----------------------------------------------------------------------------------------------------------

    def steps(self, limit: int, time_slice: TimeSlice | None = None, evaluate_every: int = 0) -> None:
        self._noted = -1
        if self.way != "tape" and self._revision != (self.formulas.revision, self.formulas.batch_size):
            self._prepare_steps()
            if time_slice is not None:
                time_slice.restart()
        program = self._program if self.way == "compiled" else None
        if program is None:
            return self.tape.steps(limit, time_slice, evaluate_every)
        ended = False
        while limit > 0 and not (ended and not evaluate_every):
            most = 1 if time_slice is not None and time_slice.is_over() else self._steps_of_a_call()
            taken, ended = self._call(program, min(limit, most), evaluate_every)
            limit -= taken
            if time_slice is not None and time_slice.is_over():
                return None
        return None

    def _call(self, program: Program, most: int, evaluate_every: int) -> tuple[int, bool]:
        """Up to `most` steps in one call, of one epoch or, with evaluate_every, of several.

        Returns their number and whether the last one has ended an epoch.
        """
        progress, formulas = self.progress, self.formulas
        size, has_schedule = formulas.batch_size, formulas.settings.schedule != "constant"
        orders, kinds, epochs, notes = [], bytearray(), [], []
        usual = program.place(size)
        first, epoch = progress.steps, progress.epochs
        while len(kinds) < most:
            start, in_epochs = progress.position, progress.epochs
            order, taken, last = progress.take_batches(size, most - len(kinds))
            orders.append(order)
            kinds += bytes([usual]) * (taken - 1) + bytes([program.place(last)])
            if has_schedule:
                epochs += [in_epochs + (start + number * size) / progress.samples for number in range(taken)]
            if progress.position == 0:
                if not evaluate_every:
                    break
                if progress.epochs % evaluate_every == 0:
                    kinds[-1] += NOTED
                    notes.append((progress.epochs, progress.steps))
        order = np.concatenate(orders)
        numbers, noise = self._numbers(program, len(kinds), epochs), self._noise(len(order))
        scores = program.run(np.frombuffer(kinds, np.uint8), order, numbers, noise)
        for (epoch_number, steps), found in zip(notes, scores.tolist(), strict=True):
            self.pending.append(EpochScores(epoch_number, steps, self._scores(found)))
            self._noted = epoch_number
        return progress.steps - first, progress.epochs > epoch and progress.position == 0

    def _numbers(self, program: Program, count: int, epochs: list[float]) -> np.ndarray:
        """(count, n): the numbers of each step. Counts the steps of the optimizer. epochs: times, with a schedule."""
        formulas, optimizer = self.formulas, self.formulas.optimizer
        s, factor = formulas.settings, SCHEDULES[formulas.settings.schedule].factor
        rates = np.full(count, optimizer.rate, np.float64)
        if epochs:
            exact = [s.learning_rate * factor(epoch, s.schedule_span) for epoch in epochs]
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
        return rng.random(count, network.dtype)  # pyright: ignore

    # Evaluation ------------------------------------------------------------------------------------------------------

    def _scores(self, found: list[list[float]]) -> Scores:
        """From loss and score sum of each part."""
        values = {}
        for name, (start, divisor), (loss, total) in zip(self.data.evaluated, self._score_parts, found, strict=True):
            values[f"{name}_loss"], values[f"{name}_score"] = loss, start + total / divisor
        return Scores(**values)

    def evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        """On the tape, so that a network has the same scores whichever way it was trained."""
        if self._build is None:  # the settings are complete now: the compiler has time until the first step
            self._prepare()
        return self.tape.evaluate()

    def defer_scores(self) -> bool:
        return self._noted == self.progress.epochs

    def pending_scores(self) -> list[EpochScores]:
        pending, self.pending = self.pending, []
        return pending

    def synchronize(self) -> None:
        pass

    def wait(self) -> None:
        pass


class Build:
    """A program that a thread sketches and compiles, unless its executor is gone before its turn comes."""

    turn = threading.Lock()  # one at a time

    def __init__(self, executor: CompiledExecutor, rules: tuple, sizes: set[int]) -> None:
        self.rules, self.reason = rules, "the compiler has not finished in time"
        self.program: Program | None = None
        assert executor.twin is not None
        formulas = copy(executor.formulas)  # keeps these settings
        self._thread = threading.Thread(
            target=self._work, args=(weakref.ref(executor), executor.twin, formulas, executor.data, sizes), daemon=True
        )
        self._thread.start()

    def _work(self, executor: Callable[[], object], twin: Network, formulas: StepFormulas, data: Data,
              sizes: set[int]) -> None:  # fmt: skip
        with Build.turn:
            if executor() is None:
                return
            try:
                compiler()  # before anything is sketched in vain
                program = Program(twin, formulas, data, sizes)
                program.load()
            except (NoCompiler, Unsketchable, AttributeError) as problem:
                self.reason = str(problem)
            else:
                self.program, self.reason = program, ""

    def result(self, wait_s: float | None) -> Program | None:
        """The program if it is ready within `wait_s`; None: however long it takes."""
        self._thread.join(wait_s)
        return self.program
