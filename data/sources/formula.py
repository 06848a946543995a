"""The typed feature: a formula of x1 and x2, interpreted against a list of allowed operations, never run as code.

Python's own parser finds the structure; anything not on the list is refused with a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from data.plane import EXTENT

MAX_CHARACTERS, MAX_DEPTH = 100, 20  # MAX_DEPTH: levels of nested operations
CLIP = 1000.0  # the value of a formula stays between -CLIP and CLIP
NAMES = {"x1": 0, "x2": 1}
CONSTANTS = {"pi": np.pi, "e": np.e}
OPERATORS: dict[type, Callable] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.UAdd: np.positive,
    ast.USub: np.negative,
}
FUNCTIONS: dict[str, tuple[int, Callable]] = {  # name -> number of arguments, function
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "tanh": (1, np.tanh),
    "exp": (1, np.exp),
    "log": (1, np.log),
    "sqrt": (1, np.sqrt),
    "abs": (1, np.abs),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
ALLOWED = f"x1, x2, numbers, {', '.join(CONSTANTS)}, + - * / ^, parentheses, and {', '.join(FUNCTIONS)}"
SPELLINGS = str.maketrans({"^": "**", "₁": "1", "₂": "2", "²": "**2", "³": "**3", "×": "*", "·": "*", "−": "-"})

Values = Callable[[np.ndarray], np.ndarray]  # points (M, 2) -> values (M,)


class FormulaError(ValueError):
    """Says in a sentence what is wrong with a formula and what is allowed."""


@lru_cache(maxsize=64)
def parse(text: str) -> Values:
    """A formula such as "sin(x1) * x2^2" -> the function of raw points (M, 2) with values (M,) in float64.

    Values are clipped to -1000 and 1000. Raises FormulaError for anything that is not allowed, and for a formula
    that is undefined somewhere in the plane, such as sqrt(x1).
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"The formula has {len(text)} characters; at most {MAX_CHARACTERS} are allowed.")
    source = text.translate(SPELLINGS).strip()
    if not re.fullmatch(r"[0-9A-Za-z+\-*/()., ]+", source):
        raise FormulaError(f"A formula may contain {ALLOWED}.")
    if re.search(r"(?<![A-Za-z0-9])[0-9.]+(?!e[+-]?[0-9]+(?![0-9A-Za-z]))[A-Za-z]", source):
        raise FormulaError("Write a product with a star, such as 2*x1.")
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError("The formula is incomplete; an example is sin(x1) * x2^2.") from None
    evaluate = _compile(tree, MAX_DEPTH)

    def values(points: np.ndarray) -> np.ndarray:
        columns = np.asarray(points, np.float64).T
        with np.errstate(all="ignore"):
            raw = np.broadcast_to(evaluate(columns), columns.shape[1:])
            return np.clip(np.nan_to_num(raw, posinf=CLIP, neginf=-CLIP), -CLIP, CLIP)

    _check_values(evaluate)
    return values


def _compile(node: ast.AST, depth: int) -> Values:
    """Columns (2, M) -> values: one closure for each node of the tree."""
    if depth == 0:
        raise FormulaError(f"The formula is nested too deeply; at most {MAX_DEPTH} levels are allowed.")

    def inner(child: ast.AST) -> Values:
        return _compile(child, depth - 1)

    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            value = np.float64(min(number, 1e300))  # powers of Python integers could fill the memory
            return lambda columns: value  # pyrefly: ignore
        case ast.Name(id=name) if name in NAMES:
            return lambda columns: columns[NAMES[name]]
        case ast.Name(id=name) if name in CONSTANTS:
            return lambda columns: np.float64(CONSTANTS[name])  # pyrefly: ignore
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            function, a, b = OPERATORS[type(op)], inner(left), inner(right)
            return lambda columns: function(a(columns), b(columns))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            function, a = OPERATORS[type(op)], inner(operand)
            return lambda columns: function(a(columns))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            count, function = FUNCTIONS[name]
            if len(args) != count or any(isinstance(arg, ast.Starred) for arg in args):
                raise FormulaError(f"{name} takes {count} value{'s' if count > 1 else ''} in parentheses.")
            parts = [inner(arg) for arg in args]
            return lambda columns: function(*(part(columns) for part in parts))
        case ast.Name(id=name):
            raise FormulaError(f"{name[:20]} is unknown in a formula; allowed are {ALLOWED}.")
    raise FormulaError(f"This formula uses something that is not allowed; allowed are {ALLOWED}.")


def _check_values(evaluate: Values) -> None:
    """Refuse undefined regions. Single undefined points, such as 0 in sin(x1)/x1, lie between the tested points."""
    axis = np.linspace(*EXTENT, 64)
    columns = np.stack(np.meshgrid(axis, axis)).reshape(2, -1)
    with np.errstate(all="ignore"):
        missing = np.isnan(np.broadcast_to(evaluate(columns), columns.shape[1:]))
    if missing.any():
        x1, x2 = columns[:, missing.argmax()]
        raise FormulaError(
            f"The formula is undefined at x1 = {x1:.1f}, x2 = {x2:.1f}; "
            "use one that is defined everywhere, such as sqrt(abs(x1))."
        )
