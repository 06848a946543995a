"""The training loop. It is cooperative: `step`, `epoch` and `run_for(seconds)` return control to the caller.

Only the trainer writes its fields. An executor carries out the steps (engine/step/executor.py), stop rules return a
Stop, and the guard returns a Divergence.

Reading a property never trains, restores or waits. With another device, the network, the optimizer and the history on
the host are those of the latest `synchronize`, which `epoch`, `check`, `set` and `resume` call.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from engine.backend import Backend
from engine.formulas.losses import Objective
from engine.formulas.metrics import Scores
from engine.formulas.optimizers import Optimizer
from engine.network.network import Network
from engine.step.data import Data, Examples, scores_of
from engine.step.executor import Clock, Executor, TimeSlice
from engine.step.progress import Progress, Snapshot
from engine.step.settings import Settings
from engine.step.update import StepFormulas
from engine.training.divergence import Divergence, Guard, has_exploded, rise
from engine.training.executors import create_executor
from engine.training.history import History
from engine.training.stopping import RULES, Best, EpochEnd, State, Stop, StopRules

MULTIPLY_ADDS_PER_CHECK = 2e8  # between two checks; more would be repeated when a run diverges, fewer cost time


class RunState(NamedTuple):
    """The complete state of a run, for a checkpoint."""

    snapshot: Snapshot
    seconds: float
    untrained_loss: float
    best: Best
    disabled_rules: frozenset[str]
    history: tuple[np.ndarray, np.ndarray, int]  # epochs (n,), values (columns, n), stride
    stop: Stop | None
    divergence: Divergence | None
    way: str  # of the executor


class Trainer:
    """One network, its data and its optimizer.

    x_train (N, D), y_train (N,) class numbers or values; likewise the other parts, of which the validation part may
    be missing or empty. rng orders the batches. backend: the device that trains; None: this processor.
    executor: factory of another executor.

    Attributes: seconds, of training so far; latest, the scores of the latest evaluation; predicted, its classes or
    values (n,) for every evaluated part, by the part's name.
    """

    def __init__(self, network: Network, objective: Objective, optimizer: Optimizer,
                 train: Examples, test: Examples, *, validation: Examples | None = None,
                 settings: Settings, rng: np.random.Generator, backend: Backend | None = None,
                 executor: Callable[[Data, StepFormulas, Progress], Executor] | None = None) -> None:  # fmt: skip
        self.network, self.objective, self.optimizer, self.backend = network, objective, optimizer, backend
        self.data = Data(objective, network.dtype, train, test, validation)
        (self.x_train, self.t_train, self.y_train), (self.x_test, self.t_test, self.y_test) = (
            self.data.train, self.data.test)  # fmt: skip
        self.score_name = "accuracy" if objective.kind == "classification" else "R2"
        self.settings = settings
        self.progress = Progress(network, optimizer, rng, len(self.x_train))
        self.formulas = StepFormulas(network, objective, optimizer, len(self.x_train))
        parts = (self.data, self.formulas, self.progress)
        self.executor: Executor = executor(*parts) if executor else create_executor(*parts, backend)
        self.guard = Guard(*parts, self.executor)
        self.rules = StopRules(self.score_name, self.data.selecting_part)
        self._loss_columns = [Scores._fields.index(f"{name}_loss") for name in self.data.parts]
        self.history = History(2 * len(self.data.parts), dtype=network.dtype)  # the first fields of Scores
        self.predicted = {name: part.labels[:0] for name, part in self.data.parts.items()}
        self.initial = self.guard.safe  # the snapshot before the first step
        self._evaluated: tuple[tuple[int, int], Scores] | None = None  # (steps, revision) and the scores at that time
        self.reset()

    # Progress and status ---------------------------------------------------------------------------------------------

    steps = property(lambda self: self.progress.steps)
    epochs = property(lambda self: self.progress.epochs)
    position = property(lambda self: self.progress.position)
    order = property(lambda self: self.progress.order)
    batch = property(lambda self: self.progress.batch)
    generators = property(lambda self: self.progress.rngs)
    batch_size = property(lambda self: self.formulas.batch_size)
    steps_per_epoch = property(lambda self: self.progress.batches(self.batch_size))

    @property
    def learning_rate(self) -> float:
        """The rate of the latest step, as set by the schedule."""
        return float(self.optimizer.rate)

    @property
    def stopped(self) -> str:
        """Why the run was ended by a rule; empty if it was not."""
        return self.stop.reason if self.stop else ""

    @property
    def stopped_by(self) -> str:
        """The name of that rule, or empty."""
        return self.stop.rule if self.stop else ""

    @property
    def disabled_rules(self) -> frozenset[str]:
        """Stop rules that are not checked."""
        return frozenset(self.rules.disabled)

    # Training --------------------------------------------------------------------------------------------------------

    @np.errstate(all="ignore")
    def step(self) -> None:
        """Train on one mini-batch; the last one of an epoch may be smaller."""
        self._train(steps=self.steps + 1)

    @np.errstate(all="ignore")
    def epoch(self, clock: Clock = time.perf_counter) -> None:
        """Train to the end of the current epoch."""
        start, target = clock(), self.epochs + 1
        while self.epochs < target and self.divergence is None:
            self._train(epochs=target)
        self.check()
        self._add_seconds(clock() - start)

    @np.errstate(all="ignore")
    def run_for(self, seconds: float, clock: Clock = time.perf_counter, *, epochs=np.inf, steps=np.inf) -> None:
        """Train for about `seconds`, up to a total number of epochs or steps, or until a rule ends the run."""
        if self.settings.max_seconds and "seconds" not in self.rules.disabled:
            seconds = min(seconds, self.settings.max_seconds - self.seconds)
        time_slice, progress = TimeSlice(seconds, clock), self.progress
        while not self.stop and self.divergence is None and progress.epochs < epochs and progress.steps < steps:
            self._train(epochs, steps, time_slice)
            if time_slice.is_over():
                break
        self.executor.wait()  # so that the time of started steps counts in this slice
        self._add_pending_scores()
        self._add_seconds(clock() - time_slice.start)

    def advance(self, limit: int = 1, time_slice: TimeSlice | None = None) -> bool:
        """Up to `limit` mini-batches of one epoch without any check or evaluation. Returns whether it has ended."""
        epoch = self.epochs
        self.executor.steps(limit, time_slice)
        return self.epochs > epoch

    def prepare(self) -> None:
        """Start to compile for the current settings, in the background; without it the next step does and waits."""
        self.executor.prepare()

    def wait_for_compiler(self) -> None:
        """Let a new run be compiled however long it takes, as it is where the program is known."""
        self.executor.choose("compiled")
        self.executor.prepare()

    def is_ready(self) -> bool:
        """Whether the next step begins at once. Asked when it is due."""
        return self.executor.is_ready()

    def _train(self, epochs: float = np.inf, steps: float = np.inf, time_slice: TimeSlice | None = None) -> None:
        """Some steps with the checks and evaluations due after them, up to a total number of epochs or steps."""
        progress, interval = self.progress, self._check_interval
        epoch, needs_scores = progress.epochs, self.rules.needs_scores(self.settings)
        limit, every = min(interval - progress.steps % interval, steps - progress.steps), 0
        if not needs_scores:  # the executor may continue past the end of an epoch
            every = self.history.stride
            if self.settings.epochs and "epochs" not in self.rules.disabled:
                epochs = min(epochs, max(self.settings.epochs, epoch + 1))
            if epochs < np.inf:
                limit = min(limit, self._steps_until(epochs))
        self.executor.steps(max(1, int(limit)), time_slice, every)
        if not self.executor.is_remote:
            self._add_pending_scores()
        if progress.steps % interval == 0:
            self.check()
        if progress.epochs > epoch and self.divergence is None:
            self._end_epoch(needs_scores)

    def _steps_until(self, epochs: float) -> float:
        in_epoch = self.progress.batches(self.batch_size, self.position)
        return in_epoch + (math.ceil(epochs) - self.epochs - 1) * self.steps_per_epoch

    def _end_epoch(self, needs_scores: bool) -> None:
        epoch = self.progress.epochs
        if self.history.wants(epoch) and (needs_scores or not self.executor.defer_scores()):
            self._add_point()
        if self.divergence is None:
            scores = self.evaluate() if needs_scores else None
            end = EpochEnd(epoch, self.seconds, scores, self._get_network_state)
            self._stop(self.rules.after_epoch(self.settings, end))

    def _get_network_state(self) -> State:
        self.executor.synchronize()
        return self.network.get_state()

    def _add_point(self) -> None:
        """Add the scores of the current network to the curve if its parameters are finite."""
        self.executor.synchronize()
        if not self.guard.is_finite() and not self.check():
            return
        scores = self.evaluate()
        self._add_to_history(np.array([self.epochs]), np.array([scores]))
        if self._has_exploded(scores.train_loss):
            what = rise(scores.train_loss, self.untrained_loss)
            self.divergence = Divergence(self.steps, self.epochs, what)

    def _add_to_history(self, epochs: np.ndarray, values: np.ndarray) -> None:
        """Add the points (n, len(Scores._fields)) at epochs (n,) that are finite, and later than the curve."""
        history = self.history
        kept = np.isfinite(values[:, self._loss_columns]).all(axis=1)
        if history.count:  # it may have a point already, after a return to an epoch
            kept &= epochs > history.epochs[-1]
        history.add(epochs[kept], values[kept, : len(history.values)])

    def _has_exploded(self, loss: float) -> bool:
        """Whether a training loss has overflowed or exploded, in training mode if batch normalization makes it differ.

        Running statistics that lag behind the network raise the evaluated loss alone.
        """
        if not self.network.couples_samples or not np.isfinite(loss):
            return has_exploded(loss, self.untrained_loss)
        return has_exploded(loss, self.untrained_loss) and has_exploded(self.training_loss_ratio(), 1.0)

    def training_loss_ratio(self) -> float:
        """The training loss, computed as in training, divided by that of the untrained network."""
        return self.guard.training_loss_ratio(self.initial)

    def _stop(self, stop: Stop | None) -> None:
        if stop is None:
            return
        self.stop = stop
        if stop.best is not None:
            self.executor.synchronize()  # the optimizer keeps its slots
            self.network.set_state(stop.best.parameters, stop.best.state)
            self.parameters_changed()

    def _add_seconds(self, seconds: float) -> None:
        self.seconds += seconds
        if not self.stop and self.divergence is None:
            self._stop(self.rules.after_seconds(self.settings, self.seconds))

    # Single steps on given data --------------------------------------------------------------------------------------

    def update(self, like: Any) -> None:
        """Update the parameters from the gradients of the network; see StepFormulas.update."""
        self.formulas.update(like)

    # Evaluation ------------------------------------------------------------------------------------------------------

    @np.errstate(all="ignore")
    def evaluate(self) -> Scores:
        """Loss and score of every part, computed once for each state of the network."""
        now = self.progress.steps, self.progress.revision
        if self._evaluated is None or self._evaluated[0] != now:
            self.latest, self.predicted = scores_of(self.objective, self.data, self.executor.evaluate())
            self._evaluated = now, self.latest
        return self._evaluated[1]

    # Another device --------------------------------------------------------------------------------------------------

    @np.errstate(all="ignore")
    def synchronize(self) -> None:
        """Update the network, the optimizer and the history on the host. Waits for the device."""
        self._add_pending_scores()
        self.executor.synchronize()

    def _add_pending_scores(self) -> None:
        """Add deferred scores to the curve. Undoes the steps after an epoch in which the loss exploded."""
        epochs, steps, values = self.executor.pending_scores()
        if not len(epochs):
            return
        exploded = np.flatnonzero(has_exploded(values[:, 0], self.untrained_loss))[:1]
        before = slice(*exploded) if len(exploded) else slice(None)
        self._add_to_history(epochs[before], values[before])
        if len(exploded):
            self.guard.replay_to(int(steps[exploded[0]]))
            self._add_point()
        else:
            self.latest = Scores(*values[-1].tolist())

    @np.errstate(all="ignore")
    def check(self) -> bool:
        """Whether the parameters are finite. If not, restores the last finite ones and sets `divergence`."""
        self.synchronize()
        if self.guard.is_finite():
            if self.divergence is None:
                self.guard.save()
            return True
        self.divergence = self.guard.replay_to_divergence()
        self.guard.save()
        self.history.cut(self.epochs)
        return False

    # Changes from outside --------------------------------------------------------------------------------------------

    def set(self, **changes: Any) -> None:
        """Change settings of the running network; nothing is reset. Raises ValueError as Settings does."""
        settings = replace(self.settings, **changes)
        self.check()  # steps taken with the old settings cannot be repeated with the new ones
        for rule in RULES.values():
            if any(getattr(settings, name) != getattr(self.settings, name) for name in rule.settings):
                self._enable(rule.name)
        self.settings = settings
        self._configure()

    def _configure(self) -> None:
        self.formulas.configure(self.settings)
        self.formulas.set_rate(self.progress.fractional_epoch)
        steps = MULTIPLY_ADDS_PER_CHECK / (3 * self.network.parameters.size * self.batch_size)
        self._check_interval = max(int(np.clip(steps, 32, 256)), self.executor.min_check_interval)

    def _enable(self, rule: str) -> None:
        self.rules.enable(rule)
        if rule == "patience":
            self.restart_patience()
        if self.stopped_by == rule:
            self.stop = None

    def restart_patience(self) -> None:
        """Start to wait for an improvement now; the current network is the best so far."""
        self.rules.start_patience(self.epochs, self._get_network_state())

    def parameters_changed(self) -> None:
        """Must be called after parameters were changed from outside."""
        self.progress.parameters_changed()
        self.guard.save()

    def start_from(self, parameters: np.ndarray, state: dict[str, np.ndarray]) -> None:
        """Replace the initial parameters (P,) and running statistics. Must be called before the first step."""
        self.network.set_state(parameters, state)
        self.parameters_changed()
        self.history.clear()
        self._add_to_history(np.array([0]), np.array([self.evaluate()]))

    def resume(self) -> None:
        """Allow a stopped run to continue. The rule that ended it is disabled until its settings change or a reset."""
        self.synchronize()
        if self.stop:
            self.rules.disable(self.stop.rule)
        self.stop = self.divergence = None
        self.guard.save()

    def enable_all_rules(self) -> None:
        """Enable all stop rules and clear `stop`."""
        self.rules.enable(*RULES)
        self.stop = None

    @np.errstate(all="ignore")
    def reset(self) -> None:
        """Restore the initial weights and generators and empty the curve; the settings stay."""
        self.progress.restart(self.initial)
        self.executor.choose("")
        self.seconds = 0.0
        self.stop: Stop | None = None
        self.divergence: Divergence | None = None
        self.rules.reset(self.network.get_state())
        self.guard.save(self.initial)
        self._configure()
        self.history.clear()
        self._add_to_history(np.array([0]), np.array([self.evaluate()]))
        self.untrained_loss = self.evaluate().train_loss

    def begin(self, settings: Settings, parameters: np.ndarray, state: dict[str, np.ndarray],
              rngs: Mapping[str, np.random.Generator]) -> None:  # fmt: skip
        """Start a run with other settings, initial parameters (P,), running statistics and generators on the same data.

        rngs: by the names of `generators`, in that order.
        """
        slots = {name: np.zeros_like(slot) for name, slot in self.optimizer.slots.items()}
        states = [rng.bit_generator.state for rng in rngs.values()]
        self.initial = Snapshot(parameters, state, slots, (0, 0, 0, 0), np.arange(self.progress.samples), states)
        self.settings = settings
        self.reset()

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def get_state(self) -> RunState:
        """A copy of the state of the run, with finite parameters."""
        if self.divergence is None:
            self.check()
        self.synchronize()
        best, history = self.rules.best, self.history
        return RunState(
            self.progress.snapshot(), self.seconds, self.untrained_loss,
            best._replace(parameters=best.parameters.copy(), state={n: a.copy() for n, a in best.state.items()}),
            self.disabled_rules, (history.epochs.copy(), history.values.copy(), history.stride),
            self.stop, self.divergence, self.executor.way,
        )  # fmt: skip

    def set_state(self, state: RunState) -> None:
        """Restore a state from `get_state` of a trainer with the same data and layers."""
        self.progress.restore(state.snapshot)
        self.executor.choose(state.way)
        self.seconds, self.untrained_loss = state.seconds, state.untrained_loss
        self.rules.restore(state.best, state.disabled_rules)
        self.history.replace(*state.history)
        self.stop, self.divergence = state.stop, state.divergence
        self.guard.save()
