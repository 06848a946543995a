"""A tape for values that are only displayed, such as the map of 10,000 points in a frame. Training does not use it."""

from __future__ import annotations

import numpy as np

from engine.tape.tape import Tape


class EvaluationTape(Tape):
    """tanh(z) = 1 - 2 / (1 + e^2z): faster than np.tanh, with an absolute error below 4e-7 everywhere (float32).

    Values near zero lose relative precision, which is invisible in a picture.
    """

    def apply(self, ufunc: np.ufunc, arrays: list[np.ndarray], out: np.ndarray) -> None:
        if ufunc is not np.tanh:
            super().apply(ufunc, arrays, out)
            return
        (z,) = arrays
        one, minus_two = out.dtype.type(1), out.dtype.type(-2)
        add_one = np.add, [out, one]
        steps = (np.add, [z, z]), (np.exp, [out]), add_one, (np.divide, [minus_two, out]), add_one
        for function, values in steps:
            super().apply(function, values, out)
