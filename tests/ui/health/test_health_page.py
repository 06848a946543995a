"""The page Health: its figures say what they were computed from, and may be undefined."""

from __future__ import annotations

from tests.ui.opened import open_page, texts


def test_figures_of_a_part_of_the_training_data_say_so():
    said = texts(open_page("health", dataset="xor", samples="3000", train_share="0.9", hidden="3"))
    assert "Loss and score: of the first 2,000 of 2,700 training examples." in said
    assert "Signals and gradients: of the first 256 of 2,700 training examples." in said
    assert "of the first" not in texts(open_page("health", dataset="xor", samples="200", hidden="3"))


def test_one_training_target_has_no_r2():
    assert ", R2 **undefined**" in texts(open_page("health", dataset="plane", samples="10", train_share="0.1"))
