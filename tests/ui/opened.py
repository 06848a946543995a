"""Helpers: open a page by a link without a browser, and read what it shows."""

from __future__ import annotations

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
ALL_CONTROLS = {"controls": "everything"}  # of the links that tests open


def open_page(name: str, **fields: str) -> AppTest:
    """The page of a visitor who came by a link, with all controls unless it says otherwise."""
    page = AppTest.from_file(str(ROOT / "ui/router.py"), default_timeout=60)
    for field, value in {**ALL_CONTROLS, **fields}.items():
        page.query_params[field] = value
    page.run()
    return ran(page.switch_page(str(ROOT / f"pages/{name}.py")).run())


def link(page: AppTest) -> dict[str, str]:
    """The fields of the address bar, each of which is there once, without what the tests add to all links."""
    fields = {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}
    return {name: value for name, value in fields.items() if ALL_CONTROLS.get(name) != value}


def ran(page: AppTest) -> AppTest:
    assert not page.exception
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
