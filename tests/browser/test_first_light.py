"""Play, Pause, zoom and divergence, live in the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route

from tests.browser.playground import eventually, some

pytestmark = pytest.mark.browser

ZOOM = "plot => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range].flat().map(value => value.toFixed(6))"
LOSS = ".js-plotly-plot >> nth=0"


def numbers(facts: dict[str, str]) -> dict[str, str]:
    return some(facts, "epoch", "trainLoss", "testLoss", "trainAccuracy", "testAccuracy")


# Play and Pause -----------------------------------------------------------------------------------------------------


def test_play_paints_frames_until_pause(playground):
    before = playground.open().facts
    assert (before["status"], before["epoch"], before["learningRate"]) == ("idle", "0", "0.03")
    playground.tag()
    playground.play()
    playing = playground.until(f"facts.frame > {before['frame']} + 20 && facts.epoch > 20", 30)
    assert float(playing["trainLoss"]) < float(before["trainLoss"])
    playground.slide("Learning rate", "ArrowRight")
    after = playground.until("facts.learningRate === '0.1'")
    assert int(after["epoch"]) >= int(playing["epoch"])
    assert (after["status"], after["build"]) == ("running", before["build"])
    playground.linked(learning_rate="0.1")
    later = f"facts.frame > {after['frame']} + 20 && facts.epoch > {after['epoch']} + 5"
    playground.until(f"{later} && facts.status === 'running'", 30)
    assert playground.remounted_parts() == 0
    playground.pause()
    frozen = numbers(playground.facts)
    playground.answers(5)  # the page keeps asking and gets nothing new
    playground.until("true")
    assert numbers(playground.facts) == frozen
    assert "Paused." in playground.status_line


PLACES = """() => ['main', 'curves', 'diagram', 'words-row'].map(name => {
  const part = document.querySelector(`.live-${name}`);
  const [place, grid] = [part, part.parentElement].map(element => element.getBoundingClientRect());
  return [place.left - grid.left, place.top - grid.top, place.width, place.height].map(Math.round);
})"""
POINTS = "document.querySelector('[data-chart=loss] .js-plotly-plot')?.data?.[0]?.x?.length"


def test_the_parts_around_the_picture_show_what_happened_before_they_came(playground):
    held: list[Route] = []
    playground.page.route("**/live/extras.js", lambda route: held.append(route))
    playground.page.set_viewport_size({"width": 390, "height": 844})
    playground.open()
    playground.press("Step")
    playground.until("facts.epoch === '1'")
    playground.recolor("dark")
    assert playground.page.locator(".live-panel[data-chart]").count() == 0
    places = playground.page.evaluate(PLACES)
    held.pop().continue_()
    playground.until(f"{POINTS} === 2")
    assert playground.page.evaluate(PLACES) == places
    playground.page.set_viewport_size({"width": 1366, "height": 650})
    ink = playground.page.evaluate("document.querySelector('[data-chart=loss] .js-plotly-plot')._fullLayout.font.color")
    assert ink == playground.page.evaluate("getComputedStyle(document.querySelector('.live')).color")
    playground.recolor("light")

    playground.page.reload()
    playground.until("facts.frame > 0")
    assert eventually(lambda: playground.page.evaluate("true") and held, 30)
    playground.go("Help")
    held.pop().continue_()
    playground.go("Playground")
    playground.page.unroute("**/live/extras.js")
    playground.until(f"facts.frame > 0 && {POINTS} === 2")


def test_the_parts_around_the_picture_come_when_their_modules_do(playground):
    playground.page.route("**/live/extras.js", lambda route: route.abort(), times=1)
    playground.open()
    curves = playground.page.locator(".live-curves")
    curves.get_by_text("The curves could not be loaded").wait_for()
    curves.locator(".js-plotly-plot").first.wait_for()  # the page tries again
    assert "could not be loaded" not in curves.inner_text()
    assert playground.page.locator(".live-confusion").count() == 1
    assert any("extras.js" in error for error in playground.errors)
    playground.errors.clear()


# The stream ---------------------------------------------------------------------------------------------------------


def test_the_zoom_survives_new_frames_and_the_run_another_page(playground):
    playground.open("dataset=moons&noise=0.2&hidden=6,5&learning_rate=0.1&speed=fast").play()
    playground.until("facts.epoch > 30 && document.querySelector('.js-plotly-plot .nsewdrag')")
    plot = playground.page.locator(LOSS)
    whole = plot.evaluate(ZOOM)
    box = plot.locator(".nsewdrag").first.bounding_box()
    across, down = (lambda share: box["x"] + share * box["width"]), (lambda share: box["y"] + share * box["height"])
    playground.page.mouse.move(across(0.2), down(0.2))
    playground.page.mouse.down()
    playground.page.mouse.move(across(0.6), down(0.7), steps=5)
    playground.page.mouse.up()
    playground.until("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.autorange === false")
    zoomed = plot.evaluate(ZOOM)
    last = "document.querySelector('.js-plotly-plot').data[0].x.at(-1)"
    drawn = playground.page.evaluate(last)
    playground.until(f"{last} > {drawn} + 100", 30)
    assert plot.evaluate(ZOOM) == zoomed != whole
    reset = playground.button("Reset the zoom of loss")
    reset.click()
    reset.wait_for(state="hidden")
    playground.until("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.autorange")

    before, link = playground.facts, playground.link
    playground.go("Help")
    playground.go("Playground")
    after = playground.until("facts.frame > 0")
    assert int(after["epoch"]) >= int(before["epoch"])
    assert after["build"] == before["build"]
    playground.linked(**link)
    playground.until(f"facts.epoch > {after['epoch']} && facts.status === 'running'")


# Endings ------------------------------------------------------------------------------------------------------------


def test_a_diverged_run_starts_again_with_a_lower_rate(playground):
    playground.open("dataset=plane&learning_rate=1")
    playground.tag()
    playground.press("Play")
    playground.until("facts.status === 'diverged'")
    alert = playground.page.get_by_role("alert").filter(has_text="Training diverged")
    alert.wait_for()
    assert "The learning rate 1 is too high" in alert.inner_text()
    assert "learning rate" not in playground.page.get_by_test_id("live-status").inner_text()  # told once
    playground.slide("Learning rate", "ArrowLeft")  # any changed setting brings Play back
    playground.until("facts.status === 'idle' && facts.epoch == 0")
    playground.linked(learning_rate="0.3")
    alert.wait_for(state="detached")
    assert playground.button("Play").is_enabled()
    playground.slide("Learning rate", "ArrowRight")
    playground.linked(learning_rate="1")
    playground.press("Play")
    playground.until("facts.status === 'diverged'")
    playground.press("Start again with learning rate 0.1")
    playground.until("facts.status === 'running' && facts.learningRate === '0.1' && facts.epoch > 5")
    playground.linked(learning_rate="0.1")
    alert.wait_for(state="detached")
    assert playground.remounted_parts() == 0
