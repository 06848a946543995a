"""What the pages on the mathematics share: the source of the engine, links, keys, and answers of the run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.components.v2 import component

from lab.experiment.experiment import Experiment
from lab.protocol.errors import Gone, Unreachable
from ui.components import FILES
from ui.session import state

ROOT = Path(__file__).parents[2]
LISTEN = """
export default function ({ parentElement, data }) {
  parentElement.keys ??= new Keys(data);
  return () => { parentElement.keys.close(); delete parentElement.keys; };
}
"""
REFRESH = 1.0  # seconds between two pictures of a running network; a chart is mounted anew each time


def begin() -> None:
    """First on a page that is read from top to bottom: there is a run, and the page uses its width."""
    state.begin()
    st.html(FILES["reading.css"])


def source(*functions: Callable) -> None:
    """The code that runs, as it stands in the engine."""
    path = Path(inspect.getsourcefile(functions[0]) or "").relative_to(ROOT).as_posix()
    st.caption(f"The code that runs, from {path}:")
    st.code("\n\n".join(inspect.getsource(function) for function in functions), language="python", wrap_lines=True)


def link(label: str, page: str, **fields: Any) -> str:
    """Markdown of a link that opens a page with another experiment."""
    return f"[{label}](./{page}?{urlencode(Experiment(**fields).to_query())})"


def ask(question: str, /, arrays: Mapping[str, Any] | None = None, **facts: Any) -> tuple[dict, dict]:
    """state.ask, with one sentence on the page where there is no answer."""
    try:
        return state.ask(question, arrays, **facts)
    except Gone:
        st.rerun()
    except Unreachable as problem:
        st.error(f"{problem} Your settings are in the address bar: reload the page in a moment.")
        st.stop()


def keys(buttons: Mapping[str, list[str]]) -> None:
    """Keys that press the buttons of the page. buttons: name of a key -> keys of buttons; the first there acts."""
    _key_listener()(key="keys", data=dict(buttons))


@lru_cache(maxsize=1)
def _key_listener() -> Any:
    js = FILES["keys.js"].read_text(encoding="utf-8").replace("export ", "") + LISTEN
    return component("keys", html="<span hidden></span>", js=js, isolate_styles=False)


def following(draw: Callable[[], None]) -> None:
    """A part of the page that is drawn alone when one of its controls changes, and again and again while it trains."""
    was = state.status()["status"]

    def again() -> None:
        state.look_again()
        if state.status()["status"] != was:
            st.rerun()
        draw()

    st.fragment(again, run_every=REFRESH if was == "running" else None)()
