"""The options of the picture, and the function that its chart shows."""

from __future__ import annotations

import json

import pytest

from lab.experiment.experiment import Experiment
from tests.ui.opened import ran
from tests.ui.playground.test_controls import opened, widget


def test_marking_errors_is_a_setting_of_the_view_in_the_link():
    page = opened(Experiment())
    choice = widget(page, "view_mark_errors")
    assert (choice.value, choice.options) == ("auto", ["Auto", "Always", "Never"])
    ran(choice.select("never").run())
    assert page.session_state.visitor.view["mark_errors"] == "never"
    assert page.query_params["mark_errors"] == "never"


def test_numbers_have_no_errors_to_mark():
    assert widget(opened(Experiment(dataset="plane")), "view_mark_errors") is None


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"hidden": (4, 4), "activations": "relu"}, "ReLU"),
        ({"hidden": (4, 4), "activations": ("relu", "tanh")}, "ReLU (layer 1)"),
        ({"hidden": (), "activations": "tanh"}, "Sigmoid (output)"),
        ({"hidden": (), "dataset": "spiral3"}, "Softmax (output)"),
        ({"hidden": (), "dataset": "plane"}, "Linear (output)"),
    ],
)
def test_the_activation_chart_names_the_function_it_shows(changes, title):
    figure = json.loads(opened(Experiment().change(**changes)).get("plotly_chart")[2].proto.spec)
    assert figure["layout"]["meta"]["name"] == title
