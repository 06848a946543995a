"""Every mark that the app uses in documents drawn by Streamlit is there, and means what the table says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import TimeoutError

from tests.browser.playground import PHONE, Playground
from ui.streamlit_compat.assumptions import DOCUMENT
from ui.streamlit_compat.dom import Mark

pytestmark = pytest.mark.browser

VARIABLES = """() => ['background-color', 'border-color', 'font', 'primary-color', 'text-color'].every(
  name => getComputedStyle(document.querySelector('.live')).getPropertyValue(`--st-${name}`).trim())"""
AFTER_PRINTING = """dark => {
  const ask = window.matchMedia;
  window.matchMedia = query => query === '(prefers-color-scheme: dark)' ? { matches: dark } : ask.call(window, query);
  window.dispatchEvent(new Event('afterprint'));
  window.matchMedia = ask;
}"""
SCHEME = f"scheme => getComputedStyle(document.querySelector('{Mark.APP}')).colorScheme === scheme"


def open_dialog(visitor: Playground) -> None:
    visitor.press("Share")


def open_data_page(visitor: Playground) -> None:
    visitor.open_page("Data")


def open_studies(visitor: Playground) -> None:
    visitor.open_page("Studies")


def open_embedded(visitor: Playground) -> None:
    visitor.open("embed=true")


def open_on_a_phone(visitor: Playground) -> None:
    visitor.page.set_viewport_size(PHONE)


REACH: dict[str, Callable[[Playground], None]] = {  # where the examples of the table can be seen, in this order
    "playground": Playground.open,
    "dialog": open_dialog,
    "data": open_data_page,
    "studies": open_studies,
    "embedded": open_embedded,
    "phone": open_on_a_phone,
}


def is_there(visitor: Playground, selector: str) -> bool:
    try:
        visitor.page.locator(selector).first.wait_for(state="attached")
    except TimeoutError:
        return False
    return True


def broken_rows(visitor: Playground, place: str) -> list[str]:
    """Go to a place and look for the marks that the table expects there."""
    REACH[place](visitor)
    rows = [row for row in DOCUMENT if row.where == place]
    assert rows
    return [row.broken() for row in rows if not is_there(visitor, row.example)]


def test_streamlit_still_means_what_the_table_says(playground):
    broken = broken_rows(playground, "playground")
    theme, printing = (next(row for row in DOCUMENT if row.where == where) for where in ("theme", "printing"))
    assert playground.page.evaluate(VARIABLES), theme.broken()
    for dark, scheme in ((True, "dark"), (False, "light")):  # asked for after printing
        playground.page.evaluate(AFTER_PRINTING, dark)
        try:
            playground.page.wait_for_function(SCHEME, arg=scheme)
        except TimeoutError:
            pytest.fail(printing.broken())
    for place in list(REACH)[1:]:
        broken += broken_rows(playground, place)
    assert not broken, "\n".join(broken)


def test_every_row_of_the_table_is_checked_somewhere():
    assert {row.where for row in DOCUMENT} == {*REACH, "theme", "printing"}
