"""Fuses the sketch of a step into as few kernels as possible.

A value computed element by element needs neither memory nor a kernel of its own: it becomes part of the kernel that
reads it. The kernels of a step are its products, each with the following elementwise operations (bias, activation,
penalty), one for values that depend on whole rows (softmax), sums over samples, and one update of all parameters.
Operations on maps, which a target writes itself, are kernels of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

import numpy as np

from engine.lowering.kernel_text import Layout, Scope, Writer
from engine.lowering.sketch import (
    ELEMENTWISE,
    MAX_ELEMENTS,
    ROWS,
    Node,
    Shape,
    Sketch,
    Store,
    Unsketchable,
    overlap,
    same,
)
from engine.lowering.target import Launch, Target

SUMS = ("column_sum", "whole_sum")
KERNELS = (*SUMS, "product", "operation")  # that need a kernel of their own


class Plan:
    """The `launches` that carry out a sketch.

    allocate: (R, C) -> unused memory on the device; numbers: array of numbers that vary from step to step.
    Raises Unsketchable if the order of the stores does not allow kernels.
    """

    def __init__(self, sketch: Sketch, allocate: Callable[[Shape], Any], numbers: Any, target: Target) -> None:
        self.allocate, self.target = allocate, target
        self.launches: list[Launch] = []
        self.memory: dict[Node, Any] = {}  # where a computed value is stored
        self.layout = Layout(sketch.dtype, sketch.levels, numbers, self.memory, target)
        self.turn = {store: number for number, store in enumerate(sketch.stores)}
        self.pending = sketch.live_stores()
        everything = upstream([store.node for store in self.pending])
        self.factors = {factor for node in everything if node.op in ("product", "operation") for factor in node.args}
        while self.pending:
            self.fulfil(self.pending[0])

    # Order -----------------------------------------------------------------------------------------------------------

    def fulfil(self, store: Store) -> None:
        """Add the launches for this store and for others that share its kernel."""
        node = store.node
        while waiting := self.waiting(node):
            others = [n for n in waiting if n is not node]
            if node.op == "column_sum" and (above := self.above(store)):
                return self.multiply(*above)
            if product := next((n for n in waiting if n.op == "product" and self.follows(node, n)), None):
                return self.multiply(product, store)
            if node.op in SUMS and not others and self.simple(node.args[0]):
                return self.add_up(node, store)
            if node.op == "operation" and not others:
                return self.operate(node, store)
            self.make(others[-1] if others else node if node.op == "product" else node.args[0])
        together = [store]
        for other in self.pending[self.pending.index(store) + 1 :]:
            if other.node.shape != node.shape or self.waiting(other.node) or not self.apart(together, other):
                break
            together.append(other)
        self.map([(one.node, one.array) for one in together])
        self.done(*together)

    def waiting(self, node: Node) -> list[Node]:
        """Products and sums that must be computed for a node, including the node itself."""
        return [n for n in upstream(node, self.memory) if n.op in KERNELS]

    def simple(self, node: Node) -> bool:
        """Whether a node needs only elementwise operations on values in memory."""
        return all(n.op in ELEMENTWISE or not n.args for n in upstream(node, self.memory))

    def follows(self, node: Node, product: Node) -> bool:
        """Whether a node can be computed from each element of the product in the product's kernel."""
        if node.shape != product.shape:
            return False
        sources = set(upstream(node, self.memory, product))
        return product in sources and all(
            (n.op in ELEMENTWISE or not n.args) and self.current(n) for n in sources - {product}
        )

    def current(self, node: Node) -> bool:
        """Whether no earlier store to the memory that a node reads is pending."""
        return node.op != "load" or not any(
            self.turn[store] < node.when and overlap(store.array, node.what) for store in self.pending)  # fmt: skip

    def apart(self, together: list[Store], other: Store) -> bool:
        """Whether a store may share a kernel with others, in which every thread reads its elements before it writes."""
        for reader, writer in [pair for store in together for pair in ((store, other), (other, store))]:
            for node in upstream(reader.node, self.memory):
                if node.op == "load" and overlap(node.what, writer.array) and not same(node.what, writer.array):
                    return False
        loaded = [node for node in upstream(other.node, self.memory) if node.op == "load"]
        return all(map(self.current, loaded)) and not any(overlap(one.array, other.array) for one in together)

    def done(self, *stores: Store) -> None:
        """Remove completed stores. Raises Unsketchable if a pending one needs a value that they have overwritten."""
        self.pending = [store for store in self.pending if store not in stores]
        for node in upstream([store.node for store in self.pending], self.memory):
            if node.op == "load" and any(
                node.when <= self.turn[store] and overlap(node.what, store.array) for store in stores
            ):
                raise Unsketchable("memory is overwritten while its old value is needed")

    # The gradients of weights and biases in one product --------------------------------------------------------------

    def above(self, bias: Store) -> tuple[Node, Store] | None:
        """The product and its store whose kernel can also compute the sum over samples next to it in memory."""
        if not self.target.SUMS_IN_PRODUCTS:
            return None
        for store in self.pending:
            for product in self.waiting(store.node):
                if product.op == "product" and self.follows(store.node, product) and self.beside(product, store, bias):
                    return product, store
        return None

    def beside(self, product: Node, weights: Store, bias: Store) -> bool:
        early = (one for one in self.pending if self.turn[one] < max(self.turn[s] for s in (weights, bias)))
        return (
            bias.node.op == "column_sum"
            and bias.node.args[0] is product.args[1]
            and not product.what[1]
            and bias.array.data.ptr == weights.array.data.ptr + weights.array.nbytes
            and not any(overlap(one.array, s.array) for one in early for s in (weights, bias) if one is not s)
        )

    # Kernels ---------------------------------------------------------------------------------------------------------

    def make(self, node: Node) -> None:
        """Store the value of a node in memory, unless a product's kernel has already computed it."""
        if node.op == "product":
            return self.multiply(node)
        while node.op != "load" and node not in self.memory:
            others = [n for n in self.waiting(node) if n is not node]
            if others:
                self.make(others[-1])
            elif node.op == "operation":
                self.operate(node)
            elif node.op in SUMS and not self.simple(node.args[0]):
                self.make(node.args[0])
            elif node.op in SUMS:
                self.add_up(node)
            else:
                array = self.allocate(node.shape)
                self.map([(node, array)])
                self.memory[node] = array

    def map(self, outs: list[tuple[Node, Any]]) -> None:
        """A kernel for values of one shape, element by element, or row by row if they depend on whole rows."""
        sources = list(upstream([node for node, _ in outs], self.memory))
        self.check(sources)
        (rows, columns), writer = outs[0][0].shape, Writer(self.layout)
        if any(n.op in ROWS for n in sources):
            outer = Scope()
            inner = Scope(outer)
            lines = writer.results(outs, inner)
            body = [*outer.lines, f"for (int j = 0; j < {writer.size(columns)}; j++) {{", *inner.lines, *lines, "}"]
            self.launches.append(writer.each_row(body, rows))
        else:
            scope = Scope(flat=(rows, columns))
            lines = writer.results(outs, scope)
            self.launches.append(writer.each_element([*scope.lines, *lines], (rows, columns)))

    def add_up(self, node: Node, store: Store | None = None) -> None:
        """A kernel for the sum of every column, or of all elements."""
        (operand,), writer, scope = node.args, Writer(self.layout), Scope()
        self.check(upstream(operand, self.memory))
        array = store.array if store else self.allocate(node.shape)
        writer.given("real *out, int count, int width", array, *map(np.int32, operand.shape))
        value, whole = writer.value(operand, scope), node.op == "whole_sum"
        self.launches.append(
            writer.launch(
                "total",
                lambda parameters: self.target.total(parameters, scope.lines, value, operand.shape, whole),
                1 if whole else operand.shape[1],
            )
        )
        self.remember(node, array, store)

    def operate(self, node: Node, store: Store | None = None) -> None:
        """A kernel for an operation on whole arrays."""
        for argument in node.args:
            self.make(argument)
        if node in self.memory or (store and store not in self.pending):
            return
        self.check(node.args)
        name, sizes, scratch, write = node.what
        array = store.array if store else self.allocate(node.shape)
        arrays, writer = [self.place_of(argument) for argument in node.args], Writer(self.layout)
        if not all(one.flags.c_contiguous and one.dtype == self.layout.dtype for one in (array, *arrays)):
            raise Unsketchable(f"the arguments of {name} have gaps, are transposed or are bytes")
        writer.given("real *out, real *scratch", array, self.allocate((1, scratch)))
        names = [writer.given(f"const real *in{place}", one) for place, one in enumerate(arrays)]
        counts = [writer.size(size) for size in sizes]
        self.launches.append(writer.launch("operation", lambda parameters: write(name, parameters, names, counts), 1))
        self.remember(node, array, store)

    def remember(self, node: Node, array: Any, store: Store | None) -> None:
        """That the value of a node is in this memory, unless something else will be stored there."""
        self.memory[node] = array
        if store:
            self.done(store)
            if any(overlap(one.array, array) for one in self.pending):
                del self.memory[node]

    def multiply(self, product: Node, store: Store | None = None) -> None:
        """A kernel for a product and all values that can be computed from its elements."""
        for factor in product.args:
            self.make(factor)
        if product in self.memory or (store and store not in self.pending):  # a factor's kernel has computed it
            return
        joins = self.target.SUMS_IN_PRODUCTS
        bias = next((s for s in self.pending if joins and store and self.beside(product, store, s)), None)
        kept = [(node, self.allocate(node.shape)) for node in self.factors
                if node not in self.memory and node is not product and self.follows(node, product)]  # fmt: skip
        known = {**self.memory, **dict(kept)}
        if product in upstream([s.node for s in self.pending if s is not store], known):
            kept.append((product, self.allocate(product.shape)))
        outs = [*([(store.node, store.array)] if store else []), *kept]
        self.launches += self.tiled(product, outs, bias)
        self.memory.update(kept)
        self.done(*(s for s in (store, bias) if s))

    def tiled(self, product: Node, outs: list[tuple[Node, Any]], bias: Store | None) -> Iterator[Launch]:
        """One launch, or two if the target stores the product, or parts of it, before anything follows from it."""
        a, b = (self.place_of(f).T if turned else self.place_of(f)
                for f, turned in zip(product.args, product.what, strict=True))  # fmt: skip
        rows, columns, depth = len(a) + bool(bias), b.shape[1], a.shape[1]
        ones = len(a) if bias else MAX_ELEMENTS
        target = self.target
        tiling = target.tiling(rows, columns, depth)
        result, row = self.with_row(product, outs) or (product, None)
        alone = [array for node, array in outs if node is result and len(outs) == tiling.parts == 1]
        steps = (stride // array.itemsize for array in (a, b) for stride in array.strides)
        writer, scope = Writer(self.layout), Scope(flat=product.shape)
        read = [writer.element(name, array) for name, array in zip("AB", (a, b), strict=True)]
        writer.given(self.target.PRODUCT_SIZES, *map(np.int32, (rows, columns, depth, *steps, ones, tiling.part_depth)))
        if tiling.in_memory:
            in_place = alone and alone[0].flags.c_contiguous
            sums = alone[0] if in_place else self.allocate((tiling.parts, rows * columns))
            writer.given("real *parts", sums)
            if row is not None:
                writer.given("const real *row", row)
            yield writer.launch(
                "product",
                lambda parameters: target.product(tiling, parameters, read, None),
                tiling.blocks * tiling.parts,
            )
            if in_place:
                return
            writer = Writer(self.layout)
            writer.given("const real *parts", sums)
            scope.lines.append("real acc = parts[t];")
            if tiling.parts > 1:
                division = writer.size(tiling.parts)
                scope.lines.append(f"for (int p = 1; p < {division}; p++) acc += parts[p * count + t];")
        scope.names[result] = "acc"
        if bias:
            out, last = writer.out(outs[0][1]), writer.size(ones)
            scope.lines.append(f"if (i >= {last}) {{ {out}[t] = acc; continue; }}")
        lines = writer.results(outs, scope)
        body = [*scope.lines, *lines]
        if tiling.in_memory:
            yield writer.each_element(body, (rows, columns))
        else:
            yield writer.launch(
                "product", lambda parameters: target.product(tiling, parameters, read, body), tiling.blocks
            )

    def with_row(self, product: Node, outs: list[tuple[Node, Any]]) -> tuple[Node, Any] | None:
        """The sum of a product and a row in memory, and that row, if all that follows from the product is their sum."""
        following = [node for node, _ in outs]
        if not self.target.ROWS_IN_PRODUCTS or product in following:
            return None
        readers = [node for node in upstream(following, self.memory, product) if product in node.args]
        rows = [factor.what for factor in readers[0].args if factor.op == "load"]
        if len(readers) > 1 or readers[0].op != "add" or not rows:
            return None
        is_one = rows[0].shape == (1, product.shape[1]) and rows[0].flags.c_contiguous
        return (readers[0], rows[0]) if is_one and rows[0].dtype == self.layout.dtype else None

    def place_of(self, node: Node) -> Any:
        return node.what if node.op == "load" else self.memory[node]

    def check(self, sources: Iterable[Node]) -> None:
        if not all(map(self.current, sources)):
            raise Unsketchable("memory is read before it is written")


def upstream(nodes: Node | list[Node], known: Container[Node] = (), end: Node | None = None) -> Iterator[Node]:
    """Nodes and all that they are computed from, each once, without `known` nodes and what only those or `end` need."""
    stack = [nodes] if isinstance(nodes, Node) else nodes[::-1]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in known:
            continue
        yield node
        for argument in node.args if node is not end else ():
            if argument not in seen:
                seen.add(argument)
                stack.append(argument)
