"""Experiments that one click sets up: the five projects before this one, and current practice."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lab.experiment.recipes import RECIPES, SHARED_BUG, Recipe
from ui.kit.widgets import obeying
from ui.session import state

HISTORY = "Five earlier projects, and their bugs"


def recipes() -> None:
    """One line per recipe: a button, what it shows, and the accuracy that it reaches. Earlier projects are folded."""
    if not RECIPES["modern"].experiment.source.available():
        st.caption("Some recipes need MNIST, which is not on this server yet. You can download it on the page Data.")
    for recipe in RECIPES.values():
        if not recipe.original:
            _line(recipe)
    with st.expander(HISTORY, key="earlier_projects"):
        st.caption(f"The experiments that this playground grew from, with corrected gradients. {SHARED_BUG}")
        for recipe in RECIPES.values():
            if recipe.original:
                _line(recipe)


def _line(recipe: Recipe) -> None:
    button, text = st.columns([2, 5])
    with button:
        set_up_button(recipe, recipe.label, "secondary", not recipe.experiment.source.available())
    metric = "test accuracy" if recipe.experiment.source.classes else "R2"
    reached = f"{recipe.reached} (seeds 1 to 5)" if recipe.reached else f"at least {recipe.target:g}"
    past = f". Original: {recipe.original}; its bug: {recipe.bug}" if recipe.original else ""
    text.markdown(f"{recipe.sentence}  \n:small[:gray[This version reaches {metric} {reached}{past}.]]")


def set_up_button(recipe: Recipe, label: str, kind: Any, missing: bool = False, width: Any = "stretch") -> None:
    options = obeying("Replaces your current experiment by this one.", **recipe.experiment.model_dump())
    options["disabled"] |= missing
    options |= {"key": f"set_up_{kind}_{recipe.name}", "type": kind, "width": width}
    st.button(label, on_click=state.load, args=(recipe.experiment,), **options)
