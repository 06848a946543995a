"""A sketch of a training step: its formulas as a graph of operations on two-dimensional arrays, not computed yet.

Arrays of more axes, such as maps (H, C, W, N), count as (H C W, N).

Given `Symbol`s instead of arrays, the formulas of layers, losses and optimizers record their operations and the memory
on the device that these would change. fusion.py turns the graph into a few kernels. Operations that a sketch cannot
express raise Unsketchable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from engine.formulas.tracing import Recorded

ELEMENTWISE = {  # NumPy's name -> C expression; `real`, larger, smaller, side and above are defined by the target
    "absolute": "fabs({})", "add": "{} + {}", "cos": "cos({})", "divide": "{} / {}", "equal": "real({} == {})",
    "exp": "exp({})", "greater": "real({} > {})", "greater_equal": "real({} >= {})", "heaviside": "above({}, {})",
    "less": "real({} < {})", "log": "log({})", "log1p": "log1p({})", "maximum": "larger({}, {})",
    "minimum": "smaller({}, {})", "multiply": "{} * {}", "negative": "-{}", "sign": "side({})", "sin": "sin({})",
    "sqrt": "sqrt({})", "subtract": "{} - {}", "tanh": "tanh({})",
}  # fmt: skip
ROWS = {
    "row_sum": ("0", "{} + {}"),
    "row_max": ("-real(3e38)", "larger({}, {})"),
}  # initial value, and the operation for each element
MAX_ELEMENTS = 2**31 - 1  # of an array: indices are 32-bit integers
Shape = tuple[int, int]


class Unsketchable(TypeError):
    """The step has an operation that a sketch cannot express, so it must run operation by operation."""


class Node:
    """One operation. Nodes are compared by identity.

    op: a name in ELEMENTWISE, or one of
        load      an array on the device after the first `when` stores
        number    of the host, sent for each step; what: its index, from 1
        literal   a constant
        product   of two factors; what: whether each of them is transposed
        row_sum, row_max      of every row (R, C) -> (R, 1)
        column_sum, whole_sum (R, C) -> (1, C) or (1, 1)
        operation on whole arrays; what: an `Operation`
    """

    __slots__ = ("args", "op", "shape", "what", "when")

    def __init__(self, op: str, shape: Shape, args: tuple[Node, ...] = (), what: Any = None, when: int = 0) -> None:
        if shape[0] * shape[1] > MAX_ELEMENTS:
            raise Unsketchable("an array has more elements than a kernel can count")
        self.op, self.shape, self.args, self.what, self.when = op, shape, args, what, when


class Operation(NamedTuple):
    """An operation on whole arrays, as `tracing.kernel` marks it, which a target has a kernel for.

    sizes: the axes of its arrays, then its numbers; scratch: the numbers that it needs memory for. write: (name,
    parameters, names of the arrays, names of the sizes) -> text of the kernel
    """

    name: str
    sizes: tuple[int, ...]
    scratch: int
    write: Callable[[str, str, Sequence[str], Sequence[str]], str]


class Store:
    """The value of a node is written to an array (R, C) on the device."""

    __slots__ = ("array", "node")

    def __init__(self, array: Any, node: Node) -> None:
        self.array, self.node = array, node


class Sketch:
    """The graph of a step: `stores` in order, `numbers` that vary from step to step, and `calls` for the host.

    device_array: the class of arrays on the device. dtype: of all computed values. levels: the values (256,) on the
    device that bytes encode.
    """

    def __init__(self, device_array: type, dtype: np.dtype, levels: Any = None) -> None:
        self.device_array, self.dtype, self.levels = device_array, dtype, levels
        self.stores: list[Store] = []
        self.loads: list[Node] = []
        self.numbers: list[np.ndarray] = []
        self.calls: list[tuple[Callable, tuple]] = []

    def wrap(self, array: Any) -> Symbol:
        if not isinstance(array, self.device_array):
            raise Unsketchable("an array of the host takes part in the step")
        return Symbol(self, array.shape, home=array)

    def call(self, function: Callable, *arguments: Any) -> Any:
        """Record the operations of a function on arrays of the device; without such arrays, a call for the host."""
        if any(isinstance(argument, self.device_array) for argument in arguments):
            sketched = [self.wrap(a) if isinstance(a, self.device_array) else a for a in arguments]
            return function(*sketched)
        self.calls.append((function, arguments))
        return function(*arguments)

    def kernel(self, name: str, shape: tuple, arguments: tuple) -> Any:
        """An operation on whole arrays with a result of this shape; only some targets have kernels for them."""
        raise Unsketchable(f"there is no kernel for {name}")

    def turned(self, node: Node) -> Node:
        """The transposed value of a node."""
        if node.op != "product":
            raise Unsketchable("a transposed value is not a factor of a product")
        (a, b), (turns_a, turns_b) = node.args, node.what
        return Node("product", node.shape[::-1], (b, a), (not turns_b, not turns_a))

    def read(self, array: Any) -> Node:
        """The current value of this memory: the latest store to it, or a load."""
        array = grid(array)
        for number in range(len(self.stores) - 1, -1, -1):
            store = self.stores[number]
            if same(store.array, array):
                return store.node
            if overlap(store.array, array):
                break
        for node in self.loads:
            if same(node.what, array) and not any(overlap(s.array, array) for s in self.stores[node.when :]):
                return node
        self.loads.append(Node("load", array.shape, what=array, when=len(self.stores)))
        return self.loads[-1]

    def store(self, array: Any, node: Node) -> None:
        array = grid(array)
        if array.shape != node.shape:
            raise Unsketchable("a value would be broadcast into memory of another shape")
        self.stores.append(Store(array, node))

    def node(self, value: Any) -> Node:
        if isinstance(value, Symbol):
            return value.node
        if isinstance(value, self.device_array):
            return self.read(value)
        if isinstance(value, np.ndarray) and value.ndim == 0:  # on the host, which may change it between two steps
            for index, known in enumerate(self.numbers):
                if known is value:
                    return Node("number", (1, 1), what=index + 1)
            self.numbers.append(value)
            return Node("number", (1, 1), what=len(self.numbers))
        if isinstance(value, (int, float, np.number)) and np.isfinite(value):
            return Node("literal", (1, 1), what=float(value))
        raise Unsketchable(f"{type(value).__name__} takes part in the step")

    def live_stores(self) -> list[Store]:
        """The stores that are not overwritten before they are read."""
        kept = []
        for number, store in enumerate(self.stores):
            later = next((n for n in range(number + 1, len(self.stores)) if same(self.stores[n].array, store.array)), 0)
            reads = (number < load.when <= later and overlap(load.what, store.array) for load in self.loads)
            if not later or any(reads):
                kept.append(store)
        return kept


class Symbol(Recorded, NDArrayOperatorsMixin):
    """An array of the step. home: the memory on the device that it represents; None for a value to be computed."""

    __slots__ = ("_node", "home", "shape", "tape", "transposed")
    __array_priority__ = 1000

    def __init__(
        self, tape: Sketch, shape: tuple, node: Node | None = None, home: Any = None, transposed=False
    ) -> None:
        self.tape, self.shape, self._node, self.home, self.transposed = tape, shape, node, home, transposed

    dtype = property(lambda self: self.tape.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: prod(self.shape))

    @property
    def node(self) -> Node:
        if self._node is None:
            return self.tape.read(self.home)
        node = self.tape.turned(self._node) if self.transposed else self._node
        if node.shape != grid_shape(self.shape):
            raise Unsketchable("the axes of maps are exchanged")
        return node

    @property
    def array(self) -> Any:
        raise Unsketchable("a value is read while it is sketched")

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def T(self) -> Symbol:  # noqa: N802  NumPy calls it so
        if self.home is not None:
            return self.tape.wrap(self.home.T)
        return Symbol(self.tape, self.shape[::-1], self._node, transposed=not self.transposed)

    def __getitem__(self, key: Any) -> Symbol:
        if self.home is None:
            raise Unsketchable("part of a value is taken")
        return self.tape.wrap(self.home[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        part, node = self[key], self.tape.node(value)
        if part.node is not node:  # `x[k] += y` has been recorded
            self.tape.store(part.home, node)

    def reshape(self, *shape: Any) -> Symbol:
        shape = shape[0] if isinstance(shape[0], tuple) else shape
        if self.home is not None:
            return self.tape.wrap(self.home.reshape(*shape))
        known = prod(length for length in shape if length != -1)
        shape = tuple(self.size // max(known, 1) if length == -1 else length for length in shape)
        node = self.node
        if grid_shape(shape) != node.shape:
            raise Unsketchable("a value is reshaped")
        return Symbol(self.tape, shape, node)

    def transpose(self, *axes: int) -> Symbol:
        raise Unsketchable("the axes of maps are exchanged")

    def sum(self, axis: Any = None, keepdims: bool = False, out: Any = None) -> Symbol:
        if axis == 1 and keepdims and self.ndim == 2:
            return self._row("row_sum")
        if axis == 0 and self.ndim == 2:
            total = Node("column_sum", (1, self.shape[1]), (self.node,))
            shape = (1, self.shape[1]) if keepdims else (self.shape[1],)
        elif axis is None:
            total, shape = Node("whole_sum", (1, 1), (self.node,)), ()
        else:
            raise Unsketchable(f"a sum over axis {axis}")
        if out is not None:
            self.tape.store(out, total)
        return Symbol(self.tape, shape, total)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Symbol:
        total = self.sum(axis, keepdims)
        return total * (total.size / self.size)

    def max(self, axis: Any = None, keepdims: bool = False) -> Symbol:
        if axis != 1 or not keepdims or self.ndim != 2:
            raise Unsketchable(f"a maximum over axis {axis}")
        return self._row("row_max")

    def _row(self, op: str) -> Symbol:
        rows, columns = self.shape
        return Symbol(self.tape, (rows, 1), self.node if columns == 1 else Node(op, (rows, 1), (self.node,)))

    def dot(self, other: Any) -> Symbol:
        if self.ndim != 1:
            raise Unsketchable("a dot product of matrices")
        return (self * other).sum()

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is not np.clip or options:
            raise Unsketchable(f"{function.__name__} is called")
        array, low, high, out = arguments
        return np.minimum(np.maximum(array, low), high, out=out)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or options:
            raise Unsketchable(f"{ufunc.__name__}.{method}")
        if ufunc is np.power and inputs[1] == 2:
            ufunc, inputs = np.multiply, (inputs[0], inputs[0])
        if ufunc is np.matmul:
            shape, node = self._product(*inputs)
        elif ufunc.__name__ in ELEMENTWISE:
            nodes = tuple(self.tape.node(value) for value in inputs)
            shapes = [np.shape(v) if np.isscalar(v) else v.shape for v in inputs]
            shape = np.broadcast_shapes(*shapes)
            if len(shape) > 2 and any(prod(other) > 1 and other != shape for other in shapes):
                raise Unsketchable("numbers are broadcast along maps")
            node = Node(ufunc.__name__, grid_shape(shape), nodes)
        else:
            raise Unsketchable(f"{ufunc.__name__} is called")
        if not out:
            return Symbol(self.tape, shape, node)
        (target,) = out
        if isinstance(target, Symbol) and target.home is None:
            target._node, target.transposed = node, False
        else:
            self.tape.store(target.home if isinstance(target, Symbol) else target, node)
        return target

    def _product(self, a: Any, b: Any) -> tuple[tuple[int, int], Node]:
        if len(a.shape) != 2 or len(b.shape) != 2:
            raise Unsketchable("a product of more than two axes")
        transposed = tuple(isinstance(factor, Symbol) and factor.transposed for factor in (a, b))
        factors = (a.T if transposed[0] else a), (b.T if transposed[1] else b)
        shape = (a.shape[0], b.shape[1])
        return shape, Node("product", shape, tuple(self.tape.node(factor) for factor in factors), transposed)


# Memory on the device ------------------------------------------------------------------------------------------------


def grid_shape(shape: tuple) -> Shape:
    """Rows and columns of an array with these axes."""
    *others, last = shape or (1,)
    return prod(others), last


def grid(array: Any) -> Any:
    """The same memory in rows and columns."""
    if array.ndim > 2 and not array.flags.c_contiguous:
        raise Unsketchable("arrays of more than two axes have gaps or are transposed")
    return array if array.ndim == 2 else array.reshape(grid_shape(array.shape))


def same(a: Any, b: Any) -> bool:
    """Whether two arrays (R, C) are the same part of the device's memory, in the same order."""
    strides = ([s for s, length in zip(array.strides, array.shape, strict=True) if length > 1] for array in (a, b))
    return a.shape == b.shape and a.data.ptr == b.data.ptr and next(strides) == next(strides)


def overlap(a: Any, b: Any) -> bool:
    """Whether two arrays may share memory; strides are not compared."""
    (a0, a1), (b0, b1) = ((array.data.ptr, array.data.ptr + _extent(array)) for array in (a, b))
    return a0 < b1 and b0 < a1


def _extent(array: Any) -> int:
    steps = ((length - 1) * stride for length, stride in zip(array.shape, array.strides, strict=True))
    return sum(steps) + array.itemsize if array.size else 0
