"""Rules for data in the plane: features, a custom formula, and drawn points."""

from __future__ import annotations

from typing import Any

from data import FEATURES
from data.sources import hand_drawn
from data.sources.features import FORMULA
from data.sources.formula import FormulaError, parse
from lab.experiment.rules import Allowed, Misfit


def _each_once(names: Any) -> bool:
    return len(set(names)) == len(names) > 0 and all(name in (*FEATURES, FORMULA) for name in names)


FEATURE_LIST = Allowed("a list, each once, out of " + ", ".join((*FEATURES, FORMULA)), _each_once)
POINT_LIST = Allowed(hand_drawn.ALLOWED, lambda text: not text or len(hand_drawn.unpack(text)) > 0)


def packed(points: Any) -> Any:
    """Points as a list of [x, y, class] -> their text in a link; text is returned unchanged."""
    return hand_drawn.pack(points) if isinstance(points, list | tuple) else points


def check_plane(e: Any) -> None:
    """Raises Misfit for the first field that does not fit the data set of an experiment."""
    if e.dataset == hand_drawn.NAME and (problem := hand_drawn.problem(e.points)):
        raise Misfit("points", problem, "2 to 5 classes, each with at least 2 points")
    if e.formula:
        try:
            parse(e.formula)
        except FormulaError as problem:
            raise Misfit("formula", e.formula, f"a formula of x1 and x2. {problem}".rstrip(".")) from None
    elif FORMULA in e.features:
        raise Misfit("features", FORMULA, "without the typed feature, or with a formula for it")
