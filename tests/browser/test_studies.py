"""The page Studies in a real browser: a study is chosen, stopped, goes on, is opened again, and its best is taken."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lab.experiment.experiment import Experiment
from tests.browser.controls import own_controls
from tests.browser.playground import PHONE, WAIT_S, eventually
from tests.browser.test_accessibility import barriers
from tests.browser.test_compare import words
from tests.lab.studies.helpers import conducted
from ui.session.study_setup import Setup

pytestmark = pytest.mark.browser
E = Experiment(dataset="moons", samples=60, hidden=(4,))
SPACE = {"learning_rate": (0.01, 1.0), "hidden": ((4,), (8,), (16,), (4, 4)), "l2": (0.0001, 0.1)}
STUDY = Setup(SPACE, trials=12, seeds=1, epochs=25, objective="score", sampler="random", prunes=False).study(E)
PRESSED = {  # in this test
    "Settings to search", "Learning rate from", "Trials", "Runs of each trial", "Epochs", "Accuracy", "Proposals",
    "End bad trials early", "Start", "Stop", "Go on", "Start another study", "Take the best trial", "All trials",
    "Earlier studies: 1", "Earlier study", "Open the study", "Delete", "Undo",
}  # fmt: skip
LIKE_THOSE = {"Learning rate to", "L2 rate from", "L2 rate to", "Hidden layers: values", "Loss"}
PARTS = re.compile("Remove .*|Clear all|Selected values|What you see, what to try, and why|Train it on the Playground")


def test_a_study_is_stopped_goes_on_and_its_best_trial_is_taken(playground):
    playground.open("dataset=moons&samples=60&hidden=4").go("Studies")
    page = playground.page
    playground.choose("Settings to search", "L2 rate")
    page.keyboard.press("Escape")
    playground.choose("Learning rate from", "0.01")
    playground.slide("Trials", "End")
    playground.slide("Runs of each trial", "Home")
    playground.slide("Epochs", "Home", "ArrowRight")
    playground.settle()  # a press between two script runs would be lost
    page.get_by_role("radio", name="Accuracy").click()
    assert eventually(lambda: ":25:score:" in playground.link["study"], WAIT_S)
    playground.choose("Proposals", "Random")
    playground.switch("End bad trials early")
    playground.press("Start")
    words(playground, "The best one, number")
    stop = page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop", exact=True)
    stop.click()  # Streamlit has such a button, too, while a script runs
    playground.press("Go on")
    stop.click()
    playground.button("Go on").wait_for()
    playground.slide("Trials", "Home")
    playground.press("Start another study")  # the same with fewer trials, most of which are done
    text = words(playground, "Tested once, at the end")
    best = conducted(replace(STUDY, trials=int(text.split()[0]))).best()
    assert best
    assert f"The best one, number {best['number']}, has a validation accuracy of {best['value']:.4g} (one run)" in text
    assert f"test loss {best['test_loss']:.4g}, accuracy {best['test_accuracy']:.4g}." in text
    page.get_by_text("All trials").click()
    # it is listed, and opened from what the store has of it
    earlier = page.get_by_text("Earlier studies: 1")
    earlier.click()
    page.get_by_text("complete", exact=True).wait_for()  # the page is drawn again when the study has ended
    playground.settle()
    playground.press("Delete")
    page.get_by_text("1 deleted.").wait_for()
    page.get_by_text("No study yet").wait_for()
    playground.press("Undo")
    assert words(playground, "Tested once, at the end") == text
    earlier.click()
    playground.press("Open the study")
    assert {name for name in own_controls(playground) if not PARTS.fullmatch(name)} <= PRESSED | LIKE_THOSE
    assert barriers(playground) == []
    playground.press("Take the best trial")
    playground.linked(learning_rate=f"{best['experiment']['learning_rate']!r}", epochs="25", validation_share="0.2")
    page.set_viewport_size(PHONE)
    assert eventually(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"), WAIT_S)
