"""One training step in detail, with every number of the chain rule for a chosen parameter.

The engine takes a normal step; its values are recorded, and everything is restored afterwards. Values are means over
the points of a batch. Gradients are sums over them, because each gradient already includes the weight of its point in
the mean loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.network.observe import observe
from engine.training.diagnostics import undisturbed
from engine.training.gradient_check import same_view
from engine.training.trainer import Trainer
from lab.experiment.architecture import Architecture, Block, LayerSpec, architecture_of
from lab.training.run import Run

MAX_SHOWN_UNITS = 12  # of a layer: the strongest ones, or those from a chosen number
MAX_POINTS = 256  # a larger batch is truncated
POINT_SOURCES = ("train", "test", "batch", "typed")


def one_step(run: Run, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """The next training step on one point or one batch, for one parameter.

    options: part, one of POINT_SOURCES; number, of the point in it; label, of a typed point, a class number or a value
    in its units; layer, source, target, the parameter as in Run.edit, without a source the weight with the largest
    gradient; first, the first displayed unit, counted from 1,
    or 0 for the strongest. arrays: x (D,), a typed point in raw units (plane coordinates, or one number per input).
    Numbers out of range are clipped. Raises ValueError for a typed point of another shape.
    """
    trainer, dataset = run.trainer, run.dataset
    part = options["part"] if options["part"] in POINT_SOURCES else "train"
    if run.experiment.batch_norm:
        part = "batch"  # a single point has a standard deviation of zero
    x, t, label = _points(run, part, options, arrays)
    with undisturbed(trainer):
        step = _Step(trainer, architecture_of(run.experiment), x, t)
        layer, source, target = step.parameter(*(options[name] for name in ("layer", "source", "target")))
        header, seen = step.answer(layer, source, target, int(options["first"]))
        header["update"] = step.update(layer, source, target)
    raw = x.mean(axis=0) * dataset.x_scale + dataset.x_mean
    header |= {
        "part": part,
        "label": label,
        "points": len(x),
        "batch": len(trainer.batch) or trainer.batch_size,
        "step": trainer.steps,
        "names": list(dataset.shown_feature_names),
        "front": bool(run.experiment.conv),  # the input here is the output of convolutions
    }
    if dataset.image_shape:
        seen["picture"] = raw.reshape(dataset.image_shape).astype(np.float32)
    return header, seen | {"raw": raw, "standardized": x.mean(axis=0)}


def _points(run: Run, part: str, options: Mapping[str, Any], arrays: Mapping) -> tuple[np.ndarray, np.ndarray, Any]:
    """x (N, D), targets (N, O) and, for a single point, its label: a class number, or a value in its units."""
    trainer, dataset = run.trainer, run.dataset
    if part == "batch":
        rows = latest_batch(trainer)
        return trainer.x_train[rows], trainer.t_train[rows], None
    if part == "typed":
        return _typed(run, arrays["x"], options["label"])
    x, t, y = trainer.data.parts.get(part, trainer.data.train)
    n = int(np.clip(int(options["number"]), 0, len(x) - 1))
    return x[n : n + 1], t[n : n + 1], (dataset.to_units(y[n]) if dataset.kind == "regression" else y[n]).item()


def latest_batch(trainer: Trainer) -> np.ndarray:
    """Sample numbers (n,) of the latest batch or, before the first step, of as many samples; n <= MAX_POINTS."""
    return (trainer.batch if len(trainer.batch) else np.arange(trainer.batch_size))[:MAX_POINTS]


def _typed(run: Run, raw: np.ndarray, label: float) -> tuple[np.ndarray, np.ndarray, Any]:
    trainer, dataset = run.trainer, run.dataset
    width = 2 if dataset.encode else len(dataset.x_mean)
    if np.shape(raw) != (width,) or not np.isfinite([*raw, label]).all():
        raise ValueError(f"A typed point needs {width} finite numbers and a label.")
    raw = np.asarray(raw, np.float64)[None]
    x = dataset.encode(raw.astype(np.float32)) if dataset.encode else (raw - dataset.x_mean) / dataset.x_scale
    if dataset.kind == "regression":
        y = np.array([(label - dataset.y_mean) / dataset.y_scale])
    else:
        label = int(np.clip(label, 0, dataset.classes - 1))
        y = np.array([label])
    dtype = trainer.network.dtype
    return x.astype(dtype), trainer.objective.targets(y, dtype), label


class _Step:
    """Forward and backward pass on some points. seen: the values of the layers."""

    def __init__(self, trainer: Trainer, architecture: Architecture, x: np.ndarray, t: np.ndarray) -> None:
        self.trainer, self.blocks, self.x, self.t = trainer, architecture.dense, x, t
        network, objective = trainer.network, trainer.objective
        self.generator_states = {name: rng.bit_generator.state for name, rng in network.rngs.items()}
        with observe(network) as self.seen:
            self.z = network.forward(x, train=True)
            network.backward(objective.gradient(self.z, t))
        self.loss = float(objective.value(self.z, t))

    def layer(self, k: int) -> Any:
        """The dense layer of block k."""
        return self.trainer.network[self.blocks[k].weights.name]

    def parameter(self, layer: int, source: int | None, target: int | None) -> tuple[int, int, int]:
        """These numbers, each clipped to its range; without a source, the layer's weight with the largest gradient."""
        layer = int(np.clip(int(layer), 0, len(self.blocks) - 1))
        dense, network = self.layer(layer), self.trainer.network
        if source is None or target is None:
            gradients = np.abs(same_view(dense.W, network.parameters, network.gradients))
            row, column = divmod(int(gradients.argmax()), dense.units)
            return layer, row, column
        return layer, int(np.clip(int(source), -1, dense.inputs - 1)), int(np.clip(int(target), 0, dense.units - 1))

    def answer(self, layer: int, source: int, target: int, first: int) -> tuple[dict, dict]:
        """The table and the numbers of the formulas of every dense layer."""
        dense = [block.weights for block in self.blocks]
        inputs = [self.seen.inputs[spec.name].mean(axis=0) for spec in dense]
        back = [self._gradient(spec) for spec in dense]
        focus = [target if k == layer else int(np.abs(delta).argmax()) for k, delta in enumerate(back)]
        shown = [_shown(inputs[0], source if layer == 0 else -1, first)]
        for k, delta in enumerate(back):
            shown.append(_shown(delta, focus[k], first, source if k + 1 == layer else -1))
        stages, arrays = [], {"inputs": shown[0], "input": inputs[0][shown[0]]}
        for k, block in enumerate(self.blocks):
            stage, numbers = self._stage(block)
            units, W, b = shown[k + 1], self.layer(k).W, self.layer(k).b
            arrays |= {f"{k}.{name}": values[units] for name, values in numbers.items()}
            arrays |= {
                f"{k}.units": units,
                f"{k}.W": W[np.ix_(shown[k], units)],
                f"{k}.b": b[units],
                f"{k}.before": inputs[k],  # (I,) the inputs of the layer
                f"{k}.column": W[:, focus[k]].copy(),  # (I,) their weights into the focused unit
            }
            if k + 1 < len(self.blocks):
                arrays[f"{k}.row"], arrays[f"{k}.back"] = self.layer(k + 1).W[focus[k]].copy(), back[k + 1]  # (K,)
                if skip := self.blocks[k + 1].find("residual"):
                    arrays[f"{k}.around"] = self._gradient(skip)[units]  # gradient through the skip connection
            place = int(np.flatnonzero(units == focus[k])[0])
            stages.append({**stage, "inputs": len(W), "of": block.units, "focus": focus[k], "place": place})
        each = self.seen.inputs[dense[layer].name]
        arrays["each.a"] = np.ones(len(self.x)) if source < 0 else each[:, source]
        arrays["each.delta"] = self.seen.output_gradients[dense[layer].name][:, target]
        arrays["t"] = self.t.mean(axis=0)[: self.trainer.objective.units][shown[-1]]
        return {"stages": stages, "layer": layer, "source": source, "target": target, "loss": self.loss}, arrays

    def _stage(self, block: Block) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Numbers of one dense layer and the layers after it, up to the next dense one. Each array is (O,)."""
        norm, activation, dropout = (block.find(kind) for kind in ("batch_norm", "activation", "dropout"))
        numbers = {"u": self._value(block.weights), "du": self._gradient(block.weights)}
        summed = norm or block.weights
        numbers |= {"z": self._value(summed), "dz": self._gradient(summed)}
        if activation:
            z, layer = self.seen.inputs[activation.name], self.trainer.network[activation.name]
            slope = layer.function.backward(np.ones_like(z), z, self.seen.outputs[activation.name])
            numbers |= {"a": self._value(activation), "da": self._gradient(activation), "slope": slope.mean(axis=0)}
        if dropout:
            numbers["mask"] = np.asarray(self.trainer.network[dropout.name].mask).mean(axis=0)
            numbers |= {"kept": self._value(dropout), "dkept": self._gradient(dropout)}
        if skip := block.find("residual"):
            numbers |= {"added": self.seen.inputs[skip.name].mean(axis=0), "sum": self._value(skip)}
        if block is self.blocks[-1]:
            numbers |= self._output()
        kinds = {"norm": bool(norm), "dropout": bool(dropout), "skip": bool(skip)}
        return {"title": block.title, "activation": block.activation, **kinds}, numbers

    def _output(self) -> dict[str, np.ndarray]:
        """Outputs (O,), and the gradient with respect to them unless the loss is defined on logits."""
        objective = self.trainer.objective
        y = objective.output.forward(self.z)
        if objective.loss.on_logits:
            return {"y": y.mean(axis=0)}
        t, share = objective.split(self.t)
        return {
            "y": y.mean(axis=0),
            "dy": np.broadcast_to(objective.loss.gradient(y, t, share), y.shape).sum(axis=0),
        }

    def _value(self, layer: LayerSpec) -> np.ndarray:
        """(O,) mean output."""
        return self.seen.outputs[layer.name].mean(axis=0)

    def _gradient(self, layer: LayerSpec) -> np.ndarray:
        """(O,) gradient of the loss with respect to the output."""
        return self.seen.output_gradients[layer.name].sum(axis=0)

    def update(self, layer: int, source: int, target: int) -> dict[str, Any]:
        """The optimizer's step: the parameter and its slots before and after, and the loss after the step.

        Changes the trainer, so it must be called last.
        """
        trainer, dense = self.trainer, self.layer(layer)
        network, optimizer = trainer.network, trainer.optimizer
        view, place = (dense.b, (target,)) if source < 0 else (dense.W, (source, target))

        def of(flat: np.ndarray) -> float:
            return float(same_view(view, network.parameters, flat)[place])

        def slots() -> dict[str, float]:
            return {name: of(slot) for name, slot in optimizer.slots.items()}

        found = {"parameter": of(network.parameters), "gradient": of(network.gradients), "slots": slots()}
        trainer.update(self.x)
        found |= {"used": of(network.gradients), "after": of(network.parameters), "slots_after": slots()}
        found |= {"rate": trainer.learning_rate, "t": optimizer.t, "optimizer": optimizer.name}
        if optimizer.weight_decay is not None:
            decayed = of(np.asarray(optimizer.decays))
            found["decay"] = float(optimizer.weight_decay) * decayed
        for name, rng in network.rngs.items():  # so that the same units drop out
            rng.bit_generator.state = self.generator_states[name]
        found["loss_after"] = float(trainer.objective.value(network.forward(self.x, train=True), self.t))
        return found


def _shown(values: np.ndarray, focus: int, first: int, also: int = -1) -> np.ndarray:
    """Sorted numbers of the displayed units, including `focus` and `also`."""
    if len(values) <= MAX_SHOWN_UNITS:
        return np.arange(len(values))
    must = {n for n in (focus, also) if n >= 0}
    start = min(max(first - 1, 0), len(values) - MAX_SHOWN_UNITS)
    wanted = np.arange(start, start + MAX_SHOWN_UNITS) if first > 0 else np.argsort(-np.abs(values), kind="stable")
    rest = [int(n) for n in wanted if n not in must]
    return np.array(sorted([*must, *rest[: MAX_SHOWN_UNITS - len(must)]]))
