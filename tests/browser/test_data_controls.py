"""The controls of the data, and points that are drawn, uploaded and downloaded.

Drawn points are read from the address bar.
"""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Locator

from data import DATASETS, SCALINGS
from data.files.point_files import read_points
from data.sources import hand_drawn
from lab.experiment.experiment import Experiment
from tests.browser.controls import check_rebuilds, choose, enter, press, presses, slide, tested, train_loss
from tests.browser.playground import WAIT_S, Playground, eventually

pytestmark = [pytest.mark.browser, pytest.mark.everything]

MORE_DATA, FILES = "More data", "Files"
OWN = "Custom feature"
MARKS = ".live-map-marks"

CONTROLS = [  # in the order in which they are used, one after the other
    enter("Samples (0 = all)", 100, "samples", "100"),
    press("Regenerate", "seed", "2"),
    slide("Outliers", "End", "outliers", "0.5", MORE_DATA),
    choose("Data set", DATASETS, "dataset", "xor"),
]
tested |= {MORE_DATA, FILES, *(control.name for control in CONTROLS)}


def test_each_data_control_rebuilds_the_run(playground):
    check_rebuilds(playground, CONTROLS)
    assert playground.remounted_parts() == 0


def test_a_data_set_is_chosen_by_its_thumbnail(playground):
    playground.open("hidden=3")
    pictures = playground.page.get_by_role("radiogroup", name="Data sets in the plane").get_by_role("radio")
    before = playground.pixels(".live-map-marks")
    pictures.and_(playground.page.get_by_label("Two moons")).click()
    playground.linked(dataset="moons", hidden="3")
    playground.until_pixels(".live-map-marks", lambda now: now != before)
    playground.page.keyboard.press("ArrowLeft")
    playground.linked(dataset="xor", hidden="3")
    playground.page.get_by_role("radio", name="Exclusive or", checked=True).wait_for()


@presses("Pixels as inputs")
def test_the_scaling_of_pixels_is_offered_for_pictures_only(playground):
    playground.open("dataset=digits&samples=200&hidden=4")
    playground.choose("Pixels as inputs", SCALINGS["per_image"].label)
    playground.linked(scaling="per_image")
    box = playground.page.get_by_role("combobox", name="Pixels as inputs", exact=True)
    assert box.input_value() == SCALINGS["per_image"].label
    playground.page.get_by_role("heading", name="Test pictures").wait_for()
    assert playground.page.locator(".live-strip canvas").count() > 10
    playground.choose("Data set", "Circle")
    playground.linked(dataset=None, scaling=None)
    box.wait_for(state="detached")


# A feature that is typed --------------------------------------------------------------------------------------------


@presses(OWN)
def test_a_typed_formula_is_a_feature_and_an_error_stays_visible(playground):
    playground.open()
    box = playground.page.get_by_role("textbox", name=OWN, exact=True)
    box.fill("sin(x1) * x2^2")
    box.press("Enter")
    playground.linked(formula="sin(x1) * x2^2", features="x1,x2,formula")
    thumbnail = playground.button("Feature sin(x1) * x2^2")
    thumbnail.click()
    playground.linked(formula="sin(x1) * x2^2", features=None)
    thumbnail.click()
    playground.linked(features="x1,x2,formula")
    playground.answers(2)
    before = playground.facts
    box.fill("x1.__class__ <b>")
    box.press("Enter")
    refusal = playground.page.get_by_role("alert")
    refusal.wait_for()
    assert "A formula may contain x1, x2" in refusal.inner_text()
    assert box.input_value() == "x1.__class__ <b>"
    assert playground.link["formula"] == "sin(x1) * x2^2"
    assert playground.facts["build"] == before["build"]
    box.fill("")
    box.press("Enter")
    playground.linked(formula=None, features=None)
    refusal.wait_for(state="detached")
    thumbnail.wait_for(state="detached")


# Points drawn on the map --------------------------------------------------------------------------------------------


class Sheet:
    """The pad on the big map of a page."""

    def __init__(self, page: Playground) -> None:
        self.page = page
        self.pad: Locator = page.page.get_by_role("application")
        self.note: Locator = page.page.locator(".live-drawbar").get_by_role("status")

    def open(self) -> Sheet:
        self.page.press("Draw points")
        self.pad.wait_for()
        self.page.settle()
        return self

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the plane lies on the screen."""
        box = self.pad.bounding_box()
        assert box
        return box["x"] + (x + 6) / 12 * box["width"], box["y"] + (6 - y) / 12 * box["height"]

    def click(self, *places: tuple[float, float]) -> None:
        for place in places:
            self.page.page.mouse.click(*self.place(*place))

    def holds(self, *points: tuple[float, float, int]) -> None:
        """Wait until the link holds these points, to about a pixel."""
        assert eventually(lambda: self.agrees(np.array(points)), WAIT_S), self.page.link
        self.page.settle()
        self.seen = self.page.link["points"]

    def agrees(self, points: np.ndarray) -> bool:
        link = self.page.page.evaluate("new URL(location).searchParams.get('points')")
        places, labels = hand_drawn.unpack(link or hand_drawn.STARTER)
        return np.array_equal(labels, points[:, 2]) and np.abs(places - points[:, :2]).max() < 0.1

    def says(self, words: str) -> None:
        """Wait until the sentence below the map holds these words."""
        self.note.filter(has_text=words).wait_for()


CORNERS = ((-4, 4, 0), (-4, 2, 0), (4, -4, 1), (4, -2, 1))


@presses("Draw points", "Class 1", "Class 2", "Class 3", "Add", "Move", "Delete", "Relabel", "Undo", "Clear", "Done")
def test_points_are_drawn_moved_relabeled_deleted_and_restored(playground):
    sheet = Sheet(playground.open(f"dataset=drawn&points={hand_drawn.pack(CORNERS)}"))
    assert sheet.pad.is_hidden()
    before = sheet.open().page.facts
    playground.press("Move")
    playground.page.mouse.move(*sheet.place(-4, 4))
    playground.page.mouse.down()
    playground.page.mouse.move(*sheet.place(0, 5), steps=3)
    playground.page.mouse.up()
    sheet.holds((0, 5, 0), *CORNERS[1:])
    playground.press("Add")
    playground.press("Class 2")
    sheet.click((1, 1), (2, 2))
    sheet.holds((0, 5, 0), *CORNERS[1:], (1, 1, 1), (2, 2, 1))
    playground.press("Relabel")
    playground.press("Class 3")
    sheet.click((1, 1), (2, 2))
    sheet.holds((0, 5, 0), *CORNERS[1:], (1, 1, 2), (2, 2, 2))
    playground.press("Delete")
    sheet.click((1, 1), (2, 2))
    sheet.holds((0, 5, 0), *CORNERS[1:])
    for _ in range(2):
        playground.press("Undo")
    sheet.holds((0, 5, 0), *CORNERS[1:], (1, 1, 2), (2, 2, 2))
    playground.press("Clear")
    sheet.says("no points")
    playground.press("Undo")
    sheet.holds((0, 5, 0), *CORNERS[1:], (1, 1, 2), (2, 2, 2))
    picture = playground.pixels(MARKS)
    playground.press("Done")
    sheet.pad.wait_for(state="hidden")
    playground.until_pixels(MARKS, lambda now: now != picture)
    assert int(playground.facts["build"]) > int(before["build"])
    after = playground.step(1)
    assert float(after["trainLoss"]) == train_loss(Experiment.from_query(playground.link)[0])


@presses("Done drawing", "Class 4", "Class 5")
def test_points_are_drawn_by_keyboard_and_five_classes_by_pointer(playground):
    playground.open("noise=0.3")
    playground.button("Draw points").focus()
    keys = playground.page.keyboard
    keys.press("Enter")
    sheet = Sheet(playground)
    sheet.pad.wait_for()
    assert sheet.pad.evaluate("pad => pad === document.activeElement")
    _, starters = hand_drawn.unpack(hand_drawn.STARTER)
    for key in ("2", "Shift+ArrowRight", "Shift+ArrowUp", "Enter"):
        keys.press(key)
    playground.page.wait_for_function("() => new URL(location).searchParams.has('points')")
    playground.linked(dataset="drawn", noise=None)
    places, labels = hand_drawn.unpack(playground.link["points"])
    assert len(labels) == len(starters) + 1
    assert labels[-1] == 1
    np.testing.assert_allclose(places[-1], (1.5, 1.5), atol=0.1)
    keys.press("Control+z")
    playground.page.wait_for_function(
        "packed => new URL(location).searchParams.get('points') === packed", arg=hand_drawn.STARTER
    )
    playground.settle()
    draw_five_classes(sheet)


def draw_five_classes(sheet: Sheet) -> None:
    """Add a fourth and a fifth class to three, open the link of all of them, and leave by the menu."""
    playground = sheet.page
    points = [(2 * label - 4, y, label) for label in range(5) for y in (-2, 2)]
    playground.open(f"dataset=drawn&points={hand_drawn.pack(points[:6])}")
    sheet.open()
    for label in (3, 4):
        assert playground.button("Class 5").is_disabled() == (label < 4)
        playground.press(f"Class {label + 1}")
        sheet.click(*((x, y) for x, y, of in points if of == label))
    sheet.holds(*points)
    playground.press("Done drawing")
    sheet.pad.wait_for(state="hidden")
    playground.page.locator(".live-legend .live-key", has_text="class 5").wait_for()

    playground.open("&".join(f"{name}={value}" for name, value in playground.link.items()))
    assert sheet.pad.is_hidden()
    assert playground.link["points"] == sheet.seen
    playground.choose("Data set", "Circle")
    playground.linked(dataset=None)
    playground.choose("Data set", "Your own points")
    sheet.pad.wait_for()
    playground.settle()
    playground.choose("Data set", "Circle")
    sheet.pad.wait_for(state="hidden")


# Points from files and into them ------------------------------------------------------------------------------------


@presses("file upload", "Upload", "Download the points")
def test_points_are_uploaded_and_downloaded(playground):
    playground.open("noise=0.2")
    playground.unfold(FILES)
    playground.upload("a.csv", b"1,2\n3,4\n")
    alert = playground.page.get_by_role("alert")
    alert.wait_for()
    assert "two of numbers and one of labels are allowed" in alert.inner_text()
    assert playground.link == {"noise": "0.2"}
    rows = b"x;y;species\n-4;4;<b>rose</b>\n-4;2;<b>rose</b>\n4;-4;*tulip*\n4;-2;*tulip*\n"
    playground.upload("b.csv", rows)
    playground.page.get_by_text("4 points. class 1: *tulip*, class 2: <b>rose</b>.", exact=True).wait_for()
    assert alert.count() == 0
    playground.settle()
    playground.upload("c.csv", b"# taken by hand\n" + rows)
    playground.page.get_by_text("4 points. class 1: *tulip*, class 2: <b>rose</b>. ").wait_for()
    playground.settle()
    places, labels = hand_drawn.unpack(playground.link["points"])
    assert labels.tolist() == [1, 1, 0, 0]
    text = playground.download("Download the points")
    assert text.startswith(b"x1,x2,label,part\n")
    assert text.count(b",train\n") + text.count(b",test\n") == 4
    again = sorted(read_points(text).points)
    np.testing.assert_allclose(
        again, sorted([*place, label] for place, label in zip(places, labels, strict=True)), atol=1e-4
    )
