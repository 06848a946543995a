"""A manual clock, runs that use it, and a model file."""

from __future__ import annotations

import pytest

from lab.training.run import Run
from tests.lab.helpers import SMALL, saved


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(clock):
    def make(experiment=SMALL, speed="epoch", **changes):
        return Run(experiment.change(**changes), speed, clock)

    return make


@pytest.fixture(scope="session")
def content() -> bytes:
    """A model file of SMALL, trained for three epochs."""
    return saved()
