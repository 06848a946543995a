"""Source text of functions of the engine, with everything that they use, for a script without the engine."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any

ENTRY = re.compile(r'(\w+)\["(\w+)"\]\.(\w+)')  # of a table: ACTIVATIONS["sigmoid"].forward


class Lifted:
    """Collects functions: `name_of` adds one and returns its name, `text` defines all of them."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._sources: list[str] = []
        self._constants: list[str] = []
        self._imports: set[str] = set()

    def name_of(self, function: Callable) -> str:
        """Add a function and return its name in the script, which has no leading underscore."""
        assert isinstance(function, FunctionType)
        if id(function) not in self._names:
            kind = "schedule_" if function.__module__.endswith("schedules") else ""
            self._names[id(function)] = kind + function.__name__.lstrip("_")
            source = self._take(function, inspect.getsource(function).strip())
            self._sources.append(source)
        return self._names[id(function)]

    def _take(self, function: FunctionType, source: str) -> str:
        """The source of a function, after adding everything that it uses from its module."""
        known = inspect.unwrap(function).__globals__
        source = ENTRY.sub(lambda m: self.name_of(getattr(known[m[1]][m[2]], m[3])), source)
        used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
        for name in sorted(used & known.keys()):
            value: Any = known[name]
            if value is getattr(math, name, None):
                self._imports.add(name)
            elif isinstance(value, FunctionType):
                source = re.sub(rf"\b{name}\b", self.name_of(value), source)
            elif isinstance(value, int | float) and (line := f"{name} = {value!r}") not in self._constants:
                self._constants.append(line)
        return re.sub(rf"^def {function.__name__}\b", f"def {self._names[id(function)]}", source, flags=re.MULTILINE)

    @property
    def imports(self) -> str:
        return f"from math import {', '.join(sorted(self._imports))}\n" if self._imports else ""

    @property
    def text(self) -> str:
        return "\n\n\n".join(filter(None, ("\n".join(self._constants), *self._sources)))
