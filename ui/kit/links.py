"""Links that open the playground with an experiment."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st

from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS
from ui.session import state


def experiment_link(label: str, page: str, **fields: Any) -> str:
    """Markdown of a link that opens a page with an experiment; in a lesson, which it would leave, the label alone."""
    query = urlencode(Experiment(**fields).to_query())
    return f"**{label}**" if state.is_lesson() else f"[{label}](./{page}?{query})"


def preset_links(*names: str) -> None:
    """One line per preset: its name is the link, its sentence says what it shows."""
    presets = [PRESETS[name] for name in names]
    if not state.is_lesson():
        st.caption("Each link opens a new tab with a network of its own.")
    st.markdown("\n".join(f"- {experiment_link(p.label, '', **dict(p.experiment))}: {p.sentence}" for p in presets))
