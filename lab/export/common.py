"""Common parts of the exported scripts: docstring, data, initial weights, batches and the training loop."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cached_property

from engine import INITIALIZERS, SCHEDULES
from engine.step.data import MAX_EVALUATED_SAMPLES
from lab.experiment.architecture import Architecture, architecture_of
from lab.experiment.experiment import Experiment
from lab.export.lift import Lifted

USUAL_EPOCHS = 100
STOP_RULES = {"target_accuracy": "target accuracy", "patience": "early stopping", "max_seconds": "time limit"}


class ExportError(ValueError):
    """Says in a sentence what a script does not cover."""


@dataclass(frozen=True)
class Plan:
    """The experiment and data of a script."""

    experiment: Experiment
    epochs: int
    batches: int  # training examples in one epoch's batches
    pixels: bool  # whether data.npz holds pixels, which the script scales
    weighted: bool  # whether targets have two last columns with the weights of each sample

    @cached_property
    def architecture(self) -> Architecture:
        return architecture_of(self.experiment)

    @property
    def used_activations(self) -> set[str]:
        return {block.activation for block in self.architecture.blocks if block.activation}

    @property
    def batch_size(self) -> int:
        return min(self.experiment.batch_size or self.batches, self.batches)


class Text:
    """Builds a script from functions of the engine and the lines that all scripts share."""

    def __init__(self, plan: Plan, what: str, file: str, imports: str, *left_out: str) -> None:
        self.plan, self.lift, self._imports = plan, Lifted(), imports
        self._opening = opening(plan, what, file, *filter(None, left_out))
        self.draw = self.lift.name_of(INITIALIZERS[plan.experiment.initializer].draw)

    @property
    def rate(self) -> str:
        """The learning rate of a step as code: a number, or the formula of a schedule."""
        e = self.plan.experiment
        if e.schedule == "constant":
            return repr(e.learning_rate)
        factor = self.lift.name_of(SCHEDULES[e.schedule].factor)
        return f"{e.learning_rate!r} * {factor}(epoch - 1 + start / len(x_train), {e.settings().schedule_span!r})"

    def joined(self, *parts: str) -> str:
        """The whole script. parts: the code after the imports and the functions of the engine."""
        first = f"{self._opening}\n{self.lift.imports}from pathlib import Path\n\n{self._imports}\n\n"
        return "\n".join(part for part in (first, self.lift.text + "\n", *parts) if part)

    def loss(self, library: str, each: str, output: str, arguments: str = "z, t", first: str = "") -> str:
        """The mean loss of a batch as a function. each: (N,) losses from t and the logits z, or from y, the output."""
        weighted = self.plan.weighted
        share = f"t, share = t[:, :-2], t[:, -2] / {library}.sum(t[:, -1])  # weights: in the sum, and in its divisor"
        lines = [
            first,
            share if weighted else "",
            f"y = {output}" if re.search(r"\by\b", each) else "",
            f"return {library}.sum({each} * share)" if weighted else f"return {library}.mean({each})",
        ]
        return f"\ndef loss({arguments}):\n" + "".join(f"    {line}\n" for line in lines if line)

    def loop(self, step: str, end: str) -> str:
        """Training. step: lines for one batch; end: lines after an epoch, which name its losses train and test."""
        plan = self.plan
        mixed = plan.batch_size < plan.batches
        order = "for_batches.permutation(len(x_train))" if mixed else "np.arange(len(x_train))"
        return f"""\
for epoch in range({plan.epochs + 1}):
    order = {order} if epoch else ()
    for start in range(0, len(order), size):
        batch = order[start : start + size]
{textwrap.indent(step, " " * 8)}{textwrap.indent(end, " " * 4)}    print(f"{{epoch:5d}}  {{train:.9f}}  {{test:.9f}}")
"""


def opening(plan: Plan, what: str, script: str, *left_out: str) -> str:
    """The docstring of a script, with what it does not do."""
    e = plan.experiment
    rules = [label for name, label in STOP_RULES.items() if getattr(e, name)]
    missing = [*left_out, *([f"Left out: {', '.join(rules)}; it always trains {plan.epochs} epochs."] if rules else [])]
    words = [
        f"{what}: python {script}",
        "",
        *textwrap.wrap(
            "Reads data.npz beside it and prints train and test loss after each epoch. Backprop Playground shows the "
            "same losses for these settings; changes during training are not repeated.",
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
    rounded = ".astype(np.float32)" if plan.experiment.dtype == "float64" else ""  # the playground stores pictures so
    return (
        'with np.load(Path(__file__).with_name("data.npz")) as data:\n'
        '    t_train, t_test = data["t_train"].astype(dtype), data["t_test"].astype(dtype)\n'
        '    scaled = ((data[x] - data["mean"]) / data["scale"] for x in ("x_train", "x_test"))\n'
        f"    x_train, x_test = (x{rounded}.astype(dtype) for x in scaled)\n"
    )


def generator_lines(e: Experiment) -> str:
    """The generators of the playground, so that weights and batches are the same."""
    dropout = ", for_dropout" if e.dropout else ""
    lines = f"_, for_weights, for_batches{dropout} = np.random.default_rng({e.seed}).spawn({4 if dropout else 3})\n"
    if e.weight_seed:
        lines += f"_, for_weights = np.random.default_rng({e.weight_seed}).spawn(2)\n"
    return lines


def shown(t: str) -> str:
    """The part of the training data that is evaluated."""
    return f"{t}[:{MAX_EVALUATED_SAMPLES}]"
