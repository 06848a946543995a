"""The formulas of one step in LaTeX: symbols, numbers, result. Layers and units are counted from 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine import ACTIVATIONS, LOSSES, OUTPUTS

TERMS = 3  # of a long sum that are written out

DELTA = r"\frac{\partial L}{\partial z^{(%d)}_{%d}}"


def lines(left: str, *steps: str) -> str:
    """left = first step, and each further step on a line of its own."""
    return rf"\begin{{aligned}}{left} &= " + r"\\ &= ".join(steps) + r"\end{aligned}"


def num(value: float) -> str:
    """Four figures; a power of ten where the number is tiny or huge."""
    text = f"{value:.4g}"
    if "e" not in text:
        return text
    digits, power = text.split("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}"


def change(name: str, before: float, after: float) -> str:
    """A value before and after, and the difference, which their four figures may not show."""
    return rf"{name}: {num(before)} \rightarrow {num(after)},\quad \Delta = {num(after - before)}"


def factor(value: float) -> str:
    """A number inside a product."""
    text = num(value)
    return rf"({text})" if text.startswith("-") or "cdot" in text else text


def weighted_sum(values: np.ndarray, weights: np.ndarray, keep: int = -1) -> str:
    """The largest terms of sum(values * weights), in their order, and dots for the others. keep: one that stays."""
    size = np.abs(values * weights)
    if keep >= 0:
        size[keep] = np.inf
    chosen = np.sort(np.argsort(-size, kind="stable")[:TERMS])
    terms = [rf"{factor(float(values[n]))} \cdot {factor(float(weights[n]))}" for n in chosen]
    return " + ".join(terms) + (r" + \cdots" if len(values) > TERMS else "")


# Forward -------------------------------------------------------------------------------------------------------------


def z_line(k: int, unit: int, seen: Mapping[str, np.ndarray], place: int, keep: int) -> str:
    """z of one unit of layer k + 1; where a batch is normalized, its value before that."""
    before, column, b, u = (seen[f"{k}.{name}"] for name in ("before", "column", "b", "u"))
    symbol = rf"z^{{({k + 1})}}_{{{unit + 1}}}"
    return lines(
        symbol,
        rf"\sum_i a^{{({k})}}_i\, w^{{({k + 1})}}_{{i,{unit + 1}}} + b^{{({k + 1})}}_{{{unit + 1}}}",
        rf"{weighted_sum(before, column, keep)} + {factor(float(b[place]))}",
        num(float(u[place])),
    )


def a_line(k: int, unit: int, stage: Mapping[str, Any], z: float, a: float) -> str:
    """f(z) of one unit; with a skip connection that is not yet the output a."""
    label, left = ACTIVATIONS[stage["activation"]].label, "" if stage["skip"] else rf"a^{{({k + 1})}}_{{{unit + 1}}} = "
    value = rf"f\!\left(z^{{({k + 1})}}_{{{unit + 1}}}\right)"
    return rf"{left}{value} = \text{{{label}}}\!\left({num(z)}\right) = {num(a)}"


def skip_line(k: int, unit: int, added: float, value: float, result: float) -> str:
    """The output of a unit with a skip connection: its input of the same number, plus its own value."""
    symbols = rf"a^{{({k})}}_{{{unit + 1}}} + f\!\left(z^{{({k + 1})}}_{{{unit + 1}}}\right)"
    return rf"a^{{({k + 1})}}_{{{unit + 1}}} = {symbols} = {factor(added)} + {factor(value)} = {num(result)}"


def y_line(k: int, unit: int, output: str, z: float, y: float) -> str:
    label = OUTPUTS[output].label
    return rf"y_{{{unit + 1}}} = \text{{{label}}}\!\left(z^{{({k + 1})}}\right) = {num(y)},\quad z = {num(z)}"


def _entry(name: str, y: float, t: float) -> str:
    """The loss of one output, in numbers."""
    e = rf"\left|{factor(y)} - {factor(t)}\right|"
    return {
        "mse": rf"\left({factor(y)} - {factor(t)}\right)^2",
        "mae": e,
        "huber": rf"\tfrac12 {e}^2" if abs(y - t) <= 1 else rf"{e} - \tfrac12",
        "binary_crossentropy": rf"-\left({factor(t)} \ln {factor(y)} + {factor(1 - t)} \ln {factor(1 - y)}\right)",
        "categorical_crossentropy": rf"-{factor(t)} \ln {factor(y)}",
        "hinge": rf"\max\left(0,\ 1 - {factor(t)} \cdot {factor(y)}\right)",
    }[name]


def loss_line(name: str, outputs: int, y: np.ndarray, t: np.ndarray, units: np.ndarray, loss: float) -> str:
    """L = formula = numbers = result, for one point. y, t: of the shown outputs, whose numbers `units` holds."""
    if name == "categorical_crossentropy":
        kept = [n for n in range(len(units)) if t[n] > 0][:TERMS]
    else:
        kept = list(range(min(len(units), TERMS)))
    terms = " + ".join(_entry(name, float(y[n]), float(t[n])) for n in kept)
    whole = len(kept) == outputs or (name == "categorical_crossentropy" and float(t[kept].sum()) > 0.999)
    dots = "" if whole else r" + \cdots"
    mean = rf"\frac{{1}}{{{outputs}}}" if outputs > 1 and name != "categorical_crossentropy" else ""
    body = rf"{mean}\left[{terms}{dots}\right]" if mean else terms + dots
    return lines("L", LOSSES[name].formula, body, num(loss))


# Backward ------------------------------------------------------------------------------------------------------------


def output_lines(k: int, facts: Mapping[str, Any], seen: Mapping[str, np.ndarray], outputs: int) -> list[str]:
    """dL/dz of one output unit: directly for a loss on logits, otherwise dL/dy and the slope of the output function.

    facts: loss, output (names), unit, place, points.
    """
    loss, output, unit, place = LOSSES[facts["loss"]], OUTPUTS[facts["output"]], facts["unit"], facts["place"]
    delta = DELTA % (k + 1, unit + 1)
    y, t, dz = (float(seen[name][place]) for name in (f"{k}.y", "t", f"{k}.dz"))
    if loss.on_logits:
        share = rf"\frac{{1}}{{{outputs}}}" if outputs > 1 and loss.name == "binary_crossentropy" else ""
        numbers = rf"{share}\left({factor(y)} - {factor(t)}\right)"
        return [rf"{delta} = {share}\left(y_{{{unit + 1}}} - t_{{{unit + 1}}}\right) = {numbers} = {num(dz)}"]
    dy = float(seen[f"{k}.dy"][place])
    first = rf"\frac{{\partial L}}{{\partial y_{{{unit + 1}}}}} = {num(dy)}"
    if output.name == "softmax":
        through = rf"y_{{{unit + 1}}}\Big(\frac{{\partial L}}{{\partial y_{{{unit + 1}}}}} - \sum_j y_j"
        return [first, rf"{delta} = {through} \frac{{\partial L}}{{\partial y_j}}\Big) = {num(dz)}"]
    if facts["points"] > 1:
        return [first, rf"{delta} = \frac{{\partial L}}{{\partial y_{{{unit + 1}}}}} \cdot g'(z) = {num(dz)}"]
    z = np.array([[float(seen[f"{k}.z"][place])]])
    slope = float(output.backward(np.ones_like(z), z, output.forward(z))[0, 0])
    symbols = rf"\frac{{\partial L}}{{\partial y_{{{unit + 1}}}}} \cdot g'\!\left(z^{{({k + 1})}}_{{{unit + 1}}}\right)"
    return [first, rf"{delta} = {symbols} = {factor(dy)} \cdot {factor(slope)} = {num(dz)}"]


def back_lines(k: int, stage: Mapping[str, Any], seen: Mapping[str, np.ndarray], points: int) -> list[str]:
    """The gradient of the focused unit of hidden layer k + 1, factor by factor."""
    unit, place = stage["focus"] + 1, stage["place"]
    at = {name: float(seen[f"{k}.{name}"][place]) for name in ("da", "slope", "dz", "du")}
    a, delta = rf"\frac{{\partial L}}{{\partial a^{{({k + 1})}}_{{{unit}}}}}", DELTA % (k + 1, unit)
    arrived = float(seen[f"{k}.dkept"][place]) if stage["dropout"] else at["da"]
    numbers, symbols = weighted_sum(seen[f"{k}.back"], seen[f"{k}.row"]), _following(k, unit, f"{k}.around" in seen)
    if f"{k}.around" in seen:
        numbers += f" + {factor(float(seen[f'{k}.around'][place]))}"
    written = [lines(a, symbols, numbers, num(arrived))]
    if stage["dropout"]:
        written.append(rf"\text{{through dropout: }} {a} = {num(at['da'])}")
    slope = rf"f'\!\left(z^{{({k + 1})}}_{{{unit}}}\right)"
    if points == 1:
        product = rf"{factor(at['da'])} \cdot {factor(at['slope'])}"
        written.append(rf"{slope} = {num(at['slope'])}")
        written.append(lines(delta, rf"{a} \cdot {slope}", product, num(at["dz"])))
    else:
        written.append(rf"{delta} = \sum_{{\text{{points}}}} {a} \cdot {slope} = {num(at['dz'])}")
    if stage["norm"]:
        written.append(rf"\text{{through batch normalization: }} {num(at['dz'])} \rightarrow {num(at['du'])}")
    return written


def _following(k: int, unit: int, skip: bool) -> str:
    """The gradient of the output of a unit of layer k + 1: through the weights of the next layer and, with a skip
    connection, around it."""
    through = rf"\sum_m w^{{({k + 2})}}_{{{unit},m}}\, \frac{{\partial L}}{{\partial z^{{({k + 2})}}_m}}"
    return rf"{through} + \frac{{\partial L}}{{\partial a^{{({k + 2})}}_{{{unit}}}}}" if skip else through


def gradient_lines(header: Mapping[str, Any], seen: Mapping[str, np.ndarray]) -> list[str]:
    """dL/dw of the chosen parameter: the short product, and for a weight below a hidden layer the long one."""
    k, source, target, points = header["layer"], header["source"], header["target"], header["points"]
    delta, gradient = DELTA % (k + 1, target + 1), header["update"]["gradient"]
    left = rf"\frac{{\partial L}}{{\partial {parameter(k, source, target)}}}"
    into = r"1" if source < 0 else rf"a^{{({k})}}_{{{source + 1}}}"
    if points > 1:
        return [rf"{left} = \sum_{{n=1}}^{{{points}}} {into}[n] \cdot {delta}[n] = {num(gradient)}"]
    a, d = float(seen["each.a"][0]), float(seen["each.delta"][0])
    written = [lines(left, rf"{into} \cdot {delta}", rf"{factor(a)} \cdot {factor(d)}", num(gradient))]
    stage = header["stages"][k]
    if stage["activation"] and not stage["norm"] and not stage["dropout"]:
        place = stage["place"]
        slope, da = float(seen[f"{k}.slope"][place]), float(seen[f"{k}.da"][place])
        through = rf"f'\!\left(z^{{({k + 1})}}_{{{target + 1}}}\right)"
        arriving = rf"\frac{{\partial L}}{{\partial a^{{({k + 1})}}_{{{target + 1}}}}}"
        numbers = rf"{factor(a)} \cdot {factor(slope)} \cdot {factor(da)}"
        written.append(lines(left, rf"{into} \cdot {through} \cdot {arriving}", numbers, num(a * slope * da)))
        if len(header["stages"]) > k + 1:
            following = _following(k, target + 1, f"{k}.around" in seen)
            written.append(rf"{arriving} = {following} \text{{, and so on, layer by layer, to the loss}}")
    return written


def parameter(layer: int, source: int, target: int) -> str:
    if source < 0:
        return rf"b^{{({layer + 1})}}_{{{target + 1}}}"
    return rf"w^{{({layer + 1})}}_{{{source + 1},{target + 1}}}"


# Update --------------------------------------------------------------------------------------------------------------


def _sgd(p, g, rate, u):
    return [rf"p \leftarrow {p} - {rate} \cdot {g}"]


def _velocity(u):
    v, g = u["slots"]["velocity"], u["used"]
    return rf"v \leftarrow 0.9 \cdot {factor(v)} + {factor(g)} = {num(u['slots_after']['velocity'])}"


def _momentum(p, g, rate, u):
    return [_velocity(u), rf"p \leftarrow {p} - {rate} \cdot {factor(u['slots_after']['velocity'])}"]


def _nesterov(p, g, rate, u):
    v = factor(u["slots_after"]["velocity"])
    return [_velocity(u), rf"p \leftarrow {p} - {rate} \cdot \left({g} + 0.9 \cdot {v}\right)"]


def _adagrad(p, g, rate, u):
    s, after = (factor(u[when]["square"]) for when in ("slots", "slots_after"))
    return [rf"s \leftarrow {s} + {g}^2 = {after}", rf"p \leftarrow {p} - {rate} \cdot {g} \,/\, \sqrt{{{after}}}"]


def _rmsprop(p, g, rate, u):
    s, after = (factor(u[when]["square"]) for when in ("slots", "slots_after"))
    first = rf"s \leftarrow 0.99 \cdot {s} + 0.01 \cdot {g}^2 = {after}"
    return [first, rf"p \leftarrow {p} - {rate} \cdot {g} \,/\, \sqrt{{{after}}}"]


def _adam(p, g, rate, u):
    m, v = (factor(u["slots"][name]) for name in ("mean", "square"))
    m_after, v_after, t = u["slots_after"]["mean"], u["slots_after"]["square"], u["t"]
    m_hat, v_hat = m_after / (1 - 0.9**t), v_after / (1 - 0.999**t)
    lines = [
        rf"m \leftarrow 0.9 \cdot {m} + 0.1 \cdot {g} = {num(m_after)},\quad"
        rf" \hat m = m / (1 - 0.9^{{{t}}}) = {num(m_hat)}",
        rf"v \leftarrow 0.999 \cdot {v} + 0.001 \cdot {g}^2 = {num(v_after)},\quad"
        rf" \hat v = v / (1 - 0.999^{{{t}}}) = {num(v_hat)}",
    ]
    if "decay" in u:
        shrunk = u["parameter"] * (1 - u["rate"] * u["decay"])
        lines.append(
            rf"p \leftarrow {p} - {rate} \cdot {num(u['decay'])} \cdot {factor(u['parameter'])} = {num(shrunk)}"
        )
        p = num(shrunk)
    return [*lines, rf"p \leftarrow {p} - {rate} \cdot {factor(m_hat)} \,/\, \sqrt{{{factor(v_hat)}}}"]


UPDATES: dict[str, Callable[..., list[str]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
}


def update_lines(update: Mapping[str, Any]) -> list[str]:
    """The optimizer's own formula with this parameter's numbers; the last line ends in its new value."""
    numbers = num(update["parameter"]), factor(update["used"]), num(update["rate"])
    *lines, last = UPDATES[update["optimizer"]](*numbers, update)
    return [*lines, f"{last} = {num(update['after'])}"]
