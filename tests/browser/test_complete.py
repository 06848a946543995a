"""Every control of the pages Data, Save and Images is used by a test: one that is not named here fails."""

from __future__ import annotations

import re

import pytest

from data import DATASETS
from lab.experiment.recipes import RECIPES
from tests.browser.playground import Playground
from tests.browser.test_controls import offered
from tests.browser.test_data import flowers, go_to_data, says, shapes, squares, train, upload
from tests.browser.test_images import eventually_ready
from tests.browser.test_math_pages import FRAME

pytestmark = pytest.mark.browser

STREAMLITS_OWN = re.compile(  # parts of tables, pictures and boxes for choices and files
    "Add files|Clear all|Decrement|Download as CSV|Fullscreen.*|Increment|Remove (colour|length|species)|Search|"
    "Show/hide columns|Upload"
)
SECTIONS = {"Well-known sets", "Your table", "Your images"}
UPLOAD = {"file upload", "Train on it"}

# Pressed in test_data.py, or below.
KNOWN = {"Train on Handwritten digits"}
TABLE = {
    *("Target column", "Classes", "Numbers", "Input columns", "Missing values"),
    *("The first row contains column names", "Remove flowers.csv"),
}
PIXELS = {"These are images", "Remove squares.csv.gz"}
PICTURES = {"Pixels per side", "Remove shapes.zip"}

# Pressed in test_keep.py, or below.
KEEP = {
    *("Save the model", "Everything", "Weights only", "file upload"),
    *("Curves as CSV", "Curves as HTML", "Confusion matrix as CSV", "NumPy", "PyTorch", "Keras"),
    *("Code and data as zip", "Trained network as ONNX", "Predict", "Delete the file", "Predictions as CSV"),
}

# Pressed in test_images.py, or below.
PAD = {"Undo", "Clear", "Brush size", "Test image", "Shift right", "Shift down", "Rotate", "Thicken"}
RECIPE_BUTTONS = {recipe.label for recipe in RECIPES.values()}
NETWORK = {"Reset", "Play", "Step", "Speed", "Your network", "The built-in network"}
CELL_OR_PICTURE = re.compile(r"(\d|Test picture \d+:) .*read as \d.*")


def here(playground: Playground) -> set[str]:
    """What the page itself offers."""
    playground.settle()
    return {name for name in offered(playground) - FRAME if not STREAMLITS_OWN.fullmatch(name)}


def downloads(found: set[str]) -> set[str]:
    """Buttons that fetch a set, and train on one that has been fetched; a mirror plays them in test_data.py."""
    sets = "|".join(re.escape(DATASETS[name].label) for name in ("mnist", "fashion_mnist", "kaggle_mnist"))
    return {name for name in found if re.fullmatch(rf"(Download ({sets}) \(\d+ MB\))|(Train on ({sets}))", name)}


def test_every_control_of_the_data_page_is_pressed_by_a_test(playground):
    found = here(playground.come("Data"))
    assert found - downloads(found) == SECTIONS | KNOWN
    go_to_data(playground, "Your table")
    upload(playground, "flowers.csv", flowers())
    says(playground, "120 rows and 4 columns")
    found = here(playground)
    playground.choose("Target column", "length")
    says(playground, "12 rows without a target are left out.")
    assert found | here(playground) == SECTIONS | UPLOAD | TABLE
    playground.press("Remove flowers.csv")
    says(playground, "One row per example, one column with the value to predict.")
    upload(playground, "squares.csv.gz", squares())
    says(playground, "80 images of 6 by 6 pixels")
    assert here(playground) == SECTIONS | UPLOAD | PIXELS
    go_to_data(playground, "Your images")
    upload(playground, "shapes.zip", shapes())
    says(playground, "60 images of 28 by 28 pixels")
    assert here(playground) == SECTIONS | UPLOAD | PICTURES
    playground.page.get_by_role("radio", name="Well-known sets", exact=True).click()
    assert train(playground, "Train on Handwritten digits")["dataset"] == "digits"


def test_every_control_of_the_keep_page_is_pressed_by_a_test(playground):
    playground.come("Save", "samples=60&hidden=4")
    file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"x1,x2\n1,2\n"}
    playground.page.locator("input[type=file]").nth(1).set_input_files(file)
    playground.press("Predict")
    playground.button("Predictions as CSV").wait_for()
    assert here(playground) == KEEP
    playground.page.get_by_role("radio", name="Keras").click()
    says(playground, "import keras")
    playground.page.get_by_role("radio", name="NumPy").click()
    says(playground, "np.load")


def test_every_control_of_the_image_page_is_pressed_by_a_test(playground):
    playground.come("Images")
    eventually_ready(playground.page)
    assert here(playground) == PAD | RECIPE_BUTTONS | {"Train it on small digits"}
    for recipe in RECIPES.values():
        if playground.button(recipe.label).is_enabled():
            playground.press(recipe.label)
            playground.linked(**recipe.experiment.to_query())
            playground.settle()
    playground.press(RECIPES["digits"].label)
    playground.page.locator(".st-key-mistakes .img-tile").first.wait_for()
    playground.page.get_by_role("radio", name="Your network").click()
    says(playground, "Your network is untrained")
    assert {name for name in here(playground) if not CELL_OR_PICTURE.fullmatch(name)} == PAD | RECIPE_BUTTONS | NETWORK
