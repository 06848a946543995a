"""Hypothesis strategies for experiments and their fields."""

from __future__ import annotations

from hypothesis import strategies as st

from data import DATASETS, FEATURES, SAMPLES
from data.sources import hand_drawn
from engine import ACTIVATIONS
from lab.experiment.experiment import Experiment, ExperimentError
from lab.experiment.fields import DEFAULTS, FIELDS
from lab.experiment.rules import OneOf, Range


def numbers(low, high, *, above=False):
    return st.one_of(st.floats(low, high, exclude_min=above), st.just(high))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)

drawn_points = st.tuples(st.floats(-7, 7), st.floats(-7, 7), st.integers(0, 4))


def values_of(name: str) -> st.SearchStrategy:
    """Values that the rule of a field allows."""
    allowed = FIELDS[name].allowed
    if isinstance(allowed, Range):
        if isinstance(DEFAULTS[name], int):
            return st.integers(int(allowed.low), int(allowed.high))
        return numbers(allowed.low, allowed.high, above=allowed.above)
    return st.sampled_from(allowed.names) if isinstance(allowed, OneOf) else st.booleans()


SPECIAL = {  # fields whose rule is not a range or a list of names
    "dataset": st.sampled_from(list(DATASETS)),
    "samples": st.just(0) | st.integers(*SAMPLES),
    "points": st.just("") | st.lists(drawn_points, min_size=1, max_size=8).map(hand_drawn.pack),
    "own": st.just(""),  # uploads are tested in tests/lab/experiment/test_own_data.py
    "features": st.lists(st.sampled_from(list(FEATURES)), min_size=1, unique=True).map(tuple),
    "formula": st.sampled_from(["", "x1", "sin(x1) * x2^2", "max(x1, 1 / x2)"]),
    "hidden": st.lists(st.integers(1, 64), max_size=8).map(tuple),
    "conv": st.lists(st.integers(1, 64), max_size=2).map(tuple),
    "activations": st.sampled_from(list(ACTIVATIONS))
    | st.lists(st.sampled_from(list(ACTIVATIONS)), max_size=8).map(tuple),
    "device": st.sampled_from(["cpu", "cuda:0", "cuda:7"]),
}
field_values = {name: SPECIAL[name] if name in SPECIAL else values_of(name) for name in FIELDS}


def _built(values: dict) -> Experiment:
    """The valid experiment nearest to these values: fields that do not fit the rest stay at their defaults."""
    names, hidden = values.get("activations"), values.get("hidden", Experiment().hidden)
    if isinstance(names, tuple) and names:
        values["activations"] = (names * len(hidden))[: len(hidden)]
    experiment = Experiment()
    for name in [name for name in field_values if name in values]:
        try:
            experiment = experiment.change(**{name: values[name]})
        except ExperimentError:
            continue
    return experiment


experiments = st.fixed_dictionaries({}, optional=field_values).map(_built)
