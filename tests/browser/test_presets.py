"""The presets menu: each choice is an experiment, a sentence, and a link."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS

pytestmark = pytest.mark.browser


def test_every_preset_opens_from_the_menu_at_epoch_0_and_says_what_to_look_at(playground):
    playground.open("seed=7").step(1)
    playground.tag()
    for preset in PRESETS.values():
        playground.press("Presets")
        playground.page.get_by_role("menuitem", name=preset.label, exact=True).click()
        playground.page.locator(".st-key-lesson", has_text=preset.sentence).wait_for()
        query = preset.experiment.to_query()
        playground.linked(**{**dict.fromkeys(Experiment.model_fields), **query})
        playground.until("facts.epoch == 0 && facts.status === 'idle'")
        assert playground.link == query
    assert playground.mounted_anew() == 0


def test_the_link_of_a_preset_brings_its_sentence_which_goes_with_its_data(playground):
    playground.open("initializer=zeros&show_test=false")
    lesson = playground.page.locator(".st-key-lesson")
    assert PRESETS["zeros"].sentence in lesson.inner_text()
    playground.choose("Data set", "Spiral")
    playground.linked(dataset="spiral")
    lesson.wait_for(state="detached")
