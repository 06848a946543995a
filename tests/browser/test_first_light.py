"""The whole path live in the browser: choose, press Play, watch it learn, and rely on what the screen says."""

from __future__ import annotations

import pytest

from data import DATASETS
from tests.browser.playground import some

pytestmark = pytest.mark.browser

ZOOM = "plot => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range].flat().map(value => value.toFixed(6))"
LOSS = ".js-plotly-plot >> nth=0"


def numbers(facts: dict[str, str]) -> dict[str, str]:
    return some(facts, "epoch", "trainLoss", "testLoss", "trainAccuracy", "testAccuracy")


# Play, Pause, Step --------------------------------------------------------------------------------------------------


def test_play_paints_frame_after_frame_a_slider_reaches_the_network_meanwhile_and_pause_freezes_what_is_shown(
    playground,
):
    before = playground.open().facts
    assert (before["status"], before["epoch"], before["learningRate"]) == ("idle", "0", "0.03")
    playground.tag()
    playground.play()
    playing = playground.until(f"facts.frame > {before['frame']} + 40 && facts.epoch > 20", 30)
    assert float(playing["trainLoss"]) < float(before["trainLoss"])
    playground.slide("Learning rate", "ArrowRight")
    after = playground.until("facts.learningRate === '0.1'")
    assert int(after["epoch"]) >= int(playing["epoch"])
    assert (after["status"], after["build"]) == ("running", before["build"])
    playground.linked(learning_rate="0.1")
    later = f"facts.frame > {after['frame']} + 40 && facts.epoch > {after['epoch']} + 5"
    playground.until(f"{later} && facts.status === 'running'", 30)
    assert playground.mounted_anew() == 0
    playground.pause()
    frozen = numbers(playground.facts)
    playground.answers(5)  # the page went on asking, and nothing new came
    playground.until("true")
    assert numbers(playground.facts) == frozen
    assert "Paused." in playground.said


def test_a_stranger_watches_a_network_learn_to_read_digits(playground):
    playground.open()
    playground.choose("Data set", DATASETS["digits"].label)
    playground.linked(dataset="digits")
    playground.enter("Units 1", 64)
    playground.linked(hidden="64,8")
    playground.enter("Units 2", 32)
    playground.linked(hidden="64,32")
    playground.play()
    playground.until("facts.testAccuracy >= 0.95", 30)
    assert playground.page.locator(".live-strip canvas").count() > 10
    playground.page.get_by_role("heading", name="Test pictures").wait_for()


def test_step_trains_exactly_one_epoch_whether_idle_paused_or_running_and_reset_leads_back_to_the_first_weights(
    playground,
):
    first = numbers(playground.open("noise=0.1").facts)
    second = playground.step(1)
    assert second["status"] == "paused"
    playground.press("Reset")
    assert numbers(playground.until("facts.epoch == 0")) == first
    playground.settle()
    assert numbers(playground.step(1)) == numbers(second) != first
    assert playground.step(2)["status"] == "paused"
    playground.play()
    playground.until("facts.epoch > 5")
    playground.press("Step")
    stopped = playground.until("facts.status === 'paused'")
    playground.answers(3)
    assert playground.facts["epoch"] == stopped["epoch"]
    playground.step(int(stopped["epoch"]) + 1)


# The stream ---------------------------------------------------------------------------------------------------------


def test_the_zoom_of_the_loss_chart_survives_the_stream_and_settings_and_run_a_look_at_the_help_page(playground):
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
    points = "document.querySelector('.js-plotly-plot').data[0].x.length"
    drawn = playground.page.evaluate(points)
    playground.until(f"{points} > {drawn} + 100", 30)
    assert plot.evaluate(ZOOM) == zoomed != whole

    before, link = playground.facts, playground.link
    playground.go("Help")
    playground.page.get_by_role("heading", name="Help", exact=True).wait_for()
    playground.go("Playground")
    after = playground.until("facts.frame > 0")
    assert int(after["epoch"]) >= int(before["epoch"])
    assert after["build"] == before["build"]
    playground.linked(**link)
    playground.until(f"facts.epoch > {after['epoch']} && facts.status === 'running'")


# Links and visitors -------------------------------------------------------------------------------------------------


def test_a_link_gives_a_second_browser_the_same_settings_and_the_same_numbers_and_never_the_network_of_the_first(
    playground, visit, server
):
    playground.open("epochs=25&speed=max")
    playground.choose("Data set", DATASETS["spiral"].label)
    playground.linked(dataset="spiral")
    playground.slide("Noise", "ArrowRight", "ArrowRight")
    playground.linked(noise="0.1")
    playground.choose("Optimizer", "Adam")
    playground.linked(optimizer="adam")
    playground.press("Play")
    first = playground.until("facts.status === 'stopped'")
    friend = visit(server.url).open(playground.page.url.partition("?")[2])
    assert friend.link == playground.link
    assert friend.page.get_by_role("combobox", name="Data set").input_value() == DATASETS["spiral"].label
    idle, link = numbers(friend.facts), friend.link
    playground.slide("Learning rate", "ArrowRight")
    playground.linked(learning_rate="0.1")
    playground.play()  # on, beyond its end
    playground.until("facts.epoch > 35")
    friend.answers(3)
    assert numbers(friend.facts) == idle
    assert friend.facts["status"] == "idle"
    assert friend.link == link
    friend.press("Play")
    second = friend.until("facts.status === 'stopped'")
    assert first["epoch"] == "25"
    assert numbers(second) == numbers(first)
    on = playground.facts["epoch"]
    playground.until(f"facts.status === 'running' && facts.epoch > {on}")


# Endings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "lower"), [("learning_rate=10", "1"), ("dataset=plane&learning_rate=1", "0.1")])
def test_a_diverged_run_says_what_happened_and_its_button_goes_on_with_a_lower_rate(playground, query, lower):
    playground.open(query)
    playground.tag()
    playground.press("Play")
    playground.until("facts.status === 'diverged'")
    alert = playground.page.get_by_role("alert").filter(has_text="Training diverged")
    alert.wait_for()
    assert "The last finite weights are kept." in alert.inner_text()
    assert playground.button("Play").is_disabled()
    playground.press(f"Start again with learning rate {lower}")
    playground.until(f"facts.status === 'running' && facts.learningRate === '{lower}' && facts.epoch > 5")
    playground.linked(learning_rate=lower)
    alert.wait_for(state="detached")
    assert playground.mounted_anew() == 0
