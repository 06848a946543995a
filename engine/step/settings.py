"""Settings of a training run that may change between two steps."""

from __future__ import annotations

from dataclasses import dataclass

from engine.formulas.schedules import DEFAULT_SPAN_EPOCHS, SCHEDULES

MONITORS = ("validation_loss", "validation_score")  # of the training part if there is no validation part


@dataclass(frozen=True)
class Settings:
    """The settings, as one value; 0 switches a rule off. Raises ValueError for an unknown schedule or monitor."""

    learning_rate: float = 0.03
    batch_size: int = 10  # 0: the whole training part in one batch
    schedule: str = "constant"  # how the learning rate changes with time
    schedule_span: float = DEFAULT_SPAN_EPOCHS  # epochs that one full schedule takes
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.01  # decoupled: only AdamW has it
    max_norm: float = 0.0  # the longest weight vector that a unit may have
    clip_norm: float = 0.0  # a longer gradient is scaled to this length
    clip_value: float = 0.0  # entries of the gradient are clipped to this size
    epochs: int = 0  # stop after this number of epochs
    max_seconds: float = 0.0  # stop after this many seconds of training
    target_accuracy: float = 0.0  # stop when the accuracy (or R2) of the selecting part reaches this; see Data
    target_loss: float = 0.0  # stop when the loss of the selecting part is at most this
    patience: int = 0  # stop after this many epochs without improvement and restore the best weights
    min_delta: float = 0.0  # a smaller change does not count as an improvement
    monitor: str = MONITORS[0]  # what has to improve

    def __post_init__(self) -> None:
        for name, allowed in (("schedule", SCHEDULES), ("monitor", MONITORS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}")
