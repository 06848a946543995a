"""Links that open the playground with an experiment."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from lab.experiment.presets import PRESETS


def preset_links(*names: str) -> None:
    """One line per preset: its name is the link, its sentence says what it shows."""
    presets = [PRESETS[name] for name in names]
    st.markdown("\n".join(f"- [{p.label}](./?{urlencode(p.experiment.to_query())}): {p.sentence}" for p in presets))
