"""What the author of a link tells students, at the top of every page, and the way back to the task."""

from __future__ import annotations

import streamlit as st

from ui.kit.escape import escape_markdown
from ui.kit.widgets import LOCKED
from ui.session import state


def banner() -> None:
    """Nothing where the link is no lesson; a session never changes from one to the other."""
    if not state.is_lesson():
        return
    view = state.view()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="task"):
        texts = [f"**{escape_markdown(view['title'])}**"] if view["title"] else []
        texts += [escape_markdown(view["task"])] if view["task"] else []
        if view["lock"]:
            texts.append(f":small[:material/lock: {LOCKED} What has a lock cannot be changed.]")
        if texts:
            st.markdown(" ".join(texts), width="stretch")
        if state.left_task():
            help = "Restores the experiment of the link. Restarts training."
            st.button("Back to the task", key="back_to_task", on_click=state.back_to_task, help=help)
