"""The speed Instant on the page: how long a finished run is, what a control says, and what a preset leads to."""

from __future__ import annotations

from lab.experiment.experiment import Experiment
from lab.experiment.group import USUAL_EPOCHS
from lab.experiment.presets import PRESETS
from tests.ui.opened import open_page, ran
from tests.ui.playground.test_controls import widget
from ui.session.visitor import runs


def test_the_speed_says_after_how_many_epochs_a_run_is_finished():
    assert f"Instant: {USUAL_EPOCHS} epochs" in widget(open_page("playground"), "view_speed").options
    assert "Instant: 2,000 epochs" in widget(open_page("playground", epochs="2000"), "view_speed").options


def test_a_control_says_that_a_change_shows_the_finished_run():
    page = open_page("playground", speed="instant")
    for field in ("learning_rate", "noise"):
        assert widget(page, f"field_{field}").help.endswith("Shows the finished run.")
    ran(widget(page, "view_speed").select("calm").run())
    assert widget(page, "field_learning_rate").help.endswith("Training continues.")


def test_a_preset_leads_to_its_finished_run():
    page = open_page("playground", speed="instant")
    ran(page.menu_button(key="presets").click("spiral").run())
    me = page.session_state.visitor
    assert me.experiment == PRESETS["spiral"].experiment != Experiment()
    run = runs().scheduler.runs[me.token]
    assert run.trainer.epochs > 0
    assert run.goal.epochs in (USUAL_EPOCHS, float("inf"))
