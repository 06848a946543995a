"""The presets menu opens an experiment with its sentence."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment
from lab.experiment.presets import PRESETS

pytestmark = pytest.mark.browser


def test_a_preset_opens_from_the_menu_with_its_sentence(playground):
    playground.open("seed=7").step(1)
    playground.tag()
    for preset in list(PRESETS.values())[:2]:  # each of them in tests/ui/playground/test_offered_choices.py
        playground.press("Presets")
        menu = playground.page.get_by_role("menuitem")
        menu.first.wait_for()
        assert menu.all_inner_texts() == [each.label for each in PRESETS.values()]
        playground.page.get_by_role("menuitem", name=preset.label, exact=True).click()
        playground.page.locator(".st-key-lesson", has_text=preset.sentence).wait_for()
        query = preset.experiment.to_query()
        playground.linked(**{**dict.fromkeys(Experiment.model_fields), **query})
        playground.until("facts.epoch == 0 && facts.status === 'idle'")
        assert playground.link == query
    assert playground.remounted_parts() == 0
