"""What an experiment may say about data of the plane: features, a typed formula, drawn points, and what spoils them."""

from __future__ import annotations

from typing import Any

from data import BALANCED, FEATURES
from data.sources import hand_drawn
from data.sources.features import FORMULA
from data.sources.formula import FormulaError, parse
from lab.experiment.fields import Allowed, Misfit


def _each_once(names: Any) -> bool:
    return len(set(names)) == len(names) > 0 and all(name in (*FEATURES, FORMULA) for name in names)


FEATURE_LIST = Allowed("a list, each once, out of " + ", ".join((*FEATURES, FORMULA)), _each_once)
POINT_LIST = Allowed(hand_drawn.ALLOWED, lambda text: not text or len(hand_drawn.unpack(text)) > 0)


def packed(points: Any) -> Any:
    """Points as a list of [x, y, class] -> the text that a link holds; such a text stays."""
    return hand_drawn.pack(points) if isinstance(points, list | tuple) else points


def check_plane(e: Any) -> None:
    """Raises Misfit for the first field that does not fit the data set of an experiment."""
    if e.dataset == hand_drawn.NAME and (problem := hand_drawn.problem(e.points)):
        raise Misfit("points", problem, "2 to 5 classes, each with at least 2 points")
    if e.balance != 0.5 and e.dataset not in BALANCED:
        raise Misfit("balance", e.balance, f"0.5 with this data set; others for {', '.join(BALANCED)}")
    if e.outliers and not e.source.plane:
        raise Misfit("outliers", e.outliers, "0 where the data are no points of the plane")
    if e.label_noise and e.source.kind == "regression":
        raise Misfit("label_noise", e.label_noise, "0 where the targets are numbers")
    if e.formula:
        try:
            parse(e.formula)
        except FormulaError as problem:
            raise Misfit("formula", e.formula, f"a formula of x1 and x2. {problem}".rstrip(".")) from None
    elif FORMULA in e.features:
        raise Misfit("features", FORMULA, "without the typed feature, or with a formula for it")
