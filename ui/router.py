"""The frame around every page: title and navigation. app.py serves it; `streamlit run ui/router.py` works alone."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
if sys.path[0] != str(ROOT):  # before the script's own folder, in which other packages have the same names
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from ui.header.lesson import banner  # noqa: E402
from ui.kit.explained import explaining  # noqa: E402
from ui.kit.page_parts import page_frame  # noqa: E402
from ui.kit.style import inject_css  # noqa: E402
from ui.streamlit_compat import late_presses, uninterrupted_callbacks  # noqa: E402

PAGES = {  # menu of the navigation, "" for links of their own: (file, title) of each page
    "": (("playground", "Playground"), ("data", "Data"), ("keep", "Save")),
    "Runs": (("compare", "Compare"), ("runs", "Runs"), ("studies", "Studies")),
    "Learn": (
        ("functions", "Functions"),
        ("one_step", "One step"),
        ("optimizers", "Optimizers"),
        ("health", "Health"),
        ("images", "Images"),
    ),
    "More": (("device", "Device"), ("help", "Help")),
}

uninterrupted_callbacks.install()
late_presses.install()
st.set_page_config(page_title="Backprop Playground", layout="wide", initial_sidebar_state="collapsed")
st.html(ROOT / "ui/components/page/page.css")
st.logo(ROOT / "ui/logo.svg", size="large")
page = st.navigation(
    {menu: [st.Page(ROOT / f"pages/{name}.py", title=title) for name, title in pages] for menu, pages in PAGES.items()},
    position="top",
)
inject_css()  # before the page, so that what a teacher has hidden never shows
page_frame()
banner()
with explaining():
    page.run()
