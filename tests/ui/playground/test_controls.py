"""Every field of an experiment that is not at its default is shown on the Playground and can be changed back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from lab.experiment.experiment import Experiment
from lab.experiment.fields import DEFAULTS, FIELDS
from lab.experiment.rules import Range, as_text
from tests.lab.strategies import experiments
from tests.ui.conftest import ROUTER
from tests.ui.opened import ALL_CONTROLS, link, open_page, ran, taken_for_changes

KINDS = ("selectbox", "select_slider", "number_input", "checkbox", "text_input", "button")
DIAGRAM = {"features"}  # thumbnails of the live view, which tests/browser/test_stage.py presses
PAD = {"points": "draw"}  # the button that opens it


def opened(e: Experiment) -> AppTest:
    page = AppTest.from_file(str(ROUTER), default_timeout=60)
    page.query_params.update(ALL_CONTROLS)
    for name, value in e.to_query().items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def shown(page: AppTest) -> Experiment:
    return page.session_state.visitor.experiment


def widget(page: AppTest, key: str) -> Any:
    """The widget with this key, whatever its kind and version."""
    widgets = (w for kind in KINDS for w in getattr(page, kind) if w.key)
    return next((w for w in widgets if key and key in (w.key, w.key.rpartition("-")[0])), None)


def control(page: AppTest, name: str) -> Any:
    """What shows a field: its widget, or the button that returns it to its default."""
    if name == "hidden":
        return widget(page, "units_0") or widget(page, "more")
    return widget(page, f"field_{name}") or widget(page, f"default_{name}") or widget(page, PAD.get(name, ""))


def runnable(e: Experiment) -> Experiment:
    """The same where this machine can run it, and with few examples."""
    e = e if e.source.available() else e.change(dataset="digits")
    return e.change(device="cpu", samples=100 if e.samples else 0)


def changed(e: Experiment) -> list[str]:
    return list(Experiment().changed_fields(e))


@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@given(experiments.map(runnable), st.data())
def test_every_changed_field_is_shown_and_can_be_changed_back(e, data):
    page = opened(e)
    e = shown(page)
    plane = e.source.plane
    fields = [name for name in changed(e) if not (name in DIAGRAM and plane)]
    missing = [name for name in fields if control(page, name) is None]
    assert missing == []
    if not (fields := [name for name in fields if name not in ("hidden", *PAD)]):
        return
    name = data.draw(st.sampled_from(fields))
    element = control(page, name)
    if element.key == f"default_{name}":
        element.click().run()
    else:
        text = FIELDS[name].control == "text" or name == "formula"
        element.set_value(as_text(DEFAULTS[name]) if text else DEFAULTS[name]).run()
    assert not page.exception
    assert getattr(shown(page), name) == DEFAULTS[name]


def other(name: str, e: Experiment) -> Any:
    """A value that the control of a field can take besides the current one."""
    spec, value = FIELDS[name], getattr(e, name)
    match spec.control:
        case "slider":
            return next(step for step in spec.steps if step != value)
        case "choice":
            return next(option for option in spec.options(e) if option != value)
        case "check":
            return not value
        case "number":
            assert isinstance(spec.allowed, Range)
            return type(value)(min(value + 100 * spec.increment, spec.allowed.high))
    return "4"


PLANE = Experiment(optimizer="adamw", schedule="cosine", patience=5, validation_share=0.1)
PICTURES = Experiment(dataset="digits", samples=100, hidden=(4,))
LAST = ("schedule", "optimizer", "validation_share", "patience")  # others have an effect only with these
GENERATED = [*(name for name, s in FIELDS.items() if s.control != "page" and name not in LAST), *LAST]


@pytest.mark.parametrize("start", [PLANE, PICTURES], ids=["plane", "pictures"])
def test_every_generated_control_changes_its_field(start):
    page = opened(start)
    for name in GENERATED:
        if not FIELDS[name].applies(start) or (start is PICTURES and FIELDS[name].applies(PLANE)):
            continue
        value = other(name, shown(page))
        control(page, name).set_value(value).run()
        assert not page.exception
        assert page.session_state.visitor.refused == []
        expected = getattr(Experiment.from_query({"dataset": start.dataset, name: as_text(value)})[0], name)
        assert getattr(shown(page), name) == expected != DEFAULTS[name] or name in LAST, name
        assert link(page).get(name, as_text(DEFAULTS[name])) == as_text(expected)


def test_together_the_two_pages_have_every_generated_control():
    assert all(FIELDS[name].applies(PLANE) or FIELDS[name].applies(PICTURES) for name in GENERATED)


def test_a_refused_text_leaves_the_field_and_says_why():
    page = opened(PICTURES)
    control(page, "conv").set_value("8,many").run()
    assert not page.exception
    assert shown(page) == PICTURES
    (sentence,) = page.session_state.visitor.refused
    assert sentence.startswith("conv: ")
    assert control(page, "conv").value == ""


def test_a_control_that_has_no_effect_is_not_drawn_at_its_default():
    page = opened(Experiment())
    for name in ("weight_decay", "schedule_span", "min_delta", "monitor", "scaling", "conv"):
        assert control(page, name) is None
    assert control(opened(Experiment(weight_decay=0.3)), "weight_decay").value == 0.3


def test_a_setting_without_a_control_is_listed_and_forgotten_by_a_press():
    start = Experiment(dataset="digits", samples=100, features=("x1", "x1^2"), hidden=(4,))
    page = opened(start)
    assert any("Features" in caption.value and "x1,x1^2" in caption.value.replace("\\", "") for caption in page.caption)
    control(page, "features").click().run()
    assert shown(page) == start.change(features=("x1", "x2"))


def test_a_popover_counts_the_settings_inside_that_are_changed():
    page = opened(Experiment(label_smoothing=0.2, clip_value=1.0, patience=3, outliers=0.1))
    popovers = {popover.proto.popover.label for popover in page.get("popover")}
    assert {"More settings: 2", "Stop rules: 1", "More data: 1"} <= popovers


def test_a_batch_of_one_is_refused_with_batch_normalization():
    page = opened(Experiment(batch_norm=True))
    control(page, "batch_size").set_value(1).run()
    assert not page.exception
    assert shown(page).batch_size == 10
    (sentence,) = page.session_state.visitor.refused
    assert sentence.startswith("batch_size: 1 does not fit; allowed: 2 or more")


@pytest.mark.parametrize(("view", "repeated"), [({}, False), ({"projector": "true"}, True)])
def test_a_slider_in_sight_keeps_what_is_pressed_during_a_run(view, repeated):
    """The browser is told its value once; in the drawer of a projector it is told again, because that may be closed."""
    page = ran(open_page("playground", controls="everything", **view).run())
    for name in ("noise", "batch_size"):
        assert page.select_slider(key=f"field_{name}").proto.set_value is repeated


@pytest.mark.parametrize("page", ["playground", "compare", "studies", "functions", "runs"])
def test_a_browser_that_has_forgotten_a_widget_reports_no_other_value(page):
    opened = open_page(page, learning_rate="0.1", batch_size="32", optimizer="adam", samples="60", epochs="10",
                       study="12:1:25:score:random:true:learning_rate=0.01|1")  # fmt: skip
    assert taken_for_changes(ran(opened.run())) == []
