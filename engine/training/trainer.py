"""The training loop. It is cooperative: `step`, `epoch` and `run_for(seconds)` return; the caller decides what is next.
The first step for each batch size is recorded while it is computed; all later ones replay the tape.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from engine.backend import Backend
from engine.formulas import metrics
from engine.formulas.losses import Objective
from engine.formulas.metrics import Scores
from engine.formulas.optimizers import Optimizer
from engine.formulas.regularizers import REGULARIZERS
from engine.formulas.schedules import SCHEDULES
from engine.gpu.accelerator import Accelerator
from engine.network.network import Network
from engine.tape.recording import Batches, Look
from engine.training.curve import grow, settle
from engine.training.divergence import Divergence, go_back
from engine.training.gradient import differentiate
from engine.training.history import History
from engine.training.settings import Settings
from engine.training.snapshot import restore, snapshot
from engine.training.stopping import RULES, Best, Rule
from engine.training.update import update

Clock = Callable[[], float]

EVALUATED = 2000  # training samples whose loss is shown; the split has shuffled them, so the first are a fair sample
WORK_AT_RISK = 2e8  # multiply-adds between two safe points: little to repeat when a run diverges, little to pay else
FAR = 1024  # steps between two safe points on another device: to bring the parameters home costs more than some steps


class Trainer:
    """One network, its data and its optimiser.

    x_train (N, D), y_train (N,) class numbers or values; likewise the test part. rng orders the batches.
    backend: the device that trains; None: this processor. Whatever is looked at stands on the host in both cases.
    """

    def __init__(self, network: Network, objective: Objective, optimizer: Optimizer,
                 train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], *,
                 settings: Settings, rng: np.random.Generator, backend: Backend | None = None) -> None:  # fmt: skip
        self._network, self.objective, self._optimizer = network, objective, optimizer
        self.rng, self.settings = rng, settings
        dtype = network.dtype
        (self.x_train, self.y_train), (self.x_test, self.y_test) = ((np.asarray(x, dtype), y) for x, y in (train, test))
        self.t_train, self.t_test = (objective.targets(y, dtype) for y in (self.y_train, self.y_test))
        self.strengths = {name: np.zeros((), dtype) for name in REGULARIZERS}
        self._looks: dict[int, Look] = {}
        self.predicted = [self.y_train[:0], self.y_test[:0]]  # classes or values of both parts at the latest evaluation
        self.score_name = "accuracy" if objective.kind == "classification" else "R2"
        self.steps = self.epochs = self.position = 0
        self.order = np.arange(len(self.x_train))
        self._history = History(columns=4)
        self._scores: tuple[int, Scores] | None = None
        self.accelerator = None if backend is None else Accelerator(backend, self, network, optimizer)
        self.batches = self.accelerator or Batches(self.x_train, self.t_train)
        self._initial = snapshot(self)
        self.reset()

    @property
    def network(self) -> Network:
        """With the parameters of now, on the host. Whoever changes them says so: `changed`."""
        if self.accelerator:
            self.accelerator.fetch()
        return self._network

    @property
    def optimizer(self) -> Optimizer:
        """With the slots of now, on the host."""
        if self.accelerator:
            self.accelerator.fetch()
        return self._optimizer

    @property
    def history(self) -> History:
        """The curve, with what a device has noted by now."""
        settle(self, self._history)
        return self._history

    # One step --------------------------------------------------------------------------------------------------------

    def learn(self, x: Any, t: Any) -> None:
        """One batch: forward, loss, backward, update. x (N, D), t (N, O)"""
        differentiate(self.network, self.objective, x, t)
        self.update(x)

    def update(self, x: Any) -> None:
        """From the gradients to a step. x is only asked whether the step is being recorded."""
        update(self.network, self.optimizer, self.settings, self.strengths, x)

    @np.errstate(all="ignore")
    def step(self) -> None:
        """One mini-batch, the last partial one of an epoch included."""
        self._step()

    @np.errstate(all="ignore")
    def epoch(self, clock: Clock = time.perf_counter) -> None:
        """To the end of the current epoch."""
        start, target = clock(), self.epochs + 1
        while self.epochs < target and self.divergence is None:
            self._step()
        self.guard()
        self._spent(clock() - start)

    @np.errstate(all="ignore")
    def run_for(self, seconds: float, clock: Clock = time.perf_counter, *, epochs=np.inf, steps=np.inf) -> None:
        """Train for about so many seconds, until so many epochs or steps are done in all, or until a rule ends it."""
        if self.settings.max_seconds and "seconds" not in self.disarmed:
            seconds = min(seconds, self.settings.max_seconds - self.seconds)
        start = now = clock()
        while not self.stopped and self.divergence is None and self.epochs < epochs and self.steps < steps:
            self._step()
            if self.accelerator:
                self.accelerator.keep_up(clock)
            now = clock()
            if now - start >= seconds:
                break
        if self.accelerator:
            self.accelerator.wait()  # what was started in this slice is paid for in this slice
            settle(self, self._history)
            now = clock()
        self._spent(now - start)

    def _step(self) -> None:
        ended = self.play()
        if self.steps % self._guard_interval == 0:
            self.guard()
        if ended and self.divergence is None:
            self._end_of_epoch()

    def play(self) -> bool:
        """One batch and the counters: whatever the next steps depend on. Returns whether the epoch has ended."""
        size, samples = self.batch_size, len(self.x_train)
        if self.position == 0:
            self.order = self.rng.permutation(samples) if size < samples else np.arange(samples)
        if self.settings.schedule != "constant":
            self._set_rate()
        self.batch = batch = self.order[self.position : self.position + size]
        replay = self._recordings.get(len(batch))
        if replay:
            replay(batch)
        else:
            self._recordings[len(batch)] = self.batches.record(self.learn, batch)
        self.steps += 1
        self.position += len(batch)
        if self.position < samples:
            return False
        self.position = 0
        self.epochs += 1
        return True

    # Settings --------------------------------------------------------------------------------------------------------

    def set(self, **changes: Any) -> None:
        """Change settings of the running network; nothing is reset. Raises ValueError for a name that no table has."""
        settings = replace(self.settings, **changes)
        self.guard()  # steps taken with the old settings cannot be repeated with the new ones
        for rule in RULES.values():
            if any(getattr(settings, name) != getattr(self.settings, name) for name in rule.settings):
                self._arm(rule.name)
        self.settings = settings
        self._apply_settings()

    def _apply_settings(self) -> None:
        s = self.settings
        self.batch_size = min(s.batch_size or len(self.x_train), len(self.x_train))
        for name, strength in self.strengths.items():
            strength[()] = getattr(s, name)
        if hasattr(self._optimizer, "weight_decay"):
            self._optimizer.weight_decay[()] = s.weight_decay  # pyright: ignore[reportAttributeAccessIssue]
        self._set_rate()
        self._recordings: dict[int, Callable[[np.ndarray], None]] = {}  # what was off may be on now: record again
        work = 3 * self._network.parameters.size * self.batch_size
        self._guard_interval = FAR if self.accelerator else int(np.clip(WORK_AT_RISK / work, 32, 256))

    def _set_rate(self) -> None:
        s, epoch = self.settings, self.epochs + self.position / len(self.x_train)
        self._optimizer.rate[()] = s.learning_rate * SCHEDULES[s.schedule].factor(epoch, s.schedule_span)

    @property
    def learning_rate(self) -> float:
        """The rate of the latest step, as the schedule has made it."""
        return float(self._optimizer.rate)

    # Looking ---------------------------------------------------------------------------------------------------------

    @np.errstate(all="ignore")
    def evaluate(self) -> Scores:
        """Loss and score on both parts, computed once for each state of the network."""
        if self._scores is None or self._scores[0] != self.steps:
            (train_loss, train_score), (test_loss, test_score) = (self._look(number) for number in range(2))
            self._scores = (self.steps, Scores(train_loss, test_loss, train_score, test_score))
            self.latest = self._scores[1]
        return self._scores[1]

    def _look(self, number: int) -> tuple[float, float]:
        x, t, labels = self.parts()[number]
        if self.accelerator:
            z, loss = self.accelerator.look(number)
        elif len(x) > self.network.at_once:
            z = self.network.forward(x)
            loss = float(self.objective.value(z, t))
        else:
            if number not in self._looks:
                self._looks[number] = Look(self.network, self.objective, x, t)
            z, loss = self._looks[number].again()
        score = metrics.accuracy if self.objective.kind == "classification" else metrics.r2
        self.predicted[number] = self.objective.predict(z)
        return loss, score(self.predicted[number], labels)

    def parts(self) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]:
        """(x, targets, labels) of what is evaluated: at most EVALUATED training samples, and the whole test part."""
        train = (self.x_train[:EVALUATED], self.t_train[:EVALUATED], self.y_train[:EVALUATED])
        return train, (self.x_test, self.t_test, self.y_test)

    def changed(self) -> None:
        """Say that parameters were changed from outside, so that nothing remembered about them is used."""
        self.forget()
        self.safe = snapshot(self)

    def forget(self) -> None:
        """What was remembered of the parameters is not true any more."""
        self._scores = None
        if self.accelerator:
            self.accelerator.forget()

    # The end of an epoch, and of a run -------------------------------------------------------------------------------

    def _end_of_epoch(self) -> None:
        grow(self, self._history)
        if self.divergence is None:
            any(self._ask(rule) for rule in RULES.values())  # the first rule that fires ends the run

    def _ask(self, rule: Rule) -> bool:
        reason = "" if rule.name in self.disarmed else rule.reason(self)
        if reason:
            self.stopped, self.stopped_by = reason, rule.name
        return bool(reason)

    def _spent(self, seconds: float) -> None:
        self.seconds += seconds
        if not self.stopped and self.divergence is None:
            self._ask(RULES["seconds"])

    def _arm(self, rule: str) -> None:
        self.disarmed.discard(rule)
        if rule == "patience":
            self.best = Best(np.inf, self.epochs, *self.network.copies())
        if self.stopped_by == rule:
            self.stopped = self.stopped_by = ""

    def resume(self) -> None:
        """Let a run that has ended go on. The rule that ended it is silent until its settings change or a reset."""
        self.disarmed |= {self.stopped_by} - {""}
        self.stopped = self.stopped_by = ""
        self.divergence = None
        self.safe = snapshot(self)

    @np.errstate(all="ignore")
    def guard(self) -> bool:
        """Whether the parameters are finite. If not, go back to the last finite step and name what overflowed."""
        settle(self, self._history)
        if self.finite():
            if self.divergence is None:
                self.safe = snapshot(self)
            return True
        self.divergence = go_back(self, self.safe)
        self.safe = snapshot(self)
        self._history.cut(self.epochs)
        return False

    def finite(self) -> bool:
        """Whether all parameters are finite numbers."""
        p = self.network.parameters
        return bool(np.isfinite(p.dot(p)) or np.isfinite(p).all())

    # State -----------------------------------------------------------------------------------------------------------

    @property
    def generators(self) -> dict[str, np.random.Generator]:
        """Every generator that training draws from."""
        return {"batches": self.rng, **self._network.rngs}

    @np.errstate(all="ignore")
    def reset(self) -> None:
        """Back to the same first weights, generators and an empty curve, with the settings of now."""
        restore(self, self._initial)
        self.seconds = 0.0  # of training
        self.stopped = self.stopped_by = ""  # why a rule ended the run, and its name
        self.disarmed: set[str] = set()  # rules that stay silent
        self.divergence: Divergence | None = None
        self.best = Best(np.inf, 0, *self.network.copies())
        self.batch = self.order[:0]
        self.safe = self._initial
        self._apply_settings()
        self._history.clear()
        self._history.add(0, self.evaluate())
        self.untrained_loss = self.evaluate().train_loss
