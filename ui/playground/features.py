"""The inputs of the network: thumbnails in the diagram switch them on and off, and one is typed as a formula."""

from __future__ import annotations

import streamlit as st

from data import FEATURES
from data.sources.features import FORMULA
from data.sources.formula import FUNCTIONS, MAX_CHARACTERS, FormulaError, parse
from lab.experiment.fields import DEFAULTS, FIELDS
from ui.kit.escape import escape_markdown
from ui.kit.widgets import bound, explain, shown
from ui.session import state

DRAFT = "formula"  # the note about a refused formula: (text, what is wrong with it, the formula in use meanwhile)


def toggle(name: str) -> None:
    """Switch a feature on or off; the last one stays."""
    e = state.experiment()
    known = (*FEATURES, FORMULA) if e.formula else tuple(FEATURES)
    if name in known:
        chosen = [n for n in known if (n in e.features) != (n == name)]
        state.change(features=chosen or e.features)


def formula_field() -> None:
    """One feature that a person types. A refused text stays in the field, with the reason below it."""
    e = state.experiment()
    if not (shown("formula") and e.source.plane):
        return
    text, problem, meanwhile = state.notes().get(DRAFT, ("", "", ""))
    if meanwhile != e.formula:  # a link or a preset has set another one
        problem = ""
    allowed = f"Allowed: + - * / ^, parentheses, and {' '.join(FUNCTIONS)}. Leave it empty to remove the feature."
    options = {"placeholder": "e.g. sin(x1) * x2^2", "help": explain("formula", allowed)}
    st.text_input(FIELDS["formula"].title, **options, **bound("formula", text if problem else e.formula, _typed))
    place = st.container()
    if problem:
        place.error(escape_markdown(problem))


def _typed(text: str) -> None:
    e, text = state.experiment(), text.strip()
    try:
        if text:
            parse(text)
    except FormulaError as problem:
        state.notes()[DRAFT] = (text[: 2 * MAX_CHARACTERS], str(problem), e.formula)
        return
    state.notes()[DRAFT] = ("", "", "")
    others = tuple(name for name in e.features if name != FORMULA)
    if text:
        state.change(formula=text, features=(*others, FORMULA))
    else:
        state.change(formula="", features=others or DEFAULTS["features"])
