"""Every picture of the playground is saved as PNG, SVG or a web page; the tests of the other pages save theirs."""

from __future__ import annotations

import re

import pytest

from tests.browser.controls import save_menus, saved
from tests.browser.playground import Playground

pytestmark = pytest.mark.browser

PNG = b"\x89PNG\r\n\x1a\n"


def holds(playground: Playground, name: str, *words: str, interactive: bool = True) -> None:
    """Check the three files of a picture, and that SVG and HTML hold these words."""
    file, png = saved(playground, name, "PNG")
    assert re.fullmatch(r"[a-z0-9-]+\.png", file)
    assert png.startswith(PNG)
    width = int.from_bytes(png[16:20])
    assert width > 200
    svg = saved(playground, name, "SVG")[1].decode()
    assert svg.startswith("<svg")
    page = saved(playground, name, "HTML")[1].decode()
    assert page.startswith("<!doctype html>")
    assert ("Plotly.newPlot" in page) == interactive
    assert "<script src" not in page
    for word in words:
        assert word in svg, word
        assert word in page, word


@pytest.mark.everything
def test_each_picture_is_saved_in_three_formats(playground):
    playground.open("hidden=5,3").step(1)
    playground.until("document.querySelectorAll('.js-plotly-plot svg.main-svg').length >= 6")
    assert save_menus(playground) == ["network", "picture", "loss", "accuracy", "activation", "confusion matrix"]
    holds(playground, "network", "x\u2081", "2 hidden layers", "Tanh", "data:image/png", interactive=False)
    assert ">\u2212<" not in saved(playground, "network", "SVG")[1].decode()  # without its buttons
    holds(playground, "loss", "epoch", "train", "test")
    for name in ("picture", "activation"):
        assert saved(playground, name, "PNG")[1].startswith(PNG)
    matrix = saved(playground, "confusion matrix", "SVG")[1].decode()
    assert all(word in matrix for word in ("Confusion", "matrix"))
    other = playground.context.new_page()
    other.set_content(saved(playground, "accuracy", "HTML")[1].decode())
    other.wait_for_function("document.querySelectorAll('#chart svg.main-svg').length >= 2")
    other.close()
    playground.press("Save loss")
    playground.page.keyboard.press("Escape")
    playground.button("Save loss as PNG").wait_for(state="hidden")
