"""The Functions page without a browser: every option of every control is drawn without an error."""

from __future__ import annotations

import inspect
import json

import pytest

from engine import ACTIVATIONS, LOSSES
from engine.formulas.losses import softmax
from lab.experiment.experiment import Experiment
from tests.ui.opened import code, figure, open_page, ran, texts, view


def test_every_activation_is_drawn_with_its_formula_and_source():
    page = open_page("functions", activations="relu")
    assert page.selectbox(key="fn_activation").value == "relu"  # the network's own comes first
    for name, function in ACTIVATIONS.items():
        ran(page.selectbox(key="fn_activation").select(name).run())
        said = texts(page)
        assert f"f(z) = {function.formula}" in said
        assert f"f'(z) = {function.derivative}" in said
        assert f"Range: {function.range}. {function.sentence}" in said
        for part in (function.forward, function.backward):
            assert inspect.getsource(part).strip() in code(page)
        curve, slope = (figure(page, "fn_shape")["data"][n] for n in (0, 1))
        assert (curve["name"], slope["name"]) == (function.label, "derivative")


@pytest.mark.parametrize("name", [name for name, f in ACTIVATIONS.items() if f.parameter])
def test_the_slider_of_a_parameter_changes_only_the_curve(name):
    page = open_page("functions", activations=name)
    before, run = figure(page, "fn_shape")["data"][0]["y"], page.session_state.visitor.token
    ran(page.slider(key=f"fn_{name}").set_value(0.5).run())
    assert figure(page, "fn_shape")["data"][0]["y"] != before
    assert page.session_state.visitor.token == run
    assert page.session_state.visitor.experiment == Experiment(activations=name)


def test_curves_are_compared_and_dots_follow_layer_and_point():
    page = open_page("functions")
    ran(page.multiselect(key="fn_others").set_value(["relu", "sine"]).run())
    assert [trace["name"] for trace in figure(page, "fn_shape")["data"]][:3] == ["Tanh", "ReLU", "Sine"]
    seen = {json.dumps(figure(page, "fn_shape")["data"][-1])}
    ran(page.selectbox(key="fn_layer").select(1).run())
    seen.add(json.dumps(figure(page, "fn_shape")["data"][-1]))
    ran(page.number_input(key="fn_point").set_value(9).run())
    seen.add(json.dumps(figure(page, "fn_shape")["data"][-1]))
    assert len(seen) == 3
    assert "for training point 9" in texts(page)


def test_a_network_without_hidden_layers_has_no_dots():
    assert "no hidden layer" in texts(open_page("functions", hidden=""))


@pytest.mark.parametrize(("dataset", "output"), [("spiral3", "softmax"), ("circle", "tanh")])
def test_every_loss_is_drawn_with_its_source_and_follows_its_target(dataset, output):
    page = view(open_page("functions", dataset=dataset, output=output), "fn_view", "Losses")
    for name, loss in LOSSES.items():
        ran(page.selectbox(key="fn_loss").select(name).run())
        said = texts(page)
        assert f"L = {loss.formula}" in said
        for part in (loss.value, loss.gradient):
            assert inspect.getsource(part).strip() in code(page)
        assert ("no marks" in said) == (output not in loss.outputs)
        before = figure(page, "fn_loss_shape")["data"][0]
        slider = page.select_slider(key=f"fn_target_{name}")
        ran(slider.set_value(-1.0 if name == "hinge" else 0.5).run())
        assert figure(page, "fn_loss_shape")["data"][0] != before


def test_the_marks_of_the_loss_are_the_outputs_of_the_batch():
    page = view(open_page("functions", batch_size="20"), "fn_view", "Losses")
    data = page.session_state.visitor.experiment
    ones = int(texts(page).split("The marks are the ")[1].split(" of 20")[0])
    ran(page.select_slider(key="fn_target_binary_crossentropy").set_value(0.0).run())
    zeros = int(texts(page).split("The marks are the ")[1].split(" of 20")[0])
    assert (data.batch_size, ones + zeros) == (20, 20)


def test_a_hot_softmax_is_flat_and_a_cold_one_sharp():
    page = view(open_page("functions"), "fn_view", "Softmax")
    assert inspect.getsource(softmax).strip() in code(page)
    largest = {}
    for t in (0.2, 1.0, 5.0):
        ran(page.select_slider(key="fn_hot").set_value(t).run())
        largest[t] = float(texts(page).split("The largest probability is ")[1].split(";")[0])
    assert largest[0.2] > largest[1.0] > largest[5.0]
    ran(page.slider(key="fn_z2").set_value(5.0).run())
    assert r"z_{3} = 5.00" in texts(page)


def test_the_softmax_of_this_network_is_that_of_its_own_logits():
    page = view(open_page("functions", dataset="spiral3"), "fn_view", "Softmax")
    assert figure(page, "fn_softmax")["layout"]["xaxis"]["ticktext"] == list(
        Experiment(dataset="spiral3").source.class_names
    )
    view(page, "fn_logits_True", "Three sliders")
    assert figure(page, "fn_softmax")["layout"]["xaxis"]["ticktext"] == ["class 1", "class 2", "class 3"]
