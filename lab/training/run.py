"""A run: an experiment, its trainer, and the decision when it trains."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.training import checkpoint
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group, epochs_to_finish
from lab.experiment.replay import with_fields
from lab.protocol import frames
from lab.protocol.messages import (
    Arrays,
    Change,
    Command,
    Edit,
    GetFrame,
    GetResponses,
    GetState,
    Pause,
    Play,
    Repeat,
    Reset,
    RunState,
    SetSpeed,
    Step,
    StepBatch,
)
from lab.protocol.speed import speed_named
from lab.training.advice import Adviser
from lab.training.build import Built, build
from lab.training.change_log import Ahead, ChangeLog, fingerprint
from lab.training.frame_builder import FrameBuilder
from lab.training.group_run import GroupRun, Known, bound, failing
from lab.training.pair_run import PairRun
from lab.training.replayed_training import check_weight, edit_weight, set_fields
from lab.training.response_curves import ResponseCurves

STEP_BUDGET_S = 0.1  # of training on a press of Step, before other runs get their turn
INSTANT_BUDGET_S = 0.05  # that a whole run may take to be trained as one piece
WATCHED_S = 3.0  # after the latest request; then training pauses
MAX_GROUPS = 4  # that a run remembers
RATE_WINDOW_S = 0.5  # for steps per second
SAME_BITS = "This run was repeated from its first step, and has the same weights, to the bit."
OTHER_BITS = (
    "This run was repeated from its first step. Its weights are not the same to the bit: it was kept on another kind "
    "of machine or by another version."
)
CHANGES = "changes"  # in a checkpoint


class Goal(NamedTuple):
    """Total number of epochs or steps at which a press of Step ends."""

    epochs: float = np.inf
    steps: float = np.inf


NO_GOAL = Goal()


class Run:
    """Owns one trainer. status: idle, running or paused (requested by the visitor), stopped or diverged."""

    def __init__(
        self, experiment: Experiment, speed: str = "epoch", clock: Callable[[], float] = time.monotonic,
        device: str | None = None,
    ) -> None:  # fmt: skip
        """device: replaces the device of the experiment."""
        self.clock, self.speed, self.frame_number = clock, speed_named(speed), 0
        self.build_number = secrets.randbelow(10**6)  # differs from that of a restarted run
        self.origin = secrets.randbelow(2**31)
        self.seen = clock()
        self.instead = {"device": device} if device else {}
        self._is_turn_of_group = False
        self.changes = 0  # of the experiment
        self._epoch_s = 0.0  # seconds of an epoch, as measured last
        self.responses = ResponseCurves(clock)
        self.rebuild(experiment)

    @np.errstate(all="ignore")  # the first map of a network may overflow
    def rebuild(self, experiment: Experiment, built: Built | None = None) -> None:
        """Build new data and a new network, or use given ones; training waits for Play."""
        self.dataset, self.trainer = built or build(experiment.change(**self.instead) if self.instead else experiment)
        self.experiment, self._has_own_start = experiment, built is None
        self.build_number += 1
        self._groups: dict[Any, tuple[float, GroupRun | PairRun]] = {}  # when a page last asked for it
        self.frames = FrameBuilder(experiment, self.dataset, self.trainer, self.build_number)
        self.query_cache: dict[str, Any] = {}  # intermediate results of queries that work in pieces
        self._begin("idle")

    @property
    def state(self) -> RunState:
        """The state of the run, which every reply contains."""
        until = int(self.goal.epochs) if self.goal.epochs < np.inf else 0
        epoch, speed = self.trainer.epochs, self.speed.name
        return RunState(self.experiment, self.status, self.notice, epoch, speed, self.origin, until)

    def execute(self, command: Command) -> None:
        """Carry out a command of the visitor. Raises ValueError if it is not allowed."""
        if not isinstance(command, Play | Pause | SetSpeed | GetState):
            self._leave_replay()
        match command:
            case Play():
                self.play()
            case Pause():
                self.pause()
            case Step():
                self.step()
            case StepBatch():
                self.step_batch()
            case Reset():
                self.reset()
            case SetSpeed(speed):
                self.set_speed(speed)
            case Change(experiment):
                self.change(experiment)
            case Edit(layer, source, target, value):
                self.edit(layer, source, target, value)
            case Repeat():
                self.repeat(command)
            case GetState():
                pass
            case _:
                raise ValueError(f"{type(command).__name__} is not a command for a run.")

    def reset(self) -> None:
        """Return to the initial weights, with the current settings."""
        self.trainer.reset()
        self._begin("idle")

    def _begin(self, status: str) -> None:
        self.log = ChangeLog(self.experiment if self._has_own_start else None)
        self.status, self.notice = status, ""
        self.allowed = 0.0  # total epochs that may be trained, because their frames were requested
        self.goal = NO_GOAL
        self._pace = (0.0, self.trainer.steps)
        self._since = (0.0, 0)  # training seconds and steps at the latest change of settings
        self.frames.forget()
        self.origin += 1
        self._adviser = Adviser()
        self.rate = 0.0
        self.trainer.prepare()
        self._touch()

    def _touch(self) -> None:
        """Mark the current frame as outdated."""
        self.frame_number += 1

    # Commands --------------------------------------------------------------------------------------------------------

    def play(self) -> None:
        self._prepare_to_train()
        if self.log.ahead:
            self.seen = self.clock()
            return self._follow_replay()
        if self.speed.finishes:
            return self._train_to_finish()
        self.status, self.notice, self.goal = "running", "", NO_GOAL
        self.allowed = self.trainer.epochs
        self._pace = (self.clock(), self.trainer.steps)
        self.seen = self.clock()
        self._touch()

    def _prepare_to_train(self) -> None:
        """Return a diverged run to its initial weights; disable a stop rule that has ended the run."""
        if self.status == "diverged":
            self.reset()
        elif self.status == "stopped":
            self._resume_stopped()

    def _resume_stopped(self) -> None:
        self.log.note(self.trainer.steps, resume=True)
        self.trainer.resume()

    def pause(self) -> None:
        if self.status == "running":
            self.status, self.goal = "paused", NO_GOAL
            self._touch()

    def step(self) -> None:
        """Train for exactly one epoch, in slices if it takes longer than STEP_BUDGET_S."""
        self._train(STEP_BUDGET_S, epochs=1)

    def _train_to_finish(self) -> None:
        """Train to the end of a run, or of the next one: as one piece if that is quick, else in slices."""
        whole = epochs_to_finish(self.experiment)
        epochs = whole - self.trainer.epochs % whole
        self._train(INSTANT_BUDGET_S if epochs * self._epoch_s <= INSTANT_BUDGET_S else 0, epochs=epochs)

    def step_batch(self) -> None:
        """Train on exactly one batch."""
        self._train(0, steps=1)

    def _train(self, seconds: float, epochs: float = np.inf, steps: float = np.inf) -> None:
        """Train for about `seconds` now; the rest follows in slices, or all of it if the compiler is still at work."""
        self._prepare_to_train()
        self.status, self.notice = "running", ""
        self.goal = Goal(self.trainer.epochs + epochs, self.trainer.steps + steps)
        self.seen = self.clock()
        if self.trainer.is_ready():
            self._advance_trainer(seconds)

    def edit(self, layer: int, source: int, target: int, value: float) -> None:
        """Set the weight from unit `source` to unit `target` of a dense layer, or the bias of the unit with source -1.

        layer: number of the dense layer, from 0. Raises ValueError for a weight that does not exist.
        """
        check_weight(self.trainer, layer, source, target)
        if not self.trainer.check():  # the steps before the edit cannot be repeated after it
            return self._after_training()
        self.log.note(self.trainer.steps, edit=[layer, source, target, value])
        edit_weight(self.trainer, layer, source, target, value)
        self._touch()

    def change(self, experiment: Experiment) -> None:
        """Apply changes of live fields to the running network; any other change builds a new one.

        At a speed that finishes runs, the changed one is trained from its initial weights to its end.
        """
        is_other = experiment != self.experiment
        self.changes += is_other
        self._apply(experiment)
        if is_other and self.speed.finishes:
            self.reset()
            self._train_to_finish()

    def _apply(self, experiment: Experiment) -> None:
        if self.experiment.allows_live_change(experiment):
            set_fields(self.trainer, self.experiment, experiment)
            self.log.note(self.trainer.steps, fields=self.experiment.changed_fields(experiment))
            self.experiment = experiment
            self._since = (self.trainer.seconds, self.trainer.steps)
            self._adviser = Adviser(self.clock(), self.trainer.steps)  # earlier advice was about the earlier settings
            if self.status == "diverged":  # what is said about it would be about the earlier settings
                return self.reset()
            if self.status == "stopped" and not self.trainer.stopped:  # the settings of the rule have changed
                self.status, self.notice = "paused", ""
            self._touch()
        else:
            self.rebuild(experiment)

    # Repeating -------------------------------------------------------------------------------------------------------

    def repeat(self, command: Repeat) -> None:
        """Begin to train as a replay says. It runs while it is watched, and may be paused."""
        self.rebuild(command.experiment)
        self.trainer.executor.choose(command.way)
        self.trainer.prepare()
        changes = deque(command.changes)
        self.log.ahead = Ahead(changes, command.steps, command.epochs, command.fingerprint, command.diverged)
        self.status, self.seen = "running", self.clock()
        self._follow_replay()

    def _follow_replay(self) -> None:
        """Carry out the changes that are due, and train on to the next one or to the end."""
        ahead, trainer = self.log.ahead, self.trainer
        assert ahead
        while ahead.changes and ahead.changes[0]["step"] <= trainer.steps and trainer.divergence is None:
            try:
                self._repeat_change(ahead.changes.popleft())
            except ValueError as problem:  # of a file from elsewhere
                self.log.ahead = None
                return self.fail(str(problem))
        if trainer.divergence is not None or trainer.stopped or (not ahead.changes and self._has_arrived(ahead)):
            return self._end_replay(ahead)
        self.status = "running"
        self.goal = Goal(steps=ahead.changes[0]["step"]) if ahead.changes else self._end_of(ahead)
        self._touch()

    def _leave_replay(self) -> None:
        """A visitor changes the run while it is repeated: it goes its own way from here on."""
        if self.log.ahead:
            self.log.ahead, self.goal = None, NO_GOAL

    def _end_of(self, ahead: Ahead) -> Goal:
        """A run that diverged did so in the step after its last valid one."""
        return Goal(steps=ahead.steps + ahead.diverged) if ahead.steps else Goal(epochs=ahead.epochs)

    def _has_arrived(self, ahead: Ahead) -> bool:
        goal = self._end_of(ahead)
        return self.trainer.steps >= goal.steps or self.trainer.epochs >= goal.epochs

    def _repeat_change(self, change: dict[str, Any]) -> None:
        match change:
            case {"fields": fields}:
                self._apply(with_fields(self.experiment, fields))
            case {"edit": [layer, source, target, value]}:
                self.edit(layer, source, target, value)
            case {"resume": True}:
                self._resume_stopped()
        self.status = "running"

    def _end_replay(self, ahead: Ahead) -> None:
        self.log.ahead = None
        self.trainer.check()
        self.status = "paused" if self.trainer.steps else "idle"
        self._after_training()
        if ahead.fingerprint:
            said = SAME_BITS if fingerprint(self.trainer) == ahead.fingerprint else OTHER_BITS
            self.notice = f"{self.notice} {said}".lstrip()

    def set_speed(self, speed: str) -> None:
        before, self.speed = self.speed, speed_named(speed)
        if self.status == "running" and before.finishes != self.speed.finishes:
            self.play()
        self.allowed = self.trainer.epochs
        self._pace = (self.clock(), self.trainer.steps)

    # Training --------------------------------------------------------------------------------------------------------

    @property
    def watched(self) -> bool:
        """Whether there was a request within the last WATCHED_S."""
        return self.clock() - self.seen <= WATCHED_S

    @property
    def due(self) -> bool:
        """Whether the run or one of its groups should train now."""
        return self._is_due or self._due_group() is not None

    @property
    def _is_due(self) -> bool:
        """Whether the run itself is running and watched, and the speed allows another step."""
        epochs, steps = self._allowance()
        return self.status == "running" and self.watched and self.trainer.epochs < epochs and self.trainer.steps < steps

    def is_ready(self) -> bool:
        """Whether training begins at once; otherwise its compiler is still at work. Asked when the run is due."""
        group = self._due_group()
        if group is None:
            return self.trainer.is_ready()
        with failing(group):
            return group.is_ready() or self._can_train
        return True

    @property
    def _can_train(self) -> bool:
        return self._is_due and self.trainer.is_ready()

    def _allowance(self) -> tuple[float, float]:
        """Total number of epochs and of steps that the speed allows at this time."""
        if self.goal != NO_GOAL:
            return self.goal
        speed, (since, steps) = self.speed, self._pace
        epochs = self.allowed if speed.epochs_per_frame < np.inf else np.inf
        if speed.steps_per_second == np.inf:
            return epochs, np.inf
        return epochs, steps + np.ceil((self.clock() - since) * speed.steps_per_second)

    def advance(self, seconds: float) -> None:
        """Train for about `seconds` at most: the run itself and its group in turns, if both are due."""
        group = self._due_group()
        self._is_turn_of_group = group is not None and not (self._can_train and self._is_turn_of_group)
        if group is not None and self._is_turn_of_group:
            with failing(group):
                before = len(group.trainers)
                group.advance(seconds)
                if isinstance(group, GroupRun) and len(group.trainers) > before:
                    groups = (other for _, other in self._groups.values() if isinstance(other, GroupRun))
                    bound(group, [*groups, *self.responses.groups])
            return
        if self._is_due:  # not where a group was, for which nobody waits any more
            self._advance_trainer(seconds)

    def _advance_trainer(self, seconds: float) -> None:
        epochs, steps = self._allowance()
        self.trainer.run_for(seconds, epochs=epochs, steps=steps)
        self._after_training()

    # Groups ----------------------------------------------------------------------------------------------------------

    def group(self, text: str, first: int = 0) -> GroupRun:
        """The members of a group in JSON from number `first` on, which train while a page asks for them.

        Raises ExperimentError.
        """
        found = self._groups[text][1] if text in self._groups else None
        if not isinstance(found, GroupRun) or found.first > first:
            found = GroupRun(Group.from_json(text), known=self._known, first=first)
        return self._asked(text, found)

    def pair(self, text: str, numbers: tuple[int, int]) -> PairRun:
        """Two members of a group in lock step, in the same way."""
        key = text, numbers
        found = self._groups[key][1] if key in self._groups else None
        return self._asked(key, found or PairRun(Group.from_json(text), numbers, known=self._known))

    def _asked(self, key: Any, found: Any) -> Any:
        self._groups.pop(key, None)
        for oldest in list(self._groups)[: max(0, len(self._groups) - MAX_GROUPS + 1)]:
            del self._groups[oldest]
        if not found.problem:  # who asks after having been told of it wants another attempt
            self._groups[key] = self.clock(), found
        return found

    @property
    def _known(self) -> Known:
        return Known(self.experiment, self.dataset)

    def _due_group(self) -> GroupRun | PairRun | None:
        recent = (group for seen, group in reversed(self._groups.values()) if self.clock() - seen <= WATCHED_S)
        return next((group for group in recent if not group.finished), None) or self.responses.due()

    def release_unwatched(self) -> None:
        """Give up the trainers of groups for which nobody asks any more."""
        for seen, group in self._groups.values():
            if self.clock() - seen > WATCHED_S:
                group.release()
        self.responses.release_unwatched()

    def respond(self, request: GetResponses) -> dict[str, Any]:
        """The response curves that a page asks for, which train while it does."""
        answer = self.responses.answer(self._known, request)
        return answer | {"encoding": "class" if self.dataset.classes > 2 else "value", "changes": self.changes}

    def fail(self, notice: str) -> None:
        """Stop because of a fault in the program."""
        self.status, self.notice = "stopped", notice
        self._touch()

    def _after_training(self) -> None:
        trainer = self.trainer
        self._epoch_s = trainer.seconds / max(1, trainer.epochs)
        if trainer.divergence is not None:
            where = trainer.divergence
            self.status = "diverged"
            self.notice = (
                f"Training diverged at step {where.step}: {where.where}. The learning rate "
                f"{trainer.settings.learning_rate:g} is too high for this network. The last valid weights were kept; "
                "change a setting, or press Play to start again."
            )
        elif trainer.stopped:
            self.status, self.notice = "stopped", trainer.stopped
        elif trainer.epochs >= self.goal.epochs or trainer.steps >= self.goal.steps:
            self.status = "paused"
        if self.status != "running":
            self.goal = NO_GOAL
            if self.log.ahead:
                return self._follow_replay()
        self._touch()

    # Frames ----------------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Record a request, which keeps the run alive and allows training until the next one."""
        if not self.watched:
            self._pace = (self.clock(), self.trainer.steps)
        self.seen = self.clock()
        if self.status == "running" and self.trainer.epochs >= self.allowed:
            self.allowed = self.trainer.epochs + self.speed.epochs_per_frame

    def frame(self, request: GetFrame = GetFrame()) -> bytes:  # noqa: B008  frozen
        """The current frame, without the parts that the page already has."""
        self.watch()
        if self.frames.is_current(request, self.frame_number):
            return frames.pack({"unchanged": True, "frame": self.frame_number, "status": self.status})
        with np.errstate(all="ignore"):
            if not self.trainer.check():
                self._after_training()
            self._measure_rate()
            return self.frames.build(
                request, self.state, frame_number=self.frame_number,
                steps_per_second=self.rate if self.status == "running" else 0.0, epoch_ms=self.epoch_ms,
                rest=self.speed.rest, changes=self.changes,
                advice=self._adviser.update(self.clock(), self.experiment, self.trainer),
                generation=self._generation,
            )  # fmt: skip

    @property
    def _generation(self) -> int:
        """Changes whenever the curve on the page is no longer a prefix of the current one."""
        return self.build_number * 1_000_000 + self.trainer.history.generation

    def _measure_rate(self) -> None:
        """Measure the steps per second."""
        since, steps = self._pace
        if self.status == "running" and self.clock() - since > RATE_WINDOW_S:
            self.rate = (self.trainer.steps - steps) / (self.clock() - since)
            if self.speed.steps_per_second == np.inf:
                self._pace = (self.clock(), self.trainer.steps)

    @property
    def epoch_ms(self) -> float | None:
        """Mean duration of an epoch since the latest change of settings; None before the first step."""
        seconds, steps = self._since
        epochs = (self.trainer.steps - steps) / self.trainer.steps_per_epoch
        return (self.trainer.seconds - seconds) * 1000 / epochs if epochs > 0 else None

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Arrays:
        """The arrays that, together with `state`, continue the run in another process."""
        return {**checkpoint.capture(self.trainer), CHANGES: self.log.to_array()}

    def resume(self, state: RunState, arrays: Arrays, notice: str) -> None:
        """Continue from a checkpoint of the same experiment; without arrays, from the initial weights."""
        if arrays:
            checkpoint.restore(self.trainer, {name: array for name, array in arrays.items() if name != CHANGES})
            self.log = ChangeLog.from_array(arrays.get(CHANGES))
        self.origin, self.notice, self.goal = state.origin, notice, Goal(epochs=state.until or np.inf)
        self.status = "idle" if state.status == "paused" and not arrays else state.status
        self.set_speed(state.speed)
        if self.log.ahead and self.status == "running":
            self._follow_replay()
        self._touch()
