"""The component of the page Images: its data say which part of the page it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.components.v2 import component

from lab.protocol.frames import pack
from ui.components import FILES, VERSION, joined
from ui.session import state

STUB = """
export default async function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const { mountImages } = await import(new URL('live/%s/images.js', document.baseURI).href);
  return mountImages(parentElement.querySelector('.images'), data, { setStateValue, setTriggerValue });
}
"""
INLINE = """
%s
export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  return mountImages(parentElement.querySelector('.images'), data, { setStateValue, setTriggerValue });
}
"""


def part(kind: str, key: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], **changes: Any) -> None:
    """Show one part (images.js lists the kinds). changes: `on_NAME_change` is called when it sends a value NAME."""
    js = STUB % VERSION if state.runs().live else INLINE % joined("images.js")
    _component(js)(key=key, data=pack({**header, "kind": kind}, arrays), **changes)


def sent(key: str, name: str) -> Any:
    """The value `name` that a part has sent, unchecked; None if it has sent none."""
    return (st.session_state.get(key) or {}).get(name)


@lru_cache(maxsize=2)
def _component(js: str) -> Callable[..., Any]:
    css = "\n".join(FILES[name].read_text(encoding="utf-8") for name in ("page.css", "images.css", "save.css"))
    return component("images", html='<div class="images"></div>', css=css, js=js, isolate_styles=False)
