"""The records of the fields: complete, consistent, and the source of generated files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import data
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import DEFAULTS, FIELDS, LIVE, PREVIEWED
from lab.experiment.reference import settings_page
from lab.experiment.rules import Range
from ui.session.lockable_parts import LOCKABLE, PARTS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", FIELDS)
def test_a_record_is_complete(name):
    spec = FIELDS[name]
    assert spec.label
    assert spec.help.endswith(".")
    assert spec.part in LOCKABLE
    assert name in PARTS[spec.part].fields
    if spec.control == "slider":
        assert DEFAULTS[name] in spec.steps
        assert all(spec.allowed.check(value) for value in spec.steps)
        assert len({spec.text(value) for value in spec.steps}) == len(spec.steps)  # the text determines the value
    if spec.control == "choice":
        assert DEFAULTS[name] in spec.options(Experiment())
        assert all(spec.text(option, Experiment()) for option in spec.options(Experiment()))


@given(st.sampled_from([name for name, spec in FIELDS.items() if spec.steps]), st.floats(0, 0.9))
def test_two_values_of_a_slider_never_share_a_text(name, value):
    spec = FIELDS[name]
    assert value in spec.steps or spec.text(value) not in {spec.text(step) for step in spec.steps}


def test_labels_differ():
    assert len({spec.title for spec in FIELDS.values()}) == len(FIELDS)


def test_only_sliders_are_previewed():
    assert PREVIEWED
    assert all(FIELDS[name].control == "slider" for name in PREVIEWED)


def test_a_field_takes_the_range_that_the_data_takes():
    for name, (low, high) in data.RANGES.items():
        allowed = FIELDS[name].allowed
        assert isinstance(allowed, Range)
        assert (allowed.low, allowed.high) == (low, high)


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"dataset": "hills", "label_noise": 0.2}, "0 where the targets are numbers"),
        ({"dataset": "hills", "label_smoothing": 0.2}, "0 where the targets are numbers"),
        ({"dataset": "hills", "class_weights": "balanced"}, "none where the targets are numbers"),
        ({"dataset": "iris", "outliers": 0.2}, "0 where the data is not points in the plane"),
        ({"dataset": "iris", "balance": 0.2}, "0.5 with this data set; others for "),
        ({"dataset": "iris", "scaling": "unit"}, "standard where there are no pictures"),
        ({"dataset": "iris", "conv": (8,)}, "none where there are no pictures"),
    ],
)
def test_a_field_without_effect_keeps_its_default(fields, allowed):
    name = list(fields)[-1]
    with pytest.raises(ExperimentError) as refusal:
        Experiment().change(**fields)
    (sentence,) = refusal.value.sentences
    assert sentence.startswith(f"{name}: ")
    assert f"; allowed: {allowed}" in sentence


@pytest.mark.parametrize("name", ["weight_decay", "schedule_span", "min_delta"])
def test_a_field_that_waits_for_another_may_have_any_value(name):
    assert not FIELDS[name].applies(Experiment())
    assert getattr(Experiment().change(**{name: 0.5}), name) == 0.5


def test_the_settings_page_is_current():
    made = "python -m lab.experiment.reference > docs/settings.md"
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == settings_page(), made


def test_live_fields_are_fields():
    assert set(LIVE) <= set(FIELDS)


@pytest.mark.parametrize(("share", "part"), [(0.0, "training"), (0.2, "validation")])
def test_labels_of_stop_rules_name_the_part_they_look_at(share, part):
    e = Experiment(patience=5, validation_share=share)
    assert FIELDS["target_accuracy"].title_for(e) == f"Stop at this {part} accuracy or R² (0 = never)"
    assert [FIELDS["monitor"].text(name, e) for name in FIELDS["monitor"].options(e)] == [
        f"{part.capitalize()} loss",
        f"{part.capitalize()} accuracy or R²",
    ]


def test_no_stop_rule_can_watch_the_test_part():
    assert not [name for name in FIELDS["monitor"].options(Experiment()) if "test" in name]
    with pytest.raises(ExperimentError, match="monitor: test_loss is not allowed"):
        Experiment().change(monitor="test_loss")
