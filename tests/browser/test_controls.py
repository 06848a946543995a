"""The controls of the page are pressed, and their effect is compared with an experiment that runs without a page.

The last test lists the controls of the page and fails if no test presses one of them.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from data import DATASETS
from data.sources.toy import TOYS
from engine import ACTIVATIONS, INITIALIZERS, SCHEDULES
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.presets import PRESETS
from lab.protocol.speed import SPEEDS
from tests.browser.controls import (
    Control,
    check_rebuilds,
    choose,
    enter,
    offered,
    operate,
    press,
    presses,
    slide,
    tested,
    tick,
    train_loss,
    use,
)
from tests.browser.playground import some
from tests.browser.test_data_controls import FILES, MORE_DATA

pytestmark = [pytest.mark.browser, pytest.mark.everything]

STOP_RULES = "Stop rules"
MORE = "More settings"
LAYERS = "Layer sizes"
tested.update({"Playground", "Data", "Save"})  # links that other tests follow
tested.update({"Runs", "Learn", "More"})  # menus of links that Playground.go opens
tested.update({"Simple", "Everything", *(toy.label for toy in TOYS)})  # in test_sizes.py
tested.update({"Mark errors", "Got it"})  # in test_readouts.py and test_stage.py
tested.update({MORE, LAYERS, "Presets", "Share", "? Keys", "Projector"})  # pressed in other files
tested.add("Device")  # in tests/ui/playground/test_offered_choices.py
tested.update({"Step", "Batch", "Reset", "New weights"})  # in test_transport.py
tested.update({"Smooth the loss", "Smooth the accuracy"})  # there, too
tested.add("Keep")  # in test_runs.py
tested.add("Hold out 20% for validation")  # in test_validation_part.py
tested.add("Show where each setting leads")  # in test_responses.py
tested.update(preset.label for preset in PRESETS.values())  # on the help page, too
DIAGRAM = (  # names on the picture, which test_stage.py presses
    "Feature .+",
    "(Fewer|More) hidden layers",
    r"(Fewer|More) neurons in layer \d",
    r"Neuron \d+ of layer \d",
    "(Bias of )?Output",
    r"Bias of Neuron \d+ of layer \d",
    r".+ predicted as .+: \d+",
    r"Activation of layer \d",
)


# What changes the experiment ----------------------------------------------------------------------------------------

ADAMW = Experiment(optimizer="adamw")  # which has a weight decay
LIVE = [  # in the order in which they are used, one after the other
    slide("Learning rate", "ArrowRight", "learning_rate", "0.1"),
    slide("Weight decay", "ArrowRight", "weight_decay", "0.03", MORE),
    choose("Schedule", SCHEDULES, "schedule", "exponential", MORE),
    slide("Batch size", "End", "batch_size", "0"),
]
REBUILDS = [
    enter("Neurons 1", 3, "hidden", "3,8", LAYERS),
    press("Remove layer", "hidden", "3", LAYERS),
    press("Add layer", "hidden", "3,3", LAYERS),
    choose("Activation", ACTIVATIONS, "activations", "relu"),
    choose("Initial weights", INITIALIZERS, "initializer", "he_normal", MORE),
    slide("Dropout", "ArrowRight", "dropout", "0.1", MORE),
    tick("Batch normalization", "batch_norm", MORE),
    enter("Weight seed (0 = as the data)", 9, "weight_seed", "9"),
]
tested |= {"Neurons 2", *(control.name for control in LIVE + REBUILDS)}
# One of each kind, by itself and in a popover, is above: they are all drawn by one function, and
# tests/ui/playground/test_controls.py changes the field of every one.
GENERATED = [field for field in FIELDS.values() if field.control != "page"]
tested |= {field.title_for(Experiment(validation_share=0)) for field in GENERATED}


def test_live_controls_change_the_running_network(playground):
    before = playground.open(urlencode(ADAMW.to_query())).step(1)
    playground.tag()
    so_far = [ADAMW]  # by epochs
    for control in LIVE:
        epochs = len(so_far)
        experiment = operate(playground, control)
        assert some(playground.facts, "epoch", "build") == {"epoch": str(epochs), "build": before["build"]}, control
        shown = float(playground.step(epochs + 1)["trainLoss"])
        assert shown == train_loss(*so_far, experiment) != train_loss(*so_far, so_far[-1]), control
        so_far.append(experiment)
    assert playground.remounted_parts() == 0


def test_each_network_control_rebuilds_the_run(playground):
    check_rebuilds(playground, REBUILDS)
    assert playground.remounted_parts() == 0


@presses("Convolution filters", "Forget features")
def test_filters_are_typed_and_unused_settings_are_listed(playground):
    playground.open("dataset=digits&samples=100&features=x1")
    playground.unfold(MORE)
    box = playground.page.get_by_role("textbox", name="Convolution filters", exact=True)
    box.fill("4")
    box.press("Enter")
    playground.linked(conv="4")
    playground.fold()
    playground.button(f"{MORE}: 1").wait_for()
    playground.press("Forget features")
    playground.linked(features=None, conv="4")


# What ends a run, how fast it goes and what it shows ----------------------------------------------------------------

EPOCHS = "Stop after this many epochs (0 = never)"
RULES = [
    enter("Stop after this many epochs without improvement (0 = never)", 1000, "patience", "1000"),
    enter("Stop at this training accuracy or R² (0 = never)", 1, "target_accuracy", "1"),
    enter("Stop after this many seconds (0 = never)", 3600, "max_seconds", "3600"),
    enter(EPOCHS, 3, "epochs", "3"),
]


@presses(*(rule.name for rule in RULES), STOP_RULES, "Increment", "Decrement")
def test_a_stop_rule_ends_the_run_and_play_continues(playground):
    playground.open("learning_rate=0.001&noise=0.3&speed=fast")
    playground.unfold(STOP_RULES)
    buttons = playground.page.get_by_test_id("stPopoverBody").get_by_role("button")
    buttons.and_(playground.button("Increment")).first.click()
    playground.linked(epochs="1")
    buttons.and_(playground.button("Decrement")).first.click()
    playground.linked(epochs=None)
    for rule in RULES:
        use(playground, rule)
    playground.fold()
    playground.button(f"{STOP_RULES}: 4").wait_for()
    playground.press("Play")
    stopped = playground.until("facts.status === 'stopped'")
    assert stopped["epoch"] == "3"
    assert "Stopped after 3 epochs; the best weights, of epoch " in playground.status_line
    playground.settle()
    playground.press("Play")
    playground.until("facts.epoch > 3")


@presses("Test points", "Discretize", "Logarithmic loss axis", "Speed", "Play", "Pause")
def test_the_speed_limits_the_run_and_view_options_leave_it_unchanged(playground):
    before = playground.open().step(1)
    for name, canvas, link in (
        ("Test points", ".live-map-marks", {"show_test": "false"}),
        ("Discretize", ".live-map-colors", {"discretize": "true"}),
    ):
        picture = playground.pixels(canvas)
        playground.tick(name)
        playground.linked(**link)
        playground.until_pixels(canvas, lambda now, shown=picture: now != shown)
        playground.tick(name)
        playground.linked(**dict.fromkeys(link))
        playground.until_pixels(canvas, lambda now, shown=picture: now == shown)
    for scale in ("log", "linear"):
        playground.press("Logarithmic loss axis")
        playground.until(f"document.querySelector('.js-plotly-plot')?._fullLayout?.yaxis.type === '{scale}'")
        assert playground.button("Logarithmic loss axis").get_attribute("aria-pressed") == str(scale == "log").lower()
    assert some(playground.facts, "epoch", "build", "trainLoss") == some(before, "epoch", "build", "trainLoss")

    playground.choose("Speed", SPEEDS["slow"].label)
    playground.linked(speed="slow")
    playground.play()
    playground.answers(10)
    assert playground.facts["epoch"] == "1"  # one epoch takes 38 batches
    playground.choose("Speed", SPEEDS["max"].label)
    playground.linked(speed="max")
    playground.until("facts.epoch > 200 && facts.status === 'running'")
    playground.pause()


# Completeness -------------------------------------------------------------------------------------------------------


@presses("To the Playground", "Navigate to home page")
def test_every_control_is_pressed_by_a_test(playground):
    conditions = "optimizer=adamw&schedule=cosine&patience=99&features=x1,x2,x1*x2"  # of further controls
    playground.open(f"epochs=1000000&speed=slow&validation_share=0&{conditions}")
    found = offered(playground)
    for folded in (STOP_RULES, MORE, LAYERS, MORE_DATA, FILES):
        playground.unfold(folded)
        if folded == STOP_RULES:  # its fields get their + and - once their width is known
            playground.button("Increment").first.wait_for()
        found |= offered(playground)
        playground.fold()
    playground.play()
    playground.button("Pause").wait_for()
    playground.settle()
    found |= offered(playground)
    playground.press("Draw points")
    playground.button("Done drawing").wait_for()
    playground.settle()
    found |= offered(playground)
    playground.choose("Data set", DATASETS["digits"].label)
    playground.linked(dataset="digits")
    playground.unfold(MORE)
    found |= offered(playground)
    playground.fold()
    playground.unfold(STOP_RULES)
    use(playground, Control(EPOCHS, lambda page: page.enter(EPOCHS, 0), {"epochs": None}))
    playground.fold()
    found |= offered(playground)
    playground.slide("Validation share", "ArrowRight")
    playground.linked(validation_share="0.1")
    playground.unfold(MORE_DATA)  # has the fold now
    found |= offered(playground)
    playground.fold()
    for back in ("To the Playground", "Navigate to home page"):
        playground.go("Help")
        link = playground.page.get_by_role("link", name=back, exact=True)
        link.or_(playground.button(back)).wait_for()
        found |= offered(playground)
        link.or_(playground.button(back)).click()
        playground.until("facts.frame > 0")
    drawn = {name for name in found - tested if any(re.fullmatch(pattern, name) for pattern in DIAGRAM)}
    assert (found - drawn - tested, tested - found) == (set(), set())
    assert [pattern for pattern in DIAGRAM if not any(re.fullmatch(pattern, name) for name in found)] == []
