"""The text of one kernel of a step: expressions spelled out line by line, and the parameters that they need."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.gpu import cuda
from engine.gpu.cuda import Launch
from engine.lowering.sketch import ELEMENTWISE, ROWS, Node, Shape

if TYPE_CHECKING:
    from engine.lowering.fusion import Plan


class Scope:
    """Lines in which every value that was spelled out has a name.

    outer: what stands around it, if this is a loop along row i. flat: the shape of which t is the number of an element.
    """

    def __init__(self, outer: Scope | None = None, flat: Shape | None = None) -> None:
        self.outer, self.flat = outer, flat
        self.lines: list[str] = []
        self.names: dict[Node, str] = {}


class Writer:
    """Collects the parameters of one kernel while its values are spelled out.

    Sizes are parameters too, so that networks of other sizes use the kernels that are compiled already.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan, self.values = plan, 0
        self.parameters: list[str] = []
        self.arguments: list[Any] = []
        self.known: dict[Any, str] = {}

    # Parameters ------------------------------------------------------------------------------------------------------

    def given(self, declaration: str, *arguments: Any) -> str:
        """Parameters under names of their own; returns the name of the last."""
        self.parameters.append(declaration)
        self.arguments += arguments
        return re.findall(r"\w+", declaration)[-1]

    def named(self, key: tuple, kind: str, argument: Any) -> str:
        """A parameter under a name that is made up, the same for the same key."""
        if key not in self.known:
            self.known[key] = self.given(f"{kind}{key[0]}{len(self.known)}", argument)
        return self.known[key]

    def size(self, number: int) -> str:
        return self.named(("n", number), "int ", np.int32(number))

    def kind(self, array: Any) -> str:
        return "real" if array.dtype == self.plan.dtype else "unsigned char"

    def looked_up(self, array: Any, element: str) -> str:
        """An element; of bytes the shade that it stands for."""
        if array.dtype == self.plan.dtype:
            return element
        return f"{self.named(('shades',), 'const real *', self.plan.shades)}[{element}]"

    def element(self, name: str, array: Any) -> str:
        """A whole array under this name; returns how its element at a place {} is read."""
        self.given(f"const {self.kind(array)} *{name}", array)
        return self.looked_up(array, f"{name}[{{}}]")

    def out(self, array: Any) -> str:
        return self.named(("o", array.data.ptr), "real *", array)

    def place(self, array: Any, scope: Scope) -> str:
        """Where the element at row i and column j stands; a single row or column is the same for all."""
        (rows, columns), (down, right) = array.shape, (stride // array.itemsize for stride in array.strides)
        if array.shape == scope.flat and (right == 1 or columns == 1) and (down == columns or rows == 1):
            return "t"
        terms = [f"i * {self.size(down)}"] if rows > 1 else []
        terms += [] if columns == 1 else ["j" if right == 1 else f"j * {self.size(right)}"]
        return " + ".join(terms) or "0"

    # Values ----------------------------------------------------------------------------------------------------------

    def value(self, node: Node, scope: Scope) -> str:
        """The name under which a node's element stands in this scope."""
        if scope.outer is not None and node.shape[1] == 1:
            scope = scope.outer
        if node not in scope.names:
            text = self.spelled(node, scope)
            self.values += 1
            scope.names[node] = f"v{self.values}"
            scope.lines.append(f"real v{self.values} = {text};")
        return scope.names[node]

    def spelled(self, node: Node, scope: Scope) -> str:
        array = node.what if node.op == "load" else self.plan.memory.get(node)
        if array is not None:
            name = self.named(("a", array.data.ptr), f"const {self.kind(array)} *", array)
            return self.looked_up(array, f"{name}[{self.place(array, scope)}]")
        if node.op == "literal":
            return f"real({node.what!r})"
        if node.op == "number":
            numbers = self.named(("numbers",), "const double *", self.plan.numbers)
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
        """Lines that write values to where they belong."""
        names = [self.value(node, scope) for node, _ in outs]
        return [f"{self.out(array)}[{self.place(array, scope)}] = {name};"
                for name, (_, array) in zip(names, outs, strict=True)]  # fmt: skip

    def placed(self, lines: list[str], columns: int) -> list[str]:
        """Before them what they need of row i and column j, where they count elements t."""
        text = "\n".join(lines)
        words = (("i", "/"), ("j", "%"))
        return [f"int {word} = t {sign} {self.size(columns)};" for word, sign in words
                if re.search(rf"\b{word}\b", text)] + lines  # fmt: skip

    # The whole -------------------------------------------------------------------------------------------------------

    def each(self, name: str, body: list[str], count: int, index: str = "t") -> Launch:
        self.given("int count", np.int32(count))
        blocks = max(1, min(cuda.BLOCKS, -(-count // cuda.THREADS)))
        return self.launch(name, lambda parameters: cuda.each(name, parameters, body, index), blocks)

    def launch(self, name: str, write: Callable[[str], str], blocks: int) -> Launch:
        source = cuda.prelude(self.plan.dtype) + write(", ".join(self.parameters))
        return Launch(source, name, blocks, tuple(self.arguments))
