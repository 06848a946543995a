"""The pages Optimizers and Health without a browser: each control has its effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine import OPTIMIZERS
from lab.experiment.experiment import Experiment
from lab.race.surfaces import SURFACES

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def app() -> AppTest:
    """One visitor for all tests here."""
    return AppTest.from_file(str(ROOT / "ui/router.py"), default_timeout=60).run()


@pytest.fixture
def optimizers(app) -> AppTest:
    page = app.switch_page(str(ROOT / "pages/optimizers.py")).run()
    assert not page.exception
    return page


@pytest.fixture
def health(app) -> AppTest:
    page = app.switch_page(str(ROOT / "pages/health.py")).run()
    assert not page.exception
    return page


def show(page: AppTest, part: str) -> AppTest:
    page.segmented_control(key="optimizers_part").set_value(part).run()
    assert not page.exception
    return page


def table(page: AppTest, head: str) -> list[list[str]]:
    """The rows of the table whose first column has this name."""
    return next(shown.value for shown in page.table if shown.value.columns[0] == head).values.tolist()


def text(page: AppTest) -> str:
    return "\n".join(element.value for element in (*page.markdown, *page.warning, *page.info))


def run_job(page: AppTest) -> None:
    """Run the page, as a browser's timer does, until the landscape is computed."""
    for _ in range(200):
        if page.session_state.visitor.notes["landscape_job"] is None:
            return
        page.run()
    raise AssertionError("the landscape was never finished")


# A race on a surface -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_all_seven_optimizers_race_on_each_surface_without_diverging(optimizers, surface):
    page = show(optimizers, "Race on a surface")
    page.selectbox(key="race_surface").set_value(surface.name).run()
    assert not page.exception
    assert surface.formula in "".join(element.value for element in page.latex)
    rows = table(page, "Optimizer")
    assert {row[0] for row in rows} == {o.label for o in OPTIMIZERS.values()}
    assert len(page.get("plotly_chart")) == 3
    assert surface.name == "saddle" or "diverged" not in str(rows)


def test_every_control_of_the_race_changes_the_race(optimizers):
    page = show(optimizers, "Race on a surface")
    page.selectbox(key="race_surface").set_value("ravine").run()
    before = table(page, "Optimizer")
    for change in (
        lambda: page.select_slider(key="race_rate_ravine").set_value(0.01),
        lambda: page.slider(key="race_steps").set_value(20),
        lambda: page.slider(key="race_x_ravine").set_value(3.0),
        lambda: page.slider(key="race_y_ravine").set_value(-1.0),
        lambda: page.button_group(key="race_names").set_value(["sgd", "adam"]),
        lambda: page.toggle(key="race_fair").set_value(True),
    ):
        change().run()
        assert not page.exception
        after = table(page, "Optimizer")
        assert after != before
        before = after
    assert [row[0] for row in before] in (["SGD", "Adam"], ["Adam", "SGD"])
    assert page.select_slider(key="race_rate_ravine").disabled
    page.toggle(key="race_three").set_value(False).run()
    assert len(page.get("plotly_chart")) == 2
    spec = page.get("plotly_chart")[0].proto.spec
    page.toggle(key="race_log_ravine").set_value(True).run()
    assert page.get("plotly_chart")[0].proto.spec != spec
    page.button_group(key="race_names").set_value([]).run()
    assert "Choose at least one" in text(page)
    page.button_group(key="race_names").set_value(list(OPTIMIZERS)).run()


def test_a_race_in_which_all_diverge_says_so(optimizers):
    page = show(optimizers, "Race on a surface")
    page.selectbox(key="race_surface").set_value("rosenbrock").run()
    page.toggle(key="race_fair").set_value(False).run()
    page.button_group(key="race_names").set_value(["sgd", "momentum"]).run()
    page.select_slider(key="race_rate_rosenbrock").set_value(1.0).run()
    assert "All optimizers have diverged" in text(page)
    assert [row[2] for row in table(page, "Optimizer")] == ["diverged"] * 2


# The own loss landscape -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "random", "weights"])
def test_a_landscape_of_each_kind_is_computed_and_raced_on(optimizers, kind):
    page = show(optimizers, "Your own loss")
    page.radio(key="land_kind").set_value(kind).run()
    page.select_slider(key="land_side").set_value(15)  # a browser sends both if the press follows at once
    page.button(key="land_begin").click().run()
    run_job(page)
    page.run()
    assert not page.exception
    assert len(page.session_state.visitor.notes["landscape"][1]["heights"]) == 15
    assert "untrained; the gray line shows where 30 epochs would take it" in text(page)
    assert "mean loss of 375 training examples" in text(page)
    assert len(table(page, "Optimizer")) == len(OPTIMIZERS)


def test_the_controls_of_the_landscape_change_it(optimizers):
    page = show(optimizers, "Your own loss")

    def computed():
        page.button(key="land_begin").click().run()
        run_job(page)
        page.run()
        return page.session_state.visitor.notes["landscape"][1]["heights"]

    page.radio(key="land_kind").set_value("random").run()
    page.select_slider(key="land_side").set_value(15).run()
    first = computed()
    page.number_input(key="land_seed").set_value(3).run()
    second = computed()
    page.select_slider(key="land_reach").set_value(0.25).run()
    third = computed()
    assert len({heights.tobytes() for heights in (first, second, third)}) == 3
    assert first.shape == (15, 15)
    before = table(page, "Optimizer")
    page.slider(key="land_x_0.25").set_value(0.2).run()
    assert table(page, "Optimizer") != before
    page.radio(key="land_kind").set_value("weights").run()
    assert page.selectbox(key="land_first").options[0] == "layer 1: x₁ to neuron 1"
    page.selectbox(key="land_second").set_value("0.W 0 0").run()
    page.button(key="land_begin").click().run()
    assert "Choose two different weights" in text(page)


def test_the_computation_of_a_landscape_can_be_stopped(optimizers, monkeypatch):
    page = show(optimizers, "Your own loss")
    page.radio(key="land_kind").set_value("path").run()
    monkeypatch.setattr("lab.queries.landscape.QUERY_BUDGET_S", -1.0)  # one step per query
    monkeypatch.setattr("ui.optimizers.own_landscape.WORK_S", -1.0)
    page.button(key="land_begin").click().run()
    assert page.session_state.visitor.notes["landscape_job"] is not None
    page.button(key="land_stop").click().run()
    assert page.session_state.visitor.notes["landscape_job"] is None
    assert "Press **Compute the landscape**" in text(page)


# The range test ------------------------------------------------------------------------------------------------------


def test_the_suggested_rate_becomes_the_learning_rate(optimizers):
    page = show(optimizers, "Find a rate")
    page.button(key="rate_test").click().run()
    suggestion = page.session_state.visitor.notes["rate_test"][0][0]["suggestion"]
    assert f"Suggestion: **{suggestion:g}**" in text(page)
    page.button(key="use_rate").click().run()
    assert page.session_state.visitor.experiment == Experiment(learning_rate=suggestion)
    assert f"Your rate is **{suggestion:g}**" in text(page)


def test_a_rate_by_the_training_part_proposes_a_validation_part(optimizers):
    page = show(optimizers, "Find a rate")
    page.button(key="rate_test").click().run()
    assert " training examples." in text(page)
    page.button(key="validation_share").click().run()
    assert page.session_state.visitor.experiment.validation_share == 0.2
    assert " training examples." not in text(page)  # it was of another network
    page.button(key="rate_test").click().run()
    assert not page.exception
    assert " validation examples." in text(page)
    assert "validation_share" not in [button.key for button in page.button]


# Health --------------------------------------------------------------------------------------------------------------


def test_the_health_page_trains_and_its_figures_follow(health):
    page = health
    page.button(key="reset").click().run()
    before = table(page, "Layer")
    assert [row[0] for row in before] == ["Hidden layer 1 (8 neurons)", "Hidden layer 2 (8 neurons)", "Output layer"]
    page.button(key="step").click().run()
    assert not page.exception
    assert table(page, "Layer") != before
    page.button(key="play").click().run()
    assert page.session_state.visitor.run.status == "running"
    page.button(key="pause").click().run()
    assert page.session_state.visitor.run.status == "paused"
    page.selectbox(key="view_speed").set_value("max").run()
    assert page.session_state.visitor.view["speed"] == "max"
    page.button(key="reset").click().run()
    assert "Epoch **0**, idle" in text(page)
    assert table(page, "Layer") == before
    assert len(page.get("plotly_chart")) == 3


def test_train_both_shows_two_diagnoses_side_by_side(health):
    page = health
    page.button(key="train_both").click().run()
    assert not page.exception
    said = text(page)
    assert "Vanishing: only" in said
    assert said.count("After 60 epochs") == 2
    assert len(page.get("plotly_chart")) == 7
