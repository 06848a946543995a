"""The data of an experiment, as its network gets them. Equal pictures are shared by all runs of a process, as long as
one of them needs them: thirty pupils with MNIST hold its 220 MB once."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

import data
from data import Dataset
from lab.experiment.experiment import Experiment, ExperimentError

FIELDS = ("samples", "noise", "train_share", "features", "formula", "label_noise", "outliers", "balance", "points",
          "own", "scaling")  # fmt: skip

_in_use: WeakValueDictionary[Hashable, Dataset] = WeakValueDictionary()


def shared(e: Experiment) -> Hashable:
    """Equal for experiments whose runs share their data; None: they do not."""
    if not e.source.image_shape or e.own:  # a file of one's own may be removed at any moment
        return None
    return e.dataset, e.seed, *(getattr(e, name) for name in FIELDS)


def examples(e: Experiment, data_dir: Path | None = None) -> Dataset:
    """data_dir: where the files of a data set of pictures lie; see data.load. Raises ExperimentError."""
    key = shared(e)
    if key and (found := _in_use.get((key, data_dir))):
        return found
    rng = np.random.default_rng(e.seed).spawn(1)[0]
    try:
        drawn = data.load(e.dataset, rng=rng, data_dir=data_dir, **{name: getattr(e, name) for name in FIELDS})
    except ValueError as problem:
        raise ExperimentError([f"dataset: {problem}"]) from None
    if key:
        _in_use[key, data_dir] = drawn
    return drawn
