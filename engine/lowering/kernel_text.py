"""The text of one kernel of a step: its expressions line by line, and their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.lowering.sketch import ELEMENTWISE, ROWS, Node, Shape
from engine.lowering.target import Launch, Target


class Layout(NamedTuple):
    """Where a kernel finds its values. memory: computed nodes -> their arrays."""

    dtype: np.dtype
    levels: Any  # (256,) on the device: the values that bytes encode, or None
    numbers: Any  # on the device: numbers that vary from step to step; the first is the index of the current ones
    memory: Mapping[Node, Any]
    target: Target


class Scope:
    """Lines of a kernel, with names for the computed values.

    outer: the surrounding scope, if this is a loop along row i. flat: the shape whose elements are numbered by t.
    """

    def __init__(self, outer: Scope | None = None, flat: Shape | None = None) -> None:
        self.outer, self.flat = outer, flat
        self.lines: list[str] = []
        self.names: dict[Node, str] = {}


class Writer:
    """Writes one kernel and collects its parameters.

    Sizes are parameters, so that networks of other sizes reuse compiled kernels.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout, self.values = layout, 0
        self.parameters: list[str] = []
        self.arguments: list[Any] = []
        self.known: dict[Any, str] = {}

    # Parameters ------------------------------------------------------------------------------------------------------

    def given(self, declaration: str, *arguments: Any) -> str:
        """Add declared parameters; returns the name of the last."""
        self.parameters.append(declaration)
        self.arguments += arguments
        return declaration.split()[-1].lstrip("*")

    def named(self, key: tuple, kind: str, argument: Any) -> str:
        """A parameter with a generated name, one for each key."""
        if key not in self.known:
            self.known[key] = self.given(f"{kind}{key[0]}{len(self.known)}", argument)
        return self.known[key]

    def size(self, number: int) -> str:
        """A size, each with a parameter of its own, so that the text does not depend on which sizes are equal."""
        return self.given(f"int n{len(self.parameters)}", np.int32(number))

    def literal(self, number: float) -> str:
        inline = self.layout.target.INLINE_LITERALS
        if inline is None or number in inline:
            return f"real({number!r})"
        return f"real({self.given(f'double c{len(self.parameters)}', np.float64(number))})"

    def kind(self, array: Any) -> str:
        return "real" if array.dtype == self.layout.dtype else "unsigned char"

    def looked_up(self, array: Any, element: str) -> str:
        """The expression of an element, or of the level that a byte encodes."""
        if array.dtype == self.layout.dtype:
            return element
        return f"{self.named(('levels',), 'const real *', self.layout.levels)}[{element}]"

    def element(self, name: str, array: Any) -> str:
        """Add an array with this name; returns the expression of its element at index {}."""
        self.given(f"const {self.kind(array)} *{name}", array)
        return self.looked_up(array, f"{name}[{{}}]")

    def out(self, array: Any) -> str:
        return self.named(("o", array.data.ptr), "real *", array)

    def place(self, array: Any, scope: Scope) -> str:
        """The index of the element at row i and column j; a single row or column is broadcast."""
        (rows, columns), (down, right) = array.shape, (stride // array.itemsize for stride in array.strides)
        if array.shape == scope.flat and (right == 1 or columns == 1) and (down == columns or rows == 1):
            return "t"
        terms = [f"i * {self.size(down)}"] if rows > 1 else []
        terms += [] if columns == 1 else ["j" if right == 1 else f"j * {self.size(right)}"]
        return " + ".join(terms) or "0"

    # Values ----------------------------------------------------------------------------------------------------------

    def value(self, node: Node, scope: Scope) -> str:
        """The name of a node's element in this scope."""
        if scope.outer is not None and node.shape[1] == 1:
            scope = scope.outer
        if node not in scope.names:
            text = self.expression(node, scope)
            self.values += 1
            scope.names[node] = f"v{self.values}"
            scope.lines.append(f"real v{self.values} = {text};")
        return scope.names[node]

    def expression(self, node: Node, scope: Scope) -> str:
        array = node.what if node.op == "load" else self.layout.memory.get(node)
        if array is not None:
            name = self.named(("a", array.data.ptr), f"const {self.kind(array)} *", array)
            return self.looked_up(array, f"{name}[{self.place(array, scope)}]")
        if node.op == "literal":
            return self.literal(node.what)
        if node.op == "number":
            numbers = self.named(("numbers",), "const double *", self.layout.numbers)
            return f"real({numbers}[(int){numbers}[0] + {node.what}])"
        if node.op in ROWS:
            return self.looped(node, scope)
        return ELEMENTWISE[node.op].format(*(self.value(argument, scope) for argument in node.args))

    def looped(self, node: Node, scope: Scope) -> str:
        """A sum or a maximum along a row."""
        (operand,), inner = node.args, Scope(scope)
        value, name = self.value(operand, inner), f"r{len(scope.lines)}"
        start, step = ROWS[node.op]
        loop = " ".join([*inner.lines, f"{name} = {step.format(name, value)};"])
        scope.lines.append(f"real {name} = {start};")
        scope.lines.append(f"for (int j = 0; j < {self.size(operand.shape[1])}; j++) {{ {loop} }}")
        return name

    def results(self, outs: list[tuple[Node, Any]], scope: Scope) -> list[str]:
        """Lines that store values."""
        names = [self.value(node, scope) for node, _ in outs]
        return [f"{self.out(array)}[{self.place(array, scope)}] = {name};"
                for name, (_, array) in zip(names, outs, strict=True)]  # fmt: skip

    # Launches --------------------------------------------------------------------------------------------------------

    def each_row(self, body: list[str], rows: int) -> Launch:
        return self._each("rows", body, rows, "i", "")

    def each_element(self, body: list[str], shape: Shape) -> Launch:
        is_placed = re.search(r"\b[ij]\b", "\n".join(body))
        return self._each("map", body, shape[0] * shape[1], "t", self.size(shape[1]) if is_placed else "")

    def _each(self, name: str, body: list[str], count: int, index: str, columns: str) -> Launch:
        self.given("int count", np.int32(count))
        target = self.layout.target
        blocks = target.blocks(count)
        return self.launch(name, lambda parameters: target.each(name, parameters, body, index, columns), blocks)

    def launch(self, name: str, write: Callable[[str], str], blocks: int) -> Launch:
        source = self.layout.target.prelude(self.layout.dtype) + write(", ".join(self.parameters))
        return Launch(source, name, blocks, tuple(self.arguments))
