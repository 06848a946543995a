"""What several pages share: tables, source code of the engine, links, keyboard shortcuts, and queries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from lab.export import Plan, plan_of
from lab.protocol.errors import Gone, Unreachable
from ui.components import script
from ui.kit.charts import theme
from ui.session import state

ROOT = Path(__file__).parents[2]
REFRESH_S = 1.0  # between two views of a running network; each one mounts its charts again


def source(*functions: Callable) -> None:
    """Show the source code of functions of the engine."""
    path = Path(inspect.getsourcefile(functions[0]) or "").relative_to(ROOT).as_posix()
    st.caption(f"The code that runs, from {path}:")
    st.code("\n\n".join(inspect.getsource(function) for function in functions), language="python", wrap_lines=True)


def title_row(title: str) -> AbstractContextManager:
    """A row that begins with the title of the page, for the controls that choose what is shown."""
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    row.header(title, width="content")
    return row


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Show a table, which scrolls by itself where it is wider than the screen. The cells are Markdown."""
    st.table([dict(zip(head, row, strict=True)) for row in rows], hide_index=True, width="content")


def ask(question: str, /, arrays: Mapping[str, Any] | None = None, **facts: Any) -> tuple[dict, dict]:
    """state.ask for a page: without an answer, the page shows why and ends."""
    try:
        return state.ask(question, arrays, **facts)
    except Gone:
        st.rerun()
    except Unreachable as problem:
        st.error(f"{problem} Your settings are in the address bar: reload the page in a moment.")
        st.stop()


PAST_THE_END = 1 << 40  # a start after the last example: the answer has the number of examples and none of them


def export_plan() -> Plan:
    """What code for the visitor's experiment is made from."""
    return plan_of(state.experiment(), ask("rows", part="train", start=PAST_THE_END)[0])


def keys(buttons: Mapping[str, list[str]]) -> None:
    """Keyboard shortcuts of the page: name of a key -> keys of buttons, of which the first one present is clicked."""
    _unseen("keys", "page/page_keys.js", state.runs().live)(key="keys", data=dict(buttons))


def page_frame() -> None:
    """On every page: Back and Forward go to another page, not through the settings in the address, and charts have the
    colors of the theme also after it has changed."""
    _unseen("frame", "page/page_frame.js", state.runs().live)(
        key="frame", data={"theme": theme()}, on_theme_change=lambda: None
    )


@lru_cache(maxsize=4)
def _unseen(name: str, module: str, served: bool) -> Any:
    """A component without a picture."""
    return component(name, html="<span hidden></span>", js=script(module, served), isolate_styles=False)


def live_fragment(draw: Callable[[], None]) -> None:
    """Draw a fragment that reruns by itself while the network trains, and without the rest of the page."""
    status = state.status()["status"]

    def again() -> None:
        state.look_again()
        if state.status()["status"] != status:
            st.rerun()
        draw()

    st.fragment(again, run_every=REFRESH_S if status == "running" else None)()
