"""Builds the frames of one build of a run: everything the page displays, as a header and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.dataset import Dataset
from data.preprocessing import Parts
from data.sources import hand_drawn
from engine.formulas.metrics import Scores
from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.protocol import frames
from lab.protocol.messages import FrameHeader, GetFrame, RunState
from lab.training import frame_arrays
from lab.training.advice import goal, loss_note
from lab.training.diagram import COARSE_SIDE, FINE_SIDE, PlaneDiagram, scores

COSTLY_MULTIPLY_ADDS = 1e8  # of an evaluation, some 3 ms; above, frames during training show earlier scores


class FrameBuilder:
    """Builds frames from the data and the network of one build; the state of the run is an argument."""

    def __init__(self, experiment: Experiment, dataset: Dataset, trainer: Trainer, build_number: int) -> None:
        self.dataset, self.trainer, self.build_number = dataset, trainer, build_number
        self.multiply_adds = sum(line.multiply_adds for line in trainer.network.summary())
        samples = sum(len(x) for x, _, _ in trainer.data.evaluated.values())
        self.is_costly = samples * self.multiply_adds > COSTLY_MULTIPLY_ADDS
        self.diagram = PlaneDiagram(experiment, dataset, trainer) if dataset.encode else None
        self.class_numbers = (
            hand_drawn.class_numbers(experiment.points) if experiment.dataset == hand_drawn.NAME else None
        )
        self.loss_note = loss_note(trainer)
        self._sent_focus: int | None = None

    def forget(self) -> None:
        """Send the next frame in full."""
        self._sent_focus = None

    def scores(self, status: str) -> Scores:
        """The current scores; during training, those of the latest evaluation if a new one is costly."""
        return self.trainer.latest if self.is_costly and status == "running" else self.trainer.evaluate()

    def is_current(self, request: GetFrame, frame_number: int) -> bool:
        """Whether the page already shows the current frame."""
        shown = (request.frame, request.build, self._focus(request))
        return shown == (frame_number, self.build_number, self._sent_focus)

    def build(
        self, request: GetFrame, state: RunState, *, frame_number: int, steps_per_second: float,
        epoch_ms: float | None, rest: int, advice: dict[str, Any] | None, generation: int, changes: int,
    ) -> bytes:  # fmt: skip
        """The packed frame, with only those points of the curve that the page does not have."""
        trainer, dataset, diagram = self.trainer, self.dataset, self.diagram
        focus = self._focus(request)
        if diagram:  # without training, the map always has the full resolution
            diagram.set_side(COARSE_SIDE if request.coarse and state.status == "running" else FINE_SIDE)
        shown = self.scores(state.status)
        arrays = frame_arrays.changing(trainer, dataset, diagram, focus)
        history = trainer.history
        start = request.have if request.generation == generation and 0 <= request.have <= history.count else 0
        classify = dataset.kind == "classification"
        figures = {}
        for part in Parts._fields:
            figures[f"{part}_loss"], score = shown.of(part)
            figures |= {f"{part}_accuracy": score if classify else None, f"{part}_r2": None if classify else score}
        header = FrameHeader(
            status=state.status,
            notice=state.notice,
            epoch=state.epoch,
            step=trainer.steps,
            kind=dataset.kind,
            inputs=dataset.x_train.shape[1],
            **figures,
            learning_rate=float(state.experiment.learning_rate),
            batch_size=trainer.batch_size,
            steps_per_second=steps_per_second,
            seconds=trainer.seconds,
            device=trainer.backend.name.replace("cuda:", "GPU ") if trainer.backend else "CPU",
            dtype=str(trainer.network.dtype),
            parameters=trainer.network.parameters.size,
            build=self.build_number,
            frame=frame_number,
            changes=changes,
            classes=list(dataset.shown_class_names),
            class_numbers=self.class_numbers,
            multiply_adds=self.multiply_adds,
            train_samples=len(trainer.x_train),
            train_evaluated=len(trainer.data.evaluated["train"].x),
            epoch_ms=epoch_ms,
            rest=rest,
            scores=scores(trainer, dataset, arrays.get("confusion")),
            loss_note=self.loss_note,
            goal=goal(state.experiment, trainer, shown),
            advice=advice,
            history={"generation": generation, "from": start, "count": history.count},
            **(diagram.header(focus) if diagram else {}),
        )
        arrays["history_epoch"] = history.epochs[start:]
        arrays["history"] = history.values[:, start:].astype(np.float32, copy=False)  # a screen shows no more digits
        if request.build != self.build_number:
            arrays |= frame_arrays.constant(dataset, diagram)
        self._sent_focus = focus
        return frames.pack(vars(header), arrays)

    def _focus(self, request: GetFrame) -> int | None:
        return self.diagram.focused(request.focus) if self.diagram else None
