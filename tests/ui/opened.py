"""Helpers: open a page by a link without a browser, and read what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
ALL_CONTROLS = {"controls": "everything"}  # of the links that tests open


def open_page(name: str, **fields: str) -> AppTest:
    """The page of a visitor who came by a link, with all controls unless it says otherwise."""
    page = AppTest.from_file(str(ROOT / "ui/router.py"), default_timeout=60)
    for field, value in {**ALL_CONTROLS, **fields}.items():
        page.query_params[field] = value
    return ran(page.switch_page(str(ROOT / f"pages/{name}.py")).run())


def link(page: AppTest) -> dict[str, str]:
    """The fields of the address bar, each of which is there once, without what the tests add to all links."""
    fields = {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}
    return {name: value for name, value in fields.items() if ALL_CONTROLS.get(name) != value}


PLURALS = (
    "columns epochs examples files filters images inputs layers neurons parameters pictures points rows runs samples "
    "seconds steps trials weights"
)
ONE_OF_MANY = re.compile(rf"(?<![\w.,])1 (?:{'|'.join(PLURALS.split())})\b")


def ran(page: AppTest) -> AppTest:
    """The page, which has reported no error and nowhere says "1 epochs"."""
    assert not page.exception
    said = [element.value for kind in ("markdown", "caption", "warning", "info", "success", "error") for element in
            getattr(page, kind)]  # fmt: skip
    assert not [text for text in said if ONE_OF_MANY.search(text)]
    return page


def figure(page: AppTest, key: str) -> dict:
    """The specification of a chart."""
    found = [chart.proto for chart in page.get("plotly_chart") if chart.proto.id.endswith(key) or key in chart.proto.id]
    assert len(found) == 1, [chart.proto.id for chart in page.get("plotly_chart")]
    return json.loads(found[0].spec)


def texts(page: AppTest) -> str:
    return "\n".join(element.value for kind in ("markdown", "caption", "latex") for element in getattr(page, kind))


def code(page: AppTest) -> str:
    return "\n".join(element.value for element in page.code)


def view(page: AppTest, key: str, name: str) -> AppTest:
    return ran(page.segmented_control(key=key).set_value(name).run())


def taken_for_changes(page: AppTest) -> list[str]:
    """The widgets that a browser would show, and report, with another value if it drew them again now.

    It has forgotten their values by then, as after a lost connection, and takes what the page sends: the present value
    or, where that is not repeated, the default.
    """
    found = []
    for kind in ("select_slider", "selectbox", "multiselect", "number_input", "text_input", "checkbox", "toggle"):
        for widget in getattr(page, kind):
            default = widget.proto.default
            if kind == "select_slider":
                default, value = widget.options[int(default[0])], widget.format_func(widget.value)
            elif kind == "selectbox":
                default, value = default if widget.proto.HasField("default") else None, widget.index
            elif kind == "multiselect":
                default, value = list(default), list(widget.indices)
            else:
                has_none = kind in ("number_input", "text_input") and not widget.proto.HasField("default")
                default, value = None if has_none else default, widget.value
            if widget.key and not widget.proto.set_value and default != value:
                found.append(f"{widget.label}: {default} instead of {value}")
    return found
