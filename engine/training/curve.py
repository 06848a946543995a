"""The learning curve while it grows: how the network does at the end of an epoch, looked at there and then.

Another device notes that by itself (ring.py). Its notes are read together, later, and leave what looking would have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.training.divergence import Divergence
from engine.training.history import History
from engine.training.snapshot import restore

if TYPE_CHECKING:
    from engine.training.trainer import Trainer

EXPLODED = 5.0  # times the loss of the untrained network: worse than knowing nothing, and getting worse


def grow(trainer: Trainer, history: History) -> None:
    """An epoch has ended. Rules that go by scores cannot wait for them."""
    if not history.wants(trainer.epochs):
        return
    judged = trainer.settings.patience or trainer.settings.target_accuracy
    if judged or not trainer.accelerator or not trainer.accelerator.note(trainer.epochs, trainer.steps):
        enter(trainer, history)


def enter(trainer: Trainer, history: History) -> None:
    """The network of now into the curve, if it is sound."""
    if trainer.finite() or trainer.guard():
        scores = trainer.evaluate()
        if np.isfinite(scores.train_loss + scores.test_loss):
            history.add(trainer.epochs, scores)
        if _exploded(trainer, scores.train_loss):
            what = f"the loss exploded to {scores.train_loss:.3g}"
            trainer.divergence = Divergence(trainer.steps, trainer.epochs, what)


def settle(trainer: Trainer, history: History) -> None:
    """Read the device's notes. What was done after an epoch in which the loss exploded is undone."""
    for epoch, steps, scores in trainer.accelerator.noted() if trainer.accelerator else ():
        if _exploded(trainer, scores.train_loss):
            restore(trainer, trainer.safe)
            while trainer.steps < steps:
                trainer.play()
            return enter(trainer, history)
        trainer.latest = scores
        if history.wants(epoch) and np.isfinite(scores.test_loss):
            history.add(epoch, scores)


def _exploded(trainer: Trainer, loss: float) -> bool:
    return not loss <= EXPLODED * trainer.untrained_loss
