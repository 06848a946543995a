"""Kernels of a sketch as loops with the names and sizes of a network, for people to read.

A function is sketched for two batch sizes; what differs between the two sketches depends on the batch size N.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isclose, prod
from typing import Any

import numpy as np

from engine.lowering.target import Launch
from engine.network.convolution import Conv2D
from engine.network.layers import Dense
from engine.step.update import StepFormulas
from engine.tape.tape import address_of
from lab.export.c_maps import MAP_FUNCTIONS
from lab.export.common import ExportError

SIZES = (7, 11)  # of the two sketched batches
NUMBERS_OF_STEP = ("rate", "corrected_rate", "corrected_epsilon", "share")  # of an optimizer, that its formula reads


class Names:
    """Names of the arrays and numbers of a network. views: name of a parameter -> its place in the flat array."""

    def __init__(self, formulas: StepFormulas) -> None:
        network, optimizer, number = formulas.network, formulas.optimizer, 0
        self.dtype = network.dtype
        self.arrays: dict[tuple[int, int], str] = {}  # address and size -> name
        self.views: dict[str, int] = {}
        self.state: dict[str, np.ndarray] = {}
        for _, layer in network.walk():
            number += isinstance(layer, (Dense, Conv2D))
            for name in layer.shapes:
                view = getattr(layer, name)
                self.views[f"{name}{number}"] = (address_of(view) - address_of(network.parameters)) // view.itemsize
                self._add(f"{name}{number}", view)
                self._add(f"d{name}{number}", getattr(layer, f"d{name}"))
            self.state |= {f"{name}{number}": array for name, array in layer.state.items()}
        for name, array in {**self.state, **optimizer.slots}.items():
            self._add(name, array)
        for name, array in {"parameters": network.parameters, "gradients": network.gradients}.items():
            self._add(name, array)
        if optimizer.weight_decay is not None and optimizer.decays is not None:
            self._add("decays", optimizer.decays)
        self.numbers = {id(array): name for name, array in formulas.penalties.items()}
        self.numbers |= {id(getattr(optimizer, name)): name for name in NUMBERS_OF_STEP if hasattr(optimizer, name)}
        self.varying: list[str] = []  # numbers that differ from step to step, in the order in which they are stored
        self.constants: dict[str, float] = {}

    def _add(self, name: str, array: np.ndarray) -> None:
        self.arrays[address_of(array), array.size] = name

    def use(self, numbers: Sequence[np.ndarray]) -> list[str]:
        """Take the numbers that a step reads; returns their names."""
        found = {self.numbers[id(number)]: float(number) for number in numbers}
        self.varying = [name for name in found if name in NUMBERS_OF_STEP]
        self.constants = {name: value for name, value in found.items() if name not in NUMBERS_OF_STEP}
        return list(found)


def declared(sizes: dict[str, str], largest: str) -> str:
    """Declarations of arrays for up to `largest` samples."""
    arrays = [f"{name}[{size.replace('N', largest)}]" for name, size in sizes.items()]
    return "".join(f"  static real {', '.join(arrays[start : start + 6])};\n" for start in range(0, len(arrays), 6))


def numbers_in(sizes: dict[str, str], largest: int) -> int:
    """How many numbers arrays of these sizes have together, for up to `largest` samples."""
    return sum(prod(largest if word == "N" else int(word) for word in size.split(" * ")) for size in sizes.values())


class LoopWriter:
    """Writes the kernels of two sketches of one function as loops over N samples."""

    def __init__(self, names: Names, given: Sequence[dict[str, np.ndarray]], numbers: Sequence[str] = ()) -> None:
        """given: name -> array of each sketch; numbers: names of those that a kernel looks up."""
        self.names, self.given, self.numbers = names, given, numbers
        self.unused = ("z", "y")  # results of an evaluation that only the playground needs
        self.declared: dict[str, str] = {}  # array -> its size
        self.temporary: dict[int, str] = {}  # address in the first sketch -> name
        self.on_maps: set[str] = set()  # the operations on maps that are called
        single = "f" if names.dtype == np.float32 else ""
        self.shorter = (
            (r"(\w+) \* (\d+) / \2\b", r"\1"),
            (r"(\w) \* 1\b(?! /)", r"\1"),
            (r"real\((-?\d+\.\d+)\)", rf"\1{single}"),
            (r"const int j = 0;\n(?!.*\bj\b)", ""),
            (r"int e = .*;\n(?![\s\S]*\be\b)", ""),
        )

    def statements(self, launches: Sequence[list[Launch]]) -> str:
        """The body of the function. Raises ExportError if the two sketches do not have the same kernels."""
        if [launch.source for launch in launches[0]] != [launch.source for launch in launches[1]]:
            raise ExportError("The C program does not cover this experiment: its step depends on the batch size.")
        return "".join(self._statement(*pair) for pair in zip(*launches, strict=True))

    def _statement(self, first: Launch, second: Launch) -> str:
        found = re.fullmatch(r".*?void (\w+)\((.*?)\) \{\n(.*)\n\}\n", first.source, re.DOTALL)
        assert found, "each kernel is one function"
        head, parameters, body = found.groups()
        words = [re.findall(r"\w+", parameter)[-1] for parameter in parameters.split(", ")]
        pairs = zip(words, first.arguments, second.arguments, strict=True)
        unnamed = "numbers", "scratch"
        values = {word: self._value(*pair) for word, *pair in pairs if not word.startswith(unnamed)}
        if head == "operation":
            return self._call(body, values)
        for output in (word for word, value in values.items() if value in self.unused):
            body = re.sub(rf"^{output}\[.*;\n?", "", body, flags=re.MULTILINE)
        if "=" not in body.partition(") {")[2] and head == "map":
            return ""
        body = re.sub(r"\bt\b", "e", _nested(body))  # the number of an element; t are the targets
        body = re.sub(r"numbers\d+\[\(int\)numbers\d+\[0\] \+ (\d+)\]", lambda m: self.numbers[int(m[1]) - 1], body)
        body = re.sub(r"\b[A-Za-z]\w*\b", lambda m: values.get(m[0], m[0]), body)
        for pattern, shorter in self.shorter:
            body = re.sub(pattern, shorter, body)
        if body.startswith("real sum"):
            body = f"{{\n{body}\n}}"
        note = self._note(first, values) if head == "product" else ""
        return note + _indented(body.split("\n"))

    def _call(self, body: str, values: dict[str, str]) -> str:
        """The call of an operation on maps, with a comment."""
        found = re.search(r"->(\w+)\(", body)
        assert found, "an operation is one call"
        name = found[1]
        if name not in MAP_FUNCTIONS:
            raise ExportError("The C program does not cover maps with a border of zeros.")
        self.on_maps.add(name)
        arrays = [value for word, value in values.items() if word == "out" or word.startswith("in")]
        sizes = [value for word, value in values.items() if word.startswith("n")]
        function = MAP_FUNCTIONS[name]
        arguments = [*arrays, *(sizes[place] for place in function.sizes)]
        return f"  /* {function.note.format(*arguments)} */\n  {name}({', '.join(arguments)});\n"

    def _note(self, launch: Launch, values: dict[str, str]) -> str:
        """The product in a comment."""
        m, n, k, am, ak, bk, bn = (values[name] for name in ("M", "N", "K", "am", "ak", "bk", "bn"))
        a = f"{values['A']}{'^T' if ak != '1' or (am == '1' and k != '1') else ''}"
        b = f"{values['B']}{'^T' if bn != '1' or (bk == '1' and n != '1') else ''}"
        row = f" + {values['row']}" if "row" in values else ""
        return f"  /* {values['parts']} ({m}, {n}) = {a} ({m}, {k}) @ {b} ({k}, {n}){row} */\n"

    def _value(self, first: Any, second: Any) -> str:
        """An argument of the kernel as text."""
        if isinstance(first, np.ndarray):
            return self._array(first, second)
        a, b = first.item(), second.item()
        if a == b:
            return repr(a)
        m, n = SIZES
        if isinstance(a, int) and a * n == b * m and a % m == 0:
            return "N" if a == m else f"N * {a // m}"
        for share, text in ((lambda n: 1 / n, "{!r} / N"), (lambda n: n / (n - 1), "{!r} * N / (N - 1)")):
            if isclose(a / share(m), b / share(n), rel_tol=1e-12):
                return text.format(float(f"{a / share(m):.15g}"))
        raise ExportError("The C program does not cover this experiment: a number depends on the batch size.")

    def _array(self, first: np.ndarray, second: np.ndarray) -> str:
        address = address_of(first)
        if name := self.names.arrays.get((address, first.size)):
            return name
        for name, array in self.given[0].items():
            offset = (address - address_of(array)) // array.itemsize
            if 0 <= offset < max(1, array.size):
                if not offset:
                    return name
                other = (address_of(second) - address_of(self.given[1][name])) // array.itemsize
                return f"({name} + {self._value(np.int64(offset), np.int64(other))})"
        if address not in self.temporary:
            self.temporary[address] = name = f"h{len(self.temporary) + 1}"
            self.declared[name] = self._value(np.int64(first.size), np.int64(second.size))
        return self.temporary[address]


def _nested(body: str) -> str:
    """The lines of a kernel with every value that is used once in its place, unless memory is changed in between."""
    lines, kept = body.split("\n"), []
    while lines:
        line = lines.pop(0)
        found = re.fullmatch(r"real (v\d+|acc) = (.*);", line)
        uses = [place for place, later in enumerate(lines) if found and re.search(rf"\b{found[1]}\b", later)]
        if found and not uses:
            continue
        place = uses[0] if uses else 0
        is_once = len(uses) == 1 and len(re.findall(rf"\b{found[1]}\b", lines[place])) == 1 if found else False
        if found and is_once and not any(re.match(r"o\d+\[", between) for between in lines[:place]):
            lines[place] = _put(found[1], found[2], lines[place])
        else:
            kept.append(line)
    return "\n".join(kept)


def _put(name: str, text: str, line: str) -> str:
    """The line with a text in place of a name, in parentheses where it is part of an expression."""
    is_whole = re.search(rf"[(=,] ?{name}[,);]", line) or _is_unit(text)
    return re.sub(rf"\b{name}\b", lambda _: text if is_whole else f"({text})", line)


def _is_unit(text: str) -> bool:
    """Whether a text is a number, a name or one call, with an index or not."""
    if re.fullmatch(r"[\w.]+(\[[^\]]*\])?", text):
        return True
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and not depth:
            return place == len(text) - 1 and bool(re.match(r"\w+\(", text))
    return False


def _indented(lines: list[str], depth: int = 1) -> str:
    text = ""
    for line in lines:
        if line.startswith("_Pragma"):
            line = re.sub(r'_Pragma\("(.*)"\)', r"#pragma \1", line)
        depth -= line.startswith("}")
        text += "  " * depth + line + "\n"
        depth += line.endswith("{")
    return text
