"""One visitor's run: an experiment, its trainer, and whether it should be training now."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from data.sources import hand_drawn
from engine.formulas.metrics import Scores
from engine.training import checkpoint
from lab.experiment.experiment import Experiment
from lab.experiment.fields import LIVE
from lab.protocol import frames
from lab.training import frame_arrays
from lab.training.advice import Adviser, goal
from lab.training.build import Built, build
from lab.training.diagram import COARSE, FINE, Stage, dense_layers, scores
from lab.training.frame_header import facts
from lab.training.speed import SPEEDS as SPEEDS
from lab.training.speed import speed_named

AT_ONCE = 0.1  # seconds of training that a press of Step may take before others get their turn
LARGEST_WEIGHT = 1000  # that a visitor can type
DEAR = 1e8  # multiply-adds of an evaluation, some 3 ms: above that a running frame shows the one of the last epoch
WATCHED = 3.0  # seconds without a frame being asked for, after which training waits


class Run:
    """Owns one trainer. `status`: idle, running or paused (the visitor's wish), stopped or diverged (what happened)."""

    def __init__(
        self, experiment: Experiment, speed: str = "epoch", clock: Callable[[], float] = time.monotonic,
        device: str | None = None,
    ) -> None:  # fmt: skip
        self.clock, self.speed, self.frame_number = clock, speed_named(speed), 0
        self.build_number = secrets.randbelow(10**6)  # no page may take a restarted run's frames for those it has
        self.seen = clock()
        self.instead = {"device": device} if device else {}  # of the device that the experiment asks for
        self.rebuild(experiment)

    def rebuild(self, experiment: Experiment, built: Built | None = None) -> None:
        """New data and a new network, or those that were built already; training waits for Play."""
        self.dataset, self.trainer = built or build(experiment.change(**self.instead) if self.instead else experiment)
        self.experiment = experiment
        samples = sum(len(x) for x, _, _ in self.trainer.parts())
        self.multiply_adds = sum(line.multiply_adds for line in self.trainer.network.summary())
        self.dear = samples * self.multiply_adds > DEAR
        self.stage = Stage(experiment, self.dataset, self.trainer) if self.dataset.encode else None
        self.class_numbers = (
            hand_drawn.class_numbers(experiment.points) if experiment.dataset == hand_drawn.NAME else None
        )
        self.build_number += 1
        self.aside: dict[str, Any] = {}  # what questions keep between their pieces; training knows nothing of it
        self._begin("idle")

    def reset(self) -> None:
        """Back to the same first weights, with the settings of now."""
        self.trainer.reset()
        self._begin("idle")

    def _begin(self, status: str) -> None:
        self.status, self.notice = status, ""
        self.allowed = 0.0  # epochs that the painted frames have paid for
        self.goal = np.inf  # the epoch at which a press of Step ends
        self._pace = (0.0, self.trainer.steps)
        self._since = (0.0, 0)  # training seconds and steps when what an epoch costs last changed
        self._focus: int | None = None
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
        """Not once it has diverged. A rule that has ended it is silenced."""
        if self.status == "stopped":
            self.trainer.resume()
        return self.status != "diverged"

    def pause(self) -> None:
        if self.status == "running":
            self.status, self.goal = "paused", np.inf
            self._touch()

    def step(self) -> None:
        """Exactly one epoch: at once, or in slices like any other training where it takes longer."""
        if not self._may_train():
            return
        self.status, self.notice = "running", ""
        self.goal = self.trainer.epochs + 1
        self.seen = self.clock()
        self.advance(AT_ONCE)

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
        if not abs(value) <= LARGEST_WEIGHT:
            raise ValueError(f"edit: allowed: a number from -{LARGEST_WEIGHT} to {LARGEST_WEIGHT}.")
        if not self.trainer.guard():  # the steps before the edit cannot be repeated after it
            return self._after_training()
        if source < 0:
            dense[layer].b[target] = value
        else:
            dense[layer].W[source, target] = value
        self.trainer.changed()
        self._touch()

    def change(self, experiment: Experiment) -> None:
        """Live fields reach the running network; anything else builds anew."""
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

    def preview(self, field: str, value: float) -> None:
        """A slider is on its way to this value: what can follow does. Letting it go makes the change official."""
        if field in LIVE or self.dataset.encode:  # other data than points takes too long to be made anew
            was = type(getattr(self.experiment, field))
            self.change(self.experiment.change(**{field: was(value)}))

    def pace(self, speed: str) -> None:
        self.speed = speed_named(speed)
        self.allowed = self.trainer.epochs
        self._pace = (self.clock(), self.trainer.steps)

    # Training --------------------------------------------------------------------------------------------------------

    @property
    def watched(self) -> bool:
        """Whether a frame has been asked for lately."""
        return self.clock() - self.seen <= WATCHED

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

    def frame(self, request: Mapping[str, Any]) -> bytes:
        """What the screen shows now, without what the request says is there already."""
        self.watch()
        focus = self.stage.focused(request.get("focus")) if self.stage else None
        there = (request.get("frame"), request.get("build"), focus)
        if there == (self.frame_number, self.build_number, self._focus):
            return frames.pack({"unchanged": True, "frame": self.frame_number, "status": self.status})
        with np.errstate(all="ignore"):
            if not self.trainer.guard():
                self._after_training()
            if self.stage:  # what stands still is always shown in full
                self.stage.sharpen(COARSE if request.get("coarse") and self.status == "running" else FINE)
            self._measure_rate()
            header, arrays = facts(self), frame_arrays.moving(self.trainer, self.dataset, self.stage, focus)
        self._focus = focus
        header |= self.stage.facts(focus) if self.stage else {"plane": None}
        header["scores"] = scores(self.trainer, self.dataset, arrays.get("confusion"))
        header["goal"] = goal(self.experiment, header)
        header["advice"] = self._adviser.say(self.clock(), self.experiment, self.trainer)
        history = self.trainer.history
        have = request.get("have", 0) if request.get("generation") == self._generation else 0
        start = have if isinstance(have, int) and 0 <= have <= history.count else 0
        header["history"] = {"generation": self._generation, "from": start, "count": history.count}
        arrays["history_epoch"], arrays["history"] = history.epochs[start:], history.values[:, start:]
        if request.get("build") != self.build_number:
            arrays |= frame_arrays.still(self.dataset, self.stage)
        return frames.pack(header, arrays)

    @property
    def _generation(self) -> int:
        """Changes whenever the curve on the screen is no longer a beginning of ours."""
        return self.build_number * 1_000_000 + self.trainer.history.generation

    def _measure_rate(self) -> None:
        """Steps a second, each half second anew."""
        since, steps = self._pace
        if self.status == "running" and self.clock() - since > 0.5:
            self.rate = (self.trainer.steps - steps) / (self.clock() - since)
            if self.speed.steps_per_second == np.inf:
                self._pace = (self.clock(), self.trainer.steps)

    @property
    def shown_scores(self) -> Scores:
        """Of now; where an evaluation is dear and the run trains, of its last epoch."""
        return self.trainer.latest if self.dear and self.status == "running" else self.trainer.evaluate()

    @property
    def epoch_ms(self) -> float | None:
        """What an epoch has cost since a setting last changed; None before the first step."""
        seconds, steps = self._since
        epochs = (self.trainer.steps - steps) / -(-len(self.trainer.x_train) // self.trainer.batch_size)
        return (self.trainer.seconds - seconds) * 1000 / epochs if epochs > 0 else None

    # Keeping ---------------------------------------------------------------------------------------------------------

    def checkpoint(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Everything needed to go on elsewhere."""
        facts = {"speed": self.speed.name, "status": self.status, "epoch": self.trainer.epochs}
        return facts, checkpoint.capture(self.trainer)

    def resume(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], notice: str) -> None:
        """Go on from a checkpoint of the same experiment."""
        checkpoint.restore(self.trainer, dict(arrays))
        self.status, self.notice = facts["status"], notice
        self.pace(facts["speed"])
        self._touch()
