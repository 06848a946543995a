"""Limits of the size of a network: lists of units, filters and activations."""

from __future__ import annotations

from engine import ACTIVATIONS
from lab.experiment.rules import Allowed, list_of

MAX_LAYERS, MAX_UNITS, MAX_FILTERS, MAX_PARAMETERS = 8, 1024, 64, 2_000_000


def _known_activations(value: str | tuple[str, ...]) -> bool:
    return all(name in ACTIVATIONS for name in ((value,) if isinstance(value, str) else value))


UNIT_LIST = list_of(
    f"at most {MAX_LAYERS} whole numbers from 1 to {MAX_UNITS}, such as 64,32",
    lambda n: 1 <= n <= MAX_UNITS,
    0,
    MAX_LAYERS,
)
FILTER_LIST = list_of(
    f"for pictures, at most 3 whole numbers from 1 to {MAX_FILTERS}, such as 8,16",
    lambda n: 1 <= n <= MAX_FILTERS,
    0,
    3,
)
ACTIVATION_LIST = Allowed(
    "one name, or one for each hidden layer, out of " + ", ".join(ACTIVATIONS), _known_activations
)
