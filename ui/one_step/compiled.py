"""The step of the visitor's network as C."""

from __future__ import annotations

import streamlit as st

from lab.export import ExportError, c_step
from ui.kit.escape import escape_markdown
from ui.kit.page_parts import export_plan


def code() -> None:
    """The loops of one training step, and the functions that they call."""
    try:
        text = c_step(export_plan())
    except ExportError as problem:
        st.info(escape_markdown(str(problem)))
        return
    st.markdown(
        "One training step of your network as loops over the N samples of a batch: the products, each followed by "
        "everything that is computed from its sums in one pass. The functions that it calls follow. The page **Save** "
        "has the whole program, with the data."
    )
    st.code(text, language="c", wrap_lines=True)
