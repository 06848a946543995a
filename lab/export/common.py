"""Common parts of the exported scripts: docstring, data, initial weights, batches and the training loop."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from data.counted import counted
from engine import INITIALIZERS, SCHEDULES
from engine.step.data import MAX_EVALUATED_SAMPLES
from lab.experiment.architecture import Architecture, architecture_of
from lab.experiment.experiment import Experiment
from lab.export.lift import Lifted

USUAL_EPOCHS = 100
WITHIN = {
    "NumPy": 1e-6,
    "C": 1e-6,
    "PyTorch": 2e-5,
    "Keras": 2e-4,
}  # of the loss: how far a script agrees without other reasons
OUR_MASKS = ("NumPy", "C")  # the scripts that draw the masks of dropout as the playground does
FEW = 3  # samples of a batch
ADAPTIVE = ("adagrad", "rmsprop", "adam", "adamw")  # divide a gradient by its own size
STOP_RULES = {
    "target_accuracy": "target accuracy",
    "target_loss": "target loss",
    "patience": "early stopping",
    "max_seconds": "time limit",
}


class ExportError(ValueError):
    """Says in a sentence what a script does not cover."""


class Agreement(NamedTuple):
    """How far the losses that a script prints agree with those of the playground."""

    within: float  # the largest difference as a share of the loss, in the first epochs
    reasons: tuple[str, ...]  # why it is so large, if there is a reason

    def __str__(self) -> str:
        most = f"{100 * self.within:g}%" + (f" ({'; '.join(self.reasons)})" if self.reasons else "")
        first = f"In the first epochs its losses differ from the playground's by at most {most}"
        return f"{first}; rounding can add more later."


@dataclass(frozen=True)
class Plan:
    """The experiment and data of a script."""

    experiment: Experiment
    epochs: int
    batches: int  # training examples in one epoch's batches
    pixels: bool  # whether data.npz holds pixels, which the script scales
    tests: int  # test examples
    weighted: bool  # whether targets have two last columns with the weights of each sample
    table: bool = False  # whether new rows can be predicted from a table; see new_rows.py

    @cached_property
    def architecture(self) -> Architecture:
        return architecture_of(self.experiment)

    @property
    def used_activations(self) -> set[str]:
        return {block.activation for block in self.architecture.blocks if block.activation}

    @property
    def batch_size(self) -> int:
        return min(self.experiment.batch_size or self.batches, self.batches)

    @property
    def has_batch_norm(self) -> bool:
        return self.experiment.batch_norm and bool(self.experiment.hidden)

    @property
    def joins_last(self) -> bool:
        """Whether the last batch would be one sample and is joined to the one before; see engine/step/progress.py."""
        return self.has_batch_norm and self.batches % self.batch_size == 1

    def agreement(self, library: str) -> Agreement:
        """How far the script for a library of WITHIN agrees."""
        e, shares = self.experiment, {}
        if e.dropout and e.hidden and library not in OUR_MASKS:
            shares[f"the masks of dropout are drawn by {library}"] = 0.2
        if e.optimizer in ADAPTIVE and (
            e.dtype == "float32" or library == "Keras"
        ):  # whose ops.mean always has 32 bits
            shares["32-bit rounding errors, which the optimizer enlarges where a gradient is 0"] = 0.2
        elif e.dtype == "float32":
            shares["32-bit rounding errors"] = 0.001
        if e.optimizer in ADAPTIVE and self.has_batch_norm and self.batch_size <= FEW and library == "C":
            shares["normalization of few samples leaves gradients near 0, which the optimizer enlarges"] = 0.2
        return Agreement(max([WITHIN[library], *shares.values()]), tuple(shares))


class Text:
    """Builds a script from functions of the engine and the lines that all scripts share."""

    def __init__(self, plan: Plan, library: str, file: str, imports: str) -> None:
        self.plan, self.lift, self._imports = plan, Lifted(), imports
        self._opening = opening(plan, library, file)
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
        script = "import sys\n" if self.plan.table else ""
        first = f"{self._opening}\n{script}{self.lift.imports}from pathlib import Path\n\n{self._imports}\n\n"
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

    def predictions(self, logits: str) -> str:
        """The code for new rows of a table. logits: an expression of the outputs for inputs x (N, D)."""
        if not self.plan.table:
            return ""
        return f"""
if len(sys.argv) > 1:  # a CSV file of new rows
    from new_rows import predict

    def logits(rows):
        x = np.array(rows, np.float32).astype(dtype)
        return {logits}

    predict(sys.argv[1], logits, Path(__file__).parent)
"""

    def loop(self, step: str, end: str) -> str:
        """Training. step: lines for one batch; end: lines after an epoch, which name its losses train and test."""
        plan = self.plan
        mixed = plan.batch_size < plan.batches
        order = "for_batches.permutation(len(x_train))" if mixed else "np.arange(len(x_train))"
        last, stop = "len(order)", "start + size"
        if plan.joins_last:  # batch normalization cannot learn from a single sample
            last, stop = "len(order) - 1", "start + size if start + size < len(order) - 1 else len(order)"
        return f"""\
for epoch in range({plan.epochs + 1}):
    order = {order} if epoch else ()
    for start in range(0, {last}, size):
        batch = order[start : {stop}]
{textwrap.indent(step, " " * 8)}{textwrap.indent(end, " " * 4)}    print(f"{{epoch:5d}}  {{train:.9f}}  {{test:.9f}}")
"""


def opening(plan: Plan, library: str, script: str) -> str:
    """The docstring of a script, with what it does not do."""
    rules = ", ".join(label for name, label in STOP_RULES.items() if getattr(plan.experiment, name))
    text = (
        "Reads data.npz beside it and prints train and test loss after each epoch, without changes during training. "
        f"{plan.agreement(library)}"
    )
    if rules:
        text += f" Left out: {rules}; it always trains {counted(plan.epochs, 'epoch')}."
    if plan.table:
        text += (
            f" With new rows, python {script} NEW.csv, it also writes predictions.csv; new_rows.py prepares them as "
            "the training data was."
        )
    words = [f"The network of this experiment in {library}: python {script}", "", *textwrap.wrap(text, 110)]
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
