"""What a link says of the page: parts hidden and locked, the projector, a preset; and what a file holds."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from data.sources import hand_drawn
from lab.experiment.experiment import MAX_TEXT_LENGTH, Experiment, ExperimentError
from lab.experiment.presets import PRESETS
from tests.ui.opened import link
from ui.header import share
from ui.kit import shortcuts
from ui.session import lockable_parts
from ui.session.view import VIEW


def test_every_field_of_an_experiment_belongs_to_one_part():
    fields = [field for part in lockable_parts.PARTS.values() for field in part.fields]
    assert len(fields) == len(set(fields))
    assert set(Experiment.model_fields) <= set(fields)
    assert VIEW.keys() - {*lockable_parts.LISTS, "projector", "title", "task", "compare", "runs", "study"} <= set(
        fields
    )


def test_every_part_can_be_hidden_or_locked():
    assert set(lockable_parts.HIDEABLE) | set(lockable_parts.LOCKABLE) == set(lockable_parts.PARTS)
    assert all(bool(part.fields) != bool(part.selector) for part in lockable_parts.PARTS.values())
    assert "diagram" not in lockable_parts.LOCKABLE


def test_a_list_of_parts_is_read_in_the_order_of_the_table():
    assert lockable_parts.read("hide", "") == ((), [])
    assert lockable_parts.read("hide", "seed,data,,seed") == (("data", "seed"), [])


@pytest.mark.parametrize(
    ("kind", "name"), [("hide", "Data"), ("hide", "weights"), ("lock", "diagram"), ("lock", "a" * 9000)]
)
def test_of_a_list_only_an_unknown_name_is_dropped(kind, name):
    assert lockable_parts.read(kind, f"seed,{name},data") == (("data", "seed"), [name])


def test_everything_but_one_part_is_locked_and_training_stays_free():
    locked = lockable_parts.all_but("rate")
    assert {*lockable_parts.LOCKABLE} - {*locked} == {"rate", "transport", "speed", "view", "share"}


def test_what_is_hidden_is_locked_as_well():
    view = {"hide": ("data",), "lock": ("rate",)}
    assert lockable_parts.is_hidden(view, "noise")
    assert lockable_parts.is_locked(view, "noise")
    assert not lockable_parts.is_hidden(view, "learning_rate")
    assert lockable_parts.is_locked(view, "learning_rate")
    assert not lockable_parts.is_locked(view, "seed")
    assert ".st-key-field_noise" in lockable_parts.hiding(view)


def test_a_link_hides_and_locks_widgets_and_keeps_saying_so(page):
    page.query_params["hide"] = "rate,confusion"
    page.query_params["lock"] = "seed,transport"
    page.run()
    assert not page.exception
    assert [slider.key for slider in page.select_slider if slider.key == "field_learning_rate"] == []
    assert page.number_input(key="field_seed").disabled
    assert page.button(key="play").disabled
    assert not page.number_input(key="field_samples").disabled
    assert link(page) == {"hide": "rate,confusion", "lock": "transport,seed"}


@pytest.mark.parametrize("name", ["hide", "lock"])
def test_an_unknown_part_is_ignored_and_the_others_hold(page, name):
    page.query_params[name] = "data,<b>,c,d,e"
    page.run()
    (sentence,) = page.session_state.visitor.refused
    assert sentence == f"{name}: <b>, c, d, ... is ignored; allowed: names of parts of the page; see Share."
    assert link(page) == {name: "data"}


def test_the_projector_is_a_switch_that_the_link_remembers(page):
    page.run()
    page.toggle(key="view_projector").set_value(True).run()
    assert link(page) == {"projector": "true"}
    again = AppTest.from_file(page._script_path, default_timeout=30)
    again.query_params["projector"] = "true"
    assert again.run().toggle(key="view_projector").value


def test_a_link_that_holds_a_preset_says_what_to_look_at(page):
    preset = PRESETS["dead_relu"]
    for name, value in preset.experiment.to_query().items():
        page.query_params[name] = value
    page.run()
    assert any(preset.sentence in element.value for element in page.markdown)


def test_a_file_with_the_maximum_number_of_points_is_read():
    places = np.random.default_rng(2).uniform(-6, 6, (hand_drawn.MAX_POINTS, 2)).tolist()
    experiment = Experiment(dataset="drawn", points=[[x, y, i % 5] for i, (x, y) in enumerate(places)])
    assert share.read(experiment.to_json().encode()) == (experiment, [])
    assert not experiment.fits_link


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"\xff\xfe\x00", "not text"), (b"x" * 5 * MAX_TEXT_LENGTH, "too large"), (b"{", "not JSON"),
     (b"[]", "one JSON object"), (b'{"seed": -1}', "seed: -1"), (b" " * (MAX_TEXT_LENGTH + 1), "too long")],
    ids=lambda value: str(value[:12]),
)  # fmt: skip
def test_an_invalid_experiment_file_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(ExperimentError, match=sentence):
        share.read(data)


def test_every_key_presses_a_button_by_one_name():
    assert len(shortcuts.for_component()) == len(shortcuts.KEYS)
    assert all(verbs for verbs in shortcuts.for_component().values())
