"""Executes steps on this processor: recorded once for each batch size, then replayed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.step.data import Data
from engine.step.executor import NO_SCORES, EpochScores, TimeSlice
from engine.step.progress import Progress
from engine.step.update import StepFormulas
from engine.tape.recording import BatchRecorder, RecordedEvaluation


class TapeExecutor:
    """See engine.step.executor.Executor. All arrays are on the host, so there is nothing to synchronize."""

    way: str = "tape"
    is_remote = False
    min_check_interval = 1

    def __init__(self, data: Data, formulas: StepFormulas, progress: Progress) -> None:
        self.data, self.formulas, self.progress = data, formulas, progress
        self.recorder = BatchRecorder(data.train.x, data.train.t)
        self._replays: dict[int, Callable[[np.ndarray], None]] = {}  # batch size -> the recorded step
        self._revision = -1  # of the settings during recording
        self._evaluations: dict[str, RecordedEvaluation] = {}  # name of the part -> its recorded evaluation

    def choose(self, way: str) -> None:
        pass

    def prepare(self) -> None:
        pass

    def is_ready(self) -> bool:
        return True

    def steps(self, limit: int, time_slice: TimeSlice | None = None, evaluate_every: int = 0) -> None:
        formulas, progress = self.formulas, self.progress
        if self._revision != formulas.revision:
            self._replays, self._revision = {}, formulas.revision
        replays, size, has_schedule = self._replays, formulas.batch_size, formulas.settings.schedule != "constant"
        for _ in range(limit):
            batch = progress.next_batch(size)
            if has_schedule:
                formulas.set_rate(progress.fractional_epoch)
            replay = replays.get(len(batch))
            if replay:
                replay(batch)
            else:
                replays[len(batch)] = self.recorder.record(formulas.learn, batch)
            if progress.advance(len(batch)) or (time_slice is not None and time_slice.is_over()):
                return

    def evaluate(self) -> dict[str, tuple[np.ndarray, float]]:
        network, objective = self.formulas.network, self.formulas.objective
        outputs = {}
        for name, (x, t, _) in self.data.evaluated.items():
            if len(x) > network.max_batch:
                z = network.forward(x)
                outputs[name] = z, float(objective.value(z, t))
                continue
            if name not in self._evaluations:
                self._evaluations[name] = RecordedEvaluation(network, objective, x, t)
            outputs[name] = self._evaluations[name]()
        return outputs

    def defer_scores(self) -> bool:
        return False

    def pending_scores(self) -> EpochScores:
        return NO_SCORES

    def synchronize(self) -> None:
        pass

    def wait(self) -> None:
        pass
