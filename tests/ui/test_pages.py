"""Every page runs without a server and without a browser: a script, its widgets, and what they leave in the session."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS
from tests.ui.opened import link, open_page
from ui.kit.glossary import GLOSSARY

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "pages").glob("*.py"))


def go(page: AppTest, name: str) -> AppTest:
    return page.switch_page(str(ROOT / f"pages/{name}.py")).run()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_opens(page, path):
    page.run()
    go(page, path.stem)
    assert not page.exception
    assert not page.error
    assert page.main.children


def test_step_trains_the_network_for_one_epoch(page):
    page.run()
    assert page.session_state.visitor.run.epoch == 0
    page.button(key="step").click().run()
    assert not page.exception
    assert (page.session_state.visitor.run.status, page.session_state.visitor.run.epoch) == ("paused", 1)
    page.button(key="step").click().run()
    assert page.session_state.visitor.run.epoch == 2


def test_play_offers_pause_and_reset_goes_back_to_the_start(page):
    page.run()
    page.button(key="play").click().run()
    assert page.session_state.visitor.run.status == "running"
    assert [button.label for button in page.button if button.key in ("play", "pause")] == ["Pause"]
    page.button(key="pause").click().run()
    assert page.session_state.visitor.run.status == "paused"
    page.button(key="reset").click().run()
    assert (page.session_state.visitor.run.status, page.session_state.visitor.run.epoch) == ("idle", 0)


def test_another_data_set_rebuilds_and_is_in_the_link(page):
    page.run()
    page.button(key="step").click().run()
    page.selectbox(key="field_dataset").select("digits").run()
    assert not page.exception
    assert page.session_state.visitor.experiment.dataset == "digits"
    assert (page.session_state.visitor.run.status, page.session_state.visitor.run.epoch) == ("idle", 0)
    assert link(page) == {"dataset": "digits"}


def test_the_learning_rate_changes_without_a_restart(page):
    page.run()
    page.button(key="step").click().run()
    page.select_slider(key="field_learning_rate").set_value(0.3).run()
    assert not page.exception
    assert page.session_state.visitor.run.epoch == 1
    assert link(page) == {"learning_rate": "0.3"}


def test_a_click_on_an_outdated_page_does_not_undo_a_change(page):
    page.run()
    page.number_input(key="field_seed").set_value(1)  # its current value
    early = page.button(key="step")  # of the current page: a click sends the values of the widgets of that page
    page.run()
    page.button(key="regenerate").click().run()
    early.click().run()
    assert not page.exception
    assert page.session_state.visitor.experiment == Experiment(seed=2)
    assert page.session_state.visitor.run.epoch == 1
    page.number_input(key="field_seed-1").set_value(7).run()
    assert link(page) == {"seed": "7"}


def test_settings_and_run_survive_a_visit_to_every_other_page(page):
    page.run()
    page.number_input(key="field_seed").set_value(5).run()
    page.button(key="more").click().run()
    page.button(key="step").click().run()
    token, experiment = page.session_state.visitor.token, page.session_state.visitor.experiment
    assert experiment == Experiment(seed=5, hidden=(8, 8, 8))
    for path in PAGES:
        go(page, path.stem)
        go(page, "playground")
        assert not page.exception
        assert page.session_state.visitor.token == token
        assert page.session_state.visitor.experiment == experiment
        assert page.session_state.visitor.run.epoch == 1
        assert page.number_input(key="field_seed").value == 5
        assert link(page) == {"seed": "5", "hidden": "8,8,8"}


def test_a_link_opens_with_its_settings(page):
    query = {"dataset": "spiral", "hidden": "6,5", "optimizer": "adam", "learning_rate": "0.01", "speed": "max"}
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    chosen = Experiment(dataset="spiral", hidden=(6, 5), optimizer="adam", learning_rate=0.01)
    assert page.session_state.visitor.experiment == chosen
    assert page.selectbox(key="view_speed").value == "max"
    assert link(page) == query


HOSTILE = {
    "dataset": "<script>alert(1)</script>", "noise": "nan", "samples": "3", "hidden": "8,-1", "device": "../../etc",
    "activations": "relu,relu,relu", "learning_rate": "1e999", "seed": "9" * 5000, "speed": "light", "l1": "much",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_an_invalid_field_of_a_link_is_refused_and_the_rest_kept(page, name):
    page.query_params[name] = HOSTILE[name]
    page.query_params["l2"] = "0.003"
    page.run()
    assert not page.exception
    (sentence,) = page.session_state.visitor.refused
    assert sentence.startswith(f"{name}: ")
    assert "allowed" in sentence
    assert len(sentence) < 400
    assert [warning.value.count("\n- ") for warning in page.warning] == [1]
    assert page.session_state.visitor.experiment == Experiment(l2=0.003)
    assert link(page) == {"l2": "0.003"}


def test_a_missing_device_is_refused_and_the_cpu_used(page):
    page.query_params["device"] = "cuda:9"
    page.run()
    assert not page.exception
    assert page.session_state.visitor.experiment.device == "cpu"
    (sentence,) = page.session_state.visitor.refused
    assert "cuda:9 cannot be used here" in sentence


def test_two_visitors_have_separate_runs():
    first, second = (AppTest.from_file(str(ROOT / "ui/router.py"), default_timeout=30).run() for _ in range(2))
    first.button(key="step").click().run()
    second.run()
    assert first.session_state.visitor.token != second.session_state.visitor.token
    assert (first.session_state.visitor.run.epoch, second.session_state.visitor.run.epoch) == (1, 0)


def test_a_late_report_of_a_removed_layer_is_ignored(page):
    page.run()
    late = page._tree.get_widget_states()  # as sent by a browser that has not redrawn the page yet
    page.button(key="fewer").click().run()
    page._run(late)
    assert not page.exception
    assert page.session_state.visitor.experiment.hidden == (8,)


def test_the_help_page_begins_with_a_lesson_of_three_sentences(page):
    page.run()
    lesson = go(page, "help").markdown[0].value.split("\n\n")
    assert len(lesson) == 1
    assert [line[:2] for line in lesson[0].splitlines() if line[0].isdigit()] == ["1.", "2.", "3."]


def test_the_help_page_explains_every_term(page):
    page.run()
    text = "\n".join(element.value for element in go(page, "help").markdown)
    assert [term.name for term in GLOSSARY.values() if f"**{term.name}**: {term.sentence}" not in text] == []


def test_the_help_page_links_every_starting_point(page):
    page.run()
    text = " ".join(element.value for element in go(page, "help").markdown)
    for preset in PRESETS.values():
        query = parse_qs(text.split(f"[{preset.label}](./?")[1].split(")")[0], keep_blank_values=True)
        assert Experiment.from_query({name: value[0] for name, value in query.items()}) == (preset.experiment, [])


@pytest.mark.parametrize("name", ["functions", "one_step"])
def test_the_links_in_the_text_open_valid_experiments(name):
    text = "\n".join(element.value for element in open_page(name).markdown)
    links = text.split(f"](./{name}?")[1:]
    assert links
    for found in links:
        query = parse_qs(found.split(")")[0], keep_blank_values=True)
        experiment, refused = Experiment.from_query({field: value[0] for field, value in query.items()})
        assert refused == []
        assert experiment != Experiment()
