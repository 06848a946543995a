"""Where a trainer stands, held in memory: to go back a few steps, or to the first one. For files see checkpoint.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.training.trainer import Trainer


def snapshot(trainer: Trainer) -> dict[str, Any]:
    """Everything that the next steps depend on."""
    parameters, state = trainer.network.copies()
    return {
        "parameters": parameters,
        "state": state,
        "slots": {name: slot.copy() for name, slot in trainer.optimizer.slots.items()},
        "counters": (trainer.steps, trainer.epochs, trainer.position, trainer.optimizer.t),
        "order": trainer.order,
        "rngs": [rng.bit_generator.state for rng in trainer.generators.values()],
    }


def restore(trainer: Trainer, state: dict[str, Any]) -> None:
    """Back to a snapshot, to the bit."""
    trainer.network.take(state["parameters"], state["state"])
    for name, slot in trainer.optimizer.slots.items():
        slot[:] = state["slots"][name]
    trainer.steps, trainer.epochs, trainer.position, trainer.optimizer.t = state["counters"]
    trainer.order = state["order"]
    for rng, drawn in zip(trainer.generators.values(), state["rngs"], strict=True):
        rng.bit_generator.state = drawn
    trainer.forget()
