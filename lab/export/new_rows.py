"""Prepares new rows of a CSV file for the exported network as its training data was, and names its answers.

Reads recipe.json beside it and needs nothing but Python. A row is a dictionary from names of columns to text.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Recipe = Mapping[str, Any]


def read_recipe(folder: Path) -> Recipe:
    return json.loads((folder / "recipe.json").read_text(encoding="utf-8"))


def number(text: str, recipe: Recipe) -> float | None:
    """A number as the training file spells it; None for a gap or a word."""
    text = text.replace(recipe["thousands"], "").replace(recipe["decimal"], ".")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def encode(row: Mapping[str, str | None], recipe: Recipe) -> list[float]:
    """The inputs of the network for a row."""
    x: list[float] = []
    for column in recipe["columns"]:
        text, words, fill = (row.get(column["name"]) or "").strip(), column["categories"], column["fill"]
        value = None if text.lower() in recipe["missing"] else number(text, recipe)
        is_gap = text not in words if words else value is None
        if words:
            word = fill if is_gap and not column["marked"] else text
            x += [float(word == known) for known in words]
        else:
            x.append(fill if value is None else value)
        x += [float(is_gap)] * column["marked"]
    return [(value - mean) / scale for value, mean, scale in zip(x, recipe["mean"], recipe["scale"], strict=True)]


def answer(z: list[float], recipe: Recipe) -> str | float:
    """The label, or the number in the unit of the target, of the logits of a row."""
    if recipe["classes"]:
        return recipe["classes"][int(z[0] > 0) if len(z) == 1 else z.index(max(z))]
    return (math.tanh(z[0]) if recipe["output"] == "tanh" else z[0]) * recipe["y_scale"] + recipe["y_mean"]


def predict(file: str, logits: Callable[[list[list[float]]], Iterable[Any]], folder: Path, rows: int = 1000) -> None:
    """Write predictions.csv. logits: the network, inputs (N, D) -> (N, O). folder: that of recipe.json."""
    recipe = read_recipe(folder)
    names = None if recipe["header"] else recipe["names"]
    with open(file, encoding=recipe["encoding"], newline="") as source:
        given = list(csv.DictReader(source, names, delimiter=recipe["separator"], skipinitialspace=True))
    lacking = [column["name"] for column in recipe["columns"] if given and column["name"] not in given[0]]
    if lacking:
        raise SystemExit(f"The file lacks the columns {', '.join(lacking)}.")
    with open("predictions.csv", "w", encoding="utf-8", newline="") as target:
        write = csv.writer(target).writerow
        ids = next((name for name in recipe["ids"] if given and name in given[0]), "")
        write([ids or "Id", recipe["target"]])
        for start in range(0, len(given), rows):
            piece = given[start : start + rows]
            found = logits([encode(row, recipe) for row in piece])
            for place, (row, z) in enumerate(zip(piece, found, strict=True), start + 1):
                write([row[ids] if ids else place, answer([float(value) for value in z], recipe)])
