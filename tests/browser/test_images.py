"""The Images page: drawing, test pictures and recipes."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from lab.experiment.recipes import RECIPES
from lab.training.build import build
from tests.browser.controls import own_controls, save_menus, saved
from tests.browser.playground import PHONE, WAIT_S, Playground, eventually
from ui.images.recipe_list import HISTORY

pytestmark = pytest.mark.browser

PAD = {"Undo", "Clear", "Brush size", "Test image", "Shift right", "Shift down", "Rotate", "Thicken"}
RECIPE_BUTTONS = {recipe.label for recipe in RECIPES.values()}
NETWORK = {"Reset", "Play", "Step", "Speed", "Your network", "The built-in network"}
CELL_OR_PICTURE = re.compile(r"(\d|Test picture \d+:) .*predicted as \d.*")

ONE = [(0.5, 0.15), (0.5, 0.85)]
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]


@pytest.fixture
def images(playground) -> Playground:
    """The shared visitor on the Images page, the built-in network trained."""
    playground.open_page("Images")
    playground.page.locator(".img-pad").wait_for()
    wait_until_ready(playground.page)
    return playground


def wait_until_ready(page: Page) -> None:
    page.locator("[data-kind=readings]").wait_for(timeout=60_000)
    expect(page.get_by_role("progressbar")).to_have_count(0)


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    """Draw one stroke and wait until it has been recognized."""
    pad = page.locator(".img-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for _, place in pairwise(places):
        page.mouse.move(*place, steps=6)
    page.mouse.up()
    until_read(page)


def until_read(page: Page) -> None:
    """Wait until the drawing has been recognized."""
    page.locator(".img-pad[data-state=read]").wait_for()


def answer(page: Page) -> Locator:
    return page.locator(".img-desk .img-reading")


def sees(page: Page, select: str = ".img-desk .img-picture") -> list[int]:
    """The gray values of what a network sees."""
    return page.locator(select).first.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0)"
    )


def test_drawings_and_changed_pictures_are_read_at_once(images):
    page = images.page
    expect(answer(page)).to_contain_text("Draw a digit.")
    expect(images.button("Undo")).to_be_disabled()
    draw(page, ONE)
    expect(answer(page)).to_have_attribute("data-read", "1")
    thin = sum(sees(page))
    assert thin > 0

    draw(page, [(0.2, 0.2), (0.8, 0.8)])
    expect(page.locator(".img-pad")).to_have_attribute("data-strokes", "2")
    assert sum(sees(page)) != thin
    images.press("Undo")
    until_read(page)
    expect(answer(page)).to_have_attribute("data-read", "1")
    assert sum(sees(page)) == thin

    images.press("Clear")
    until_read(page)
    expect(answer(page)).to_contain_text("Draw a digit.")
    assert sum(sees(page)) == 0

    brush = page.get_by_role("slider", name="Brush size")
    brush.focus()
    page.keyboard.press("End")
    draw(page, SEVEN)
    page.locator(".img-pad").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".img-pad")).to_have_attribute("data-strokes", "0")
    change_a_test_picture(images)


def change_a_test_picture(images: Playground) -> None:
    """Choose a test picture, and shift, turn and thicken it by keys."""
    page = images.page
    raw, prepared = ".img-pair .img-reading:first-child .img-picture", ".img-pair .img-reading:last-child .img-picture"
    page.wait_for_function("() => document.querySelectorAll('.img-pair .img-best').length === 2")
    first = sees(page, raw)
    images.enter("Test image", 3)
    assert eventually(lambda: sees(page, raw) != first, WAIT_S)
    images.settle()
    still = sees(page, raw), sees(page, prepared)
    images.slide("Shift right", "ArrowRight", "ArrowRight")
    assert eventually(lambda: sees(page, raw) != still[0], WAIT_S)
    images.settle()
    assert sees(page, prepared) == still[1]
    for label, key in (("Shift down", "ArrowLeft"), ("Rotate", "ArrowRight"), ("Thicken", "ArrowRight")):
        before = sees(page, raw)
        images.slide(label, key)
        assert eventually(lambda seen=before: sees(page, raw) != seen, WAIT_S), label


def test_every_question_about_the_digits_is_answered(images):
    page = images.page
    page.get_by_text(HISTORY).click()
    images.button(list(RECIPES.values())[-1].label).wait_for()
    assert own_controls(images) == PAD | RECIPE_BUTTONS | {"Train it on small digits"}
    for recipe in RECIPES.values():
        if images.button(recipe.label).is_enabled():
            images.press(recipe.label)
            images.linked(**recipe.experiment.to_query())
            images.settle()
    images.press("Train it on small digits")
    images.linked(dataset="digits", hidden="64,32")
    weights = page.locator(".img-weights")
    weights.wait_for()
    first = images.pixels(".img-weights")
    images.press("Step")
    expect(weights).to_have_attribute("data-epoch", "1")
    assert images.pixels(".img-weights") != first

    trainer = build(RECIPES["digits"].experiment).trainer
    trainer.epoch()
    accuracy = trainer.evaluate().test_score
    expect(page.get_by_text(f"epoch 1, test accuracy {accuracy:.1%}.")).to_be_visible()
    images.settle()
    cell = page.locator(".img-matrix button:not(.img-right):enabled").first
    assert page.locator(".img-matrix button:not([tabindex='-1'])").count() == 1  # a stop of the Tab key
    name = cell.get_attribute("aria-label") or ""
    truth, read, count = re.fullmatch(r"(\d) predicted as (\d): (\d+)", name).groups()
    cell.click()
    words = page.get_by_text(f"{truth} predicted as {read}: {count} of 449 test images.", exact=True)
    words.wait_for()
    tiles = page.locator(".st-key-cell_pictures .img-tile")
    expect(tiles).to_have_count(int(count))
    expect(tiles.first).to_contain_text(f"{truth} predicted as {read}")

    row = re.match(r"Test picture (\d+)", tiles.first.get_attribute("aria-label") or "")
    assert row
    tiles.first.click()
    expect(page.get_by_role("spinbutton", name="Test image", exact=True)).to_have_value(row[1])
    expect(page.locator(".img-pair .img-reading").first).to_contain_text(f"but it is {truth}")
    expect(page.locator(".st-key-mistakes .img-tile").first).to_be_visible()
    found = {name for name in own_controls(images) if not CELL_OR_PICTURE.fullmatch(name)}
    assert found == PAD | RECIPE_BUTTONS | NETWORK
    assert set(save_menus(images)) == {"confusion matrix", "first layer", "test pictures"}
    assert "image-rendering: pixelated" in saved(images, "first layer", "SVG")[1].decode()

    images.settle()
    draw(page, ONE)
    expect(page.get_by_text("Recognized by your network in its current state.")).to_be_visible()
    shares = answer(page).inner_text()
    page.get_by_role("radio", name="The built-in network").click()
    expect(page.get_by_text(re.compile("The built-in network was trained on"))).to_be_visible()
    assert eventually(lambda: answer(page).inner_text() != shares, WAIT_S)

    images.settle()
    images.press("Play")
    page.wait_for_function("() => Number(document.querySelector('.img-weights').dataset.epoch) >= 3")
    images.press("Pause")
    images.button("Play").wait_for()

    images.choose("Speed", "Full speed")
    images.settle()
    images.press("Play")
    expect(page.get_by_text("Stopped after 40 epochs.")).to_be_visible(timeout=30_000)
    images.button("Play").wait_for()
    images.press("Reset")
    expect(weights).to_have_attribute("data-epoch", "0")
    expect(page.locator(".img-pad")).to_have_attribute("data-strokes", "1")


def touch(finger: CDPSession, *places: tuple[float, float]) -> None:
    """Touch the screen at the first place, go to the others, and let go."""
    for number, (x, y) in enumerate(places):
        kind = "touchMove" if number else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_finger_draws_on_a_phone(playground):
    page = playground.page
    finger = playground.context.new_cdp_session(page)
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.set_viewport_size(PHONE)
    page.goto(playground.url)
    page.locator("[data-testid=live]").wait_for()
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Images", exact=True).click()
    page.locator(".img-pad").wait_for()
    page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    wait_until_ready(page)
    playground.settle()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    pad = page.locator(".img-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2
    touch(finger, (middle, box["y"] + box["height"] / 2))  # a dot, and a check that nothing lies over the pad
    expect(pad).to_have_attribute("data-strokes", "1")
    touch(finger, *((middle, box["y"] + down * box["height"]) for down in (0.2, 0.5, 0.8)))
    expect(pad).to_have_attribute("data-strokes", "2")
    until_read(page)
    expect(answer(page)).to_have_attribute("data-read", re.compile("."))
    assert pad.bounding_box() == box, "drawing has scrolled the page"
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
