"""What the controls of the playground offer, and what happens to a choice that cannot be used; without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from data import DATASETS
from engine import LOSSES
from engine.backend import available_devices
from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS
from tests.ui.conftest import ROUTER
from tests.ui.opened import ALL_CONTROLS, link, ran


def open_playground(**fields: str) -> AppTest:
    page = AppTest.from_file(str(ROUTER), default_timeout=30)
    page.query_params.update(ALL_CONTROLS)
    page.query_params.update(fields)
    return ran(page.run())


@pytest.mark.parametrize(
    ("fields", "losses"),
    [
        ({"dataset": "plane"}, ["mse", "mae", "huber"]),
        ({"output": "sigmoid"}, ["mse", "mae", "huber", "binary_crossentropy"]),
        ({"output": "softmax"}, ["mse", "mae", "huber", "categorical_crossentropy"]),
        ({"output": "tanh"}, ["mse", "mae", "huber", "hinge"]),
    ],
)
def test_only_losses_that_fit_the_output_are_offered(fields, losses):
    automatic, *offered = open_playground(**fields).selectbox(key="field_loss").options
    assert automatic.startswith("Auto")
    assert offered == [LOSSES[name].label for name in losses]


@pytest.mark.parametrize(
    ("dataset", "controls"),
    [
        ("circle", {"label_noise", "outliers", "balance"}),
        ("plane", {"outliers"}),
        ("digits", {"label_noise"}),
        ("diabetes", set()),
    ],
)
def test_only_corruptions_that_fit_the_data_set_are_offered(dataset, controls):
    page = open_playground(dataset=dataset)
    keys = {f"field_{name}" for name in ("label_noise", "outliers", "balance")}
    offered = {slider.key for slider in page.select_slider} & keys
    assert offered == {f"field_{name}" for name in controls}
    assert any(box.key == "field_formula" for box in page.text_input) == DATASETS[dataset].plane


def test_a_missing_device_shows_its_reason_and_is_refused():
    missing = next((device for device in available_devices() if not device.usable), None)
    if missing is None:
        pytest.skip("every device can be used on this machine")
    page = open_playground(dataset="xor")
    page.button(key="step").click().run()
    (option,) = [text for text in page.selectbox(key="field_device").options if text.startswith(missing.label)]
    assert missing.reason in option
    page.selectbox(key="field_device").select(missing.name).run()
    assert "cannot be used here" in ran(page).warning[0].value
    assert page.session_state.visitor.experiment == Experiment(dataset="xor")
    assert page.session_state.visitor.run.epoch == 1
    assert [box.value for box in page.selectbox if box.key.startswith("field_device")] == ["cpu"]


def test_a_link_holds_a_network_without_hidden_layers():
    page = open_playground(hidden="8")
    page.button(key="fewer").click().run()
    assert link(page) == {"hidden": ""}
    assert open_playground(**link(page)).session_state.visitor.experiment.hidden == ()


def test_a_diverged_run_starts_again_with_a_tenth_of_its_rate():
    page = open_playground(learning_rate="10")
    while page.session_state.visitor.run.status != "diverged":
        ran(page.button(key="step").click().run())
    assert "The learning rate 10 is too high" in page.error[0].value
    ran(page.button(key="lower_rate").click().run())
    assert page.session_state.visitor.run.status == "running"
    assert page.session_state.visitor.experiment.learning_rate == 1
    assert not page.error


def test_a_changed_setting_brings_play_back_after_a_divergence():
    page = open_playground(learning_rate="10")
    while page.session_state.visitor.run.status != "diverged":
        ran(page.button(key="step").click().run())
    assert page.button(key="lower_rate").label == "Start again with learning rate 1"
    ran(page.select_slider(key="field_learning_rate").set_value(0.1).run())
    assert not page.error
    assert not [button for button in page.button if button.key == "lower_rate"]
    assert not page.button(key="play").disabled
    ran(page.button(key="step").click().run())
    assert page.session_state.visitor.run.epoch == 1
    assert page.session_state.visitor.experiment.learning_rate == 0.1


def test_every_preset_of_the_menu_opens_with_its_sentence():
    page = open_playground(seed="7")
    for name, preset in PRESETS.items():
        ran(page.menu_button(key="presets").click(name).run())
        assert page.session_state.visitor.experiment == preset.experiment
        assert link(page) == preset.experiment.to_query()
        assert any(preset.sentence in element.value for element in page.markdown)


def test_the_sentence_of_a_preset_leaves_with_its_data_set():
    page = open_playground(initializer="zeros", show_test="false")
    assert any(PRESETS["zeros"].sentence in element.value for element in page.markdown)
    ran(page.selectbox(key="field_dataset").select("spiral").run())
    assert not any(PRESETS["zeros"].sentence in element.value for element in page.markdown)
