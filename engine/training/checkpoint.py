"""A trainer as a flat dictionary of host arrays, and back. A restored run continues the identical curve, to the bit.

The arrays hold what training changes: parameters, running statistics, optimizer slots, counters, random states, the
order of the samples, the curve, the best weights and how the run ended. Data, layers and settings belong to the
experiment: build the same trainer, then restore.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.step.progress import Snapshot
from engine.training.divergence import Divergence
from engine.training.history import MAX_POINTS
from engine.training.stopping import RULES, Best, Stop
from engine.training.trainer import RunState, Trainer

CHECKPOINT_VERSION = 2  # version 1 stored weights unit by unit
LOW_64_BITS = (1 << 64) - 1


def capture(trainer: Trainer) -> dict[str, np.ndarray]:
    """Copies of everything that the next steps depend on. Texts are 0-d arrays of characters."""
    state = trainer.get_state()
    now, best, (epochs, values, stride) = state.snapshot, state.best, state.history
    arrays = {
        "version": np.array(CHECKPOINT_VERSION),
        "parameters": now.parameters,
        "counters": np.array(now.counters, np.int64),
        "order": np.array(now.order, np.int64),
        "numbers": np.array([state.seconds, state.untrained_loss, best.value], np.float64),
        "best.epoch": np.array(best.epoch, np.int64),
        "best.parameters": best.parameters,
        "history.epochs": epochs,
        "history.values": values,
        "history.stride": np.array(stride, np.int64),
        "stopped": np.array(state.stop.reason if state.stop else ""),
        "stopped_by": np.array(state.stop.rule if state.stop else ""),
        "disabled_rules": np.array([name in state.disabled_rules for name in RULES]),
        "divergence": np.array(state.divergence.where if state.divergence else ""),
        "divergence.when": np.array(state.divergence[:2] if state.divergence else (-1, -1), np.int64),
        "way": np.array(state.way),
    }
    arrays |= {f"slot.{name}": slot for name, slot in now.slots.items()}
    arrays |= {f"state.{name}": array for name, array in now.state.items()}
    arrays |= {f"best.state.{name}": array for name, array in best.state.items()}
    arrays |= {f"rng.{name}": _words(rng) for name, rng in zip(trainer.generators, now.rngs, strict=True)}
    return arrays


def restore(trainer: Trainer, arrays: dict[str, np.ndarray]) -> None:
    """Continue where `capture` was called. The trainer must be built from the same experiment.

    Raises ValueError, and leaves the trainer unchanged, if the arrays do not fit it.
    """
    arrays = with_curve_of(trainer, {"way": np.array("tape"), **arrays})
    _check(arrays, capture(trainer))
    seconds, untrained_loss, best = (float(n) for n in arrays["numbers"])
    names = list(trainer.network.state)
    now = Snapshot(
        parameters=arrays["parameters"],
        state={name: arrays[f"state.{name}"] for name in names},
        slots={name: arrays[f"slot.{name}"] for name in trainer.optimizer.slots},
        counters=tuple(int(n) for n in arrays["counters"]),  # pyrefly: ignore
        order=np.array(arrays["order"], np.intp),
        rngs=[_rng_state(arrays[f"rng.{name}"]) for name in trainer.generators],
    )
    best_state = {name: arrays[f"best.state.{name}"].copy() for name in names}
    where, (step, epoch) = str(arrays["divergence"]), arrays["divergence.when"]
    rule, reason = str(arrays["stopped_by"]), str(arrays["stopped"])
    trainer.set_state(
        RunState(
            now,
            seconds,
            untrained_loss,
            Best(best, int(arrays["best.epoch"]), arrays["best.parameters"].copy(), best_state),
            frozenset(name for name, is_disabled in zip(RULES, arrays["disabled_rules"], strict=True) if is_disabled),
            (arrays["history.epochs"], arrays["history.values"], int(arrays["history.stride"])),
            Stop(rule, reason) if rule else None,
            Divergence(int(step), int(epoch), where) if where else None,
            str(arrays["way"]),
        )
    )


def with_curve_of(trainer: Trainer, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same arrays with the curve in the precision of the trainer: older versions stored each one in float32."""
    name, precision = "history.values", trainer.history.values.dtype
    if name in arrays and np.asarray(arrays[name]).dtype == np.float32:
        return {**arrays, name: np.asarray(arrays[name]).astype(precision, copy=False)}
    return dict(arrays)


def _check(arrays: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> None:
    """Raise ValueError unless `arrays` have the names, types and shapes of the trainer's `own` and valid values."""
    if "version" in arrays and np.shape(arrays["version"]) == () and arrays["version"] != CHECKPOINT_VERSION:
        raise ValueError(
            f"The checkpoint has version {arrays['version']}; this program reads version {CHECKPOINT_VERSION}."
        )
    if different := sorted(arrays.keys() ^ own.keys()):
        names = ", ".join(different)
        raise ValueError(f"The checkpoint belongs to another kind of network or optimizer: {names} is not in both.")
    for name, expected in own.items():
        found = np.asarray(arrays[name])
        text = expected.dtype.kind == "U"  # of any length
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
    if points != (len(own["history.values"]), len(arrays["history.epochs"])) or not 1 <= points[1] <= MAX_POINTS:
        raise ValueError("The curve in the checkpoint is incomplete.")
    if not np.isfinite(arrays["parameters"]).all():
        raise ValueError("The parameters in the checkpoint are not all finite.")


def _words(rng_state: Mapping[str, Any]) -> np.ndarray:
    """The state of a PCG64 generator as (6,) uint64: two 128-bit numbers, and an unused half of a draw."""
    state, step = rng_state["state"]["state"], rng_state["state"]["inc"]
    half = rng_state["has_uint32"], rng_state["uinteger"]
    return np.array([state >> 64, state & LOW_64_BITS, step >> 64, step & LOW_64_BITS, *half], np.uint64)


def _rng_state(words: np.ndarray) -> dict:
    high, low, step_high, step_low, has_uint32, uinteger = (int(word) for word in words)
    state = {"state": (high << 64) | low, "inc": (step_high << 64) | step_low}
    return {"bit_generator": "PCG64", "state": state, "has_uint32": has_uint32, "uinteger": uinteger}
