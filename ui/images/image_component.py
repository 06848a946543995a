"""The component of the page Images: its data say which part of the page it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from lab.protocol.frames import pack
from ui.components import script, styles
from ui.session import state


def part(kind: str, key: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], **changes: Any) -> None:
    """Show one part (images.js lists the kinds). changes: `on_NAME_change` is called when it sends a value NAME."""
    _component(state.runs().live)(key=key, data=pack({**header, "kind": kind}, arrays), **changes)


def sent(key: str, name: str) -> Any:
    """The value `name` that a part has sent, unchecked; None if it has sent none."""
    return (st.session_state.get(key) or {}).get(name)


@lru_cache(maxsize=2)
def _component(served: bool) -> Callable[..., Any]:
    css, js = styles("images/images.css", "shared/save.css"), script("images/images.js", served)
    return component("images", html='<div class="images"></div>', css=css, js=js, isolate_styles=False)
