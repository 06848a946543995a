"""A study describes what is searched, and refuses what is not allowed with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import FIELDS
from lab.studies.study import FIXED, MAX_TRIALS, Span, Study
from tests.lab.strategies import field_values, json_values
from tests.lab.studies.helpers import SMALL, study_of

E = Experiment(dataset="moons", validation_share=0.2)
NUMBERS = st.integers() | st.floats() | st.booleans() | st.just(10**400)


def refusals(text: str) -> list[str]:
    with pytest.raises(ExperimentError) as problem:
        Study.with_notes_from_json(text)
    return problem.value.sentences


def test_a_study_survives_its_text():
    for study in (study_of(), study_of(sampler="grid", seeds=3, objective="validation_accuracy")):
        text = json.dumps(study.to_values())
        assert Study.with_notes_from_json(text) == (study, [])


def test_the_name_tells_studies_apart_but_not_budgets():
    study = study_of()
    assert replace(study, trials=500).name == study.name
    others = [
        replace(study, seed=2),
        replace(study, seeds=3),
        replace(study, sampler="random"),
        study_of(space={"l2": [0]}),
    ]
    assert len({study.name, *(other.name for other in others)}) == 5


def test_a_validation_part_is_held_out_and_said():
    study, (note,) = Study.with_notes_from_json('{"experiment": {"dataset": "iris"}, "space": {"l1": [0, 0.1]}}')
    assert study.experiment.validation_share == 0.2
    assert "20% of the training part" in note
    with pytest.raises(ExperimentError, match="validation_share: 0 is not allowed"):
        Study(Experiment(), {"l1": (0.0, 0.1)})


def test_runs_of_a_trial_differ_in_their_initial_weights_only():
    first, *others = study_of(seeds=3).experiments({"learning_rate": 0.5})
    assert first.learning_rate == 0.5
    assert [list(first.changed_fields(other)) for other in others] == [["weight_seed"]] * 2
    assert len({e.weight_seed for e in (first, *others)}) == 3


def test_a_grid_has_both_ends_and_equal_factors():
    assert Span(0.01, 1, True, 3).grid(False) == (0.01, pytest.approx(0.1), 1)
    assert Span(0, 1, False, 3).grid(False) == (0, 0.5, 1)
    assert Span(1, 3, False, 50).grid(True) == (1, 2, 3)
    assert study_of(sampler="grid", trials=100).budget == 15


@pytest.mark.parametrize("name", [name for name in FIELDS if name not in FIXED])
def test_every_field_that_can_vary_may_be_searched(name):
    values = {"conv": [[], [4]], "scaling": ["standard", "unit"], "output": ["auto", "softmax"]}
    usual = {"slider": [0.1, 0.2], "number": [1, 0], "check": [False, True]}
    spec, e = FIELDS[name], Experiment(dataset="digits", validation_share=0.2)
    choices = {
        "features": [["x1"], ["x1", "x2"]], "formula": ["", "x1 * x2"], "hidden": [[2], [3, 4]],
        "activations": ["relu", "tanh"],
    } | values  # fmt: skip
    given_values = choices.get(name) or ([*spec.options(e)][:2] if spec.choices else usual[spec.control])
    if name == "batch_size":
        given_values = [8, 16]
    study = Study(e, {name: tuple(given_values)}, objective="validation_accuracy")
    assert len(study.space[name]) == 2


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_decides_the_examples_never_varies(name):
    (sentence,) = refusals(json.dumps({**SMALL, "space": {name: [1, 2]}}))
    assert sentence.startswith(f"space: {name} must be the same in all trials; allowed: ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trials": 0}, "trials: 0 is not allowed; allowed: a whole number from 1 to 10,000."),
        ({"trials": True}, "trials: True"),
        ({"trials": 1.5}, "trials: 1.5"),
        ({"trials": MAX_TRIALS + 1}, "trials: 10001"),
        ({"trials": 10**400}, "trials: 1000"),
        ({"trials": float("nan")}, "trials: nan"),
        ({"trials": [[[1]]]}, "trials: [[[1]]]"),
        ({"seeds": 0}, "seeds: 0"),
        ({"seeds": "3"}, "seeds: 3"),
        ({"seed": -1}, "seed: -1"),
        ({"sampler": "bayes"}, "sampler: bayes is not allowed; allowed: tpe or random or grid."),
        ({"pruner": ["median"]}, 'pruner: ["median"]'),
        ({"objective": "test_loss"}, "objective: test_loss is not allowed, because a test part by which one chooses"),
        ({"objective": "train_loss"}, "objective: train_loss is not allowed; allowed: validation_loss or "),
        ({"objective": "validation_r2"}, "objective: validation_r2"),
        ({"objective": None}, "objective: None"),
        ({"budget": 3}, "budget is no field of a study; allowed: experiment, space, "),
        ({"experiment": "digits"}, "experiment: digits"),
        ({"experiment": {"dataset": "moon"}}, "dataset: moon is not allowed"),
        ({"space": {}}, "space: {} is not allowed; allowed: at least one field"),
        ({"space": None}, "space: None"),
        ({"space": [1]}, "space: [1]"),
        ({"space": {"rate": [1]}}, "space: rate is no field of an experiment"),
        ({"space": {"l2": []}}, "space: l2: [] is not allowed; allowed: a list of 1 to 100 values, or {"),
        ({"space": {"l2": [0.1] * 101}}, "space: l2: [0.1, 0.1"),
        ({"space": {"l2": 0.1}}, "space: l2: 0.1"),
        ({"space": {"l2": [0.1, -1]}}, "space: l2: -1 is not allowed; allowed: a number from 0 to 10."),
        ({"space": {"l2": [float("nan")]}}, "space: l2: nan"),
        ({"space": {"l2": [[0.1]]}}, "space: l2: (0.1,)"),
        ({"space": {"l2": [0.1, 0.1]}}, "space: l2: [0.1, 0.1] is not allowed; allowed: each value once."),
        ({"space": {"hidden": [[16], "wide"]}}, "space: hidden: "),
        ({"space": {"hidden": {"low": 1, "high": 2}}}, "space: hidden: "),
        ({"space": {"conv": [[8]]}}, "space: conv: 8 does not fit"),
        ({"space": {"loss": ["auto", "mse"]}}, "space: loss: it changes the loss itself"),
        ({"space": {"l2": {"low": 0, "high": 11}}}, "space: l2: 11 is not allowed; allowed: a number from 0 to 10."),
        ({"space": {"l2": {"low": 0, "high": float("inf")}}}, "space: l2: inf"),
        ({"space": {"l2": {"low": 0, "high": 10**400}}}, "space: l2: 1000"),
        ({"space": {"l2": {"low": 0}}}, "space: l2: None"),
        ({"space": {"l2": {"low": "0", "high": 1}}}, "space: l2: 0"),
        ({"space": {"l2": {"low": 1, "high": 1}}}, "space: l2: low must be less than high, not 1 and 1."),
        ({"space": {"l2": {"low": 0, "high": 1, "log": True}}}, "space: l2: log True"),
        ({"space": {"l2": {"low": 0.1, "high": 1, "log": "yes"}}}, "space: l2: log yes"),
        ({"space": {"l2": {"low": 0.1, "high": 1, "points": 1}}}, "space: l2: points 1"),
        ({"space": {"l2": {"low": 0.1, "high": 1, "step": 1}}}, "space: l2: step is unknown; allowed: low, high, log"),
        ({"space": {"batch_size": {"low": 1.5, "high": 8}}}, "space: batch_size: 1.5"),
        ({"space": {"dropout": {"low": 0, "high": 1}}}, "space: dropout: 1 is not allowed"),
        (
            {"sampler": "grid", "space": {n: {"low": 0, "high": 1, "points": 50} for n in ("l1", "l2", "clip_norm")}},
            "space: a grid of 125,000 combinations; allowed: at most 10,000.",
        ),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_with_one_sentence(changes, words):
    (sentence,) = refusals(json.dumps({**SMALL, **changes}))
    assert sentence.startswith(words)
    assert "allowed: " in sentence or "less than" in sentence


def test_every_wrong_thing_has_its_own_sentence():
    wrong = {"trials": 0, "sampler": "x", "space": {"l2": [-1], "seed": [1]}, "objective": "test_accuracy"}
    assert len(refusals(json.dumps({**SMALL, **wrong}))) == 5


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", "[" * 100_000, '{"trials": 1, "trials": 2}', '{"space": ' + "9" * 50_000 + "}"]
)
def test_a_text_that_is_no_study_is_refused(text):
    assert len(refusals(text)) == 1


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([*SMALL, "sampler", "objective", "seed", "other"]), json_values | NUMBERS))
def test_any_json_is_a_study_or_is_refused(values):
    try:
        study = Study.with_notes_from_json(json.dumps({**SMALL, **values}))[0]
    except ExperimentError:
        return
    assert Study.with_notes_from_json(json.dumps(study.to_values()))[0] == study


@settings(max_examples=50)
@given(st.data())
def test_any_variation_of_a_field_is_read_or_refused(data):
    name = data.draw(st.sampled_from([*field_values, "other"]))
    number = NUMBERS | field_values.get(name, NUMBERS)
    span = st.fixed_dictionaries({"low": number, "high": number}, optional={"log": st.booleans(), "points": NUMBERS})
    variation = data.draw(span | st.lists(field_values.get(name, NUMBERS) | json_values, max_size=4))
    try:
        study = Study(E, {name: variation})
    except ExperimentError:
        return
    found = study.space[name]
    values = found.grid(False) if isinstance(found, Span) else found
    assert all(study.experiments({name: value}) for value in (values[0], values[-1]))
