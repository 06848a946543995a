"""Hypothesis strategies for experiments and for what is none."""

from __future__ import annotations

from hypothesis import strategies as st

from data import DATASETS, FEATURES, SCALINGS
from data.sources import hand_drawn
from engine import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, OUTPUTS, SCHEDULES
from lab.experiment.experiment import Experiment, ExperimentError


def numbers(low, high, *, above=False):
    return st.one_of(st.floats(low, high, exclude_min=above), st.just(high))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)

drawn_points = st.tuples(st.floats(-7, 7), st.floats(-7, 7), st.integers(0, 4))
field_values = {
    "dataset": st.sampled_from(list(DATASETS)),
    "noise": numbers(0, 0.5),
    "samples": st.just(0) | st.integers(10, 100_000),
    "label_noise": numbers(0, 0.5),
    "outliers": numbers(0, 0.5),
    "balance": numbers(0.1, 0.9),
    "points": st.just("") | st.lists(drawn_points, min_size=1, max_size=8).map(hand_drawn.pack),
    "own": st.just(""),  # uploads are tried in tests/lab/experiment/test_own_data.py
    "train_share": numbers(0.1, 0.9),
    "scaling": st.sampled_from(list(SCALINGS)),
    "features": st.lists(st.sampled_from(list(FEATURES)), min_size=1, unique=True).map(tuple),
    "formula": st.sampled_from(["", "x1", "sin(x1) * x2^2", "max(x1, 1 / x2)"]),
    "hidden": st.lists(st.integers(1, 64), max_size=8).map(tuple),
    "conv": st.lists(st.integers(1, 64), max_size=2).map(tuple),
    "activations": st.sampled_from(list(ACTIVATIONS))
    | st.lists(st.sampled_from(list(ACTIVATIONS)), max_size=8).map(tuple),
    "output": st.sampled_from(["auto", *OUTPUTS]),
    "loss": st.sampled_from(["auto", *LOSSES]),
    "label_smoothing": numbers(0, 0.5),
    "class_weights": st.sampled_from(["none", "balanced"]),
    "optimizer": st.sampled_from(list(OPTIMIZERS)),
    "learning_rate": numbers(0, 10, above=True),
    "schedule": st.sampled_from(list(SCHEDULES)),
    "schedule_span": numbers(0, 1e6),
    "batch_size": st.integers(0, 100_000),
    "initializer": st.sampled_from(list(INITIALIZERS)),
    "l1": numbers(0, 10),
    "l2": numbers(0, 10),
    "weight_decay": numbers(0, 1),
    "max_norm": numbers(0, 1000),
    "dropout": numbers(0, 0.9),
    "batch_norm": st.booleans(),
    "residual": st.booleans(),
    "clip_norm": numbers(0, 1000),
    "clip_value": numbers(0, 1000),
    "seed": st.integers(0, 999_999),
    "weight_seed": st.integers(0, 999_999),
    "device": st.sampled_from(["cpu", "cuda:0", "cuda:7"]),
    "dtype": st.sampled_from(["float32", "float64"]),
    "epochs": st.integers(0, 1_000_000),
    "target_accuracy": numbers(0, 1),
    "patience": st.integers(0, 100_000),
    "min_delta": numbers(0, 1),
    "monitor": st.sampled_from(["test_loss", "test_score"]),
    "max_seconds": numbers(0, 86_400),
}


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
