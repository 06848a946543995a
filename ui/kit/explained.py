"""Why a press did nothing, or a page ends early, in a sentence: the store of kept runs may be out of reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

from lab.experiment.errors import SentenceError
from ui.kit.escape import escape_markdown
from ui.session import state

NOTE = "not_done"
Given = ParamSpec("Given")
Result = TypeVar("Result")


def explained(act: Callable[Given, Result]) -> Callable[Given, Result | None]:
    """An act whose SentenceError becomes what `explain` says; it returns None then."""

    @wraps(act)
    def attempt(*args: Given.args, **more: Given.kwargs) -> Result | None:
        try:
            return act(*args, **more)
        except SentenceError as problem:
            state.notes()[NOTE] = problem.sentences
            return None

    return attempt


def explain() -> None:
    """Say why the last act did nothing, once. What is below keeps its place, and so what is open stays open."""
    place = st.container()
    for sentence in state.notes().pop(NOTE, []):
        place.warning(escape_markdown(sentence))


@contextmanager
def explaining() -> Iterator[None]:
    """A page that a SentenceError ends says why."""
    try:
        yield
    except SentenceError as problem:
        st.warning(escape_markdown(str(problem)))
