"""The menu of named starting points, and what to look at in the chosen one."""

from __future__ import annotations

import streamlit as st

from lab.experiment.fields import FIELDS
from lab.experiment.presets import PRESETS
from ui.kit.widgets import LOCKED, labels, locked, obeying, shown
from ui.session import state

HELP = "Starting points that each show one thing. Restarts training, and a sentence says what to look at."
SOME_LOCKED = "Those that would change what the author of this link has locked are left out."
MOST_NAMED = 4  # changed settings


def menu() -> None:
    if not shown("presets"):
        return
    names = [name for name, preset in PRESETS.items() if not state.lock_reason(**dict(preset.experiment))]
    off = locked("presets") or not names
    help = LOCKED if off else HELP if len(names) == len(PRESETS) else f"{HELP} {SOME_LOCKED}"
    options = {"key": "presets", "on_click": _choose, "disabled": off, "help": help}
    st.menu_button("Presets", names or list(PRESETS), format_func=labels(PRESETS), **options)


def _choose() -> None:
    name = st.session_state.presets
    state.load(PRESETS[name].experiment, name)


def lesson() -> None:
    """The sentence of the preset that was chosen or linked; once a setting was changed, which one, and a way back."""
    # Always there: an element that comes and goes would mount the live view again.
    place = st.container(horizontal=True, vertical_alignment="center", gap="small", key="lesson")
    name = state.preset()
    if not name:
        return
    preset, changed = PRESETS[name], state.changed_since_preset()
    with place:
        if changed:
            labels = [FIELDS[field].label for field in changed]
            rest = f" and {len(changed) - MOST_NAMED} more" if changed[MOST_NAMED:] else ""
            st.markdown(f"Started from **{preset.label}**; changed: {', '.join(labels[:MOST_NAMED])}{rest}.")
            options = obeying("Restores the preset. Restarts training.", **dict(preset.experiment))
            again = {"on_click": state.load, "args": (preset.experiment, name), "key": "restore_preset"}
            st.button("Restore", **again, **options)
        else:
            st.markdown(f"**{preset.label}.** {preset.sentence}")
        st.button("Dismiss", key="dismiss_preset", on_click=state.forget_preset, help="Removes this sentence.")
