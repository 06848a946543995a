"""The sections of the walkthrough of one step: what each draws, and the network with the numbers known there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from engine import OPTIMIZERS, OUTPUTS
from ui.figures.network_graph import Chosen, Column, network
from ui.figures.theme import Theme
from ui.kit.escape import escape_markdown
from ui.one_step import formulas

LISTED = 12  # points of a batch that are listed


class Section(NamedTuple):
    title: str
    draw: Callable[[], None]
    column: int  # the current column of the diagram, 0 is the input
    backward: bool = False


class Walk:
    """The answer to the question "one_step", ready to be drawn. names: of the inputs."""

    def __init__(
        self, header: Mapping[str, Any], seen: Mapping[str, np.ndarray], names: list[str], output: str, loss: str
    ) -> None:
        self.header, self.seen, self.names, self.output, self.loss = header, seen, names, output, loss
        self.stages, self.points = header["stages"], header["points"]
        self.last = len(self.stages) - 1

    def title(self, k: int) -> str:
        return self.stages[k]["title"]

    def values(self, k: int, *names: str) -> np.ndarray:
        """The first of these arrays that the layer has, for its shown neurons."""
        return next(self.seen[f"{k}.{name}"] for name in names if f"{k}.{name}" in self.seen)

    def focus(self, k: int) -> str:
        """Which neuron of a layer the formulas are written out for."""
        stage = self.stages[k]
        if stage["of"] == 1:
            return ""
        why = "to which your parameter belongs" if k == self.header["layer"] else "whose gradient is the largest"
        return f"Written out for neuron {stage['focus'] + 1}, {why}."

    # The picture -----------------------------------------------------------------------------------------------------

    def figure(self, here: Section, theme: Theme) -> go.Figure:
        """The network with the numbers known in a section: values if it is forward, gradients if it is backward."""
        inputs = self.seen["inputs"]
        known = None if here.backward else self.seen["input"]
        labels = [_named(self.names, int(n)) for n in inputs]
        columns = [Column("Input", labels, known, self.stages[0]["inputs"] - len(inputs))]
        for k, stage in enumerate(self.stages):
            units = self.seen[f"{k}.units"]
            if here.backward:
                shown = self.values(k, "dz") if k + 1 >= here.column else None
            else:
                shown = self.values(k, "y", "sum", "kept", "a") if k + 1 <= here.column else None
            labels = [f"{self.title(k)}, neuron {n + 1}" for n in units]
            columns.append(Column(self.title(k), labels, shown, stage["of"] - len(units)))
        weights = [self.seen[f"{k}.W"] for k in range(len(self.stages))]
        return network(columns, weights, self._chosen(), here.column, theme=theme)

    def _chosen(self) -> Chosen:
        layer, source = self.header["layer"], self.header["source"]
        before = self.seen["inputs"] if layer == 0 else self.seen[f"{layer - 1}.units"]
        place = -1 if source < 0 else int(np.flatnonzero(before == source)[0])
        return Chosen(layer, place, self.stages[layer]["place"])

    def legend(self, here: Section) -> str:
        what = "gradients of the loss by z" if here.backward else "standardized inputs, activations and outputs"
        mean = f" Values are means over {self.points} points, gradients their sums." if self.points > 1 else ""
        return (
            f"In the circles: {what}. Lines: weights, blue positive, orange negative; the thick one is followed.{mean}"
        )


def _named(names: list[str], number: int) -> str:
    return names[number] if number < len(names) else f"input {number + 1}"


def sections(walk: Walk) -> list[Section]:
    """From the input to the loss, back to the chosen parameter, and through the optimizer's step."""
    layers, chosen = range(len(walk.stages)), walk.header["layer"]
    there = [Section(f"{walk.title(k)}: forward", partial(_forward, walk, k), k + 1) for k in layers]
    back = [
        Section(f"{walk.title(k)}: backward", partial(_back, walk, k), k + 1, True)
        for k in reversed(range(chosen, walk.last))
    ]
    return [
        Section("Input", partial(_input, walk), 0),
        *there,
        Section("Loss", partial(_loss, walk), walk.last + 1),
        Section("Output layer: backward", partial(_output, walk), walk.last + 1, True),
        *back,
        Section("Gradient of the chosen parameter", partial(_gradient, walk), chosen + 1, True),
        Section("Optimizer step", partial(_update, walk), chosen + 1, True),
    ]


def _table(columns: Mapping[str, Any]) -> None:
    st.table(pd.DataFrame({name: [f"{v + 0.0:.5g}" if isinstance(v, float) else v for v in values]
                           for name, values in columns.items()}), hide_index=True)  # fmt: skip


def _floats(values: np.ndarray) -> list[float]:
    return [float(value) for value in values]


# The text of each section ---------------------------------------------------------------------------------------------


def _input(walk: Walk) -> None:
    if walk.header["front"]:
        st.markdown("The convolution blocks have processed the picture; their output is the input here.")
        return
    inputs, raw = walk.seen["inputs"], walk.seen["raw"]
    st.markdown(
        "Every input is standardized by mean and deviation of the training part, so that all have the same scale."
    )
    st.latex(r"x = \frac{\text{raw} - \text{mean}}{\text{deviation}} = a^{(0)}")
    names = [escape_markdown(_named(walk.names, int(n))) for n in inputs]
    _table({"input": names, "raw": _floats(raw[inputs]), "standardized": _floats(walk.seen["input"])})


def _forward(walk: Walk, k: int) -> None:
    stage, seen = walk.stages[k], walk.seen
    unit, place = stage["focus"], stage["place"]
    function = "output function" if k == walk.last else "activation function"
    st.markdown(f"Each neuron adds its weighted inputs and its bias, then applies its {function}. {walk.focus(k)}")
    keep = walk.header["source"] if walk.header["layer"] == k else -1
    st.latex(formulas.z_line(k, unit, seen, place, keep))
    z = float(seen[f"{k}.z"][place])
    if stage["norm"]:
        st.markdown(f"Batch normalization turns it into {z:.4g}, on average over the batch.")
    units = [int(n) + 1 for n in seen[f"{k}.units"]]
    if k == walk.last:
        y = walk.values(k, "y")
        st.latex(formulas.y_line(k, unit, walk.output, z, float(y[place])))
        st.markdown(f"{OUTPUTS[walk.output].label}: {OUTPUTS[walk.output].sentence}")
        _table({"neuron": list(map(str, units)), "z": _floats(seen[f"{k}.z"]), "y": _floats(y)})
        return
    a = walk.values(k, "a")
    if walk.points == 1:
        st.latex(formulas.a_line(k, unit, stage, z, float(a[place])))
    columns: dict[str, Any] = {"neuron": list(map(str, units)), "z": _floats(seen[f"{k}.z"]), "a": _floats(a)}
    if stage["dropout"]:
        st.markdown("Dropout sets some neurons to zero in this step and scales up the others.")
        columns["after dropout"] = _floats(walk.values(k, "kept"))
    if stage["skip"]:
        added, result = walk.values(k, "added"), walk.values(k, "sum")
        st.markdown("The skip connection adds the output of the neuron with the same number in the layer before.")
        terms = (float(values[place]) for values in (added, walk.values(k, "kept", "a"), result))
        st.latex(formulas.skip_line(k, unit, *terms))
        columns |= {"skipped input": _floats(added), "output": _floats(result)}
    _table(columns)


def _loss(walk: Walk) -> None:
    k, seen = walk.last, walk.seen
    units, y, t = seen[f"{k}.units"], seen[f"{k}.y"], seen["t"]
    st.markdown("The loss is one number that says how far the prediction y is from the target t.")
    if walk.points == 1:
        st.latex(formulas.loss_line(walk.loss, walk.stages[k]["of"], y, t, units, walk.header["loss"]))
    else:
        st.latex(rf"L = \frac{{1}}{{{walk.points}}} \sum_n L_n = {formulas.num(walk.header['loss'])}")
    _table({"output": [str(int(n) + 1) for n in units], "y": _floats(y), "t": _floats(t)})


def _output(walk: Walk) -> None:
    k, stage = walk.last, walk.stages[walk.last]
    st.markdown("The backward pass asks: how much would the loss grow if this z grew a little?")
    facts = {"loss": walk.loss, "output": walk.output, "unit": stage["focus"], "place": stage["place"]}
    for line in formulas.output_lines(k, {**facts, "points": walk.points}, walk.seen, stage["of"]):
        st.latex(line)
    units = [int(n) + 1 for n in walk.seen[f"{k}.units"]]
    _table({"output": list(map(str, units)), "dL/dz": _floats(walk.seen[f"{k}.dz"])})


def _back(walk: Walk, k: int) -> None:
    stage, seen = walk.stages[k], walk.seen
    st.markdown(
        "The gradient of a neuron's output is the sum of the gradients of the next layer, each times its weight. It "
        f"is then multiplied by the slope of the neuron's activation function. {walk.focus(k)}"
    )
    if f"{k}.around" in seen:
        st.markdown("The next layer has a skip connection: the gradient of its output takes a second path, unchanged.")
    for line in formulas.back_lines(k, stage, seen, walk.points):
        st.latex(line)
    units = [int(n) + 1 for n in seen[f"{k}.units"]]
    names = {"dL/da": "da", "f'(z)": "slope", "dL/dz": "dz"}
    _table({"neuron": list(map(str, units)), **{head: _floats(seen[f"{k}.{name}"]) for head, name in names.items()}})


def _gradient(walk: Walk) -> None:
    header, seen = walk.header, walk.seen
    st.markdown("The input of this weight, times the gradient of the neuron that it leads to.")
    for line in formulas.gradient_lines(header, seen):
        st.latex(line)
    if walk.points > 1:
        a, delta = seen["each.a"], seen["each.delta"]
        parts = _floats(a * delta)
        numbers = [str(n + 1) for n in range(len(parts))]
        st.markdown(
            f"The first {min(LISTED, len(parts))} of {len(parts)} points. The gradients of z are already "
            "divided by the number of points, so the sum of the products is a mean."
        )
        listed = {"point": [*numbers[:LISTED], "sum of all"], "a": [*_floats(a)[:LISTED], ""]}
        _table({**listed, "dL/dz": [*_floats(delta)[:LISTED], ""], "product": [*parts[:LISTED], sum(parts)]})


def _update(walk: Walk) -> None:
    update = walk.header["update"]
    optimizer = OPTIMIZERS[update["optimizer"]]
    st.markdown(f"**{optimizer.label}.** {optimizer.sentence}")
    st.latex(optimizer.formula)
    if abs(update["used"] - update["gradient"]) > 1e-12:
        st.markdown(
            f"Penalties and clipping change the gradient from {update['gradient']:.5g} to {update['used']:.5g}."
        )
    for line in formulas.update_lines(update):
        st.latex(line)
    before, after = walk.header["loss"], update["loss_after"]
    verdict = "lower" if after < before else "higher" if after > before else "the same"
    name = formulas.parameter(walk.header["layer"], walk.header["source"], walk.header["target"])
    st.latex(formulas.change(name, update["parameter"], update["after"]))
    st.latex(formulas.change("L", before, after))
    st.markdown(
        f"All parameters are updated together; on the same {'points' if walk.points > 1 else 'point'} the loss is "
        f"then {verdict}. Your run has not changed."
    )
