"""Links that open the playground with an experiment."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from lab.experiment.presets import PRESETS


def preset_links(*names: str) -> None:
    """A line for each of these presets: its name opens it, its sentence says what will be seen."""
    presets = [PRESETS[name] for name in names]
    st.markdown("\n".join(f"- [{p.label}](./?{urlencode(p.experiment.to_query())}): {p.sentence}" for p in presets))
