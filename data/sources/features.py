"""Features of a point in the plane: its coordinates and a few functions of them.

A table of records, each with the formula that a page shows and the function that computes it. One more feature is a
formula that the user types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.sources import formula as formulas

FORMULA = "formula"  # the name of the typed feature


@dataclass(frozen=True)
class Feature:
    """One input made from the raw coordinates of a point."""

    name: str  # what links and saved runs hold
    label: str  # what the menu shows
    formula: str  # LaTeX
    function: Callable[[np.ndarray], np.ndarray]  # points (M, 2) -> values (M,)


FEATURES: dict[str, Feature] = {
    f.name: f
    for f in (
        Feature("x1", "x₁", r"x_1", lambda p: p[:, 0]),
        Feature("x2", "x₂", r"x_2", lambda p: p[:, 1]),
        Feature("x1^2", "x₁²", r"x_1^2", lambda p: p[:, 0] ** 2),
        Feature("x2^2", "x₂²", r"x_2^2", lambda p: p[:, 1] ** 2),
        Feature("x1*x2", "x₁x₂", r"x_1 x_2", lambda p: p[:, 0] * p[:, 1]),
        Feature("sin_x1", "sin x₁", r"\sin x_1", lambda p: np.sin(p[:, 0])),
        Feature("sin_x2", "sin x₂", r"\sin x_2", lambda p: np.sin(p[:, 1])),
        Feature("cos_x1", "cos x₁", r"\cos x_1", lambda p: np.cos(p[:, 0])),
        Feature("cos_x2", "cos x₂", r"\cos x_2", lambda p: np.cos(p[:, 1])),
        Feature("radius", "radius", r"\sqrt{x_1^2 + x_2^2}", lambda p: np.hypot(p[:, 0], p[:, 1])),
        Feature("angle", "angle", r"\operatorname{atan2}(x_2, x_1)", lambda p: np.arctan2(p[:, 1], p[:, 0])),
    )
}


def check_features(names: Sequence[str]) -> None:
    """Raise ValueError, with the allowed names, unless `names` holds at least one feature, all known and none twice."""
    unknown = [name for name in names if name not in (*FEATURES, FORMULA)]
    if not names or unknown or len(set(names)) < len(names):
        wrong = f"Unknown feature {unknown[0]!r}" if unknown else "A feature occurs twice" if names else "No feature"
        raise ValueError(f"{wrong}: choose one or more, each once, from {', '.join((*FEATURES, FORMULA))}.")


def plane_features(points: np.ndarray, names: Sequence[str], formula: str = "") -> np.ndarray:
    """Values (M, D) in float64 of D features at raw plane points (M, 2); `formula` is the text of the typed feature."""
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"Points of the plane have shape (M, 2), not {points.shape}.")
    functions = (formulas.parse(formula) if name == FORMULA else FEATURES[name].function for name in names)
    return np.column_stack([function(points) for function in functions])
