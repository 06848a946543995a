"""The Compare page: its sentences hold the numbers of single runs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine import LOSSES, OPTIMIZERS
from lab.experiment.experiment import Experiment
from lab.experiment.group import Group, fields_to_vary
from lab.training.build import build
from tests.ui.opened import ROOT, link, open_page, ran, texts, view
from ui.compare import tiles, two_settings
from ui.compare.outcomes import Outcomes, SoFar
from ui.compare.statistics import compare_pairs
from ui.compare.two_settings import thinned
from ui.kit.escape import escape_markdown

SMALL = {"samples": "60", "hidden": "4"}
E = Experiment(samples=60, hidden=(4,))


@pytest.fixture(autouse=True)
def _whole_groups(monkeypatch, compiled):
    """One script run trains a whole group, in compiled steps: on the tape that takes longer."""
    monkeypatch.setattr("ui.compare.compare.WORK_S", 60.0)
    monkeypatch.setattr("ui.compare.pair.WORK_S", 60.0)


@pytest.fixture
def tape(monkeypatch):
    """Runs of a few epochs that share no program: compiling each takes longer."""
    monkeypatch.setenv("PLAYGROUND_COMPILED", "off")


def finals(group: Group, row: int = 1) -> np.ndarray:
    """The test losses of single runs."""
    found = []
    for member in group.members:
        trainer = build(member.experiment).trainer
        trainer.run_for(np.inf, epochs=group.epochs)
        found.append(np.inf if trainer.divergence else trainer.history.values[row, -1])
    return np.array(found)


def short(name: str, runs: int = 5, more: str = "", **fields: str):
    """The page with a comparison of a few runs of 10 epochs, from a link."""
    return open_page("compare", **{**SMALL, "compare": f"{name}:{runs}:weights:10{more}", **fields})


def few(page, name: str, runs: int = 5):
    """The same by its sliders."""
    page.select_slider(key="compare_epochs").set_value(10)
    return ran(page.select_slider(key=f"compare_runs_{name}").set_value(runs).run())


def test_repeated_runs_are_summed_up_in_a_sentence():
    page = short("repeat")
    median = np.median(finals(Group(E, seeds=5, epochs=10)))
    assert f"**5 runs**, 10 epochs each: median test loss **{median:.3g}**" in texts(page)
    assert "none diverged" in texts(page)
    assert "of the map at least 90% of the runs say the same." in texts(page)
    captions = [each.caption for image in page.get("image") for each in image.proto.imgs]
    assert captions == ["All 5 runs together", "Where they disagree"]
    ran(page.number_input(key="compare_target").set_value(0.0).run())
    assert "**5 of 5** reached accuracy 0 (57% to 100% of all such runs), half of those by epoch 0." in texts(page)


def test_a_run_can_be_taken_and_the_comparison_stays():
    page = short("repeat")
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
    page = short("setting", 3)
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
    page = short("change", 10)
    ran(page.selectbox(key="compare_changed").select("learning_rate").run())
    ran(page.selectbox(key="compare_to_learning_rate").select(0.3).run())
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
    page = short("repeat")
    assert "Choosing by them spoils the final test" in texts(page)
    ran(page.button(key="validation_share").click().run())
    assert "median validation loss" in texts(page)
    assert "The test part is not looked at." in texts(page)


def test_long_work_says_how_long_it_takes_and_waits_for_a_press():
    page = open_page("compare", dataset="digits", hidden="128,128")
    assert not page.get("progress")
    begin = page.button(key="compare_begin")
    assert "Train 30 runs (about " in begin.label


def test_a_choice_counts_that_comes_with_the_press(monkeypatch):
    """A browser sends both at once where the press follows before the answer to the choice."""
    monkeypatch.setattr("ui.compare.compare.AT_ONCE_S", 0)
    page = open_page("compare", **SMALL)
    page.select_slider(key="compare_runs_repeat").set_value(5)
    ran(page.button(key="compare_begin").click().run())
    assert "**5 runs**" in texts(page)


def test_settings_of_data_sets_without_a_plane_have_no_maps():
    page = short("repeat", dataset="iris", hidden="4")
    assert "**5 runs**" in texts(page)
    assert "of the map" not in texts(page)


@pytest.mark.usefixtures("tape")
def test_other_settings_can_be_compared():
    page = few(open_page("compare", **SMALL, compare="setting"), "setting", 1)
    for field, words in (
        ("optimizer", "with Optimizer"),
        ("hidden", "with Hidden layers"),
        ("batch_norm", "with Batch"),
    ):
        ran(page.selectbox(key="compare_setting").select(field).run())
        assert words in texts(page)


@pytest.mark.usefixtures("tape")
def test_the_best_pair_of_two_settings_is_named_and_can_be_used():
    page = short("tiles", 3, ":optimizer:batch_norm")
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


def test_unfinished_tiles_show_their_current_result():
    group = Group(E, "l2", (0.0, 0.1), 1, epochs=40, field2="learning_rate", values2=(0.01, 10.0))
    losses, maps = np.array([[0.5], [0.4], [np.inf], [0.6]]), np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3)
    found = Outcomes(group, so_far=SoFar((12, 13, 12, 12), losses, losses, maps))
    medians = np.array([tiles.median(found, place) for place in range(4)])
    text = two_settings.sentence(found, medians, int(medians.argmin()), None)
    assert text.startswith("After 12 to 13 of 40 epochs: the lowest test loss is **0.4**, with **L2 rate 0")
    assert found.progress == pytest.approx(49 / 160)
    found.status = ["done"]  # the others wait for their compiler, for example
    assert two_settings.sentence(found, medians, 1, None).startswith("After 12 to 40 of 40 epochs: ")
    found.status = []
    assert (found.has_some, found.finished) == (True, False)
    shown = [tiles.tile(found, place, medians, "light") for place in range(4)]
    assert [tile.label.rpartition(": ")[2] for tile in shown] == [
        "test loss 0.5 after 12 epochs", "test loss 0.4 after 13 epochs", "test loss diverged after 12 epochs",
        "test loss 0.6 after 12 epochs"]  # fmt: skip
    assert [tile.strength for tile in shown] == pytest.approx([0.5, 1, 0, 0])
    ties = np.array([0.4, 0.4, 0.4, 0.6])
    assert [tiles.tile(found, place, ties, "light").strength for place in range(4)] == [1, 1, 1, 0]
    assert len({tile.picture for tile in shown}) == 4


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
    "text",
    ["luck", "setting:4", "repeat:30:weights:100:2", "setting:5:weights:100:seeds", "tiles:x", "setting:5:folds",
     "repeat:30:folds", "change:5:weights:10:l2:0.1:1fork", "tiles:1:weights:10:l2:l1:3"],
)  # fmt: skip
def test_a_comparison_that_is_not_allowed_is_refused_with_a_sentence(text, monkeypatch):
    monkeypatch.setattr("ui.compare.compare.AT_ONCE_S", 0)  # nothing needs to be trained
    page = open_page("compare", **SMALL, compare=text)
    assert f"compare: {text} is not allowed; allowed: repeat, setting" in page.warning[0].value.replace("\\", "")
    assert page.button(key="compare_begin").label.startswith("Train 30 runs")
    assert "compare" not in link(page)


def latest(widgets, name: str):
    """The widget of a value that something else has changed, too: it has another key each time."""
    (found,) = (widget for widget in widgets if widget.key.startswith(name))
    return found


def captions(page) -> list[str]:
    return [each.caption for image in page.get("image") for each in image.proto.imgs]


def trained(epochs: int = 3, **fields: str):
    """The Compare page of a visitor whose run has trained."""
    page = open_page("playground", **{**SMALL, **fields})
    for _ in range(epochs):
        ran(page.button(key="step").click().run())
    return ran(page.switch_page(str(ROOT / "pages/compare.py")).run())


def test_two_runs_with_one_change_advance_in_lock_step():
    page = short("change", more=":learning_rate:0.3")
    found = []
    for rate in (0.03, 0.3):
        trainer = build(E.change(learning_rate=rate)).trainer
        trainer.run_for(np.inf, epochs=11)
        found.append(trainer.history.values[1])
    said = f"Epoch **10**. Test loss: A {found[0][10]:.3g}, B {found[1][10]:.3g}. Largest difference of a weight:"
    assert said in texts(page)
    assert captions(page) == [r"A\: Learning rate 0\.03", r"B\: Learning rate 0\.3", "B minus A"]
    assert "A and B differ in: Learning rate" in texts(page)
    ran(page.button(key="pair_step").click().run())
    assert f"Epoch **11**. Test loss: A {found[0][11]:.3g}, B {found[1][11]:.3g}." in texts(page)
    ran(page.button(key="pair_reset").click().run())
    assert "Epoch **0**." in texts(page)
    assert "All weights are equal, to the bit." in texts(page)
    assert page.button(key="pair_reset").disabled
    ran(page.button(key="pair_play").click().run())
    assert page.button(key="pair_play").label == "Pause"
    ran(page.run())
    ran(page.button(key="pair_play").click().run())
    assert page.button(key="pair_play").label == "Play"
    assert "All weights are equal" not in texts(page)


def test_a_run_is_forked_where_it_is_and_the_link_holds_the_fork():
    page = view(trained(optimizer="adam"), "compare_view", "change")
    ran(page.selectbox(key="compare_changed").select("learning_rate").run())
    ran(page.selectbox(key="compare_to_learning_rate").select(0.3).run())
    page = few(view(page, "compare_begin_at", "now"), "change")
    assert "instead of Learning rate 0\\.03 from epoch 3 on" in texts(page)
    assert "Epoch **13**, 10 after the fork." in texts(page)
    assert "They are the same run up to epoch 3" in texts(page)
    alone = build(E.change(optimizer="adam")).trainer
    alone.run_for(np.inf, epochs=3)
    alone.set(learning_rate=0.3)
    alone.run_for(np.inf, epochs=13)
    assert f", B {alone.history.values[1, -1]:.3g}." in texts(page)
    assert "makes another network, which begins at epoch 0" in texts(page)
    fields = page.selectbox(key="compare_changed").options
    assert "Learning rate" in fields
    assert "Hidden layers" not in fields
    again = open_page("compare", **link(page))
    assert texts(again) == texts(page)
    ran(page.button(key="compare_keep").click().run())
    assert "These 10 runs are kept" in texts(page)
    page = view(page, "compare_begin_at", "first")
    assert "from epoch 3 on" not in texts(page)
    assert "Hidden layers" in page.selectbox(key="compare_changed").options


def test_a_run_that_has_gone_on_can_be_forked_again():
    page = few(view(trained(2), "compare_view", "change"), "change")
    page = view(page, "compare_begin_at", "now")
    assert "from epoch 2 on" in texts(page)
    assert not [button for button in page.button if button.key == "compare_fork"]
    ran(page.switch_page(str(ROOT / "pages/playground.py")).run())
    ran(page.button(key="step").click().run())
    ran(page.switch_page(str(ROOT / "pages/compare.py")).run())
    assert "from epoch 2 on" in texts(page)  # a fork stays what it is
    fork = page.button(key="compare_fork")
    assert fork.label == "Fork at epoch 3"
    ran(fork.click().run())
    assert "from epoch 3 on" in texts(page)


def test_a_run_that_cannot_be_repeated_says_why_it_cannot_be_forked(monkeypatch):
    page = view(trained(1), "compare_view", "change")
    monkeypatch.setattr("lab.training.change_log.ChangeLog.replay", lambda *_: None)
    page = view(page, "compare_begin_at", "now")
    assert "This run cannot be forked" in page.warning[0].value
    assert latest(page.segmented_control, "compare_begin_at").value == "first"
    assert link(page)["compare"] == "change:30:weights:100"


def test_folds_are_repeated_with_another_validation_part_each():
    page = view(open_page("compare", **SMALL), "compare_view", "repeat")
    page.select_slider(key="compare_epochs").set_value(10)
    page = view(page, "compare_vary", "folds")
    assert link(page)["compare"] == "repeat:5:folds:10:0.95"
    folds = Group(E, seeds=5, vary="folds", epochs=10)
    losses, scores = finals(folds, 4), finals(folds, 5)
    said = "**5 folds**, each the validation part of one run of 10 epochs: median validation loss"
    assert f"{said} **{np.median(losses):.3g}**" in texts(page)
    assert f"median validation accuracy **{np.median(scores):.3g}**" in texts(page)
    assert "of all such runs" not in texts(page)
    assert "The test part is not looked at." in texts(page)
    ran(page.number_input(key="compare_run_0").set_value(3).run())
    ran(page.button(key="compare_take_run").click().run())
    assert (link(page)["validation_share"], link(page)["fold"]) == ("0.2", "2")
    page = view(page, "compare_vary", "weights")
    assert link(page)["compare"] == "repeat:5:weights:10:0.95"
    page = view(view(page, "compare_vary", "folds"), "compare_view", "setting")
    assert "folds" not in link(page)["compare"]


@pytest.mark.usefixtures("tape")
def test_losses_are_compared_by_the_accuracy():
    page = short("setting", 1, ":loss")
    values = fields_to_vary(E)["loss"]
    scores = finals(Group(E, "loss", values, 1, epochs=10), 3)
    assert f"the highest test accuracy is **{scores.max():.3g}**" in texts(page)
    page = short("change", more=":loss")
    assert "pairs of runs end with a higher test accuracy" in texts(page)
    page = short("tiles", 1, ":loss:optimizer")
    assert "the highest test accuracy is" in texts(page)


@pytest.mark.usefixtures("tape")
def test_ties_for_the_best_result_are_counted():
    easy = {"dataset": "gauss", "learning_rate": "0.1"}
    e = E.change(dataset="gauss", learning_rate=0.1)
    scores = finals(Group(e, "loss", fields_to_vary(e)["loss"], 1, epochs=10), 3)
    others = int((scores == scores.max()).sum()) - 1
    assert others > 1
    page = short("setting", 1, ":loss", **easy)
    said = texts(page)
    own = escape_markdown(LOSSES[e.loss_name].label)
    assert (
        f"the highest test accuracy is **{scores.max():.3g}**, with Loss **{own}**, tied with {others} other values."
        in said
    )
    assert "; yours" not in said  # it is among them
    assert page.button(key="compare_use").disabled
    assert re.search(r", tied with \d+ other pairs\.", texts(short("tiles", 1, ":loss:optimizer", **easy)))


def test_two_tiles_are_compared_side_by_side():
    page = open_page("compare", **SMALL, compare="tiles:1:weights:10:optimizer:batch_norm:0.9")
    assert "A and B differ in: Optimizer" in texts(page)
    assert "Batch normalization" in texts(page)
    names = list(OPTIMIZERS.values())
    assert [c.split(" and ")[0] for c in captions(page)[-3:]] == [
        rf"A\: Optimizer {names[0].label}", rf"B\: Optimizer {names[2].label}", "B minus A"]  # fmt: skip
    other = open_page("compare", **SMALL, compare="tiles:1:weights:10:optimizer:batch_norm:0.99")
    assert "A and B" not in texts(other)  # there is no such tile


def test_looking_at_other_comparisons_changes_no_number():
    page = short("change", more=":l2:0.01")
    before = texts(page)
    for name in ("setting", "tiles", "repeat"):
        few(view(page, "compare_view", name), name, 1 if name != "repeat" else 5)
    page = view(page, "compare_view", "change")
    ran(latest(page.selectbox, "compare_to_l2").select(0.01).run())
    ran(latest(page.select_slider, "compare_runs_change").set_value(5).run())
    ran(latest(page.select_slider, "compare_epochs").set_value(10).run())
    assert texts(page) == before


def test_runs_that_cannot_be_trained_are_a_sentence(monkeypatch):
    def fails(*_, **__):
        raise MemoryError

    page = open_page("compare", **SMALL)
    monkeypatch.setattr("lab.training.group_run.build", fails)
    page = few(page, "repeat")
    assert "There is no memory left for these runs" in page.warning[0].value
    monkeypatch.setattr("lab.training.group_run.build", build)
    ran(page.button(key="compare_go_on").click().run())
    assert "**5 runs**" in texts(page)
