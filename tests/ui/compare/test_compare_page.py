"""The Compare page: its sentences hold the numbers of single runs."""

from __future__ import annotations

import numpy as np
import pytest

from engine import OPTIMIZERS
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group
from lab.training.build import build
from tests.ui.opened import link, open_page, ran, texts, view
from ui.compare.statistics import compare_pairs
from ui.compare.two_settings import thinned

SMALL = {"samples": "60", "hidden": "4"}
E = Experiment(samples=60, hidden=(4,))


@pytest.fixture(autouse=True)
def _whole_groups(monkeypatch):
    """Everything is trained in one script run."""
    monkeypatch.setattr("ui.compare.compare.WORK_S", 60.0)


def finals(group: Group, row: int = 1) -> np.ndarray:
    """The test losses of single runs."""
    found = []
    for member in group.members:
        trainer = build(member.experiment).trainer
        trainer.run_for(np.inf, epochs=group.epochs)
        found.append(np.inf if trainer.divergence else trainer.history.values[row, -1])
    return np.array(found)


def few(page, name: str, runs: int = 5):
    page.select_slider(key="compare_epochs").set_value(10)
    return ran(page.select_slider(key=f"compare_runs_{name}").set_value(runs).run())


def test_repeated_runs_are_summed_up_in_a_sentence():
    page = few(open_page("compare", **SMALL), "repeat")
    median = np.median(finals(Group(E, seeds=5, epochs=10)))
    assert f"**5 runs**, 10 epochs each: median test loss **{median:.3g}**" in texts(page)
    assert "none diverged" in texts(page)
    assert "of the map at least 90% of the runs say the same." in texts(page)
    captions = [each.caption for image in page.get("image") for each in image.proto.imgs]
    assert captions == ["All 5 runs together", "Where they disagree"]
    ran(page.number_input(key="compare_target").set_value(0.0).run())
    assert "**5 of 5** reached accuracy 0 (57% to 100% of all such runs), half of those by epoch 0." in texts(page)


def test_a_run_can_be_taken_and_the_comparison_stays():
    page = few(open_page("compare", **SMALL), "repeat")
    before = texts(page)
    assert not page.get("page_link")
    ran(page.number_input(key="compare_run_0").set_value(3).run())
    ran(page.button(key="compare_take_run").click().run())
    assert link(page)["weight_seed"] == "3"
    assert "Playground" in page.get("page_link")[0].proto.label
    assert "Run 3: test loss" in texts(page)
    assert before.split("Run 1:")[0] == texts(page).split("Run 3:")[0]
    assert page.button(key="compare_take_run").disabled


def test_the_best_value_of_a_setting_is_named_and_can_be_used():
    page = open_page("compare", **SMALL, compare="setting")
    page = few(page, "setting", 3)
    rates = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    losses = finals(Group(E, "learning_rate", rates, 3, epochs=10)).reshape(3, -1)
    best = int(np.argmin(np.median(losses, axis=0)))
    assert (
        f"the lowest test loss is **{np.median(losses[:, best]):.3g}**, with Learning rate **{rates[best]:g}**"
        in texts(page)
    )
    assert rf"yours, 0\.03, has {np.median(losses[:, 5]):.3g}" in texts(page)
    assert "Runs diverged with" in texts(page)
    ran(page.button(key="compare_use").click().run())
    assert link(page)["learning_rate"] == f"{rates[best]:g}"
    assert page.button(key="compare_use").disabled


def test_a_change_is_judged_by_pairs():
    page = view(open_page("compare", **SMALL), "compare_view", "change")
    ran(page.selectbox(key="compare_changed").select("learning_rate").run())
    ran(page.selectbox(key="compare_to_learning_rate").select(0.3).run())
    page = few(page, "change", 10)
    losses = finals(Group(E, "learning_rate", (0.03, 0.3), 10, epochs=10)).reshape(10, 2)
    verdict = compare_pairs(losses[:, 0], losses[:, 1])
    assert (
        f"**{verdict.better} of 10** pairs of runs end with a lower test loss, {verdict.worse} with a higher"
        in texts(page)
    )
    assert "clearly better" in texts(page)
    assert "the same data, initial weights and batches" in texts(page)
    ran(page.selectbox(key="compare_changed").select("batch_size").run())
    assert "their batches cannot be equal" in texts(page)


def test_the_validation_part_is_compared_where_there_is_one():
    page = few(open_page("compare", **SMALL), "repeat")
    assert "Choosing by them spoils the final test" in texts(page)
    ran(page.button(key="validation_share").click().run())
    assert "median validation loss" in texts(page)
    assert "The test part is not looked at." in texts(page)


def test_long_work_says_how_long_it_takes_and_waits_for_a_press():
    page = open_page("compare", dataset="digits", hidden="128,128")
    assert not page.get("progress")
    begin = page.button(key="compare_begin")
    assert "Train 30 runs (about " in begin.label


def test_settings_of_data_sets_without_a_plane_have_no_maps():
    page = few(open_page("compare", dataset="iris", hidden="4"), "repeat")
    assert "**5 runs**" in texts(page)
    assert "of the map" not in texts(page)


def test_other_settings_can_be_compared():
    page = open_page("compare", **SMALL, compare="setting")
    few(page, "setting", 1)
    for field, words in (
        ("optimizer", "with Optimizer"),
        ("hidden", "with Hidden layers"),
        ("batch_norm", "with Batch"),
    ):
        ran(page.selectbox(key="compare_setting").select(field).run())
        assert words in texts(page)


def test_the_best_pair_of_two_settings_is_named_and_can_be_used():
    page = few(open_page("compare", **SMALL, compare="tiles:1:weights:10:optimizer:batch_norm"), "tiles", 3)
    group = Group(E, "optimizer", tuple(OPTIMIZERS), 3, epochs=10, field2="batch_norm", values2=(False, True))
    medians = np.median(finals(group).reshape(3, -1), axis=0)
    best = group.fields_at(int(np.argmin(medians)))
    words = f"Median of 3 runs of 10 epochs for each of 14 pairs: the lowest test loss is **{medians.min():.3g}**"
    assert f"{words}, with **Optimizer {OPTIMIZERS[best['optimizer']].label} and " in texts(page)
    assert f"has {medians[0]:.3g}" in texts(page)
    ran(page.button(key="compare_use").click().run())
    told = link(page)
    assert (told["optimizer"], told.get("batch_norm", "false")) == (best["optimizer"], str(best["batch_norm"]).lower())
    assert told["compare"] == "tiles:3:weights:10:optimizer:batch_norm"
    assert words in texts(page)


def test_pairs_that_do_not_fit_together_are_left_out():
    page = open_page("compare", **SMALL, compare="tiles:1:weights:10:batch_norm:batch_size")
    assert "for each of 14 pairs" in texts(page)  # not with batches of one sample


def test_values_are_thinned_evenly_and_keep_the_present_one():
    assert thinned(range(11), 5) == (0, 1, 3, 5, 6, 7, 9, 10)
    assert thinned(range(40), 39) == (0, 6, 11, 17, 22, 28, 33, 39)
    assert thinned((1, 2, 3), 1) == (1, 2, 3)
    for present in range(20):
        found = thinned(range(20), present)
        assert present in found
        assert len(set(found)) == 8


def test_the_link_holds_what_is_compared():
    page = open_page("compare", **SMALL)
    assert "compare" not in link(page)
    ran(page.number_input(key="compare_target").set_value(0.9).run())
    assert link(page)["compare"] == "repeat:30:weights:100:0.9"
    page = view(page, "compare_view", "change")
    ran(page.selectbox(key="compare_changed").select("hidden").run())
    ran(page.selectbox(key="compare_to_hidden").select((8, 8)).run())
    page.segmented_control(key="compare_vary").set_value("everything")
    page = few(page, "change")
    assert link(page)["compare"] == "change:5:everything:10:hidden:8,8"
    again = open_page("compare", **link(page))
    assert texts(again) == texts(page)
    assert link(again) == link(page)


@pytest.mark.parametrize(
    "text", ["luck", "setting:4", "repeat:30:weights:100:2", "setting:5:weights:100:seeds", "tiles:x"]
)
def test_a_comparison_that_is_not_allowed_is_refused_with_a_sentence(text):
    page = open_page("compare", **SMALL, compare=text)
    assert f"compare: {text} is not allowed; allowed: repeat, setting" in page.warning[0].value.replace("\\", "")
    assert "**30 runs**" in texts(page)
    assert "compare" not in link(page)
