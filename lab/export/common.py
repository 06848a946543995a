"""What the exported scripts have in common: their first words, the data, and the same first weights and batches."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from engine import SCHEDULES
from engine.trainer import EVALUATED
from lab.experiment import Experiment

USUAL_EPOCHS = 100
STOP_RULES = {"target_accuracy": "target accuracy", "patience": "early stopping", "max_seconds": "time limit"}


class ExportError(ValueError):
    """Says in a sentence what a script cannot do."""


@dataclass(frozen=True)
class Plan:
    """What a script is written from."""

    experiment: Experiment
    epochs: int
    batches: int  # training examples in one epoch's batches
    pixels: bool  # whether data.npz holds pixels, which the script scales
    weighted: bool  # whether targets have a last column with the weight of each sample

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every dense layer, the inputs first."""
        e = self.experiment
        height, width = e.map_shape(len(e.conv))
        first = e.conv[-1] * height * width if e.conv else e.inputs
        return (first, *e.hidden, e.outputs)

    @property
    def fixed_rate(self) -> bool:
        return self.experiment.schedule == "constant"

    @property
    def schedule(self) -> Any:
        return SCHEDULES[self.experiment.schedule].factor


def opening(plan: Plan, what: str, script: str, *left_out: str) -> str:
    """The docstring: what it does, and what it does not do."""
    e = plan.experiment
    rules = [label for name, label in STOP_RULES.items() if getattr(e, name)]
    missing = [*left_out, *([f"Left out: {', '.join(rules)}; it always trains {plan.epochs} epochs."] if rules else [])]
    words = [
        f"{what}: python {script}",
        "",
        *textwrap.wrap(
            "Reads data.npz beside it and prints train and test loss after each epoch. Backprop Playground shows the "
            "same losses for these settings from the first step on; what was changed while it ran is not repeated.",
            110,
        ),
        *(line for sentence in missing for line in textwrap.wrap(sentence, 110)),
    ]
    return '"""' + "\n".join(words) + '\n"""\n'


def data_lines(plan: Plan) -> str:
    """x and t of both parts as NumPy arrays."""
    if not plan.pixels:
        return (
            'with np.load(Path(__file__).with_name("data.npz")) as data:\n'
            '    names = ("x_train", "t_train", "x_test", "t_test")\n'
            "    x_train, t_train, x_test, t_test = (data[name].astype(dtype) for name in names)\n"
        )
    return (
        'with np.load(Path(__file__).with_name("data.npz")) as data:\n'
        '    t_train, t_test = data["t_train"].astype(dtype), data["t_test"].astype(dtype)\n'
        '    pixels = data["x_train"], data["x_test"]\n'
        '    x_train, x_test = ((x - data["mean"]) / data["scale"] for x in pixels)\n'
        "x_train, x_test = (x.astype(np.float32).astype(dtype) for x in (x_train, x_test))\n"
    )


def generator_lines(e: Experiment) -> str:
    """The generators that the playground draws from, so that weights and batches are the same."""
    lines = f"_, for_weights, for_batches, for_dropout = np.random.default_rng({e.seed}).spawn(4)\n"
    if e.weight_seed:
        lines += f"for_weights = np.random.default_rng({e.weight_seed}).spawn(4)[1]\n"
    return lines


def shown(t: str) -> str:
    """The part of the training data whose loss is shown."""
    return f"{t}[:{EVALUATED}]"
