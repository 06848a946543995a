"""A validation part is offered wherever something selects by the training part."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lab.experiment.experiment import Experiment
from tests.ui.opened import figure, open_page, ran, texts

KEY = "validation_share"
SENTENCE = "Stop rules look at the training part now."


def offers(page: AppTest) -> bool:
    """Whether the button is there, with a sentence that says why."""
    found = [button for button in page.button if button.key == KEY]
    assert bool(found) == ("cannot show when it begins to memorize" in texts(page))
    return bool(found)


def experiment(page: AppTest) -> Experiment:
    return page.session_state.visitor.experiment


@pytest.mark.parametrize(("rule", "value"), [("patience", 20), ("target_accuracy", 0.9)])
def test_a_selecting_stop_rule_proposes_a_validation_part(rule, value):
    page = open_page("playground")
    assert not offers(page)
    ran(next(box for box in page.number_input if (box.key or "").startswith(f"field_{rule}")).set_value(value).run())
    assert offers(page)
    assert SENTENCE in texts(page)
    assert "accuracy or R² look at the training part" in texts(page)
    build = page.session_state.visitor.run.origin
    ran(page.button(key=KEY).click().run())
    assert experiment(page) == Experiment(**{rule: value}, validation_share=0.2)
    assert page.session_state.visitor.run.experiment == experiment(page)
    assert page.session_state.visitor.run.origin != build
    assert not offers(page)
    assert "accuracy or R² look at the validation part" in texts(page)


def test_rules_that_do_not_select_propose_nothing():
    assert not offers(open_page("playground", epochs="5", max_seconds="60"))


def test_a_link_that_chose_the_training_part_is_offered_the_other():
    page = open_page("playground", patience="5", validation_share="0")
    assert offers(page)
    assert not offers(open_page("playground", patience="5", validation_share="0.3"))


def test_a_locked_part_of_the_data_locks_the_proposal():
    page = open_page("playground", patience="5", validation_share="0", lock="data")
    assert page.button(key=KEY).disabled


def test_the_curves_of_the_playground_show_the_validation_part():
    page = open_page("playground", validation_share="0.2")
    assert [trace["name"] for trace in figure(page, "static_loss")["data"]] == ["train", "test", "validation"]
    assert [trace["name"] for trace in figure(page, "static_accuracy")["data"]] == ["train", "test", "validation"]


def test_the_save_page_names_the_parts_of_its_curves():
    assert "Thin: training data; thick: test data." in texts(open_page("keep"))
    page = open_page("keep", validation_share="0.2")
    assert "dashed: validation data" in texts(page)
    assert ", validation " in texts(page)
