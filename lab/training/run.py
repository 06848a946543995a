"""One visitor's run: an experiment, its trainer, and whether it should be training now."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.training import checkpoint
from lab.experiment.experiment import Experiment
from lab.protocol import frames
from lab.protocol.messages import (
    Arrays,
    Change,
    Command,
    Edit,
    GetFrame,
    GetState,
    Pause,
    Play,
    Reset,
    RunState,
    SetSpeed,
    Step,
    StepBatch,
)
from lab.protocol.speed import speed_named
from lab.training.advice import Adviser
from lab.training.build import Built, build
from lab.training.diagram import dense_layers
from lab.training.frame_builder import FrameBuilder

STEP_BUDGET_S = 0.1  # of training that a press of Step may take before other runs get their turn
WATCHED_S = 3.0  # without a request for a frame, after which training waits
RATE_WINDOW_S = 0.5  # over which steps a second are counted


class Run:
    """Owns one trainer. `status`: idle, running or paused (the visitor's wish), stopped or diverged (what happened)."""

    def __init__(
        self, experiment: Experiment, speed: str = "epoch", clock: Callable[[], float] = time.monotonic,
        device: str | None = None,
    ) -> None:  # fmt: skip
        """device: compute there instead of where the experiment says."""
        self.clock, self.speed, self.frame_number = clock, speed_named(speed), 0
        self.build_number = secrets.randbelow(10**6)  # no page may take a restarted run's frames for those it has
        self.origin = secrets.randbelow(2**31)
        self.seen = clock()
        self.instead = {"device": device} if device else {}
        self.rebuild(experiment)

    @np.errstate(all="ignore")  # the first map of a network may overflow
    def rebuild(self, experiment: Experiment, built: Built | None = None) -> None:
        """New data and a new network, or those that were built already; training waits for Play."""
        self.dataset, self.trainer = built or build(experiment.change(**self.instead) if self.instead else experiment)
        self.experiment = experiment
        self.build_number += 1
        self.frames = FrameBuilder(experiment, self.dataset, self.trainer, self.build_number)
        self.aside: dict[str, Any] = {}  # what queries keep between their pieces; training knows nothing of it
        self._begin("idle")

    @property
    def state(self) -> RunState:
        """What every reply tells the server."""
        until = int(self.goal) if self.goal < np.inf else 0
        epoch, speed = self.trainer.epochs, self.speed.name
        return RunState(self.experiment, self.status, self.notice, epoch, speed, self.origin, until)

    def obey(self, command: Command) -> None:
        """Carry out a command of the visitor. Raises ValueError for what is not allowed."""
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
            case GetState():
                pass
            case _:
                raise ValueError(f"{type(command).__name__} is no command for a run.")

    def reset(self) -> None:
        """Back to the same first weights, with the current settings."""
        self.trainer.reset()
        self._begin("idle")

    def _begin(self, status: str) -> None:
        self.status, self.notice = status, ""
        self.allowed = 0.0  # epochs that may be trained because their frames were asked for
        self.goal = np.inf  # the epoch at which a press of Step ends
        self._pace = (0.0, self.trainer.steps)
        self._since = (0.0, 0)  # training seconds and steps when what an epoch costs last changed
        self.frames.forget()
        self.origin += 1
        self._adviser = Adviser()
        self.rate = 0.0
        self._touch()

    def _touch(self) -> None:
        """Something that a frame shows has changed."""
        self.frame_number += 1

    # What the visitor does -------------------------------------------------------------------------------------------

    def play(self) -> None:
        if not self._may_train():
            return
        self.status, self.notice, self.goal = "running", "", np.inf
        self.allowed = self.trainer.epochs
        self._pace = (self.clock(), self.trainer.steps)
        self.seen = self.clock()
        self._touch()

    def _may_train(self) -> bool:
        """Whether it has not diverged. A stop rule that has ended it is disabled."""
        if self.status == "stopped":
            self.trainer.resume()
        return self.status != "diverged"

    def pause(self) -> None:
        if self.status == "running":
            self.status, self.goal = "paused", np.inf
            self._touch()

    def step(self) -> None:
        """Exactly one epoch: now, or in slices like any other training where that takes longer."""
        if not self._may_train():
            return
        self.status, self.notice = "running", ""
        self.goal = self.trainer.epochs + 1
        self.seen = self.clock()
        self.advance(STEP_BUDGET_S)

    def step_batch(self) -> None:
        """Exactly one batch."""
        if not self._may_train():
            return
        self.status, self.notice, self.goal = "paused", "", np.inf
        self.trainer.run_for(0)
        self._after_training()

    def edit(self, layer: int, source: int, target: int, value: float) -> None:
        """Set the weight from unit `source` to unit `target` of a dense layer, or with source -1 that unit's bias.

        layer counts the dense layers from 0. Takes effect between two steps. Raises ValueError for what is not there.
        """
        dense = dense_layers(self.trainer)
        if not (0 <= layer < len(dense) and -1 <= source < dense[layer].inputs and 0 <= target < dense[layer].units):
            raise ValueError("edit: there is no such weight in this network.")
        if not self.trainer.check():  # the steps before the edit cannot be repeated after it
            return self._after_training()
        if source < 0:
            dense[layer].b[target] = value
        else:
            dense[layer].W[source, target] = value
        self.trainer.parameters_changed()
        self._touch()

    def change(self, experiment: Experiment) -> None:
        """Live fields reach the running network; any other builds a new one."""
        if self.experiment.goes_on_as(experiment):
            before, after = vars(self.experiment.settings()), vars(experiment.settings())
            self.trainer.set(**{name: value for name, value in after.items() if value != before[name]})
            self.experiment = experiment
            self._since = (self.trainer.seconds, self.trainer.steps)
            if self.status == "stopped" and not self.trainer.stopped:  # the rule that ended it has been changed
                self.status, self.notice = "paused", ""
            self._touch()
        else:
            self.rebuild(experiment)

    def set_speed(self, speed: str) -> None:
        self.speed = speed_named(speed)
        self.allowed = self.trainer.epochs
        self._pace = (self.clock(), self.trainer.steps)

    # Training --------------------------------------------------------------------------------------------------------

    @property
    def watched(self) -> bool:
        """Whether a frame has been asked for lately."""
        return self.clock() - self.seen <= WATCHED_S

    @property
    def due(self) -> bool:
        """Whether there is something to train now: it runs, somebody looks, and the speed allows another step."""
        epochs, steps = self._allowance()
        return self.status == "running" and self.watched and self.trainer.epochs < epochs and self.trainer.steps < steps

    def _allowance(self) -> tuple[float, float]:
        """How many epochs and how many steps may be done by now, in all."""
        if self.goal < np.inf:
            return self.goal, np.inf
        speed, (since, steps) = self.speed, self._pace
        epochs = self.allowed if speed.epochs_per_frame < np.inf else np.inf
        if speed.steps_per_second == np.inf:
            return epochs, np.inf
        return epochs, steps + np.ceil((self.clock() - since) * speed.steps_per_second)

    def advance(self, seconds: float) -> None:
        """Train for at most about so many seconds."""
        epochs, steps = self._allowance()
        self.trainer.run_for(seconds, epochs=epochs, steps=steps)
        self._after_training()

    def fail(self, notice: str) -> None:
        """End it because of a fault in the program."""
        self.status, self.notice = "stopped", notice
        self._touch()

    def _after_training(self) -> None:
        trainer = self.trainer
        if trainer.divergence is not None:
            where = trainer.divergence
            self.status = "diverged"
            self.notice = (
                f"Training diverged at step {where.step}: {where.where}. The last finite weights are kept. "
                f"The learning rate {trainer.settings.learning_rate:g} is too high for this network."
            )
        elif trainer.stopped:
            self.status, self.notice = "stopped", trainer.stopped
        elif trainer.epochs >= self.goal:
            self.status = "paused"
        if self.status != "running":
            self.goal = np.inf
        self._touch()

    # Looking ---------------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Somebody looks: that keeps the run alive and pays for the training until the next look."""
        if not self.watched:
            self._pace = (self.clock(), self.trainer.steps)
        self.seen = self.clock()
        if self.status == "running" and self.trainer.epochs >= self.allowed:
            self.allowed = self.trainer.epochs + self.speed.epochs_per_frame

    def frame(self, request: GetFrame = GetFrame()) -> bytes:  # noqa: B008  frozen
        """What the screen shows now, without what the request says is there already."""
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
                rest=self.speed.rest, advice=self._adviser.say(self.clock(), self.experiment, self.trainer),
                generation=self._generation,
            )  # fmt: skip

    @property
    def _generation(self) -> int:
        """Changes whenever the curve on the screen is no longer a beginning of ours."""
        return self.build_number * 1_000_000 + self.trainer.history.generation

    def _measure_rate(self) -> None:
        """Count the steps a second."""
        since, steps = self._pace
        if self.status == "running" and self.clock() - since > RATE_WINDOW_S:
            self.rate = (self.trainer.steps - steps) / (self.clock() - since)
            if self.speed.steps_per_second == np.inf:
                self._pace = (self.clock(), self.trainer.steps)

    @property
    def epoch_ms(self) -> float | None:
        """What an epoch has cost since a setting last changed; None before the first step."""
        seconds, steps = self._since
        epochs = (self.trainer.steps - steps) / -(-len(self.trainer.x_train) // self.trainer.batch_size)
        return (self.trainer.seconds - seconds) * 1000 / epochs if epochs > 0 else None

    # Checkpoints -----------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Arrays:
        """Everything needed to go on elsewhere, beside `state`."""
        return checkpoint.capture(self.trainer)

    def resume(self, state: RunState, arrays: Arrays, notice: str) -> None:
        """Continue from a checkpoint of the same experiment; without arrays from the first weights."""
        if arrays:
            checkpoint.restore(self.trainer, dict(arrays))
        self.origin, self.notice, self.goal = state.origin, notice, state.until or np.inf
        self.status = "idle" if state.status == "paused" and not arrays else state.status
        self.set_speed(state.speed)
        self._touch()
