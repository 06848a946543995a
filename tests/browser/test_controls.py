"""Every control of the page is pressed, and what it does is compared with an experiment that runs without a screen.
The last test finds every control that the page has: one without a test fails it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from data import DATASETS
from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from engine.backend import available_devices
from lab.experiment.experiment import Experiment
from lab.experiment.fields import FIELDS
from lab.experiment.presets import PRESETS
from lab.training.run import SPEEDS
from tests.browser.controls import (
    Control,
    choose,
    each_builds_anew,
    enter,
    operate,
    press,
    presses,
    slide,
    tested,
    tick,
    train_loss,
)
from tests.browser.playground import Playground, some
from tests.browser.test_data_controls import FILES, MORE_DATA

pytestmark = pytest.mark.browser

STOP_RULES = "Stop rules"
MORE = "More settings"
LAYERS = "Layer sizes"
ROLES = "button|checkbox|combobox|link|radio|searchbox|slider|spinbutton|switch|tab|textbox"
STREAMLITS_OWN = re.compile("Help for .*|Open|Main menu|Skip to main content|Link to heading")
tested.update({MORE, LAYERS, "Presets", "Share", "? Keys", "Projector"})  # pressed in other files
tested.update({"Reset", "Step"})  # in test_first_light.py
tested.update({"Batch", "New weights", "Smooth the loss", "Smooth the accuracy"})  # in test_transport.py
tested.update(preset.label for preset in PRESETS.values())  # on the help page, too
tested.update(
    {"Functions", "One step", "Optimizers", "Health", "Images", "Data", "Save", "Device"}
)  # links to pages that have tests of their own
DIAGRAM = (  # names on the picture, which test_stage.py presses
    "Feature .+",
    "(Fewer|More) hidden layers",
    r"(Fewer|More) neurons in layer \d",
    r"Neuron \d+ of layer \d",
    "(Bias of )?Output",
    r"Bias of Neuron \d+ of layer \d",
    r".+ read as .+: \d+",
    r"Activation of layer \d",
)


# What changes the experiment ----------------------------------------------------------------------------------------

ADAMW = Experiment(optimizer="adamw")  # which has a weight decay
LIVE = [  # in the order in which they are used, one after the other
    slide("Learning rate", "ArrowRight", "learning_rate", "0.1"),
    slide("Weight decay", "ArrowRight", "weight_decay", "0.03", MORE),
    slide("Clip gradients", "ArrowRight", "clip_norm", "0.1", MORE),
    slide("Clip each gradient value", "ArrowRight", "clip_value", "0.1", MORE),
    slide("Maximum norm", "ArrowRight", "max_norm", "0.5", MORE),
    choose("Schedule", SCHEDULES, "schedule", "exponential", MORE),
    enter("Length of the schedule in epochs (0 = auto)", 20, "schedule_span", "20", MORE),
    slide("L1 rate", "ArrowRight", "l1", "0.0001"),
    slide("L2 rate", "End", "l2", "1"),
    slide("Batch size", "End", "batch_size", "0"),
]
ANEW = [
    enter("Units 1", 3, "hidden", "3,8", LAYERS),
    enter("Units 2", 4, "hidden", "3,4", LAYERS),
    press("Remove layer", "hidden", "3", LAYERS),
    press("Add layer", "hidden", "3,3", LAYERS),
    choose("Activation", ACTIVATIONS, "activations", "relu"),
    choose("Output", OUTPUTS, "output", "tanh"),
    choose("Loss", LOSSES, "loss", "huber"),
    choose("Optimizer", OPTIMIZERS, "optimizer", "adam"),
    choose("Initial weights", INITIALIZERS, "initializer", "he_normal", MORE),
    slide("Dropout", "ArrowRight", "dropout", "0.1", MORE),
    tick("Batch normalization", "batch_norm", MORE),
    choose("Precision", {}, "dtype", "float64", MORE),
    enter("Weight seed (0 = as Seed)", 9, "weight_seed", "9", MORE),
]
OF_CLASSES = [
    slide("Label smoothing", "End", "label_smoothing", "0.5", MORE),
    choose("Class weights", FIELDS["class_weights"].choices or {}, "class_weights", "balanced", MORE),
]
tested |= {control.name for control in LIVE + ANEW + OF_CLASSES}


def test_the_live_controls_reach_the_network_and_reset_nothing(playground):
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
    assert playground.mounted_anew() == 0


def test_the_controls_of_the_network_build_anew(playground):
    each_builds_anew(playground, ANEW)
    assert playground.mounted_anew() == 0


def test_the_controls_of_the_classes_build_anew(playground):
    each_builds_anew(playground, OF_CLASSES, Experiment(balance=0.2))


@presses("Convolution filters", "Forget features")
def test_convolutions_are_typed_and_settings_without_effect_are_listed(playground):
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


OFFERED = {
    "sigmoid": ["mse", "mae", "huber", "binary_crossentropy"],
    "softmax": ["mse", "mae", "huber", "categorical_crossentropy"],
    "tanh": ["mse", "mae", "huber", "hinge"],
}


def test_only_losses_that_fit_the_output_are_offered(playground):
    def losses(allowed: list[str]) -> list[str]:
        return [LOSSES[name].label for name in allowed]

    assert playground.open("dataset=plane").options("Loss")[1:] == losses(["mse", "mae", "huber"])
    playground.choose("Data set", DATASETS["circle"].label)
    playground.linked(dataset=None)
    for output, allowed in OFFERED.items():
        playground.choose("Output", OUTPUTS[output].label)
        playground.linked(output=output)
        automatic, *offered = playground.options("Loss")
        assert automatic.startswith("Auto")
        assert offered == losses(allowed), output


@presses("Device")
def test_a_device_that_is_missing_carries_its_reason_and_choosing_it_loses_nothing(playground):
    missing = next((device for device in available_devices() if not device.usable), None)
    if missing is None:
        pytest.skip("every device can be used on this machine")
    before = playground.open("dataset=xor").step(1)
    playground.tag()
    option = next(option for option in playground.options("Device") if missing.label in option)
    assert missing.reason in option
    playground.choose("Device", option)
    refusal = playground.page.get_by_role("alert")
    refusal.wait_for()
    playground.settle()
    assert f"{missing.name} cannot be used here" in refusal.inner_text()
    assert (playground.facts["epoch"], playground.facts["build"]) == ("1", before["build"])
    assert playground.link == {"dataset": "xor"}
    assert playground.mounted_anew() == 0
    assert playground.page.get_by_role("combobox", name="Device").input_value() == "CPU (NumPy)"
    playground.step(2)


# What ends a run, how fast it goes and what it shows ----------------------------------------------------------------

EPOCHS = "Stop after this many epochs (0 = never)"
RULES = {
    EPOCHS: (3, "epochs", "3", "3 epochs are done."),
    "Stop at this test accuracy or R² (0 = never)": (
        0.9,
        "target_accuracy",
        "0.9",
        "The test accuracy has reached 0.9.",
    ),
    "Stop after this many seconds (0 = never)": (1, "max_seconds", "1", "1 seconds of training are over."),
    "Stop after this many epochs without improvement (0 = never)": (
        *(2, "patience", "2"),
        "The test loss has not improved for 2 epochs; the best weights, of epoch",
    ),
}


@presses(*RULES, STOP_RULES, "Increment", "Decrement")
def test_a_stop_rule_written_into_its_box_ends_the_run_with_a_sentence_and_play_goes_on(playground):
    playground.open("learning_rate=1&noise=0.3&speed=fast")
    playground.unfold(STOP_RULES)
    playground.button("Increment").first.click()
    playground.linked(epochs="1")
    playground.button("Decrement").first.click()
    playground.linked(epochs=None)
    playground.fold()
    for name, (value, field, text, sentence) in RULES.items():
        operate(playground, enter(name, value, field, text, STOP_RULES))
        playground.button(f"{STOP_RULES}: 1").wait_for()
        playground.press("Play")
        stopped = playground.until("facts.status === 'stopped'", 30)
        assert sentence in " ".join(playground.said.split())
        playground.settle()
        playground.press("Play")
        playground.until(f"facts.epoch > {stopped['epoch']}")
        playground.settle()
        playground.press("Reset")
        playground.until("facts.status === 'idle' && facts.epoch == 0")
        operate(playground, Control(name, lambda page, name=name: page.enter(name, 0), {field: None}, STOP_RULES))


@presses("Smallest improvement that counts", "What has to improve")
def test_what_counts_as_an_improvement_can_be_chosen(playground):
    playground.open("patience=3&speed=fast")
    operate(playground, enter("Smallest improvement that counts", 1, "min_delta", "1", STOP_RULES))
    monitors = FIELDS["monitor"].choices or {}
    operate(playground, choose("What has to improve", monitors, "monitor", "test_score", STOP_RULES))
    playground.press("Play")
    playground.until("facts.status === 'stopped' && facts.epoch <= 4")
    assert "The test accuracy has not improved for 3 epochs" in " ".join(playground.said.split())


@presses("Speed", "Play", "Pause")
def test_the_speed_holds_the_run_back_or_lets_it_go(playground):
    playground.open()
    playground.choose("Speed", SPEEDS["slow"].label)
    playground.linked(speed="slow")
    playground.play()
    playground.answers(10)
    assert playground.facts["epoch"] == "0"  # one epoch takes 38 batches
    playground.choose("Speed", SPEEDS["max"].label)
    playground.linked(speed="max")
    playground.until("facts.epoch > 200 && facts.status === 'running'")
    playground.pause()


@presses("Test points", "Discretize", "Logarithmic loss axis")
def test_what_the_map_and_the_loss_chart_show_can_be_changed_without_touching_the_network(playground):
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


@presses("Playground", "Data", "Help", "Back to the playground", "Navigate to home page")
def test_the_links_lead_to_the_pages_they_name(playground):
    playground.open()
    for back in ("Playground", "Back to the playground", "Navigate to home page"):
        playground.go("Help")
        playground.page.get_by_role("heading", name="Help", exact=True).wait_for()
        assert playground.page.url.split("?")[0].endswith("/help")
        playground.page.get_by_role("link", name=back, exact=True).or_(playground.button(back)).click()
        playground.until("facts.frame > 0")
    playground.go("Data")
    playground.page.get_by_role("heading", name="Data", exact=True).wait_for()


# Completeness -------------------------------------------------------------------------------------------------------


def offered(page: Playground) -> set[str]:
    """The accessible names of all controls that the page offers now, but for the menus that test_save.py presses."""
    found = set(re.findall(rf'\b(?:{ROLES}) "([^"]+)"', page.page.locator("body").aria_snapshot()))
    once = {re.sub(r"^(.+) \1$", r"\1", name) for name in found}  # Streamlit names the thumb of a slider twice
    saves = page.page.locator(".live-save button").evaluate_all("all => all.map(button => button.ariaLabel)")
    counted = {re.sub(rf"^({STOP_RULES}|{MORE}|{MORE_DATA}): \d+$", r"\1", name) for name in once - set(saves)}
    return {name for name in counted if not STREAMLITS_OWN.fullmatch(name)}


def test_every_control_on_the_page_is_pressed_by_a_test(playground):
    conditions = "optimizer=adamw&schedule=cosine&patience=99&features=x1,x2,x1*x2"  # of further controls
    playground.open(f"epochs=1000000&speed=slow&{conditions}")
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
    operate(playground, Control(EPOCHS, lambda page: page.enter(EPOCHS, 0), {"epochs": None}, STOP_RULES))
    found |= offered(playground)
    playground.go("Help")
    playground.page.get_by_role("link", name="Back to the playground").wait_for()
    found |= offered(playground)
    drawn = {name for name in found - tested if any(re.fullmatch(pattern, name) for pattern in DIAGRAM)}
    assert (found - drawn - tested, tested - found) == (set(), set())
    assert [pattern for pattern in DIAGRAM if not any(re.fullmatch(pattern, name) for name in found)] == []
