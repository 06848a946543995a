"""A trainer as a flat dictionary of host arrays, and back. Going on from it continues the identical curve, to the bit.

It holds what training changes: parameters, running statistics, optimiser slots, counters, random states, the order of
the samples, the curve, the best weights and how the run stands. Data, layers and settings belong to the experiment:
build the same trainer, then restore.
"""

from __future__ import annotations

import numpy as np

from engine.training import snapshot
from engine.training.divergence import Divergence
from engine.training.history import CAPACITY
from engine.training.stopping import RULES, Best
from engine.training.trainer import Trainer

VERSION = 2  # 1: weights stood unit by unit
WORD = (1 << 64) - 1


def capture(trainer: Trainer) -> dict[str, np.ndarray]:
    """Everything that going on needs, as copies: numbers, and texts as 0-d arrays of characters."""
    if trainer.divergence is None:
        trainer.guard()  # a checkpoint is always sound
    parameters, state = trainer.network.copies()
    arrays = {
        "version": np.array(VERSION),
        "parameters": parameters,
        "counters": np.array([trainer.steps, trainer.epochs, trainer.position, trainer.optimizer.t], np.int64),
        "order": np.array(trainer.order, np.int64),
        "numbers": np.array([trainer.seconds, trainer.untrained_loss, trainer.best.value], np.float64),
        "best.epoch": np.array(trainer.best.epoch, np.int64),
        "best.parameters": trainer.best.parameters.copy(),
        "history.epochs": trainer.history.epochs.copy(),
        "history.values": trainer.history.values.copy(),
        "history.stride": np.array(trainer.history.stride, np.int64),
        "stopped": np.array(trainer.stopped),
        "stopped_by": np.array(trainer.stopped_by),
        "disarmed": np.array([name in trainer.disarmed for name in RULES]),
        "divergence": np.array(trainer.divergence.where if trainer.divergence else ""),
        "divergence.when": np.array(trainer.divergence[:2] if trainer.divergence else (-1, -1), np.int64),
    }
    arrays |= {f"slot.{name}": slot.copy() for name, slot in trainer.optimizer.slots.items()}
    arrays |= {f"state.{name}": array for name, array in state.items()}
    arrays |= {f"best.state.{name}": array.copy() for name, array in trainer.best.state.items()}
    arrays |= {f"rng.{name}": _words(rng) for name, rng in trainer.generators.items()}
    return arrays


def restore(trainer: Trainer, arrays: dict[str, np.ndarray]) -> None:
    """Go on where `capture` was called. The trainer must be built from the same experiment.

    Raises ValueError, and leaves the trainer as it was, if the arrays belong to another one.
    """
    _check(arrays, capture(trainer))
    steps, epochs, position, t = (int(n) for n in arrays["counters"])
    seconds, untrained_loss, best = (float(n) for n in arrays["numbers"])
    snapshot.restore(
        trainer,
        {
            "parameters": arrays["parameters"],
            "state": {name: arrays[f"state.{name}"] for name in trainer.network.state},
            "slots": {name: arrays[f"slot.{name}"] for name in trainer.optimizer.slots},
            "counters": (steps, epochs, position, t),
            "order": np.array(arrays["order"], np.intp),
            "rngs": [_state(arrays[f"rng.{name}"]) for name in trainer.generators],
        },
    )
    trainer.seconds, trainer.untrained_loss = seconds, untrained_loss
    best_state = {name: arrays[f"best.state.{name}"].copy() for name in trainer.network.state}
    trainer.best = Best(best, int(arrays["best.epoch"]), arrays["best.parameters"].copy(), best_state)
    trainer.history.replace(arrays["history.epochs"], arrays["history.values"], int(arrays["history.stride"]))
    trainer.stopped, trainer.stopped_by = str(arrays["stopped"]), str(arrays["stopped_by"])
    trainer.disarmed = {name for name, silent in zip(RULES, arrays["disarmed"], strict=True) if silent}
    where, (step, epoch) = str(arrays["divergence"]), arrays["divergence.when"]
    trainer.divergence = Divergence(int(step), int(epoch), where) if where else None
    trainer.changed()


def _check(arrays: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> None:
    """Raise ValueError unless `arrays` has the names, kinds and shapes of this trainer's `own` ones and makes sense."""
    if "version" in arrays and np.shape(arrays["version"]) == () and arrays["version"] != VERSION:
        raise ValueError(f"The checkpoint has version {arrays['version']}; this program reads version {VERSION}.")
    if different := sorted(arrays.keys() ^ own.keys()):
        names = ", ".join(different)
        raise ValueError(f"The checkpoint belongs to another kind of network or optimiser: {names} is not in both.")
    for name, expected in own.items():
        found = np.asarray(arrays[name])
        text = expected.dtype.kind == "U"  # whose length is free
        same = (found.dtype.kind == "U") if text else (found.dtype == expected.dtype)
        if not same:
            raise ValueError(f"{name} in the checkpoint should hold {expected.dtype}.")
        grows = name in ("history.epochs", "history.values")
        if found.ndim != expected.ndim or (found.shape != expected.shape and not grows):
            raise ValueError(f"{name} in the checkpoint has shape {found.shape}; this network has {expected.shape}.")
    steps, epochs, position, t = arrays["counters"]
    samples = len(own["order"])
    if min(steps, epochs, position, t) < 0 or position >= samples or arrays["history.stride"] < 1:
        raise ValueError("A counter in the checkpoint is out of range.")
    if not np.array_equal(np.sort(arrays["order"]), np.arange(samples)):
        raise ValueError("The order in the checkpoint does not name each sample once.")
    points = arrays["history.values"].shape
    if points != (len(own["history.values"]), len(arrays["history.epochs"])) or not 1 <= points[1] <= CAPACITY:
        raise ValueError("The curve in the checkpoint is incomplete.")
    if not np.isfinite(arrays["parameters"]).all():
        raise ValueError("The parameters in the checkpoint are not all finite.")


def _words(rng: np.random.Generator) -> np.ndarray:
    """The state of a PCG64 generator as (6,) uint64: two 128-bit numbers, and half a draw that is kept back."""
    whole = rng.bit_generator.state
    state, step = whole["state"]["state"], whole["state"]["inc"]
    half = whole["has_uint32"], whole["uinteger"]
    return np.array([state >> 64, state & WORD, step >> 64, step & WORD, *half], np.uint64)


def _state(words: np.ndarray) -> dict:
    high, low, step_high, step_low, has_uint32, uinteger = (int(word) for word in words)
    state = {"state": (high << 64) | low, "inc": (step_high << 64) | step_low}
    return {"bit_generator": "PCG64", "state": state, "has_uint32": has_uint32, "uinteger": uinteger}
