"""Random experiments that are cheap to train and use every part of the exporters."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SCHEDULES
from engine.formulas.losses import valid_losses, valid_outputs
from lab.experiment.experiment import Experiment

RATES = {"sgd": 0.05, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.05}
FIELDS: dict[str, tuple[Any, ...]] = {  # the value that a field has most often, and others
    "batch_size": (10, 16, 24, 0),
    "batch_norm": (False, True),
    "residual": (False, True),
    "dropout": (0.0, 0.0, 0.0, 0.0, 0.0, 0.2),
    "l1": (0.0, 0.0, 0.003),
    "l2": (0.0, 0.0, 0.01),
    "max_norm": (0.0, 0.0, 1.0),
    "clip_norm": (0.0, 0.0, 0.0, 0.3),
    "clip_value": (0.0, 0.0, 0.0, 0.1),
    "weight_seed": (0, 0, 7),
    "initializer": tuple(name for name in INITIALIZERS if name != "zeros"),
    "dtype": ("float64", "float64", "float64", "float32"),
}


DATASETS = (("circle",), ("spiral3", "iris", "wine", "digits"), ("plane", "diabetes"))
CASES = [  # every loss of every output
    (group, output, loss)
    for group in DATASETS
    for source in (Experiment(dataset=group[0]).source,)
    for output in valid_outputs(source.kind, source.classes)
    for loss in valid_losses(source.kind, output)
]


def random_experiment(seed: int) -> Experiment:
    """One of many: the first len(CASES) have each loss of each output."""
    rng = np.random.default_rng(seed)

    def pick(values: Any) -> Any:
        values = list(values)
        return values[rng.integers(len(values))]

    while True:
        group, output, loss = CASES[seed] if seed < len(CASES) else (pick(DATASETS), "auto", "auto")
        dataset = pick(group)
        source = Experiment(dataset=dataset).source
        hidden = tuple(int(n) for n in rng.integers(2, 6, rng.integers(0, 4)))
        hidden = hidden[:1] * len(hidden) if rng.random() < 0.5 else hidden
        optimizer = pick(OPTIMIZERS)
        values = {name: pick(choices) for name, choices in FIELDS.items()}
        values |= {
            "dataset": dataset, "output": output, "loss": loss, "hidden": hidden,
            "activations": tuple(pick(ACTIVATIONS) for _ in hidden) or "tanh", "optimizer": optimizer, "seed": seed,
            "learning_rate": RATES.get(optimizer, 0.01), "samples": int(rng.integers(40, 62)), "epochs": 2,
            "schedule": pick(("constant", *SCHEDULES)),
        }  # fmt: skip
        if dataset == "digits" and rng.random() < 0.5:
            values["conv"] = (2,)
        if source.classes:
            values |= {"class_weights": pick(("none", "balanced")), "label_smoothing": pick((0.0, 0.0, 0.1))}
        try:
            return Experiment(**values)
        except ValueError:
            continue
