"""One training step taken apart, with every number of the chain rule that leads to one chosen parameter.

The step is the engine's own: its layers go forward and backward, its optimiser moves the parameters; what they compute
is written down and everything is put back. Values are means over the points of a batch. Gradients are sums over them,
because the mean loss has given each point its share already. With one point both are that point's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.network.layers import Activation, Dense, Dropout
from engine.network.normalization import BatchNorm
from engine.training.diagnostics import undisturbed
from engine.training.gradient_check import same_view
from engine.training.trainer import Trainer
from lab.training.run import Run

SHOWN = 12  # units of a layer that are shown; of more the strongest ones, or those from a chosen number on
MOST_POINTS = 256  # of a batch; a larger one is cut
PARTS = ("train", "test", "batch", "typed")


def one_step(run: Run, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """The step that `trainer` would take now on one point or one batch, as seen from one parameter.

    facts: part, one of PARTS; number of the point in it; label of a typed point (class number, or value in its units);
    layer, source, target: the parameter, counted as in Run.edit; first: unit that the shown ones begin at, counted
    from 1; 0: the strongest. arrays: x (D,), a typed point in raw units (plane coordinates, or one number an input).
    Numbers that are too large are taken for the largest. Raises ValueError for a typed point of another shape.
    """
    trainer, dataset = run.trainer, run.dataset
    part = facts["part"] if facts["part"] in PARTS else "train"
    if any(isinstance(layer, BatchNorm) for layer in trainer.network.layers):
        part = "batch"  # one point alone has no spread to divide by
    x, t, label = _points(run, part, facts, arrays)
    with undisturbed(trainer):
        trace = _Trace(trainer, x, t)
        layer, source, target = trace.nearest(*(int(facts[name]) for name in ("layer", "source", "target")))
        header, seen = trace.answer(layer, source, target, int(facts["first"]))
        header["update"] = trace.update(layer, source, target)
    raw = x.mean(axis=0) * dataset.x_scale + dataset.x_mean
    header |= {
        "part": part,
        "label": label,
        "points": len(x),
        "step": trainer.steps,
        "names": list(dataset.feature_names),
        "front": not isinstance(trainer.network.layers[0], Dense),  # convolutions: what they leave is the input
    }
    if dataset.image_shape:
        seen["picture"] = raw.reshape(dataset.image_shape).astype(np.float32)
    return header, seen | {"raw": raw, "standardised": x.mean(axis=0)}


def _points(run: Run, part: str, facts: Mapping[str, Any], arrays: Mapping) -> tuple[np.ndarray, np.ndarray, Any]:
    """x (N, D), targets (N, O) and, of one point, its label: a class number, or the value in its own units."""
    trainer, dataset = run.trainer, run.dataset
    if part == "batch":
        size = min(trainer.batch_size, MOST_POINTS)
        rows = trainer.batch[:size] if len(trainer.batch) else np.arange(size)
        return trainer.x_train[rows], trainer.t_train[rows], None
    if part == "typed":
        return _typed(run, arrays["x"], facts["label"])
    x, t, y = (trainer.x_train, trainer.t_train, trainer.y_train)
    if part == "test":
        x, t, y = (trainer.x_test, trainer.t_test, trainer.y_test)
    n = int(np.clip(int(facts["number"]), 0, len(x) - 1))
    return x[n : n + 1], t[n : n + 1], (dataset.to_units(y[n]) if dataset.kind == "regression" else y[n]).item()


def _typed(run: Run, raw: np.ndarray, label: float) -> tuple[np.ndarray, np.ndarray, Any]:
    trainer, dataset = run.trainer, run.dataset
    width = 2 if dataset.encode else len(dataset.x_mean)
    if np.shape(raw) != (width,) or not np.isfinite([*raw, label]).all():
        raise ValueError(f"A typed point is {width} finite numbers and its true answer.")
    raw = np.asarray(raw, np.float64)[None]
    x = dataset.encode(raw.astype(np.float32)) if dataset.encode else (raw - dataset.x_mean) / dataset.x_scale
    if dataset.kind == "regression":
        y = np.array([(label - dataset.y_mean) / dataset.y_scale])
    else:
        label = int(np.clip(label, 0, dataset.classes - 1))
        y = np.array([label])
    dtype = trainer.network.dtype
    return x.astype(dtype), trainer.objective.targets(y, dtype), label


class _Trace:
    """What the layers compute on the way there (`into`, `out`) and back (`arriving`: dL/d out), layer by layer."""

    def __init__(self, trainer: Trainer, x: np.ndarray, t: np.ndarray) -> None:
        self.trainer, self.x, self.t = trainer, x, t
        network, objective = trainer.network, trainer.objective
        self.layers = network.layers
        self.draws = {name: rng.bit_generator.state for name, rng in network.rngs.items()}
        self.into, self.out = [], []
        for layer in self.layers:
            self.into.append(x)
            x = layer.forward(x, train=True)
            self.out.append(x)
        self.loss = float(objective.value(x, t))
        self.arriving: dict[int, Any] = {}
        gradient = objective.gradient(x, t)
        for number in range(len(self.layers) - 1, network.first - 1, -1):
            self.arriving[number] = gradient
            gradient = self.layers[number].backward(gradient)
        self.dense = [number for number, layer in enumerate(self.layers) if isinstance(layer, Dense)]

    def at(self, layer: int) -> Any:
        return self.layers[self.dense[layer]]

    def nearest(self, layer: int, source: int, target: int) -> tuple[int, int, int]:
        """A parameter that there is."""
        layer = int(np.clip(layer, 0, len(self.dense) - 1))
        dense = self.at(layer)
        return layer, int(np.clip(source, -1, dense.inputs - 1)), int(np.clip(target, 0, dense.units - 1))

    def answer(self, layer: int, source: int, target: int, first: int) -> tuple[dict, dict]:
        """Of every dense layer what stands in its table and in its formulas."""
        back = [self.arriving[number].sum(axis=0) for number in self.dense]
        focus = [target if k == layer else int(np.abs(delta).argmax()) for k, delta in enumerate(back)]
        kept = source if layer == 0 else -1
        shown = [_shown(self.into[self.dense[0]].mean(axis=0), kept, first)]
        for k, delta in enumerate(back):
            shown.append(_shown(delta, focus[k], first, source if k + 1 == layer else -1))
        stages, arrays = [], {"inputs": shown[0], "input": self.into[self.dense[0]].mean(axis=0)[shown[0]]}
        for k in range(len(self.dense)):
            facts, numbers = self._stage(k)
            units, dense = shown[k + 1], self.at(k)
            arrays |= {f"{k}.{name}": values[units] for name, values in numbers.items()}
            arrays |= {
                f"{k}.units": units,
                f"{k}.W": dense.W[np.ix_(shown[k], units)],
                f"{k}.b": dense.b[units],
                f"{k}.before": self.into[self.dense[k]].mean(axis=0),  # (I,) what arrives,
                f"{k}.column": dense.W[:, focus[k]].copy(),  # (I,) and the weights by which it reaches the focused unit
            }
            if k + 1 < len(self.dense):
                arrays[f"{k}.row"], arrays[f"{k}.back"] = self.at(k + 1).W[focus[k]].copy(), back[k + 1]  # (K,)
            place = int(np.flatnonzero(units == focus[k])[0])
            stages.append({**facts, "inputs": dense.inputs, "of": dense.units, "focus": focus[k], "place": place})
        number = self.dense[layer]
        arrays["each.a"] = np.ones(len(self.x)) if source < 0 else self.into[number][:, source]
        arrays["each.delta"] = self.arriving[number][:, target]
        objective = self.trainer.objective
        header = {"stages": stages, "layer": layer, "source": source, "target": target, "loss": self.loss}
        arrays["t"] = self.t.mean(axis=0)[: objective.units][shown[-1]]
        return header, arrays

    def _stage(self, k: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """A dense layer and what follows it until the next one. Each array is (O,)."""
        last = k + 1 == len(self.dense)
        number, stop = self.dense[k], len(self.layers) if last else self.dense[k + 1]
        facts: dict[str, Any] = {"activation": None, "norm": False, "dropout": False}
        numbers = {"u": self._value(number), "du": self._gradient(number)}
        numbers |= {"z": numbers["u"], "dz": numbers["du"]}
        for n in range(number + 1, stop):
            layer = self.layers[n]
            if isinstance(layer, BatchNorm):
                facts["norm"] = True
                numbers |= {"z": self._value(n), "dz": self._gradient(n)}
            elif isinstance(layer, Activation):
                z = self.into[n]
                facts["activation"] = layer.name
                slope = layer.function.backward(np.ones_like(z), z, self.out[n])
                numbers |= {"a": self._value(n), "da": self._gradient(n), "slope": slope.mean(axis=0)}
            elif isinstance(layer, Dropout):
                facts["dropout"] = True
                numbers |= {"mask": np.asarray(layer.mask).mean(axis=0), "kept": self._value(n)}
                numbers["dkept"] = self._gradient(n)
        if last:
            objective, z = self.trainer.objective, self.out[-1]
            y = objective.output.forward(z)
            numbers["y"] = y.mean(axis=0)
            if not objective.loss.on_logits:
                t, share = objective.split(self.t)
                numbers["dy"] = np.broadcast_to(objective.loss.gradient(y, t, share), y.shape).sum(axis=0)
        return facts, numbers

    def _value(self, number: int) -> np.ndarray:
        return self.out[number].mean(axis=0)

    def _gradient(self, number: int) -> np.ndarray:
        return self.arriving[number].sum(axis=0)

    def update(self, layer: int, source: int, target: int) -> dict[str, Any]:
        """The optimiser's step: the parameter and its slots before and after, and the loss after the step.

        Takes the step; nothing of the trace may be asked afterwards.
        """
        trainer, dense = self.trainer, self.at(layer)
        network, optimizer = trainer.network, trainer.optimizer
        view, place = (dense.b, (target,)) if source < 0 else (dense.W, (source, target))

        def of(flat: np.ndarray) -> float:
            return float(same_view(view, network.parameters, flat)[place])

        def slots() -> dict[str, float]:
            return {name: of(slot) for name, slot in optimizer.slots.items()}

        facts = {"parameter": of(network.parameters), "gradient": of(network.gradients), "slots": slots()}
        trainer.update(self.x)
        facts |= {"used": of(network.gradients), "after": of(network.parameters), "slots_after": slots()}
        facts |= {"rate": trainer.learning_rate, "t": optimizer.t, "optimizer": optimizer.name}
        if optimizer.weight_decay is not None:
            decayed = of(np.asarray(optimizer.decays))
            facts["decay"] = float(optimizer.weight_decay) * decayed
        for name, rng in network.rngs.items():  # the same units drop out again: only the weights differ
            rng.bit_generator.state = self.draws[name]
        facts["loss_after"] = float(trainer.objective.value(network.forward(self.x, train=True), self.t))
        return facts


def _shown(values: np.ndarray, focus: int, first: int, also: int = -1) -> np.ndarray:
    """Numbers of the units that are shown, in order: always those that the chosen parameter joins."""
    if len(values) <= SHOWN:
        return np.arange(len(values))
    must = {n for n in (focus, also) if n >= 0}
    start = min(max(first - 1, 0), len(values) - SHOWN)
    wanted = np.arange(start, start + SHOWN) if first > 0 else np.argsort(-np.abs(values), kind="stable")
    rest = [int(n) for n in wanted if n not in must]
    return np.array(sorted([*must, *rest[: SHOWN - len(must)]]))
