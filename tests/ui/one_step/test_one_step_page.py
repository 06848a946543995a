"""The One step page without a browser: the sections, their arithmetic, and the gradient check."""

from __future__ import annotations

import inspect
import re
from urllib.parse import parse_qsl

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import OPTIMIZERS
from engine.network.layers import Dense
from lab.queries.gradient_check import WrongAxis
from tests.ui.opened import ROOT, code, open_page, ran, texts, view

STEPS = {
    "default": "",
    "three classes, normalized": "dataset=spiral3&hidden=5&batch_norm=true&dropout=0.3&optimizer=adam",
    "softmax with a squared loss": "dataset=spiral3&hidden=&output=softmax&loss=mse&optimizer=nesterov",
    "numbers": "dataset=hills&hidden=4&loss=huber&optimizer=adamw",
    "table with hinge": "dataset=iris&hidden=3&loss=hinge&output=linear&optimizer=adagrad&clip_norm=0.01",
    "skip connections": "hidden=4,4,4&residual=true&dropout=0.2",
    "convolution": "dataset=digits&conv=4&hidden=8&optimizer=momentum",
}


def titles(page: AppTest) -> list[str]:
    """The titles of all sections, one after the other."""
    return [go_to(page, n).subheader[0].value for n in range(len(page.select_slider(key="step_at").options))]


@pytest.mark.parametrize("name", STEPS)
def test_a_walkthrough_leads_from_input_to_loss_and_back_to_the_step(name):
    page = open_page("one_step", **dict(parse_qsl(STEPS[name], keep_blank_values=True)))
    experiment = page.session_state.visitor.experiment
    layers = len(experiment.hidden) + 1
    walked = titles(page)
    assert walked[0] == "Input"
    assert walked[-2:] == ["Gradient of the chosen parameter", "Optimizer step"]
    assert len(walked) == len(set(walked)) == 1 + layers + 1 + layers + 2
    said = texts(page)
    assert OPTIMIZERS[experiment.optimizer].formula in said
    assert "Your run has not changed" in said
    assert page.session_state.visitor.run.epoch == 0


def test_next_and_back_go_one_section_and_stop_at_the_ends():
    page = open_page("one_step", hidden="")
    assert page.button(key="walk_back").disabled
    walked = [page.subheader[0].value]
    while not page.button(key="walk_next").disabled:
        ran(page.button(key="walk_next").click().run())
        walked.append(page.subheader[0].value)
    assert len(walked) == 6
    ran(page.button(key="walk_back").click().run())
    assert page.subheader[0].value == walked[-2]


def go_to(page: AppTest, section: int) -> AppTest:
    """Go to a section; a negative number counts from the end."""
    slider = page.select_slider(key="step_at")
    return ran(slider.set_value(range(len(slider.options))[section]).run())


def numbers(line: str) -> list[float]:
    """The factors of a product, each a number, perhaps in parentheses and with a power of ten."""
    parts = re.findall(r"-?\d[\d.]*(?: \\cdot 10\^\{-?\d+\})?", line)
    return [float(part.replace(r" \cdot 10^{", "e").rstrip("}")) for part in parts]


def steps(line: str) -> list[str]:
    """The text after each equals sign."""
    return line.replace("&", "").split("= ")[1:]


def test_the_shown_gradient_is_the_product_of_its_factors():
    page, seen = open_page("one_step"), set()
    for layer, source, target in ((0, 1, 5), (1, -1, 3), (2, 4, 0)):
        sizes = (2, 8, 8, 1)
        ran(page.selectbox(key="step_layer_3").select(layer).run())
        ran(page.selectbox(key=f"step_from_{layer}_{sizes[layer]}").select(source).run())
        ran(page.selectbox(key=f"step_to_{layer}_{sizes[layer + 1]}").select(target).run())
        go_to(page, -2)
        _, factors, product = map(numbers, steps(page.latex[0].value))
        assert len(factors) == 2
        assert np.prod(factors) == pytest.approx(product[0], rel=2e-3)
        if layer < 2:  # below a hidden layer the slope of its function is a factor of its own
            assert np.prod(numbers(steps(page.latex[1].value)[1])) == pytest.approx(product[0], rel=2e-3)
        seen.add(product[0])
    assert len(seen) == 3


def test_the_followed_weight_is_at_first_the_one_with_the_largest_gradient():
    page = go_to(open_page("one_step", hidden="3"), -2)
    gradients = []
    for ends in (None, *((source, target) for source in range(2) for target in range(3))):
        if ends:
            source, target = ends
            ran(page.selectbox(key="step_from_0_2").select(source).run())
            ran(page.selectbox(key="step_to_0_3").select(target).run())
        gradients.append(abs(numbers(steps(page.latex[0].value)[-1])[0]))
    assert gradients[0] == max(gradients[1:])
    assert len(set(gradients)) > 2


def test_the_mini_batch_shows_the_products_of_its_points_and_their_sum():
    page = go_to(view(open_page("one_step"), "step_part_4", "batch"), -2)
    table = page.table[0].value
    parts = [float(value) for value in table["product"]]
    assert table["point"].iloc[-1] == "sum of all"
    assert len(parts) == 11
    assert sum(parts[:-1]) == pytest.approx(parts[-1], rel=1e-3)
    assert numbers(steps(page.latex[0].value)[-1])[0] == pytest.approx(parts[-1], rel=1e-3)


@pytest.mark.parametrize("fields", [{"dataset": "hills"}, {"dataset": "iris"}], ids=str)
def test_a_typed_point_uses_the_typed_target(fields):
    page = view(open_page("one_step", **fields), "step_part_4", "typed")
    dataset = page.session_state.visitor.experiment.dataset
    ran(page.number_input(key=f"step_x_{dataset}_0").set_value(2.5).run())
    assert "2.5" in list(page.table[0].value["raw"])
    before = texts(page)
    if dataset == "hills":
        ran(page.number_input(key="step_value").set_value(0.7).run())
        assert "Truth: 0.7" in texts(page)
    else:
        ran(page.selectbox(key=f"step_class_{dataset}").select(1).run())
    assert texts(page) != before


def test_a_test_point_and_a_number_choose_other_points():
    page = open_page("one_step")
    seen = {tuple(page.table[0].value["raw"])}
    ran(page.number_input(key="step_point").set_value(7).run())
    seen.add(tuple(page.table[0].value["raw"]))
    view(page, "step_part_4", "test")
    seen.add(tuple(page.table[0].value["raw"]))
    assert len(seen) == 3


def test_the_shown_units_of_a_large_network_can_be_chosen():
    page = open_page("one_step", dataset="digits")
    ran(page.number_input(key="step_first").set_value(30).run())
    assert list(page.table[0].value["input"])[1].replace("\\", "") == "pixel_3_5"


def test_a_training_network_is_announced_and_can_be_paused():
    page = open_page("one_step")
    assert not page.info
    page.session_state.visitor.run = None
    page.switch_page(str(ROOT / "pages/playground.py")).run()
    page.button(key="play").click().run()
    ran(page.switch_page(str(ROOT / "pages/one_step.py")).run())
    assert "Pause it first" in page.info[0].value
    ran(page.button(key="pause").click().run())
    assert page.session_state.visitor.run.status == "paused"
    assert not page.info


def test_a_step_is_shown_as_c_with_the_sizes_of_the_network():
    page = view(open_page("one_step", hidden="5", activations="relu"), "step_view", "In C")
    assert "/* h1 (N, 5) = x (N, 2) @ W1 (2, 5) + b1 */" in code(page)
    assert "h2[e] = larger(h1[e], 0.0f);" in code(page)
    page = view(open_page("one_step", dataset="digits", conv="4"), "step_view", "In C")
    assert "/* h2 (6, 4, 6, N) = h1 convolved with W1 (4, 9), + b1 */\n  convolved(h2, h1, W1, b1," in code(page)
    assert "/* h5 (N, 8) = h4^T (N, 36) @ W2 (36, 8) + b2 */" in code(page)
    assert "static void convolved(void *out, const void *maps, const real *A, const real *b," in code(page)


# The gradient check ---------------------------------------------------------------------------------------------------


def test_the_planted_bug_is_caught_and_named_in_each_layer():
    page = view(open_page("one_step", dataset="spiral3"), "step_view", "Gradient check")
    assert "Every gradient is right" in page.success[0].value
    assert set(page.table[0].value["verdict"]) == {"right"}
    ran(page.toggle(key="check_bug").set_value(True).run())
    for layer, name in enumerate(("hidden layer 1", "hidden layer 2", "output layer")):
        ran(page.selectbox(key="check_layer_3").select(layer).run())
        assert f"wrong for the biases of {name}:" in page.error[0].value
        table = page.table[0].value
        assert list(table["parameters"][table["verdict"] == "wrong"]) == [f"{name.capitalize()}, biases"]
    ran(page.toggle(key="check_bug").set_value(False).run())
    assert page.success


def test_the_sources_of_the_right_and_wrong_gradient_are_shown():
    page = view(open_page("one_step"), "step_view", "Gradient check")
    assert inspect.getsource(Dense.backward).strip() in code(page)
    assert inspect.getsource(WrongAxis).strip() in code(page)


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"dataset": "digits"}, "A small network with the same formulas"),
    ({"activations": "step"}, "uses a surrogate slope"),
])  # fmt: skip
def test_the_limits_of_the_gradient_check_are_stated(fields, sentence):
    assert sentence in texts(view(open_page("one_step", **fields), "step_view", "Gradient check"))


def test_a_bug_in_a_layer_of_one_unit_has_no_effect():
    page = view(open_page("one_step"), "step_view", "Gradient check")
    ran(page.toggle(key="check_bug").set_value(True).run())
    ran(page.selectbox(key="check_layer_3").select(2).run())
    assert page.success
    assert "This layer has one neuron" in texts(page)


def test_the_map_says_that_validation_points_are_not_shown():
    sentence = "Validation points are not shown."
    assert sentence not in texts(open_page("one_step"))
    assert sentence in texts(open_page("one_step", validation_share="0.2"))
