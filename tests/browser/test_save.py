"""Every picture of every page has a menu that saves it as PNG, SVG or a web page of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.playground import Playground
from tests.browser.test_math_pages import pick

pytestmark = pytest.mark.browser

PNG = b"\x89PNG\r\n\x1a\n"


def saved(playground: Playground, name: str, kind: str) -> tuple[str, bytes]:
    """Press through the menu of a picture: the file's name and what it holds."""
    playground.button(f"Save {name}").first.click()
    with playground.page.expect_download() as caught:
        playground.button(f"Save {name} as {kind}").first.click()
    return caught.value.suggested_filename, Path(caught.value.path()).read_bytes()


def holds(playground: Playground, name: str, *words: str, interactive: bool = True) -> None:
    """All three files of a picture are what they are called, and hold these words."""
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


def menus(playground: Playground) -> list[str]:
    """The names of all pictures on the page that can be saved."""
    buttons = playground.page.locator(".live-save > button")
    return [name.removeprefix("Save ") for name in buttons.evaluate_all("all => all.map(it => it.ariaLabel)")]


def drawn(playground: Playground, key: str) -> None:
    playground.page.locator(f".st-key-{key} .js-plotly-plot .main-svg").first.wait_for()


def test_everything_that_the_playground_draws_is_saved(playground):
    playground.open("hidden=5,3").step(1)
    playground.until("document.querySelectorAll('.js-plotly-plot svg.main-svg').length >= 6")
    assert menus(playground) == ["network", "picture", "loss", "accuracy", "activation", "confusion matrix"]
    holds(playground, "network", "x\u2081", "2 hidden layers", "Tanh", "data:image/png", interactive=False)
    assert ">\u2212<" not in saved(playground, "network", "SVG")[1].decode()  # its buttons are no part of it
    holds(playground, "picture", "data:image/png", interactive=False)
    holds(playground, "confusion matrix", "Confusion", "matrix", interactive=False)
    holds(playground, "loss", "epoch")
    for name in ("accuracy", "activation"):
        assert saved(playground, name, "PNG")[1].startswith(PNG)
    other = playground.context.new_page()
    other.set_content(saved(playground, "accuracy", "HTML")[1].decode())
    other.wait_for_function("document.querySelectorAll('#chart svg.main-svg').length >= 2")
    other.close()
    playground.press("Save loss")
    playground.page.keyboard.press("Escape")
    playground.button("Save loss as PNG").wait_for(state="hidden")


def test_charts_of_the_other_pages_are_saved_and_each_has_its_menu(playground):
    playground.come("Functions")
    drawn(playground, "fn_layer_1")
    shape = "Tanh and its derivative over z from -6 to 6"
    assert menus(playground) == [shape, "Pre-activations of layer 1", "Pre-activations of layer 2"]
    holds(playground, shape, "this network")
    pick(playground, "Losses", "mean loss of this batch")
    drawn(playground, "fn_loss_shape")
    assert menus(playground) == ["Binary cross-entropy against the prediction"]
    playground.go("One step")
    drawn(playground, "step_network")
    assert len(menus(playground)) == 2
    pick(playground, "Gradient check", "Every gradient is right")
    drawn(playground, "check_valley")
    assert len(menus(playground)) == 2
    for page, key, count in (("Optimizers", "race", 3), ("Health", "health", 3), ("Save", "kept", 2)):
        playground.go(page)
        drawn(playground, key)
        playground.settle()
        assert len(menus(playground)) == count, page
    holds(playground, "Training and test loss", "epoch")


def test_pictures_of_the_image_page_are_saved_with_hard_pixels(playground):
    playground.come("Images", "dataset=digits&samples=200&hidden=4")
    playground.page.locator(".img-weights").wait_for()
    playground.page.locator(".st-key-mistakes .img-tile").first.wait_for()
    assert sorted(menus(playground)) == ["confusion matrix", "first layer", "test pictures"]
    holds(playground, "first layer", "image-rendering: pixelated", "The strongest weight", interactive=False)
    holds(playground, "confusion matrix", "truth", interactive=False)
    holds(playground, "test pictures", "read as", interactive=False)
