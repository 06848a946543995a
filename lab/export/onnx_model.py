"""The trained network as an ONNX model with scaling, layers and output function in one graph.

The package onnx is imported only here, when a model is exported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from data.recipe import Recipe
from lab.experiment.architecture import LayerSpec, architecture_of
from lab.export.common import ExportError
from lab.training.model_file import Model

OPSET, IR = 17, 8  # supported by every runtime since 2022
ACTIVATIONS: dict[str, tuple[tuple[str, dict[str, Any]], ...] | None] = {
    "relu": (("Relu", {}),), "leaky_relu": (("LeakyRelu", {"alpha": 0.01}),), "elu": (("Elu", {}),),
    "selu": (("Selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),), "softplus": (("Softplus", {}),),
    "tanh": (("Tanh", {}),), "sigmoid": (("Sigmoid", {}),), "linear": (("Identity", {}),), "sine": (("Sin", {}),),
    "gelu": None, "swish": None, "step": None,  # several nodes; see _activation
}  # fmt: skip
SINGLE_ONLY = ("Elu", "Selu", "Softplus", "Conv")  # computed in 32 bits, because onnxruntime has no others
EPSILON = 1e-5  # of batch normalization


class Graph:
    """Collects nodes and constants."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype, self.nodes, self.constants = dtype, [], []

    def constant(self, name: str, value: Any, dtype: Any = None) -> str:
        array = np.array(value, dtype or self.dtype, order="C")
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """A node; returns the name of its output."""
        if kind in SINGLE_ONLY and self.dtype == np.float64:
            single = [self._node("Cast", value, to=TensorProto.FLOAT) for value in inputs]
            return self._node("Cast", self._node(kind, *single, **attributes), name=name, to=TensorProto.DOUBLE)
        return self._node(kind, *inputs, name=name, **attributes)

    def _node(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{len(self.nodes)}", **attributes))
        return output


def onnx_model(model: Model) -> bytes:
    """The model of a file or a run (lab/training/model_file.py) as ONNX bytes.

    Input `raw` (N, D): the examples in their own units (features of the plane, table columns, pixels 0 to 255). A word
    of a table is 1 in the input of its name, of the metadata entry "features", and 0 in the others of its column; a gap
    is NaN in all inputs of its column, and filled as in training. The metadata entry "recipe" says how as well.
    Output `probabilities` (N, classes), or `value` (N, 1) in the units of the data for regression. It computes in the
    precision of the experiment except in SINGLE_ONLY.
    """
    e, arrays = model.experiment, model.arrays
    dtype = np.dtype(e.dtype)
    graph = Graph(dtype)
    if e.scaling == "per_image":
        raise ExportError("An ONNX model of pictures that are scaled one by one is not covered; other scalings are.")
    x = _scaled(graph, arrays, model.recipe)
    for spec in architecture_of(e).layers:
        x = _layer(graph, spec, arrays, x)
    classify = e.source.kind == "classification"
    answer = _probabilities(graph, x, e.outputs) if classify else _value(graph, x, e.output_name, arrays)
    width = max(2, e.outputs) if classify else 1
    return _finished(graph, answer, arrays["data.x_mean"].size, width, model)


def _scaled(graph: Graph, arrays: dict[str, np.ndarray], recipe: Recipe) -> str:
    """Gaps filled, and scaling in float64, like that of the data set; float32 would be inexact in the last digits."""
    wide = graph.add("Cast", "raw", to=TensorProto.DOUBLE)
    if recipe.columns[0].fill is not None:
        row = recipe.encode([np.array([-1 if each.categories else np.nan]) for each in recipe.columns])
        wide = graph.add("Where", graph.add("IsNaN", wide), graph.constant("gap", row, np.float64), wide)
    centered = graph.add("Sub", wide, graph.constant("mean", arrays["data.x_mean"], np.float64))
    scaled = graph.add("Div", centered, graph.constant("scale", arrays["data.x_scale"], np.float64))
    return graph.add("Cast", graph.add("Cast", scaled, to=TensorProto.FLOAT), to=_kind(graph.dtype))


def _kind(dtype: np.dtype) -> int:
    return helper.np_dtype_to_tensor_dtype(dtype)


def _layer(graph: Graph, spec: LayerSpec, arrays: dict[str, np.ndarray], x: str) -> str:
    """The nodes of a layer; x and the result are names of values."""

    def saved(name: str, turn: Callable[[np.ndarray], np.ndarray] = lambda array: array) -> str:
        return graph.constant(f"layer{spec.name}.{name}", turn(arrays[f"network.{spec.name}.{name}"]))

    settings = spec.settings
    match spec.kind:
        case "image":
            shape = (-1, settings["channels"], settings["height"], settings["width"])
            return graph.add("Reshape", x, graph.constant("picture", shape, np.int64))
        case "conv":
            return graph.add("Conv", x, saved("W", lambda W: W.transpose(3, 2, 0, 1)), saved("b"))
        case "max_pool":
            return graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        case "flatten":
            return graph.add("Flatten", graph.add("Transpose", x, perm=[0, 2, 1, 3]))
        case "dense":
            return graph.add("Add", graph.add("MatMul", x, saved("W")), saved("b"))
        case "batch_norm":
            parts = map(saved, ("gamma", "beta", "mean", "variance"))
            return graph.add("BatchNormalization", x, *parts, epsilon=EPSILON)
        case "activation":
            return _activation(graph, settings["name"], x)
        case "dropout":
            return x  # only in training
        case "residual":
            y = x
            for inner in spec.layers:
                y = _layer(graph, inner, arrays, y)
            return graph.add("Add", x, y)
    raise ExportError(f"An ONNX model does not cover layers of the kind {spec.kind}.")


def _activation(graph: Graph, name: str, z: str) -> str:
    simple = ACTIVATIONS[name]
    if simple:
        return graph.add(simple[0][0], z, **simple[0][1])
    number = len(graph.nodes)
    constant = lambda label, value: graph.constant(f"{name}_{label}_{number}", value)  # noqa: E731
    if name == "swish":
        return graph.add("Mul", z, graph.add("Sigmoid", z))
    if name == "step":
        return graph.add("Cast", graph.add("Greater", z, constant("zero", 0)), to=_kind(graph.dtype))
    cube = graph.add("Mul", graph.add("Mul", z, z), z)  # GELU in its tanh form
    inner = graph.add("Add", z, graph.add("Mul", cube, constant("cubic", 0.044715)))
    tanh = graph.add("Tanh", graph.add("Mul", inner, constant("root", np.sqrt(2 / np.pi))))
    half = graph.add("Mul", z, constant("half", 0.5))
    return graph.add("Mul", half, graph.add("Add", tanh, constant("one", 1)))


def _probabilities(graph: Graph, z: str, outputs: int) -> str:
    if outputs > 1:
        return graph.add("Softmax", z, name="probabilities", axis=1)
    second = graph.add("Sigmoid", z)
    first = graph.add("Sub", graph.constant("one", 1), second)
    return graph.add("Concat", first, second, name="probabilities", axis=1)


def _value(graph: Graph, z: str, output: str, arrays: dict[str, np.ndarray]) -> str:
    mean, scale = arrays["data.y_mean_and_scale"]
    y = _activation(graph, output, z)
    return graph.add(
        "Add", graph.add("Mul", y, graph.constant("y_scale", scale)), graph.constant("y_mean", mean), name="value"
    )


def _finished(graph: Graph, answer: str, inputs: int, outputs: int, model: Model) -> bytes:
    kind = _kind(graph.dtype)
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "backprop_playground",
            [helper.make_tensor_value_info("raw", kind, ["N", inputs])],
            [helper.make_tensor_value_info(answer, kind, ["N", outputs])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="Backprop Playground",
    )
    metadata = {name: json.dumps(model.metadata.get(name, [])) for name in ("features", "classes", "recipe")}
    helper.set_model_props(made, metadata | {"experiment": model.metadata["experiment"]})
    checker.check_model(made, full_check=True)
    return made.SerializeToString()
