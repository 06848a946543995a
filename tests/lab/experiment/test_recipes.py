"""Every recipe has the documented settings, and the quick ones are run; docs/recipes.md has other results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.training.trainer import Trainer
from lab.experiment.experiment import Experiment
from lab.experiment.recipes import RECIPES
from lab.training.build import build

ROOT = Path(__file__).parents[3]
QUICK = [name for name, recipe in RECIPES.items() if recipe.experiment.dataset != "mnist"]


def trained(experiment: Experiment) -> Trainer:
    trainer = build(experiment).trainer
    while not trainer.stopped and trainer.divergence is None:
        trainer.epoch()
    return trainer


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_recipe_reaches_its_target(name):
    recipe = RECIPES[name]
    score = trained(recipe.experiment).evaluate().test_score
    assert score >= recipe.target
    low, high = recipe.measured
    assert low - 0.02 <= score <= high + 0.02  # another processor rounds differently


def test_three_neurons_fit_the_plane_with_a_larger_rate():
    e = RECIPES["seed001_three"].experiment
    assert (np.diff(trained(e).history.values[0]) < 0).all()
    assert trained(e.change(learning_rate=0.1)).evaluate().test_score > 0.99


@pytest.mark.parametrize(
    ("name", "parameters", "rate", "epochs", "samples", "initializer", "scaling"),
    [("seed000", 7960, 0.1, 2000, 41_000, "uniform", "unit"), ("seed002", 7960, 0.1, 500, 41_000, "uniform", "unit"),
     ("seed003", 79_510, 0.2, 1000, 0, "uniform", "unit"),
     ("seed004", 7960, 0.1, 2500, 41_160, "lecun_normal", "per_image")],
)  # fmt: skip
def test_the_recipes_have_the_settings_of_the_projects(name, parameters, rate, epochs, samples, initializer, scaling):
    e = RECIPES[name].experiment
    assert (e.parameters, e.learning_rate, e.epochs) == (parameters, rate, epochs)
    assert (e.samples, e.initializer, e.scaling) == (samples, initializer, scaling)
    assert (e.dataset, e.optimizer, e.batch_size, e.activation_names) == ("mnist", "sgd", 0, ("relu",))
    assert (e.output_name, e.loss_name) == ("softmax", "categorical_crossentropy")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_documented_and_opens_from_a_link(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.sentence.endswith(".")
    assert bool(recipe.original) == bool(recipe.bug) == name.startswith("seed")
    assert recipe.measured is None or recipe.measured[0] <= recipe.measured[1] >= recipe.target
    assert Experiment.from_query(recipe.experiment.to_query()) == (recipe.experiment, [])
    document = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
    assert f"| {recipe.label} | {recipe.reached or '-'} | {recipe.target:g} |" in document
