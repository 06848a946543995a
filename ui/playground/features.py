"""The inputs of the network: thumbnails of the diagram switch them, and one is typed as a formula."""

from __future__ import annotations

import streamlit as st

from data import FEATURES
from data.sources.features import FORMULA
from data.sources.formula import FUNCTIONS, MAX_CHARACTERS, FormulaError, parse
from ui.kit.escape import plain
from ui.kit.widgets import ANEW, bound, shown
from ui.session import state

DRAFT = "formula"  # (text, what is wrong with it, the formula that is in force meanwhile)
USUAL = ("x1", "x2")


def toggle(name: str) -> None:
    """Switch a feature on or off; the last one stays."""
    e = state.experiment()
    known = (*FEATURES, FORMULA) if e.formula else tuple(FEATURES)
    if name in known:
        chosen = [n for n in known if (n in e.features) != (n == name)]
        state.change(features=chosen or e.features)


def formula_field() -> None:
    """One feature that a person types. What is refused stays in the field, with the sentence that refuses it."""
    if not shown("formula"):
        return
    e = state.experiment()
    text, problem, meanwhile = state.kept(DRAFT, ("", "", ""))
    if meanwhile != e.formula:  # a link or a preset has brought another one
        problem = ""
    help = (
        "A formula of x1 and x2 that joins the features of the diagram: + - * / ^, brackets, and "
        f"{' '.join(FUNCTIONS)}. Leave it empty to take it away. {ANEW}"
    )
    example = "e.g. sin(x1) * x2^2"
    options = bound("formula", text if problem else e.formula, _typed)
    st.text_input("Feature of your own", placeholder=example, help=help, **options)
    place = st.container()
    if problem:
        place.error(plain(problem))


def _typed(text: str) -> None:
    e, text = state.experiment(), text.strip()
    try:
        if text:
            parse(text)
    except FormulaError as problem:
        state.keep(DRAFT, (text[: 2 * MAX_CHARACTERS], str(problem), e.formula))
        return
    state.keep(DRAFT, ("", "", ""))
    others = tuple(name for name in e.features if name != FORMULA)
    if text:
        state.change(formula=text, features=(*others, FORMULA))
    else:
        state.change(formula="", features=others or USUAL)
