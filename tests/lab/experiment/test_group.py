"""A group describes its members, and refuses what is not allowed with a sentence."""

from __future__ import annotations

import pytest

from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.group import MAX_MEMBERS, VARY, Group, fields_to_vary

E = Experiment(seed=5)


def test_the_first_seed_is_that_of_the_experiment_and_the_others_follow():
    members = Group(E, seeds=3).members
    assert [m.experiment.weight_seed for m in members] == [0, 6, 7]
    assert members[0].experiment == E
    assert [m.experiment.seed for m in Group(E, seeds=3, vary="everything").members] == [5, 6, 7]
    other = E.change(weight_seed=9)
    assert [m.experiment.weight_seed for m in Group(other, seeds=2, vary="everything").members] == [9, 10]
    assert Group(E.change(seed=999_999), seeds=2).members[1].experiment.weight_seed == 1


def test_all_values_come_with_the_first_seed_before_the_next_one():
    group = Group(E, "learning_rate", (0.1, 0.3), seeds=2)
    rows = [(m.place, m.experiment.learning_rate, m.experiment.weight_seed) for m in group.members]
    assert rows == [(0, 0.1, 0), (1, 0.3, 0), (0, 0.1, 6), (1, 0.3, 6)]


def test_all_pairs_come_row_by_row_with_the_first_seed_before_the_next_one():
    group = Group(E, "learning_rate", (0.1, 0.3), seeds=2, field2="hidden", values2=((2,), (3,), (4,)))
    rows = [
        (m.place, m.experiment.learning_rate, *m.experiment.hidden, m.experiment.weight_seed) for m in group.members
    ]
    first = [(0, 0.1, 2, 0), (1, 0.3, 2, 0), (2, 0.1, 3, 0), (3, 0.3, 3, 0), (4, 0.1, 4, 0), (5, 0.3, 4, 0)]
    assert rows == first + [(*row[:3], 6) for row in first]
    assert group.fields_at(3) == {"learning_rate": 0.3, "hidden": (3,)}


@pytest.mark.parametrize("experiment", [Experiment(), Experiment(dataset="digits"), Experiment(dataset="plane")])
def test_every_offered_value_of_every_field_is_an_experiment(experiment):
    for field, values in fields_to_vary(experiment).items():
        group = Group(experiment, field, values, seeds=1, epochs=1)
        assert [getattr(m.experiment, field) for m in group.members] == list(values), field


@pytest.mark.parametrize("vary", VARY)
def test_a_group_survives_its_text(vary):
    for group in (Group(E, seeds=5, vary=vary), Group(E, "hidden", ((4,), (8, 8)), 5, vary, 10),
                  Group(E, "l2", (0.0, 0.1), 5, vary, 10, "hidden", ((4,), (8, 8)))):  # fmt: skip
        assert Group.from_json(group.to_json()) == group


def test_folds_set_the_validation_part_of_each_member():
    group = Group(E, seeds=5, vary="folds")
    assert [(m.experiment.validation_share, m.experiment.fold) for m in group.members] == [(0.2, k) for k in range(5)]
    assert {m.experiment.seed for m in group.members} == {5}
    assert group.part == "validation"
    for member in group.members:
        assert Experiment.from_query(member.experiment.to_query()) == (member.experiment, [])


@pytest.mark.parametrize(
    ("field", "figure"), [("l2", "loss"), ("loss", "accuracy"), ("output", "accuracy"), ("label_smoothing", "accuracy")]
)
def test_what_makes_another_loss_is_compared_by_another_figure(field, figure):
    values = fields_to_vary(E)[field]
    assert Group(E, field, values, 1).figure == figure
    assert Group(E, "batch_size", (1, 2), 1, field2=field, values2=values).figure == figure


def test_figures_of_numbers_are_r2():
    e = Experiment(dataset="plane")
    assert Group(e, "loss", fields_to_vary(e)["loss"], 1).figure == "R²"


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": "seed", "values": (1,)}, {"field": "device", "values": ("cuda:0",)}, {"field": "l2"},
        {"seeds": 0}, {"seeds": MAX_MEMBERS + 1}, {"epochs": 0}, {"epochs": 10_000}, {"vary": "luck"},
        {"field": "l2", "values": (-1.0,)}, {"field2": "l2", "values2": (0.0,)},
        {"field": "l2", "values": (0.0,), "field2": "l2", "values2": (0.0,)},
        {"field": "l2", "values": (0.0,), "field2": "l1"},
        {"seeds": 4, "vary": "folds"}, {"seeds": 5, "vary": "folds", "field": "validation_share", "values": (0.1,)},
        {"field": "batch_size", "values": (1, 2), "field2": "batch_norm", "values2": (True,), "seeds": 1},
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_with_a_sentence(wrong):
    with pytest.raises(ExperimentError, match=r"\w+: .*\."):
        Group(E, **wrong)


def test_more_work_than_a_visitor_may_have_is_refused():
    large = Experiment(dataset="digits", hidden=(256, 256))
    assert Group(large, seeds=1, epochs=10).seconds < Group(large, seeds=2, epochs=10).seconds
    with pytest.raises(ExperimentError, match="takes about"):
        Group(large, seeds=300, epochs=400)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"experiment": "{}"}', '{"experiment": 3, "values": 4}'])
def test_a_text_that_is_no_group_is_refused(text):
    with pytest.raises(ExperimentError, match="not a group of runs"):
        Group.from_json(text)
